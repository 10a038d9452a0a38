//! Nothing names a place on somebody's machine.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "machine-paths",
    about: "no absolute paths of one machine",
    check,
};

/// Each in two halves, so that this file passes its own rule.
const PLACES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts() {
        for (number, line) in (1..).zip(text.lines()) {
            for place in PLACES.iter().filter(|place| begins_a_path(line, place)) {
                findings.error(format!("{path}:{number}"), format!("names a path under {place}"));
            }
        }
    }
}

/// Whether `place` stands at the beginning of a path, and is no part of a longer one or of a URL.
fn begins_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '~' | '}'))
    })
}
