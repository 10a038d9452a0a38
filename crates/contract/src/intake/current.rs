//! A call as it stands: the stored call with its corrections applied.

use super::correction::INTENT_LEVEL;
use super::{Invalid, Problem};
use crate::json::{Document, Node, Object};

/// The `data.data` of a stored call or inbound call as it stands after these corrections (oldest first, each a
/// stored body): its 客户意向等级 entry has the corrected value as `artificialResultValue`, and 1 as
/// `artificialChanged`. A call without such an entry gets the last correction's at the end. JSON without white
/// space; everything else is as it was, in its order.
///
/// # Errors
/// When a body is not one that ringback rendered.
pub fn current_call(call_body: &[u8], corrections: &[&[u8]]) -> Result<String, Invalid> {
    Ok(written(&corrected_call(call_body, corrections)?, call_body.len()))
}

/// As [`current_call`], with `callbacked` 1: how API and console show a call of which every delivery that was not
/// cancelled is acknowledged (contract, section 3). The body that was sent is not changed.
///
/// # Errors
/// When a body is not one that ringback rendered.
pub fn current_call_called_back(call_body: &[u8], corrections: &[&[u8]]) -> Result<String, Invalid> {
    let mut call = corrected_call(call_body, corrections)?;
    if let Some(Node::Object(scene)) = call.get_mut("sceneInstance") {
        scene.set(r#""callbacked""#, Node::Number("1"));
    }
    Ok(written(&call, call_body.len()))
}

fn corrected_call<'a>(call_body: &'a [u8], corrections: &[&'a [u8]]) -> Result<Object<'a>, Invalid> {
    let mut call = read_data(call_body)?;
    // Only the last one counts: a correction replaces the one before.
    if let Some(correction) = corrections.last() {
        apply(&mut call, only_entry(read_data(correction)?)?);
    }
    Ok(call)
}

fn written(call: &Object<'_>, about: usize) -> String {
    let mut text = String::with_capacity(about);
    call.write(&mut text);
    text
}

fn read_data(body: &[u8]) -> Result<Object<'_>, Invalid> {
    let missing = || Invalid::here(Problem::Missing { allowed: "an object" });
    let document = Document::read(body)?;
    document.sound_names(Document::ALL)?;
    let middle = document
        .member(Document::ALL, "data")
        .ok_or_else(|| missing().under("data"))?;
    document.sound_names(middle).map_err(|e| e.under("data"))?;
    let data = document
        .member(middle, "data")
        .ok_or_else(|| missing().under("data").under("data"))?;
    document.object(data)
}

fn only_entry(mut correction: Object<'_>) -> Result<Object<'_>, Invalid> {
    let problem = match correction.get_mut("taskResult") {
        Some(Node::Array(entries)) => match (entries.len(), entries.pop()) {
            (1, Some(Node::Object(entry))) => return Ok(entry),
            (1, Some(other)) => Problem::WrongType {
                found: other.found(),
                allowed: "an object",
            },
            (found, _) => Problem::EntryCount { found },
        },
        _ => Problem::Missing {
            allowed: "an array of one object",
        },
    };
    Err(Invalid::here(problem).under("taskResult"))
}

fn apply<'a>(call: &mut Object<'a>, correction: Object<'a>) {
    let value = correction.get("resultValue").cloned().unwrap_or(Node::Null);
    let correct = |entry: &mut Object<'a>| {
        entry.set(r#""artificialResultValue""#, value.clone());
        entry.set(r#""artificialChanged""#, Node::Number("1"));
    };
    match call.get_mut("taskResult") {
        Some(Node::Array(entries)) => match entries.iter_mut().find_map(intent_level) {
            Some(entry) => correct(entry),
            None => entries.push(Node::Object(corrected(correction, correct))),
        },
        _ => {
            let entry = Node::Object(corrected(correction, correct));
            call.set(r#""taskResult""#, Node::Array(vec![entry]));
        }
    }
}

fn corrected<'a>(mut entry: Object<'a>, correct: impl Fn(&mut Object<'a>)) -> Object<'a> {
    correct(&mut entry);
    entry
}

fn intent_level<'n, 'a>(entry: &'n mut Node<'a>) -> Option<&'n mut Object<'a>> {
    match entry {
        Node::Object(entry) if entry.get("resultName").and_then(Node::as_text) == Some(INTENT_LEVEL) => {
            Some(entry)
        }
        _ => None,
    }
}
