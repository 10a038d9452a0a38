//! Commands that the documents show exist: scripts and files that they name, chores of `cargo xtask`, and
//! subcommands and options of `ringback`, which are looked up in the sources. What the commands do is for the tests of
//! the binary; this rule catches a page that a rename has left behind.

use super::{Findings, Rule};
use crate::checkout::Checkout;
use crate::{cli, markdown};

pub(super) const RULE: Rule = Rule {
    name: "readme-commands",
    about: "commands, options and files in the documents' shell blocks exist",
    check,
};

const SHELLS: &[&str] = &["sh", "bash", "console"];
const FOLDERS: &[&str] = &["crates/", "docs/", "xtask/", ".ci/", "./check"];
/// Where clap's definitions of `ringback` are.
const COMMANDS: &[&str] = &[
    "crates/ringback/src/",
    "crates/workbench/src/",
    "crates/server/src/",
];
/// Options that clap adds itself.
const BUILT_IN: &[&str] = &["--help", "--version"];

fn check(checkout: &Checkout, findings: &mut Findings) {
    for (path, text) in checkout.texts_ending(&[".md"]) {
        for block in markdown::parse(text).blocks {
            if !SHELLS.contains(&block.language) {
                continue;
            }
            for (line, command) in commands(&block.lines, block.line + 1) {
                if let Err(problem) = exists(checkout, &command) {
                    findings.error(format!("{path}:{line}"), problem);
                }
            }
        }
    }
}

/// The commands of a block, as words, each with its first line. A backslash continues a line; pipes and lists are
/// several commands.
fn commands<'a>(lines: &[&'a str], first: usize) -> Vec<(usize, Vec<&'a str>)> {
    let mut commands = Vec::new();
    let mut words = Vec::new();
    let mut started = first;
    for (number, line) in (first..).zip(lines) {
        let line = line.trim_start().trim_start_matches("$ ");
        if line.starts_with('#') {
            continue;
        }
        if words.is_empty() {
            started = number;
        }
        let (line, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        for word in line.split_whitespace() {
            if matches!(word, "|" | "||" | "&&" | "&" | ";") {
                commands.push((started, std::mem::take(&mut words)));
            } else {
                words.push(word.trim_matches(['"', '\'']).trim_start_matches('@'));
            }
        }
        if !goes_on {
            commands.push((started, std::mem::take(&mut words)));
        }
    }
    commands.push((started, words));
    commands.retain(|(_, words)| !words.is_empty());
    commands
}

fn exists(checkout: &Checkout, words: &[&str]) -> Result<(), String> {
    for word in words
        .iter()
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
    {
        if !checkout.has(word.trim_start_matches("./")) {
            return Err(format!("there is no `{word}`"));
        }
    }
    let settings = words.iter().take_while(|word| word.contains('=')).count();
    match &words[settings..] {
        [cargo, xtask, chore, ..] if *cargo == "cargo" && *xtask == "xtask" => {
            let known = cli::chores().iter().any(|known| known == chore);
            known
                .then_some(())
                .ok_or_else(|| format!("`cargo xtask` knows no `{chore}`"))
        }
        [cargo, run, rest @ ..] if *cargo == "cargo" && *run == "run" => {
            let arguments = rest
                .iter()
                .position(|word| *word == "--")
                .map_or(&rest[..0], |at| &rest[at + 1..]);
            is_ringback(checkout, arguments)
        }
        [program, arguments @ ..] if program.rsplit('/').next() == Some("ringback") => {
            is_ringback(checkout, arguments)
        }
        _ => Ok(()),
    }
}

fn is_ringback(checkout: &Checkout, arguments: &[&str]) -> Result<(), String> {
    if let Some(command) = arguments.first().filter(|word| !word.starts_with('-'))
        && !defines(checkout, &COMMANDS[..1], &[variant(command)])
    {
        return Err(format!("`ringback` knows no `{command}`"));
    }
    for option in arguments
        .iter()
        .filter(|word| word.starts_with("--") && !BUILT_IN.contains(*word))
    {
        let name = option
            .split('=')
            .next()
            .unwrap_or_default()
            .trim_start_matches('-');
        if !defines(
            checkout,
            COMMANDS,
            &[name.replace('-', "_"), format!("\"{name}\"")],
        ) {
            return Err(format!("no command of `ringback` has an option `--{name}`"));
        }
    }
    Ok(())
}

/// Whether one of the names stands in a source file of these folders as a word.
fn defines(checkout: &Checkout, folders: &[&str], names: &[String]) -> bool {
    checkout
        .texts_ending(&[".rs"])
        .filter(|(path, _)| folders.iter().any(|folder| path.starts_with(folder)))
        .any(|(_, text)| names.iter().any(|name| has_word(text, name)))
}

fn has_word(text: &str, word: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(part_of_a_name) && !text[at + word.len()..].starts_with(part_of_a_name)
    })
}

/// The variant that clap derives a subcommand's name from: `check-config` from `CheckConfig`.
fn variant(command: &str) -> String {
    command
        .split('-')
        .flat_map(|part| {
            let (first, rest) = part.split_at(part.len().min(1));
            [first.to_uppercase(), rest.to_owned()]
        })
        .collect()
}
