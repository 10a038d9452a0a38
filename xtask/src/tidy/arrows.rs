//! Crates depend on each other in one direction only: contract ← core ← store ← server ← workbench ← ringback.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "arrows",
    about: "crates of the workspace depend on each other in one direction only",
    check,
};

/// Each crate with those that it may depend on, for its tests too. A crate that is not listed here breaks the rule: a
/// new one has to buy something that a module cannot, and gets its place on the map.
const MAP: &[(&str, &[&str])] = &[
    ("ringback-contract", &[]),
    ("ringback-core", &["ringback-contract"]),
    ("ringback-store", &["ringback-contract", "ringback-core"]),
    (
        "ringback-server",
        &["ringback-contract", "ringback-core", "ringback-store"],
    ),
    (
        "ringback-workbench",
        &[
            "ringback-contract",
            "ringback-core",
            "ringback-store",
            "ringback-server",
        ],
    ),
    (
        "ringback",
        &[
            "ringback-contract",
            "ringback-core",
            "ringback-store",
            "ringback-server",
            "ringback-workbench",
        ],
    ),
    (
        "ringback-sim",
        &["ringback-contract", "ringback-core", "ringback-store"],
    ),
    ("ringback-receiver-example", &["ringback-contract"]),
    ("xtask", &[]),
];

fn check(checkout: &Checkout, findings: &mut Findings) {
    for member in &checkout.graph().members {
        let manifest = format!("{}/Cargo.toml", member.folder);
        let Some((_, allowed)) = MAP.iter().find(|(name, _)| *name == member.name) else {
            findings.error(
                manifest,
                format!(
                    "`{}` is not on the map; give it a place in tidy/arrows.rs and ARCHITECTURE.md",
                    member.name
                ),
            );
            continue;
        };
        for dependency in member.dependencies.iter().filter(|dependency| dependency.local) {
            if !allowed.contains(&dependency.name.as_str()) {
                findings.error(
                    &manifest,
                    format!("`{}` must not depend on `{}`", member.name, dependency.name),
                );
            }
        }
    }
}
