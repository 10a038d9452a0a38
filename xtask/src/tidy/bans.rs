//! One version of each package, save those that `deny.toml` lists with a reason, and none of those that it bans.

use std::collections::BTreeMap;

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::graph::Outside;
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "bans",
    about: "one version of each package, and none that deny.toml bans",
    check,
};

fn check(checkout: &Checkout, findings: &mut Findings) {
    let policy = match Policy::of(checkout) {
        Ok(policy) => policy,
        Err(error) => return findings.error("deny.toml", error),
    };
    let outside = &checkout.graph().outside;
    for (name, reason) in &policy.banned {
        if outside.iter().any(|package| package.name == *name) {
            findings.error(name, format!("deny.toml bans it: {reason}"));
        }
    }
    for (name, version) in &policy.skipped {
        if !outside.iter().any(|package| matches(package, name, version)) {
            findings.error(
                "deny.toml",
                format!("skips `{name}@{version}`, which nothing needs any more"),
            );
        }
    }
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in outside {
        let skipped = policy
            .skipped
            .iter()
            .any(|(name, version)| matches(package, name, version));
        if !skipped {
            versions.entry(&package.name).or_default().push(&package.version);
        }
    }
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        findings.error(
            name,
            format!(
                "is built in the versions {}; align them, or list one in deny.toml with the reason",
                versions.join(", ")
            ),
        );
    }
}

/// Whether the package is `name`, with a version that begins with the parts of `version`.
fn matches(package: &Outside, name: &str, version: &str) -> bool {
    let behind = package.version.strip_prefix(version);
    package.name == name && behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
}
