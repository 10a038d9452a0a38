//! What the log says about callbacks that cannot be handed on: the first failure of each, and that one was given up –
//! but, where many fail, one line for all of them in a while. A line has the callback's number on the page and the
//! reason, and nothing of the callback itself.

use std::mem;
use std::sync::{Mutex, PoisonError};

use ringback_core::limits;

use super::outlet::OutletName;

/// What a failed attempt means for a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is the first one: the callback is handed on again.
    First,
    /// It was the last one.
    GivenUp,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) failure: Failure,
    /// The number of the last callback that it is about.
    pub(super) number: i64,
    /// How many callbacks it is about.
    pub(super) callbacks: u64,
    /// Why the last of them failed.
    pub(super) why: String,
}

/// The failures of one outlet that were said, and those that wait for the next line.
#[derive(Debug, Default)]
pub(super) struct Failures {
    first: Mutex<Waiting>,
    given_up: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Before that nothing is said.
    until_ms: i64,
    callbacks: u64,
    last: Option<(i64, String)>,
}

impl Failures {
    /// Notes what a failed attempt means for these callbacks.
    pub(super) fn note(&self, failed: &[(i64, Failure)], why: &str) {
        for (number, failure) in failed {
            let mut waiting = self
                .waiting(*failure)
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            waiting.callbacks += 1;
            waiting.last = Some((*number, why.to_owned()));
        }
    }

    /// What is to be said at `now_ms`.
    pub(super) fn due(&self, now_ms: i64) -> Vec<Line> {
        [Failure::First, Failure::GivenUp]
            .into_iter()
            .filter_map(|failure| {
                let mut waiting = self
                    .waiting(failure)
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if now_ms < waiting.until_ms {
                    return None;
                }
                let (number, why) = waiting.last.take()?;
                waiting.until_ms = now_ms.saturating_add(limits::INBOX_WARN_MS);
                Some(Line {
                    failure,
                    number,
                    callbacks: mem::take(&mut waiting.callbacks),
                    why,
                })
            })
            .collect()
    }

    const fn waiting(&self, failure: Failure) -> &Mutex<Waiting> {
        match failure {
            Failure::First => &self.first,
            Failure::GivenUp => &self.given_up,
        }
    }
}

impl Line {
    /// Writes it to the log.
    pub(super) fn log(&self, outlet: OutletName) {
        let Self {
            number,
            callbacks,
            why,
            ..
        } = self;
        let outlet = outlet.name();
        match self.failure {
            Failure::First => tracing::warn!(
                outlet,
                number,
                callbacks,
                why,
                "callbacks could not be handed on; they are tried again"
            ),
            Failure::GivenUp => tracing::warn!(
                outlet,
                number,
                callbacks,
                why,
                "callbacks were given up; the page lists them, and hands them on again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_are_one_line_in_a_while() {
        use Failure::{First, GivenUp};
        type Case<'a> = (
            i64,
            &'a [(i64, Failure)],
            &'a str,
            &'a [(Failure, i64, u64, &'a str)],
        );
        let failures = Failures::default();
        let later = limits::INBOX_WARN_MS;
        let cases: &[Case<'_>] = &[
            (0, &[], "", &[]),
            (0, &[(1, First)], "status 500", &[(First, 1, 1, "status 500")]),
            (1, &[(2, First), (3, First)], "status 500", &[]),
            // The end of one is not held up by the beginnings of others.
            (2, &[(1, GivenUp)], "status 503", &[(GivenUp, 1, 1, "status 503")]),
            (later - 1, &[(4, First)], "status 502", &[]),
            (later, &[], "", &[(First, 4, 3, "status 502")]),
            (later * 3, &[], "", &[]),
        ];
        for (now_ms, failed, why, expected) in cases {
            failures.note(failed, why);
            let lines = failures.due(*now_ms);
            let said: Vec<_> = lines
                .iter()
                .map(|line| (line.failure, line.number, line.callbacks, &line.why[..]))
                .collect();
            assert_eq!(said, *expected, "at {now_ms}");
        }
    }
}
