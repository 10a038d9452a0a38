//! Links between the documents lead somewhere: to a file or folder of the repository, and to a heading that is there.
//! Links to the outside are not followed; `./check` needs no network.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::markdown;

pub(super) const RULE: Rule = Rule {
    name: "links",
    about: "links between documents lead to files and headings that exist",
    check,
};

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts_ending(&[".md"]) {
        for link in markdown::parse(text).links {
            if link.target.contains("://") || link.target.starts_with("mailto:") {
                continue;
            }
            let place = format!("{path}:{}", link.line);
            let (file, heading) = link.target.split_once('#').unwrap_or((link.target, ""));
            let target = if file.is_empty() {
                Some(path.to_owned())
            } else {
                resolve(path, file)
            };
            let Some(target) = target.filter(|target| checkout.has(target)) else {
                findings.error(place, format!("the link `{}` leads nowhere", link.target));
                continue;
            };
            if !heading.is_empty() && !has_heading(checkout, &target, heading) {
                findings.error(place, format!("`{target}` has no heading for `#{heading}`"));
            }
        }
    }
}

/// A path relative to the folder of `from`; `None` where it leaves the repository.
fn resolve(from: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn has_heading(checkout: &Checkout, path: &str, wanted: &str) -> bool {
    let headings = markdown::parse(checkout.text(path).unwrap_or_default()).headings;
    headings
        .iter()
        .any(|heading| markdown::anchor(heading.text) == wanted)
}
