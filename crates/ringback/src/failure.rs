//! Why a command ends without success: what it says on stderr, one line per mistake, and its exit code.

use std::fmt::Display;
use std::io;

/// The end of a command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code: 1 failed, 2 wrong use or configuration, 3 findings.
    pub(crate) code: u8,
    /// What went wrong, one line each.
    pub(crate) lines: Vec<String>,
}

impl Failure {
    /// The command was called correctly and could not do its work.
    pub(crate) fn failed(why: impl Display) -> Self {
        Self {
            code: 1,
            lines: vec![one_line(&why.to_string())],
        }
    }

    /// As [`Failure::failed`], with the causes of the error behind it.
    pub(crate) fn caused(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self::failed(text)
    }

    /// Says one thing more.
    pub(crate) fn add(&mut self, why: impl Display) {
        self.lines.push(one_line(&why.to_string()));
    }

    /// Arguments or settings are wrong, each for a reason of its own.
    pub(crate) fn usage(mistakes: impl IntoIterator<Item: Display>) -> Self {
        let lines = mistakes
            .into_iter()
            .map(|mistake| one_line(&mistake.to_string()))
            .collect();
        Self { code: 2, lines }
    }

    /// A signal ended it before it was done; shells count such ends from 128.
    pub(crate) const fn signalled(number: u8) -> Self {
        Self {
            code: 128 + number,
            lines: Vec::new(),
        }
    }

    /// The command's answer is no, and everything there is to say has been printed.
    pub(crate) const fn no() -> Self {
        Self {
            code: 1,
            lines: Vec::new(),
        }
    }

    /// The command looked for mistakes of somebody else's and has found and printed some. A code of its own, so that a
    /// script can tell them from a command that could not do its work.
    pub(crate) const fn findings() -> Self {
        Self {
            code: 3,
            lines: Vec::new(),
        }
    }

    /// Output could not be written. Whoever closed the pipe has read enough: that is no failure, and nothing to say.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self {
                code: 0,
                lines: Vec::new(),
            }
        } else {
            Self::failed(format_args!("the output cannot be written: {error}"))
        }
    }
}

/// A message on one line, whatever was put into it: words of a service or a peer must not steer the terminal either.
fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace(char::is_control, "\u{fffd}")
}
