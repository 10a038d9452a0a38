//! What the page gets to show. Ids are texts: the page's language rounds large numbers.

use ringback_contract::enums::{self, Enumeration, Name};
use ringback_contract::kind::Kind;
use serde_json::{Value, json};

use super::super::faults::{Fault, InForce};
use super::super::hand_on::Doing;
use super::super::outlet::OutletName;
use super::super::store::{Handover, RefusedRow, Standing, Stored, Summary};
use crate::pretty::pretty;
use crate::receiver::record::rfc3339_text;
use crate::receiver::{identify, mask_phone};

/// Turns of a conversation that are shown.
const TURNS: usize = 2000;

/// A line of the list.
pub(super) fn summary(summary: &Summary) -> Value {
    let stored = &summary.stored;
    let identity = identify(stored.text());
    json!({
        "number": stored.number,
        "at": rfc3339_text(stored.received_ms),
        "eventId": stored.event_id,
        "kind": stored.kind.map(|kind| json!({ "zh": kind.zh(), "en": kind.en() })),
        "companyId": number(stored.company_id),
        "entityId": number(stored.entity_id),
        "phone": identity.phone.as_deref().map(mask_phone),
        "status": status(stored.kind, identity.finish_status, identity.job_status),
        "intent": identity.intent,
        "bytes": stored.body.len(),
        "stale": stored.stale,
        "verified": stored.verified,
        "verification": raw(&stored.verification),
        "repeats": stored.repeats,
        "differing": stored.differing,
        "handovers": summary.handovers.iter().map(handover).collect::<Vec<_>>(),
    })
}

/// One callback with everything.
pub(super) fn detail(found: &Summary) -> Value {
    let stored = &found.stored;
    let value: Value = serde_json::from_slice(stored.text()).unwrap_or_default();
    let mut detail = summary(found);
    let more = json!({
        "path": stored.path,
        "contentType": stored.content_type,
        "send": stored.send,
        "key": stored.order_key,
        "shape": shape(&value),
        "headers": raw(&stored.headers),
        "raw": String::from_utf8_lossy(&stored.body),
        "pretty": pretty(stored.text()),
        "unwrapped": stored.content.is_some(),
        "facts": facts(stored, &value),
        "conversation": conversation(&value["data"]["data"]),
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    detail
}

/// What was refused.
pub(super) fn refused(refused: &RefusedRow) -> Value {
    json!({
        "number": refused.number,
        "at": rfc3339_text(refused.received_ms),
        "status": refused.status,
        "why": refused.why,
        "eventId": refused.event_id,
        "verification": raw(&refused.verification),
        "path": refused.path,
        "headers": raw(&refused.headers),
        "raw": String::from_utf8_lossy(&refused.body),
        "bytes": refused.body_bytes,
    })
}

/// An outlet.
pub(super) fn outlet(name: OutletName, doing: &Doing, standing: Standing) -> Value {
    json!({
        "name": name.name(),
        "pending": standing.pending,
        "givenUp": standing.given_up,
        "inFlight": doing.in_flight,
        "held": doing.held.as_ref().map(|(why, until_ms)| json!({ "why": why, "until": rfc3339_text(*until_ms) })),
    })
}

/// The answers in force.
pub(super) fn answers(in_force: &InForce) -> Value {
    let fault = |fault: &Fault| json!({ "answer": fault.answer.to_string(), "times": fault.times });
    let events: Vec<Value> = in_force
        .events
        .iter()
        .map(|(event, of_event)| json!({ "event": event, "answer": of_event.answer.to_string(), "times": of_event.times }))
        .collect();
    json!({
        "plan": in_force.plan.to_string(),
        "next": in_force.next.as_ref().map(fault),
        "events": events,
    })
}

fn handover(handover: &Handover) -> Value {
    json!({
        "outlet": handover.outlet.name(),
        "state": handover.state.name(),
        "waits": handover.state == super::super::store::State::Pending && handover.due_ms.is_none(),
        "due": handover.due_ms.map(rfc3339_text),
        "tries": handover.tries,
        "failure": handover.failure,
        "settled": handover.settled_ms.map(rfc3339_text),
        "redriven": handover.redriven,
    })
}

/// Which version of the callbacks it is.
fn shape(value: &Value) -> Option<&'static str> {
    let data = value.get("data")?;
    if data.get("dataType").is_some() {
        Some("v1")
    } else {
        data.get("callbackType").map(|_| "v2")
    }
}

/// What it says, in words of both languages.
fn facts(stored: &Stored, value: &Value) -> Value {
    let identity = identify(stored.text());
    let content = &value["data"]["data"];
    let scene = content
        .get("sceneInstance")
        .or_else(|| content.get("callInstance"))
        .unwrap_or(content);
    let fact = |zh: &str, en: &str, value: Option<Value>| {
        value.map(|value| json!({ "zh": zh, "en": en, "value": value }))
    };
    let text = |text: &Value| {
        text.as_str()
            .filter(|text| !text.is_empty())
            .map(|text| json!(text))
    };
    let facts = [
        fact(
            "企业",
            "company",
            stored.company_id.map(|id| json!(id.to_string())),
        ),
        fact("编号", "id", stored.entity_id.map(|id| json!(id.to_string()))),
        fact("客户电话", "customer", text(&scene["customerTelephone"])),
        fact("客户姓名", "name", text(&scene["customerName"])),
        fact("任务", "job", text(&scene["jobName"])),
        fact(
            "状态",
            "status",
            status(stored.kind, identity.finish_status, identity.job_status),
        ),
        fact(
            "通话时长",
            "duration",
            identity.duration_s.map(|seconds| json!(format!("{seconds} s"))),
        ),
        fact("开始", "began", text(&scene["startTime"])),
        fact("意向等级", "intent level", identity.intent.map(Value::from)),
    ];
    facts.into_iter().flatten().collect()
}

fn status(kind: Option<Kind>, finish_status: Option<i64>, job_status: Option<i64>) -> Option<Value> {
    match kind? {
        Kind::Call | Kind::Inbound => finish_status.map(|status| named(&enums::FINISH_STATUS, status)),
        Kind::Job => job_status.map(|status| named(&enums::JOB_STATUS, status)),
        Kind::Correction => None,
    }
}

/// A number with its names, or as it is.
fn named(enumeration: &Enumeration, number: i64) -> Value {
    match enumeration.by_number(number) {
        Some(Name { zh, en }) => json!({ "zh": zh, "en": en }),
        None => json!(number.to_string()),
    }
}

/// The turns of a conversation, in v1 and in v2.
fn conversation(content: &Value) -> Value {
    let turns = content["phoneLog"]["phoneLogs"]
        .as_array()
        .or_else(|| content["phoneLogs"].as_array());
    let said = |turn: &Value| {
        let speaker = turn["speaker"].as_str().unwrap_or_default();
        let name = enums::SPEAKER.by_text(speaker);
        json!({
            "robot": speaker == "AI",
            "speaker": name.map_or_else(|| json!(speaker), |Name { zh, en }| json!({ "zh": zh, "en": en })),
            "text": turn["content"].as_str().unwrap_or_default(),
            "meaning": turn["userMean"].as_str().filter(|meaning| !meaning.is_empty()),
            "startMs": turn["startTime"].as_i64(),
            "unknown": turn["aiUnknown"] == true || turn["aiUnknown"] == 1,
        })
    };
    turns.map_or(Value::Null, |turns| turns.iter().take(TURNS).map(said).collect())
}

fn number(id: Option<i64>) -> Option<String> {
    id.map(|id| id.to_string())
}

/// A JSON text of our own.
fn raw(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}
