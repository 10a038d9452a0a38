//! Every rule fails on a repository that breaks it, and only that rule does.

use xtask::checkout::Checkout;
use xtask::graph::{Dependency, Graph, Member, Outside};
use xtask::tidy::{self, RULES};

const POLICY: &str = r#"
[graph]
targets = []
[licenses]
allow = ["MIT"]
exceptions = [{ crate = "roots", allow = ["CDLA-Permissive-2.0"] }]
[bans]
deny = [{ crate = "openssl-sys", reason = "one TLS stack" }]
skip = [{ crate = "syn@2", reason = "on its way out" }]
[sources]
allow-registry = ["https://registry.example/index"]
"#;

const ROOT: &str = r#"
[workspace.lints.rust]
unsafe_code = "forbid"
[workspace.dependencies]
syn = "3"
"#;

const MANIFEST: &str = r#"
[package]
name = "ringback-core"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
repository.workspace = true
publish.workspace = true
[lints]
workspace = true
[dependencies]
syn.workspace = true
"#;

const ARCHITECTURE: &str =
    "# Map\n\n## Dependencies\n\n| Crate | Why |\n| --- | --- |\n| `syn` | It parses. |\n";

const README: &str = "# ringback\n\n[Map](ARCHITECTURE.md#dependencies)\n\n```sh\n# Look.\n./check\n\
                      cargo xtask tidy\ncargo run --release -- dev --json\n```\n";

const RECORD: &str = "# 1. Why\n\n## Context\n\n## Decision\n\n## Consequences\n\n## Alternatives rejected\n";

/// A small repository that keeps every rule.
fn clean() -> (Vec<(&'static str, &'static str)>, Graph) {
    let files = vec![
        ("ARCHITECTURE.md", ARCHITECTURE),
        ("Cargo.toml", ROOT),
        ("README.md", README),
        ("README.zh-CN.md", README),
        ("check", "#!/bin/sh\n"),
        ("crates/core/Cargo.toml", MANIFEST),
        ("crates/core/src/lib.rs", "//! The engine.\n\nuse syn::Item;\n"),
        (
            "crates/ringback/src/main.rs",
            "//! Commands.\n\nenum Command { Dev { json: bool } }\n",
        ),
        ("deny.toml", POLICY),
        ("docs/decisions/0001-why.md", RECORD),
    ];
    let graph = Graph {
        members: vec![Member {
            name: "ringback-core".into(),
            folder: "crates/core".into(),
            dependencies: vec![dependency("syn", false)],
        }],
        outside: vec![outside("syn", "3.0.1"), outside("syn", "2.0.9")],
    };
    (files, graph)
}

fn dependency(name: &str, local: bool) -> Dependency {
    Dependency {
        name: name.into(),
        local,
    }
}

fn outside(name: &str, version: &str) -> Outside {
    Outside {
        name: name.into(),
        version: version.into(),
        licence: Some("MIT".into()),
        source: Some("registry+https://registry.example/index".into()),
    }
}

fn found(files: &[(&str, &str)], graph: Graph) -> Vec<String> {
    tidy::check(&Checkout::of(files, graph)).lines().to_vec()
}

/// The clean repository with one file more, or another one in its place, breaks one rule once.
#[track_caller]
fn check_file(path: &str, text: &str, finding: &str) {
    let (mut files, graph): (Vec<(&str, &str)>, _) = clean();
    files.retain(|(other, _)| *other != path);
    files.push((path, text));
    assert_eq!(found(&files, graph), [finding], "{path}");
}

/// The clean repository with another graph breaks one rule once.
#[track_caller]
fn check_graph(change: impl FnOnce(&mut Graph), finding: &str) {
    let (files, mut graph) = clean();
    change(&mut graph);
    assert_eq!(found(&files, graph), [finding]);
}

#[test]
fn a_clean_repository_has_no_findings() {
    let (files, graph) = clean();
    assert_eq!(found(&files, graph), [""; 0]);
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn arrows() {
    check_arrow(
        "ringback-contract",
        "ringback-core",
        "`ringback-contract` must not depend on `ringback-core`",
    );
    check_arrow(
        "ringback-sim",
        "ringback-server",
        "`ringback-sim` must not depend on `ringback-server`",
    );
    check_arrow(
        "ringback-extra",
        "ringback-core",
        "`ringback-extra` is not on the map; give it a place in tidy/arrows.rs and ARCHITECTURE.md",
    );
    check_arrow("ringback-store", "ringback-core", "");
}

/// A member that uses another one; no finding where `message` is empty.
#[track_caller]
fn check_arrow(from: &str, to: &str, message: &str) {
    let (mut files, mut graph) = clean();
    graph.members.push(Member {
        name: from.into(),
        folder: "crates/new".into(),
        dependencies: vec![dependency(to, true)],
    });
    let source = format!("//! New.\n\nuse {}::Thing;\n", to.replace('-', "_"));
    files.push(("crates/new/src/lib.rs", &source));
    let expected = format!("error[arrows] crates/new/Cargo.toml: {message}");
    let expected = if message.is_empty() {
        vec![]
    } else {
        vec![expected]
    };
    assert_eq!(found(&files, graph), expected);
}

#[test]
fn manifests() {
    check_file(
        "Cargo.toml",
        "[workspace.lints.rust]\nunsafe_code = \"deny\"\n[workspace.dependencies]\nsyn = \"3\"\n",
        "error[manifests] Cargo.toml: workspace.lints.rust.unsafe_code must be \"forbid\"",
    );
    for (right, wrong, finding) in [
        (
            "[lints]\nworkspace = true\n",
            "",
            "`lints.workspace = true` is missing",
        ),
        (
            "license.workspace = true",
            "license = \"MIT\"",
            "`license.workspace = true` is missing",
        ),
        (
            "syn.workspace = true",
            "syn = \"3\"",
            "`syn` must come from [workspace.dependencies], so that there is one version of it",
        ),
    ] {
        let broken = MANIFEST.replace(right, wrong);
        check_file(
            "crates/core/Cargo.toml",
            &broken,
            &format!("error[manifests] crates/core/Cargo.toml: {finding}"),
        );
    }
}

#[test]
fn dependencies() {
    check_file(
        "ARCHITECTURE.md",
        "## Dependencies\n",
        "error[dependencies] ARCHITECTURE.md: `syn` is not in the table under \"Dependencies\"",
    );
    check_file(
        "ARCHITECTURE.md",
        &format!("{ARCHITECTURE}| `old` | It was. |\n"),
        "error[dependencies] ARCHITECTURE.md:8: no crate of the workspace depends on `old`",
    );
    check_file(
        "crates/core/src/lib.rs",
        "//! The engine uses syn.\n",
        "error[dependencies] crates/core/Cargo.toml: `syn` is asked for and not used",
    );
    check_file(
        "Cargo.toml",
        &format!("{ROOT}old = \"1\"\n"),
        "error[dependencies] Cargo.toml: no crate asks for `old` of [workspace.dependencies]",
    );
}

#[test]
fn licences() {
    for (licence, finding) in [
        (None, "names no licence"),
        (
            Some("GPL-3.0-only"),
            "deny.toml does not allow the licence `GPL-3.0-only`",
        ),
        (Some("(MIT"), "cannot read the licence `(MIT`"),
        // Allowed for another package only.
        (
            Some("CDLA-Permissive-2.0"),
            "deny.toml does not allow the licence `CDLA-Permissive-2.0`",
        ),
    ] {
        check_graph(
            |graph| graph.outside[0].licence = licence.map(str::to_owned),
            &format!("error[licences] syn 3.0.1: {finding}"),
        );
    }
}

#[test]
fn an_exception_is_for_its_package() {
    let (files, mut graph) = clean();
    graph.outside.push(Outside {
        licence: Some("CDLA-Permissive-2.0".into()),
        ..outside("roots", "1.0.0")
    });
    assert_eq!(found(&files, graph), [""; 0]);
}

#[test]
fn sources() {
    for (source, from) in [
        (None, "a path outside the workspace"),
        (
            Some("git+https://registry.example/index"),
            "git+https://registry.example/index",
        ),
        (
            Some("registry+https://other.example/index"),
            "registry+https://other.example/index",
        ),
    ] {
        check_graph(
            |graph| graph.outside[0].source = source.map(str::to_owned),
            &format!("error[sources] syn 3.0.1: comes from {from}, which deny.toml does not allow"),
        );
    }
}

#[test]
fn bans() {
    check_graph(
        |graph| graph.outside.push(outside("openssl-sys", "0.9.0")),
        "error[bans] openssl-sys: deny.toml bans it: one TLS stack",
    );
    check_graph(
        |graph| graph.outside.push(outside("syn", "20.0.0")),
        "error[bans] syn: is built in the versions 3.0.1, 20.0.0; align them, or list one in deny.toml with the \
         reason",
    );
    check_graph(
        |graph| drop(graph.outside.pop()),
        "error[bans] deny.toml: skips `syn@2`, which nothing needs any more",
    );
}

#[test]
fn a_policy_that_cannot_be_read_is_told_by_each_rule_that_needs_it() {
    let (mut files, graph) = clean();
    files.retain(|(path, _)| *path != "deny.toml");
    let missing = ["licences", "sources", "bans"].map(|rule| format!("error[{rule}] deny.toml: is missing"));
    assert_eq!(found(&files, graph), missing);
}

#[test]
fn whitespace() {
    for (text, finding) in [
        ("\tx\n", "a.md:1: has a tab"),
        ("x\ny \n", "a.md:2: ends in white space"),
        ("x\r\n", "a.md:1: ends in white space"),
        ("x", "a.md: does not end in exactly one newline"),
        ("x\n\n", "a.md: does not end in exactly one newline"),
    ] {
        check_file("a.md", text, &format!("error[whitespace] {finding}"));
    }
}

#[test]
fn go_is_indented_by_tabs() {
    let (mut files, graph) = clean();
    files.push(("receiver.go", "func main() {\n\tgo work()\n}\n"));
    assert_eq!(found(&files, graph), [""; 0]);
    check_file(
        "receiver.go",
        "a\tb\n",
        "error[whitespace] receiver.go:1: has a tab",
    );
}

#[test]
fn data_keeps_its_white_space() {
    let (mut files, graph) = clean();
    files.push(("crates/contract/samples/call.json", "{\t}"));
    assert_eq!(found(&files, graph), [""; 0]);
}

#[test]
fn length() {
    let lines = |count: usize| format!("//! A.\n{}", "fn a() {}\n".repeat(count - 1));
    let (mut files, graph) = clean();
    let longest_without_a_word = lines(500);
    files.push(("a.rs", &longest_without_a_word));
    assert_eq!(found(&files, graph), [""; 0]);
    check_file(
        "a.rs",
        &lines(600),
        "warning[length] a.rs: has 600 lines: is it one thing?",
    );
    check_file(
        "a.rs",
        &lines(601),
        "error[length] a.rs: has 601 lines, over 600: split it",
    );
}

/// The needles stand here in two halves, since this file keeps the rules too.
#[test]
fn leftovers() {
    for (path, text, needle) in [
        (
            "a.rs",
            concat!("//! A.\nfn a() { to", "do!() }\n"),
            concat!("to", "do!("),
        ),
        (
            "a.rs",
            concat!("//! A.\nfn a() { db", "g!(1) }\n"),
            concat!("db", "g!("),
        ),
        ("a.rs", concat!("//! A.\n// FIX", "ME\n"), concat!("FIX", "ME")),
        ("a.sql", concat!("\n-- TO", "DO\n"), concat!("TO", "DO")),
    ] {
        check_file(
            path,
            text,
            &format!("error[leftovers] {path}:2: `{needle}` is left over"),
        );
    }
}

#[test]
fn module_docs() {
    for text in ["fn main() {}\n", "// A.\n", "//!\n"] {
        check_file(
            "a.rs",
            text,
            "error[module-docs] a.rs: does not begin with a `//!` comment that says what the module owns",
        );
    }
}

#[test]
fn machine_paths() {
    for (text, place) in [
        (concat!("See `/ro", "ot/a`.\n"), concat!("/ro", "ot/")),
        (concat!("/ho", "me/a\n"), concat!("/ho", "me/")),
    ] {
        check_file(
            "a.txt",
            text,
            &format!("error[machine-paths] a.txt:1: names a path under {place}"),
        );
    }
    let (mut files, graph) = clean();
    files.push(("a.txt", concat!("https://example.org/ho", "me/a\n")));
    assert_eq!(found(&files, graph), [""; 0]);
}

#[test]
fn links() {
    for (link, finding) in [
        ("docs/none.md", "the link `docs/none.md` leads nowhere"),
        ("../outside.md", "the link `../outside.md` leads nowhere"),
        (
            "ARCHITECTURE.md#old",
            "`ARCHITECTURE.md` has no heading for `#old`",
        ),
        ("#old", "`a.md` has no heading for `#old`"),
    ] {
        check_file(
            "a.md",
            &format!("[x]({link})\n"),
            &format!("error[links] a.md:1: {finding}"),
        );
    }
    let (mut files, graph) = clean();
    files.push((
        "docs/a.md",
        "# One thing\n[x](../ARCHITECTURE.md#dependencies) [y](decisions/) [z](#one-thing) [w](https://example.org)\n",
    ));
    assert_eq!(found(&files, graph), [""; 0]);
}

#[test]
fn readme_commands() {
    for (command, finding) in [
        ("./check.sh", "there is no `./check.sh`"),
        (
            "curl --json @crates/none.json x",
            "there is no `crates/none.json`",
        ),
        ("cargo xtask none", "`cargo xtask` knows no `none`"),
        ("cargo run --release -- none", "`ringback` knows no `none`"),
        ("A=1 ringback none", "`ringback` knows no `none`"),
        (
            "true | ./target/release/ringback none",
            "`ringback` knows no `none`",
        ),
        (
            "ringback dev --none=1",
            "no command of `ringback` has an option `--none`",
        ),
        (
            "ringback dev \\\n  --none",
            "no command of `ringback` has an option `--none`",
        ),
    ] {
        check_file(
            "a.md",
            &format!("```sh\n{command}\n```\n"),
            &format!("error[readme-commands] a.md:2: {finding}"),
        );
    }
}

#[test]
fn readme_pair() {
    for (right, wrong, finding) in [
        (
            "# ringback",
            "## ringback",
            "README.zh-CN.md: has headings of the levels [2], README.md has [1]",
        ),
        (
            "cargo xtask tidy",
            "cargo xtask tidy --list",
            "README.zh-CN.md:5: the code differs from that at README.md:5",
        ),
        (
            "```sh",
            "```text\n```\n```sh",
            "README.zh-CN.md: has 2 code blocks, README.md has 1",
        ),
    ] {
        let broken = README.replace(right, wrong);
        let (mut files, graph): (Vec<(&str, &str)>, _) = clean();
        files.retain(|(path, _)| *path != "README.zh-CN.md");
        files.push(("README.zh-CN.md", &broken));
        let found = found(&files, graph);
        assert_eq!(found[0], format!("error[readme-pair] {finding}"));
    }
    let translated = README.replace("# Look.", "# 看。");
    let (mut files, graph): (Vec<(&str, &str)>, _) = clean();
    files.push(("README.zh-CN.md", &translated));
    assert_eq!(found(&files, graph), [""; 0]);
    check_file(
        "docs/a.zh-CN.md",
        "# 甲\n",
        "error[readme-pair] docs/a.zh-CN.md: there is no `docs/a.md`",
    );
    let page = ("docs/a.md", "```py\nkey = 1  # the first\n```\n");
    for (chinese, findings) in [
        ("```py\nkey = 1  # 第一个\n```\n", &[][..]),
        (
            "```py\nkey = 2  # 第一个\n```\n",
            &["error[readme-pair] docs/a.zh-CN.md:1: the code differs from that at docs/a.md:1"],
        ),
    ] {
        let (mut files, graph): (Vec<(&str, &str)>, _) = clean();
        files.extend([page, ("docs/a.zh-CN.md", chinese)]);
        assert_eq!(found(&files, graph), findings);
    }
}

#[test]
fn decisions() {
    check_file(
        "docs/decisions/0003-gap.md",
        RECORD,
        "error[decisions] docs/decisions/0003-gap.md: should begin with 0002-",
    );
    check_file(
        "docs/decisions/0001-why.md",
        "# Why\n\n## Context\n",
        "error[decisions] docs/decisions/0001-why.md: has the parts [\"Context\"]; a record has [\"Context\", \
         \"Decision\", \"Consequences\", \"Alternatives rejected\"]",
    );
}
