//! Decision records are numbered without gaps and have the same four parts, so that nobody has to guess why.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::markdown;

pub(super) const RULE: Rule = Rule {
    name: "decisions",
    about: "decision records are numbered without gaps and have the same parts",
    check,
};

const FOLDER: &str = "docs/decisions/";
const PARTS: &[&str] = &["Context", "Decision", "Consequences", "Alternatives rejected"];

fn check(checkout: &Checkout, findings: &mut Findings) {
    let records = checkout
        .texts_ending(&[".md"])
        .filter_map(|(path, text)| Some((path, path.strip_prefix(FOLDER)?, text)));
    for (number, (path, name, text)) in (1..).zip(records) {
        let expected = format!("{number:04}-");
        if !name.starts_with(&expected) {
            findings.error(path, format!("should begin with {expected}"));
        }
        let headings = markdown::parse(text).headings;
        let parts: Vec<_> = headings
            .iter()
            .filter(|heading| heading.level == 2)
            .map(|heading| heading.text)
            .collect();
        if parts != PARTS {
            findings.error(path, format!("has the parts {parts:?}; a record has {PARTS:?}"));
        }
    }
}
