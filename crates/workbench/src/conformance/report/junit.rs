//! The report as JUnit XML, for continuous integration: a suite per group, a case per check.
//!
//! The form is the one that Jenkins publishes a schema of (junit-10.xsd of its xUnit plugin), with nothing that others do
//! not know. Findings are failures. Warnings pass, with their words in `system-out`. What was not judged or does not apply is skipped.

use std::fmt::Write as _;

use ringback_server::api::Language;

use super::super::check::Group;
use super::{Judged, Report, Standing};

/// The whole document.
#[must_use]
pub fn junit(report: &Report, language: Language) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let seconds = seconds(report.took_ms);
    let findings = report.counts.findings;
    let count = report.checks.len();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<testsuites name=\"ringback conformance\" tests=\"{count}\" failures=\"{findings}\" errors=\"0\" time=\"{seconds}\">"
    );
    for group in Group::ALL {
        let of_group: Vec<&Judged> = report
            .checks
            .iter()
            .filter(|check| check.group == group)
            .collect();
        if of_group.is_empty() {
            continue;
        }
        let name = escaped(group.title().in_language(language));
        let at = escaped(
            report
                .started_at
                .trim_end_matches('Z')
                .split('.')
                .next()
                .unwrap_or_default(),
        );
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" {} time=\"0\" timestamp=\"{at}\" hostname=\"{}\">",
            numbers(&of_group),
            escaped(host(&report.url)),
        );
        for judged in of_group {
            case(&mut out, judged, language);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn numbers(checks: &[&Judged]) -> String {
    let count = |wanted: &[Standing]| {
        checks
            .iter()
            .filter(|check| wanted.contains(&check.standing))
            .count()
    };
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"",
        checks.len(),
        count(&[Standing::Finding]),
        count(&[Standing::NotJudged, Standing::NotApplicable])
    )
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

fn case(out: &mut String, judged: &Judged, language: Language) {
    let observed: Vec<&str> = judged
        .observed
        .iter()
        .map(|said| said.in_language(language).trim_end())
        .collect();
    let observed = observed.join("\n");
    let title = judged.title.in_language(language);
    let words = |text: Option<super::super::Text>| text.map_or("", |text| text.in_language(language));
    let told = format!("{observed}\n\n{}\n\n{}", words(judged.risk), words(judged.remedy));
    let inside = match judged.standing {
        Standing::Finding => format!(
            "<failure message=\"{}\" type=\"finding\">{}</failure>",
            escaped(title),
            escaped(&told)
        ),
        Standing::Warning => format!(
            "<system-out>{}</system-out>",
            escaped(&format!("{title}\n{told}"))
        ),
        Standing::Passed if observed.is_empty() => String::new(),
        Standing::Passed => format!("<system-out>{}</system-out>", escaped(&observed)),
        Standing::NotJudged | Standing::NotApplicable => {
            format!("<skipped message=\"{}\"/>", escaped(&observed))
        }
    };
    let _ = writeln!(
        out,
        "    <testcase name=\"{}\" classname=\"conformance\" time=\"0\">{inside}</testcase>",
        escaped(judged.id)
    );
}

/// Text for an element or an attribute in double quotes. Characters that XML 1.0 cannot have are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
