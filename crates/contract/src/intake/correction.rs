//! Intent corrections: ringback builds their `data.data` itself, with exactly the four fields of the sample.

use super::check::{required_integer, required_text};
use super::stamp::Template;
use super::{Found, Intake, Invalid, Problem, digest, open};
use crate::json::{Member, Node, Object, Text};
use crate::kind::Kind;

/// The result that a correction is about.
pub(crate) const INTENT_LEVEL: &str = "客户意向等级";
const INTENT_LEVEL_QUOTED: &str = r#""客户意向等级""#;

/// Reads the correction of a call: `{"companyId": 241, "resultValue": "B"}`, or the envelope of the seed's sample,
/// whose `taskResult` has one entry, about 客户意向等级 and with this `sceneInstanceId`. The short form may say these two as well, and then has to say the
/// same. Other members are ignored: a correction has four fields.
///
/// # Errors
/// When the input is no JSON object, is an envelope of another kind, lacks a field, has one of a wrong type, or is
/// about another call.
pub fn parse_correction(call_instance_id: i64, input: &[u8]) -> Result<Intake, Invalid> {
    let opened = open(Kind::Correction, input)?;
    let is_enveloped = opened.is_enveloped;
    let data = opened.into_data()?;
    if is_enveloped {
        return from_task_result(&data, Some(call_instance_id));
    }
    if data.get("sceneInstanceId").is_some() {
        check_call(&data, call_instance_id)?;
    }
    if data.get("resultName").is_some() {
        check_name(&data)?;
    }
    build(
        required_integer(&data, "companyId")?,
        call_instance_id,
        required_text(&data, "resultValue")?,
    )
}

/// Reads the correction of whichever call its `sceneInstanceId` says.
pub(super) fn parse_envelope(input: &[u8]) -> Result<Intake, Invalid> {
    from_task_result(&open(Kind::Correction, input)?.into_data()?, None)
}

fn from_task_result(data: &Object<'_>, expected: Option<i64>) -> Result<Intake, Invalid> {
    let entry = only_entry(data).map_err(|e| e.under("taskResult"))?;
    from_entry(entry, expected).map_err(|e| e.at(0).under("taskResult"))
}

fn only_entry<'o, 'a>(data: &'o Object<'a>) -> Result<&'o Object<'a>, Invalid> {
    const ALLOWED: &str = "an array of one object";
    let wrong = |found: Found| {
        Invalid::here(Problem::WrongType {
            found,
            allowed: ALLOWED,
        })
    };
    match data.get("taskResult") {
        None => Err(Invalid::here(Problem::Missing { allowed: ALLOWED })),
        Some(Node::Array(entries)) => match entries.as_slice() {
            [Node::Object(entry)] => Ok(entry),
            [other] => Err(wrong(other.found()).at(0)),
            several => Err(Invalid::here(Problem::EntryCount { found: several.len() })),
        },
        Some(other) => Err(wrong(other.found())),
    }
}

fn from_entry(entry: &Object<'_>, expected: Option<i64>) -> Result<Intake, Invalid> {
    let company_id = required_integer(entry, "companyId")?;
    let call_instance_id = required_integer(entry, "sceneInstanceId")?;
    if let Some(expected) = expected {
        check_call(entry, expected)?;
    }
    check_name(entry)?;
    build(company_id, call_instance_id, required_text(entry, "resultValue")?)
}

fn check_call(entry: &Object<'_>, expected: i64) -> Result<(), Invalid> {
    if required_integer(entry, "sceneInstanceId")? == expected {
        return Ok(());
    }
    Err(Invalid::here(Problem::OtherCall).under("sceneInstanceId"))
}

fn check_name(entry: &Object<'_>) -> Result<(), Invalid> {
    if required_text(entry, "resultName")?.as_str() == INTENT_LEVEL {
        return Ok(());
    }
    Err(Invalid::here(Problem::WrongResultName).under("resultName"))
}

fn build(company_id: i64, call_instance_id: i64, result_value: &Text<'_>) -> Result<Intake, Invalid> {
    let (company, call) = (company_id.to_string(), call_instance_id.to_string());
    let member = |quoted, value| Member {
        name: Text::plain(quoted),
        value,
    };
    let entry = Object {
        members: vec![
            member(r#""companyId""#, Node::Number(&company)),
            member(r#""sceneInstanceId""#, Node::Number(&call)),
            member(r#""resultName""#, Node::Text(Text::plain(INTENT_LEVEL_QUOTED))),
            member(r#""resultValue""#, Node::Text(result_value.clone())),
        ],
    };
    let data = Object {
        members: vec![member(r#""taskResult""#, Node::Array(vec![Node::Object(entry)]))],
    };
    Ok(Intake {
        kind: Kind::Correction,
        company_id,
        entity_id: call_instance_id,
        call_job_id: None,
        job_status: None,
        phone: None,
        digest: digest(&data),
        template: Template::plain(Kind::Correction, &data),
    })
}
