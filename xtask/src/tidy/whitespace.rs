//! No tabs, no blanks at the end of a line, a newline at the end of each file. Data that stands as others publish it
//! (`samples/`, `golden/`) is left alone, since its bytes are what is tested; Go is indented by `gofmt`, which takes tabs.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "whitespace",
    about: "no tabs, no trailing blanks, one newline at the end of each file",
    check,
};

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts().filter(|(path, _)| !is_data(path)) {
        for (number, line) in (1..).zip(text.split('\n')) {
            if has_tab(path, line) {
                findings.error(format!("{path}:{number}"), "has a tab");
            }
            if line.ends_with([' ', '\t', '\r']) {
                findings.error(format!("{path}:{number}"), "ends in white space");
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            findings.error(path, "does not end in exactly one newline");
        }
    }
}

fn has_tab(path: &str, line: &str) -> bool {
    let line = if path.ends_with(".go") {
        line.trim_start_matches('\t')
    } else {
        line
    };
    line.contains('\t')
}

fn is_data(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "samples" | "golden"))
}
