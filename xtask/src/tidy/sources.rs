//! Everything from outside comes from a registry that `deny.toml` names: no git revisions, no stray paths.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "sources",
    about: "every package comes from a registry that deny.toml names",
    check,
};

fn check(checkout: &Checkout, findings: &mut Findings) {
    let policy = match Policy::of(checkout) {
        Ok(policy) => policy,
        Err(error) => return findings.error("deny.toml", error),
    };
    for package in &checkout.graph().outside {
        let registry = package.source.as_deref().and_then(|source| {
            source
                .strip_prefix("registry+")
                .or(source.strip_prefix("sparse+"))
        });
        if !registry.is_some_and(|registry| policy.registries.iter().any(|allowed| allowed == registry)) {
            let from = package
                .source
                .as_deref()
                .unwrap_or("a path outside the workspace");
            findings.error(
                format!("{} {}", package.name, package.version),
                format!("comes from {from}, which deny.toml does not allow"),
            );
        }
    }
}
