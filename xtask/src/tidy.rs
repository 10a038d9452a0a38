//! The repository's own rules, one module each. `cargo xtask tidy` runs them, and so does a test, so that they hold
//! wherever the tests run.

use std::fmt;

use crate::checkout::Checkout;

mod arrows;
mod bans;
mod decisions;
mod dependencies;
mod leftovers;
mod length;
mod licences;
mod links;
mod machine_paths;
mod manifests;
mod module_docs;
mod readme_commands;
mod readme_pair;
mod sources;
mod whitespace;

/// A rule.
pub struct Rule {
    /// The name printed with each finding.
    pub name: &'static str,
    /// What it asks for, in a line.
    pub about: &'static str,
    check: fn(&Checkout, &mut Findings),
}

/// Every rule, in the order in which they are reported.
pub const RULES: &[Rule] = &[
    arrows::RULE,
    manifests::RULE,
    dependencies::RULE,
    licences::RULE,
    sources::RULE,
    bans::RULE,
    whitespace::RULE,
    length::RULE,
    leftovers::RULE,
    module_docs::RULE,
    machine_paths::RULE,
    links::RULE,
    readme_commands::RULE,
    readme_pair::RULE,
    decisions::RULE,
];

/// What one rule has found so far.
#[derive(Default)]
struct Findings(Vec<(Severity, String, String)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

impl Findings {
    /// The repository breaks the rule at `place`: a path, perhaps with a line.
    fn error(&mut self, place: impl fmt::Display, message: impl fmt::Display) {
        self.add(Severity::Error, &place, &message);
    }

    /// Worth a look; does not fail the run.
    fn warning(&mut self, place: impl fmt::Display, message: impl fmt::Display) {
        self.add(Severity::Warning, &place, &message);
    }

    fn add(&mut self, severity: Severity, place: &dyn fmt::Display, message: &dyn fmt::Display) {
        self.0.push((severity, place.to_string(), message.to_string()));
    }
}

/// What a run over a checkout has found.
pub struct Report {
    lines: Vec<String>,
    errors: usize,
}

impl Report {
    /// Whether no rule is broken. Warnings do not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors == 0
    }

    /// One line per finding: `error[rule] place: message` or `warning[rule] place: message`.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        writeln!(
            f,
            "tidy: {} rules, {} errors, {} warnings",
            RULES.len(),
            self.errors,
            self.lines.len() - self.errors
        )
    }
}

/// Runs every rule.
#[must_use]
pub fn check(checkout: &Checkout) -> Report {
    let mut report = Report {
        lines: Vec::new(),
        errors: 0,
    };
    for rule in RULES {
        let mut findings = Findings::default();
        (rule.check)(checkout, &mut findings);
        for (severity, place, message) in findings.0 {
            let word = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            report.errors += usize::from(severity == Severity::Error);
            report
                .lines
                .push(format!("{word}[{}] {place}: {message}", rule.name));
        }
    }
    report
}
