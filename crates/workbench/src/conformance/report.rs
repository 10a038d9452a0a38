//! The report of a run: how each check stands, as data. Its forms for people and for machines are beneath.

use std::collections::BTreeSet;

use ringback_contract::ack::AckRule;
use ringback_core::endpoint::Profile;
use serde::Serialize;

use super::check::{Check, Group, Weight};
use super::judge::{Evidence, Verdict};
use super::words::{Said, Text};
use crate::receiver::rfc3339_text;

pub(super) mod html;
pub(super) mod junit;
pub(super) mod text;
mod verdict;

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Something would go wrong in production.
    Finding,
    /// It works, and is worth knowing.
    Warning,
    /// As it should be.
    Passed,
    /// It could not be judged, because of another finding.
    NotJudged,
    /// It does not apply to this run.
    NotApplicable,
}

impl Standing {
    /// Every standing, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Finding,
        Self::Warning,
        Self::Passed,
        Self::NotJudged,
        Self::NotApplicable,
    ];

    /// Its name for people, of one check.
    #[must_use]
    pub const fn of_one(self) -> Text {
        match self {
            Self::Finding => Text {
                en: "finding",
                zh: "问题",
            },
            Self::Warning => Text {
                en: "warning",
                zh: "警告",
            },
            Self::Passed | Self::NotJudged | Self::NotApplicable => self.title(),
        }
    }

    /// Its name for people, of several checks.
    #[must_use]
    pub const fn title(self) -> Text {
        match self {
            Self::Finding => Text {
                en: "findings",
                zh: "问题",
            },
            Self::Warning => Text {
                en: "warnings",
                zh: "警告",
            },
            Self::Passed => Text {
                en: "passed",
                zh: "通过",
            },
            Self::NotJudged => Text {
                en: "not judged",
                zh: "未判定",
            },
            Self::NotApplicable => Text {
                en: "not applicable",
                zh: "不适用",
            },
        }
    }
}

/// Why a check was not run.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    NotApplicable(Said),
    NotJudged(Said),
}

/// One check and how it stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// The check's name.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// What was tried.
    pub title: Text,
    /// How it stands.
    pub standing: Standing,
    /// What was seen: of a finding each thing that was wrong, else a figure or the reason.
    pub observed: Vec<Said>,
    /// What would go wrong in production; of findings and warnings.
    pub risk: Option<Text>,
    /// How to mend it; of findings and warnings.
    pub remedy: Option<Text>,
}

/// How many checks stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Findings.
    pub findings: usize,
    /// Warnings.
    pub warnings: usize,
    /// Passed.
    pub passed: usize,
    /// Not judged, because of another finding.
    pub not_judged: usize,
    /// Not applicable.
    pub not_applicable: usize,
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The receiver.
    pub url: String,
    /// When the run began, RFC 3339.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The shape of the bodies.
    pub profile: Profile,
    /// The rule that answers were judged by.
    pub ack_rule: AckRule,
    /// How many requests were sent.
    pub sends: usize,
    /// How many checks stand how.
    pub counts: Counts,
    /// Every check of the run.
    pub checks: Vec<Judged>,
}

impl Report {
    /// Judges what was seen. `outcomes` has each check with its place in the evidence, or why it was not run.
    pub(crate) fn new(
        evidence: &Evidence<'_>,
        outcomes: Vec<(&'static Check, Result<usize, Outcome>)>,
        started_wall_ms: i64,
        took_ms: i64,
    ) -> Self {
        let mut failed: BTreeSet<&'static str> = BTreeSet::new();
        let checks: Vec<Judged> = outcomes
            .into_iter()
            .map(|(check, outcome)| {
                let judged = judged(check, outcome, evidence, &failed);
                if matches!(judged.standing, Standing::Finding | Standing::NotJudged) {
                    failed.insert(check.id);
                }
                judged
            })
            .collect();
        let sends = evidence
            .all
            .iter()
            .map(|ran| ran.sends.len() + ran.burst.as_ref().map_or(0, |burst| burst.durations_ms.len()))
            .sum();
        Self {
            url: evidence.options.url.clone(),
            started_at: rfc3339_text(started_wall_ms),
            took_ms,
            profile: evidence.options.profile,
            ack_rule: evidence.options.ack_rule,
            sends,
            counts: Counts::of(&checks),
            checks,
        }
    }

    /// Those that stand so.
    pub fn standing(&self, standing: Standing) -> impl Iterator<Item = &Judged> {
        self.checks.iter().filter(move |check| check.standing == standing)
    }
}

impl Counts {
    fn of(checks: &[Judged]) -> Self {
        let count = |standing| checks.iter().filter(|check| check.standing == standing).count();
        Self {
            findings: count(Standing::Finding),
            warnings: count(Standing::Warning),
            passed: count(Standing::Passed),
            not_judged: count(Standing::NotJudged),
            not_applicable: count(Standing::NotApplicable),
        }
    }

    /// How many stand so.
    #[must_use]
    pub const fn get(&self, standing: Standing) -> usize {
        match standing {
            Standing::Finding => self.findings,
            Standing::Warning => self.warnings,
            Standing::Passed => self.passed,
            Standing::NotJudged => self.not_judged,
            Standing::NotApplicable => self.not_applicable,
        }
    }
}

fn judged(
    check: &'static Check,
    outcome: Result<usize, Outcome>,
    evidence: &Evidence<'_>,
    failed: &BTreeSet<&'static str>,
) -> Judged {
    let blamed = |id: &str| {
        let why = Said::new(format!("because of {id}"), format!("因 {id}"));
        (Standing::NotJudged, vec![why])
    };
    let (standing, observed) = match outcome {
        Err(Outcome::NotApplicable(why)) => (Standing::NotApplicable, vec![why]),
        Err(Outcome::NotJudged(why)) => (Standing::NotJudged, vec![why]),
        Ok(place) => match check.after.iter().find(|id| failed.contains(*id)) {
            Some(earlier) => blamed(earlier),
            None => match (check.judge)(&evidence.all[place], evidence) {
                Verdict::Passed(figure) => (Standing::Passed, figure.into_iter().collect()),
                Verdict::Violated(problems) => match check.weight {
                    Weight::Finding => (Standing::Finding, problems),
                    Weight::Warning => (Standing::Warning, problems),
                },
                Verdict::Bad(problems) => (Standing::Finding, problems),
                Verdict::Odd(problems) => (Standing::Warning, problems),
                Verdict::Blamed(other) => blamed(other),
                Verdict::Unknown(why) => (Standing::NotJudged, vec![why]),
            },
        },
    };
    let is_told = matches!(standing, Standing::Finding | Standing::Warning);
    Judged {
        id: check.id,
        group: check.group,
        title: check.title,
        standing,
        observed,
        risk: is_told.then_some(check.risk),
        remedy: is_told.then_some(check.remedy),
    }
}
