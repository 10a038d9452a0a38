//! Helpers for the tests of intake; the tests are by subject.

mod correction;
mod current;
mod digest;
mod disagreements;
mod fields;
mod golden;
mod pinned;
pub(crate) mod properties;
mod refused;
mod required;
mod stamp;

use jiff::tz::TimeZone;

use super::*;
use crate::date_time::DateTimeForm;

static UTC: TimeZone = TimeZone::UTC;

/// A stamp whose moment of acceptance is `Thu, 24 Jan 2019 07:28:09 GMT`.
pub(crate) fn stamp(form: DateTimeForm) -> Stamp<'static> {
    Stamp {
        accepted_ms: 1_548_314_889_000,
        zone: &UTC,
        form,
        signing: None,
    }
}

fn render(intake: &Intake) -> String {
    String::from_utf8(intake.render(&stamp(DateTimeForm::Seed))).unwrap()
}

/// The JSON text without white space outside strings, everything else as it is.
pub(crate) fn minified(json: &str) -> String {
    let mut out = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string || !c.is_ascii_whitespace() {
            out.push(c);
        }
        (in_string, escaped) = match c {
            '"' if !escaped => (!in_string, false),
            '\\' => (in_string, !escaped),
            _ => (in_string, false),
        };
    }
    out
}

/// The `data.data` of a rendered body.
fn data_of(body: &str) -> &str {
    let start = body.find(r#""data":{"dataType":"#).unwrap();
    let start = start + body[start..].find(r#","data":"#).unwrap() + 8;
    &body[start..body.rfind(r#"},"resultMsg":"#).unwrap()]
}

/// A call with these members in its `sceneInstance` besides the required ones.
fn call(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(
        r#"{{"sceneInstance":{{"callInstanceId":7,"companyId":151{comma}{members}}},"sign":null,"dateTime":null}}"#
    )
}

fn parse_text(kind: Kind, input: &str) -> Result<Intake, Invalid> {
    parse(kind, input.as_bytes())
}

/// Checks the refusal of an input, word by word.
fn check_refusal(kind: Kind, input: &str, expected: &str) {
    let found = match parse_text(kind, input) {
        Ok(_) => "accepted".to_owned(),
        Err(invalid) => invalid.to_string(),
    };
    assert_eq!(found, expected, "{input}");
}
