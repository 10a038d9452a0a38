//! The command line: help, mistakes, what goes to stdout and what to stderr, exit codes, signals.

mod alerts;
mod bench;
mod conformance;
mod dev;
mod manage;
mod offline;
mod robot;
mod serve;
mod token;
mod trigger;

use std::process::Output;

/// The exit code and both outputs of a command that has ended.
pub(crate) fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the output is UTF-8");
    (
        output.status.code().expect("no signal ended it"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Checks that a command was refused: nothing on stdout, and on stderr one line for each part of `mistakes`, in which
/// that part stands.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, code: i32, mistakes: &[&str]) {
    let (found, stdout, stderr) = outcome(output);
    assert_eq!((found, stdout.as_str()), (code, ""), "{stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), mistakes.len(), "{stderr}");
    for (line, mistake) in lines.iter().zip(mistakes) {
        assert!(
            line.starts_with("ringback: ") && line.contains(mistake),
            "{line} does not say {mistake}"
        );
    }
}
