//! Each outside dependency is explained in ARCHITECTURE.md, and each dependency that a manifest asks for is used.

use std::collections::BTreeSet;

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::graph::Member;
use crate::markdown;

pub(super) const RULE: Rule = Rule {
    name: "dependencies",
    about: "each direct dependency is used, and explained in ARCHITECTURE.md's table under \"Dependencies\"",
    check,
};

const PAGE: &str = "ARCHITECTURE.md";
const SECTION: &str = "Dependencies";

fn check(checkout: &Checkout, findings: &mut Findings) {
    let members = &checkout.graph().members;
    explained(checkout, members, findings);
    for member in members {
        used(checkout, member, findings);
    }
    in_use_somewhere(checkout, members, findings);
}

fn explained(checkout: &Checkout, members: &[Member], findings: &mut Findings) {
    let document = markdown::parse(checkout.text(PAGE).unwrap_or_default());
    let mut explained = BTreeSet::new();
    for row in document.rows.iter().filter(|row| row.section == SECTION) {
        for name in markdown::code_spans(row.first) {
            explained.insert(name);
            if !asked_for(members, name) {
                findings.error(
                    format!("{PAGE}:{}", row.line),
                    format!("no crate of the workspace depends on `{name}`"),
                );
            }
        }
    }
    let outside: BTreeSet<_> = members
        .iter()
        .flat_map(|member| &member.dependencies)
        .filter(|dependency| !dependency.local)
        .map(|dependency| dependency.name.as_str())
        .collect();
    for name in outside.difference(&explained) {
        findings.error(PAGE, format!("`{name}` is not in the table under \"{SECTION}\""));
    }
}

/// A dependency counts as used where its name is followed by `::` in a source file, or imported as a whole.
fn used(checkout: &Checkout, member: &Member, findings: &mut Findings) {
    let folder = format!("{}/", member.folder);
    let sources: Vec<_> = checkout
        .texts_ending(&[".rs"])
        .filter(|(path, _)| path.starts_with(&folder))
        .map(|(_, text)| text)
        .collect();
    for dependency in &member.dependencies {
        let name = dependency.name.replace('-', "_");
        let uses = [
            format!("{name}::"),
            format!("use {name};"),
            format!("use {name} as "),
        ];
        if !sources
            .iter()
            .any(|text| uses.iter().any(|needle| text.contains(needle)))
        {
            findings.error(
                format!("{folder}Cargo.toml"),
                format!("`{}` is asked for and not used", dependency.name),
            );
        }
    }
}

fn in_use_somewhere(checkout: &Checkout, members: &[Member], findings: &mut Findings) {
    let root: Option<toml::Table> = checkout.text("Cargo.toml").and_then(|text| text.parse().ok());
    let shared = root
        .as_ref()
        .and_then(|root| root.get("workspace")?.get("dependencies")?.as_table());
    for name in shared.into_iter().flatten().map(|(name, _)| name) {
        if !asked_for(members, name) {
            findings.error(
                "Cargo.toml",
                format!("no crate asks for `{name}` of [workspace.dependencies]"),
            );
        }
    }
}

fn asked_for(members: &[Member], name: &str) -> bool {
    let mut dependencies = members.iter().flat_map(|member| &member.dependencies);
    dependencies.any(|dependency| dependency.name == name)
}
