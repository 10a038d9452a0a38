//! The report in the terminal: short, the worst first.

use std::fmt::Write as _;

use ringback_server::api::Language;

use super::super::check::Group;
use super::super::words::Text;
use super::verdict::verdict;
use super::{Judged, Report, Standing};
use crate::pretty::harmless;

const RISK: Text = Text {
    en: "in production",
    zh: "上线后",
};
const REMEDY: Text = Text {
    en: "to mend it",
    zh: "如何修复",
};

/// The report in some lines, the last with its line end.
#[must_use]
pub fn terminal(report: &Report, language: Language) -> String {
    let mut out = String::new();
    for standing in [Standing::Finding, Standing::Warning] {
        for judged in report.standing(standing) {
            told(&mut out, judged, language);
        }
    }
    for standing in [Standing::Passed, Standing::NotJudged, Standing::NotApplicable] {
        listed(&mut out, report, standing, language);
    }
    // Writing to a String cannot fail.
    if let Some(verdict) = verdict(report, language) {
        let _ = writeln!(out, "{verdict}");
    }
    let _ = writeln!(out, "{}", summary(report, language));
    harmless(&out)
}

/// A finding or a warning, with all there is to say.
fn told(out: &mut String, judged: &Judged, language: Language) {
    let heading = judged.standing.of_one().in_language(language);
    let heading = match judged.standing {
        Standing::Finding => heading.to_uppercase(),
        _ => heading.to_owned(),
    };
    let title = judged.title.in_language(language);
    let _ = writeln!(out, "{heading} {}: {title}", judged.id);
    for said in &judged.observed {
        let _ = writeln!(out, "  - {}", said.in_language(language).trim_end());
    }
    for (name, text) in [(RISK, judged.risk), (REMEDY, judged.remedy)] {
        if let Some(text) = text {
            let colon = if language == Language::Chinese {
                "："
            } else {
                ": "
            };
            let _ = writeln!(
                out,
                "  {}{colon}{}",
                name.in_language(language),
                text.in_language(language)
            );
        }
    }
    out.push('\n');
}

/// The names of those that stand so, a line for each group or reason.
fn listed(out: &mut String, report: &Report, standing: Standing, language: Language) {
    if report.counts.get(standing) == 0 {
        return;
    }
    let _ = writeln!(out, "{}", standing.title().in_language(language));
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for judged in report.standing(standing) {
        let heading = match standing {
            Standing::Passed => judged.group.title().in_language(language).to_owned(),
            _ => judged
                .observed
                .first()
                .map_or_else(String::new, |why| why.in_language(language).to_owned()),
        };
        match lines.iter_mut().find(|(there, _)| *there == heading) {
            Some((_, names)) => names.push(judged.id),
            None => lines.push((heading, vec![judged.id])),
        }
    }
    for (heading, names) in lines {
        let _ = writeln!(out, "  {heading}: {}", names.join(", "));
    }
    if standing == Standing::Passed {
        for judged in report.standing(standing) {
            for said in &judged.observed {
                let _ = writeln!(out, "  {}: {}", judged.id, said.in_language(language));
            }
        }
    }
    out.push('\n');
}

/// The name of a standing beside a count.
pub(super) const fn count_of(standing: Standing, count: usize) -> Text {
    if count == 1 {
        standing.of_one()
    } else {
        standing.title()
    }
}

/// How many stand how, in a line.
pub(super) fn summary(report: &Report, language: Language) -> String {
    let seconds = report.took_ms / 1000;
    let counts: Vec<String> = Standing::ALL
        .into_iter()
        .map(|standing| {
            let count = report.counts.get(standing);
            let title = count_of(standing, count).in_language(language);
            match language {
                Language::English => format!("{count} {title}"),
                Language::Chinese => format!("{title} {count}"),
            }
        })
        .collect();
    match language {
        Language::English => format!("{} ({} requests in {seconds} s)", counts.join(", "), report.sends),
        Language::Chinese => format!("{}（{} 个请求，{seconds} 秒）", counts.join("，"), report.sends),
    }
}

/// Every check with its title, a line each.
#[must_use]
pub fn titles(language: Language) -> Vec<[String; 3]> {
    super::super::catalogue::all()
        .map(|check| {
            let group: Group = check.group;
            [
                check.id.to_owned(),
                group.title().in_language(language).to_owned(),
                check.title.in_language(language).to_owned(),
            ]
        })
        .collect()
}
