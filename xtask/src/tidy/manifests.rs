//! Every crate takes its lints, licence, edition and the versions of its dependencies from the workspace, and the
//! workspace forbids `unsafe`. Only the simulator may have lints of its own: it replaces the allocator and the clock.

use super::{Findings, Rule};
use crate::checkout::Checkout;

pub(super) const RULE: Rule = Rule {
    name: "manifests",
    about: "crates inherit the workspace's lints, package fields and dependency versions; unsafe is forbidden",
    check,
};

const OWN_LINTS: &str = "ringback-sim";
const INHERITED: &[&str] = &[
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
    "publish",
];
const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

fn check(checkout: &Checkout, findings: &mut Findings) {
    if let Some(root) = manifest(checkout, "Cargo.toml", findings) {
        let unsafe_code = root
            .get("workspace")
            .and_then(|workspace| workspace.get("lints")?.get("rust")?.get("unsafe_code")?.as_str());
        if unsafe_code != Some("forbid") {
            findings.error(
                "Cargo.toml",
                "workspace.lints.rust.unsafe_code must be \"forbid\"",
            );
        }
    }
    for member in &checkout.graph().members {
        let path = format!("{}/Cargo.toml", member.folder);
        let Some(manifest) = manifest(checkout, &path, findings) else {
            continue;
        };
        if member.name != OWN_LINTS && !inherits(manifest.get("lints")) {
            findings.error(&path, "`lints.workspace = true` is missing");
        }
        for field in INHERITED {
            if !inherits(manifest.get("package").and_then(|package| package.get(field))) {
                findings.error(&path, format!("`{field}.workspace = true` is missing"));
            }
        }
        let sections = SECTIONS
            .iter()
            .filter_map(|section| manifest.get(*section)?.as_table());
        for (name, _) in sections.flatten().filter(|(_, value)| !inherits(Some(value))) {
            findings.error(
                &path,
                format!(
                    "`{name}` must come from [workspace.dependencies], so that there is one version of it"
                ),
            );
        }
    }
}

fn manifest(checkout: &Checkout, path: &str, findings: &mut Findings) -> Option<toml::Table> {
    let parsed = checkout.text(path)?.parse();
    parsed
        .map_err(|error| findings.error(path, format!("is not valid TOML: {error}")))
        .ok()
}

fn inherits(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")?.as_bool()) == Some(true)
}
