//! Nothing half done lands: no placeholder macros, no debugging output, no notes to oneself. What is left to do is an
//! issue.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "leftovers",
    about: "no placeholders, debugging macros or notes to oneself in code",
    check,
};

/// Each in two halves, so that this file passes its own rule.
const NEEDLES: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

const CODE: &[&str] = &[
    ".rs", ".toml", ".sh", ".sql", ".html", ".css", ".js", ".yml", ".yaml", "check", ".ci/run",
];

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts_ending(CODE) {
        for (number, line) in (1..).zip(text.lines()) {
            for needle in NEEDLES.iter().filter(|needle| line.contains(**needle)) {
                findings.error(format!("{path}:{number}"), format!("`{needle}` is left over"));
            }
        }
    }
}
