//! The report as one HTML file, with nothing to fetch: for a browser, a ticket, an e-mail.

use std::fmt::Write as _;

use ringback_core::endpoint::Profile;
use ringback_server::api::Language;

use super::super::check::Group;
use super::super::words::Text;
use super::junit::escaped as escaped_xml;
use super::text::{count_of, summary};
use super::verdict::verdict;
use super::{Judged, Report, Standing};

const STYLE: &str = include_str!("style.css");

const TITLE: Text = Text {
    en: "Conformance of a callback receiver",
    zh: "回调接收方验收报告",
};
const OBSERVED: Text = Text {
    en: "What was seen",
    zh: "观察到",
};
const RISK: Text = Text {
    en: "In production",
    zh: "上线后会怎样",
};
const REMEDY: Text = Text {
    en: "To mend it",
    zh: "如何修复",
};
const REST: Text = Text {
    en: "All checks",
    zh: "全部检查项",
};

/// The whole page.
#[must_use]
pub fn html(report: &Report, language: Language) -> String {
    let say = |text: Text| text.in_language(language);
    let tag = match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · {url}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"url\">{url}</p>\n<p class=\"when\">{at} · {profile} · {rule}</p>\n",
        title = say(TITLE),
        url = escaped(&report.url),
        at = escaped(&report.started_at),
        profile = match report.profile {
            Profile::V1 => "v1",
            Profile::V2 => "v2",
        },
        rule = report.ack_rule.name(),
    );
    counts(&mut out, report, language);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<p class=\"when\">{}</p>\n</header>",
        escaped(&summary(report, language))
    );
    if let Some(verdict) = verdict(report, language) {
        let _ = writeln!(out, "<p class=\"clean\">{}</p>", escaped(&verdict));
    }
    for standing in [Standing::Finding, Standing::Warning] {
        section(&mut out, report, standing, language);
    }
    table(&mut out, report, language);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

const fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Finding => "finding",
        Standing::Warning => "warning",
        Standing::Passed => "passed",
        Standing::NotJudged | Standing::NotApplicable => "quiet",
    }
}

fn counts(out: &mut String, report: &Report, language: Language) {
    out.push_str("<ul class=\"counts\">\n");
    for standing in Standing::ALL {
        let count = report.counts.get(standing);
        let class = if count == 0 { "quiet" } else { class(standing) };
        let title = count_of(standing, count).in_language(language);
        let _ = writeln!(out, "<li class=\"{class}\"><b>{count}</b> {title}</li>");
    }
    out.push_str("</ul>\n");
}

fn section(out: &mut String, report: &Report, standing: Standing, language: Language) {
    if report.counts.get(standing) == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "<section>\n<h2>{}</h2>",
        capital(standing.title().in_language(language))
    );
    for judged in report.standing(standing) {
        article(out, judged, language);
    }
    out.push_str("</section>\n");
}

fn article(out: &mut String, judged: &Judged, language: Language) {
    let say = |text: Text| text.in_language(language);
    let _ = writeln!(
        out,
        "<article class=\"{}\" id=\"{id}\">\n<h3>{} <code>{id}</code></h3>\n<dl>\n<dt>{}</dt>\n<dd><ul>",
        class(judged.standing),
        escaped(&capital(say(judged.title))),
        say(OBSERVED),
        id = judged.id,
    );
    for said in &judged.observed {
        let _ = writeln!(out, "<li>{}</li>", escaped(said.in_language(language)));
    }
    out.push_str("</ul></dd>\n");
    for (name, text) in [(RISK, judged.risk), (REMEDY, judged.remedy)] {
        if let Some(text) = text {
            let _ = writeln!(out, "<dt>{}</dt>\n<dd>{}</dd>", say(name), escaped(say(text)));
        }
    }
    out.push_str("</dl>\n</article>\n");
}

fn table(out: &mut String, report: &Report, language: Language) {
    let _ = writeln!(out, "<section>\n<h2>{}</h2>\n<table>", REST.in_language(language));
    for group in Group::ALL {
        let of_group: Vec<&Judged> = report
            .checks
            .iter()
            .filter(|check| check.group == group)
            .collect();
        if of_group.is_empty() {
            continue;
        }
        let title = group.title().in_language(language);
        let _ = writeln!(
            out,
            "<tbody>\n<tr><th colspan=\"3\" scope=\"rowgroup\">{title}</th></tr>"
        );
        for judged in of_group {
            row(out, judged, language);
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table>\n</section>\n");
}

fn row(out: &mut String, judged: &Judged, language: Language) {
    let is_told = judged.risk.is_some();
    let name = if is_told {
        format!("<a href=\"#{id}\"><code>{id}</code></a>", id = judged.id)
    } else {
        format!("<code>{}</code>", judged.id)
    };
    let why = match judged.observed.first() {
        Some(said) if !is_told => format!(" <small>{}</small>", escaped(said.in_language(language))),
        _ => String::new(),
    };
    let _ = writeln!(
        out,
        "<tr><td class=\"{}\">{}</td><td>{name}</td><td>{}{why}</td></tr>",
        class(judged.standing),
        judged.standing.of_one().in_language(language),
        escaped(judged.title.in_language(language)),
    );
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(characters).collect()
}

fn escaped(text: &str) -> String {
    escaped_xml(text.trim())
}
