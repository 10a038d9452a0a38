//! A Rust file is one thing: over 500 lines it is worth asking which, over 600 it has to be split.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "length",
    about: "Rust files have at most 600 lines; over 500 a warning",
    check,
};

const LIMIT: usize = 600;
const WORTH_A_LOOK: usize = 500;

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts_ending(&[".rs"]) {
        let lines = text.lines().count();
        if lines > LIMIT {
            findings.error(path, format!("has {lines} lines, over {LIMIT}: split it"));
        } else if lines > WORTH_A_LOOK {
            findings.warning(path, format!("has {lines} lines: is it one thing?"));
        }
    }
}
