//! The dashboard and the alert rules in `deploy` ask for nothing that `/metrics` does not show.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it set it up"
)]

use std::path::{Path, PathBuf};

use ringback_server::api;
use ringback_server::telemetry::Metrics;
use serde_json::Value;

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(file)
}

/// The series that exist from the start: name, and labels as they are written.
fn series() -> Vec<(String, String)> {
    let text = Metrics::new(api::ROUTES).encode();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let series = line.rsplit_once(' ').unwrap().0;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            (name.to_owned(), labels.trim_end_matches('}').to_owned())
        })
        .collect()
}

/// Every selector of a PromQL expression that is about ringback: the name, and what stands in its braces.
fn selectors(expression: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find("ringback_") {
        rest = &rest[at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let labels = match after.strip_prefix('{') {
            Some(inside) => inside.split_once('}').unwrap().0,
            None => "",
        };
        found.push((name.to_owned(), labels.to_owned()));
        rest = after;
    }
    found
}

/// What is wrong with an expression.
fn problems(expression: &str) -> Vec<String> {
    let series = series();
    let mut problems = Vec::new();
    for (name, labels) in selectors(expression) {
        let of_name: Vec<&String> = series
            .iter()
            .filter(|(known, _)| *known == name)
            .map(|(_, labels)| labels)
            .collect();
        if of_name.is_empty() {
            problems.push(format!("{name} does not exist"));
        }
        for matcher in labels.split(',').filter(|matcher| !matcher.is_empty()) {
            let (label, values) = matcher.split_once('=').unwrap();
            let values = values.trim_start_matches('~').trim_matches('"');
            let label = label.trim_end_matches('!');
            for value in values.split('|') {
                let wanted = format!("{label}=\"{value}\"");
                if !of_name.iter().any(|labels| labels.contains(&wanted)) {
                    problems.push(format!("{name} has no {wanted}"));
                }
            }
        }
        // What it is grouped by.
        for grouping in expression.split("by (").skip(1) {
            let label = grouping.split_once(')').unwrap().0;
            // Prometheus itself adds these.
            if !["instance", "job"].contains(&label)
                && !of_name
                    .iter()
                    .any(|labels| labels.contains(&format!("{label}=\"")))
            {
                problems.push(format!("{name} has no label {label}"));
            }
        }
    }
    problems
}

#[track_caller]
fn check(expressions: &[String], least: usize) {
    assert!(expressions.len() >= least, "{}", expressions.len());
    for expression in expressions {
        assert!(
            expression.starts_with("up{") || !selectors(expression).is_empty(),
            "{expression}"
        );
        assert_eq!(problems(expression), Vec::<String>::new(), "{expression}");
    }
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let text = std::fs::read_to_string(deploy("grafana/ringback.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let expressions: Vec<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    check(&expressions, panels.len());
}

#[test]
fn the_rules_ask_for_what_there_is() {
    let text = std::fs::read_to_string(deploy("prometheus/ringback.rules.yml")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut expressions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(expression) = line.trim().strip_prefix("expr: ") else {
            continue;
        };
        expressions.push(match expression {
            // Folded: the lines that are indented further.
            ">-" => lines[at + 1..]
                .iter()
                .take_while(|line| line.starts_with("          "))
                .map(|line| line.trim())
                .collect::<Vec<_>>()
                .join(" "),
            _ => expression.to_owned(),
        });
    }
    let rules = lines.iter().filter(|line| line.trim().starts_with("- alert: "));
    assert_eq!(expressions.len(), rules.count());
    check(&expressions, 10);
}

#[test]
fn a_wrong_name_label_or_value_is_found() {
    for (expression, problem) in [
        (
            "rate(ringback_sent_total[5m])",
            "ringback_sent_total does not exist",
        ),
        (
            "ringback_sends_total{result=\"refused\"}",
            "ringback_sends_total has no result=\"refused\"",
        ),
        (
            "ringback_sends_total{outcome=~\"refused|lost\"}",
            "ringback_sends_total has no outcome=\"lost\"",
        ),
        (
            "sum by (kind) (ringback_sends_total)",
            "ringback_sends_total has no label kind",
        ),
    ] {
        assert_eq!(problems(expression), [problem]);
    }
}
