//! Each Rust file begins by saying what it owns and promises.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "module-docs",
    about: "each Rust file begins with a `//!` comment",
    check,
};

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts_ending(&[".rs"]) {
        let said = text.strip_prefix("//!").and_then(|rest| rest.lines().next());
        if said.is_none_or(|said| said.trim().is_empty()) {
            findings.error(
                path,
                "does not begin with a `//!` comment that says what the module owns",
            );
        }
    }
}
