//! Intent corrections: ringback builds their `data.data` itself, with exactly the four fields of the sample.

use super::check::{required_integer, required_text};
use super::stamp::Template;
use super::{Found, Intake, Invalid, Problem, digest, open};
use crate::json::{Document, Place};
use crate::kind::Kind;

/// The result that a correction is about.
pub(crate) const INTENT_LEVEL: &str = "客户意向等级";

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
    let (document, data) = opened.sound()?;
    if is_enveloped {
        return from_task_result(&document, data, Some(call_instance_id));
    }
    if document.member(data, "sceneInstanceId").is_some() {
        check_call(&document, data, call_instance_id)?;
    }
    if document.member(data, "resultName").is_some() {
        check_name(&document, data)?;
    }
    let company_id = required_integer(&document, data, "companyId")?;
    let result_value = required_text(&document, data, "resultValue")?;
    build(company_id, call_instance_id, document.raw(result_value))
}

/// Reads the correction of whichever call its `sceneInstanceId` says.
pub(super) fn parse_envelope(input: &[u8]) -> Result<Intake, Invalid> {
    let (document, data) = open(Kind::Correction, input)?.sound()?;
    from_task_result(&document, data, None)
}

fn from_task_result(document: &Document<'_>, data: Place, expected: Option<i64>) -> Result<Intake, Invalid> {
    let entry = only_entry(document, data).map_err(|e| e.under("taskResult"))?;
    from_entry(document, entry, expected).map_err(|e| e.at(0).under("taskResult"))
}

fn only_entry(document: &Document<'_>, data: Place) -> Result<Place, Invalid> {
    const ALLOWED: &str = "an array of one object";
    let wrong = |found: Found| {
        Invalid::here(Problem::WrongType {
            found,
            allowed: ALLOWED,
        })
    };
    let Some(entries) = document.member(data, "taskResult") else {
        return Err(Invalid::here(Problem::Missing { allowed: ALLOWED }));
    };
    match document.found(entries) {
        Found::Array => {}
        other => return Err(wrong(other)),
    }
    match (document.count(entries), document.walk(entries).entry(document)) {
        (1, Some(entry)) => match document.found(entry) {
            Found::Object => Ok(entry),
            other => Err(wrong(other).at(0)),
        },
        (found, _) => Err(Invalid::here(Problem::EntryCount { found })),
    }
}

fn from_entry(document: &Document<'_>, entry: Place, expected: Option<i64>) -> Result<Intake, Invalid> {
    let company_id = required_integer(document, entry, "companyId")?;
    let call_instance_id = required_integer(document, entry, "sceneInstanceId")?;
    if let Some(expected) = expected {
        check_call(document, entry, expected)?;
    }
    check_name(document, entry)?;
    let result_value = required_text(document, entry, "resultValue")?;
    build(company_id, call_instance_id, document.raw(result_value))
}

fn check_call(document: &Document<'_>, entry: Place, expected: i64) -> Result<(), Invalid> {
    if required_integer(document, entry, "sceneInstanceId")? == expected {
        return Ok(());
    }
    Err(Invalid::here(Problem::OtherCall).under("sceneInstanceId"))
}

fn check_name(document: &Document<'_>, entry: Place) -> Result<(), Invalid> {
    let name = required_text(document, entry, "resultName")?;
    if document.string(name)? == INTENT_LEVEL {
        return Ok(());
    }
    Err(Invalid::here(Problem::WrongResultName).under("resultName"))
}

/// `result_value` is a string's text with its quotes.
fn build(company_id: i64, call_instance_id: i64, result_value: &str) -> Result<Intake, Invalid> {
    let data = format!(
        r#"{{"taskResult":[{{"companyId":{company_id},"sceneInstanceId":{call_instance_id},"resultName":"{INTENT_LEVEL}","resultValue":{result_value}}}]}}"#
    );
    let document = Document::read(data.as_bytes())?;
    Ok(Intake {
        kind: Kind::Correction,
        company_id,
        entity_id: call_instance_id,
        call_job_id: None,
        job_status: None,
        phone: None,
        digest: digest(&document, Document::ALL)?,
        template: Template::plain(Kind::Correction, &document, Document::ALL),
    })
}
