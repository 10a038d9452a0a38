//! By what a repetition is recognised, and what is handed on one after the other.
//!
//! With a webhook-id the id decides, together with the kind and the company's call or job that the callback is about. The
//! id is the same on every send of an event, but it is unique in one installation only: it is made of a time in
//! milliseconds, so production and staging, or an old machine and its successor, can give the same one. The bodies of
//! one event, in v1 and in v2, are about the same. Without an id (other platforms, older versions) what the callback is
//! about and its content decide, `sign` and `dateTime` aside, which a sender may compute anew:
//!
//! - **calls and inbound calls** are facts. One that was taken in before, at any time, is a repetition;
//! - **corrections and job states** are states, and a state can come back: B, then C, then B again are three. One is a
//!   repetition only of the newest of its call or job. So a late repetition of an older state is taken for a new one:
//!   nothing tells the two apart, and a callback too many is better than one too few;
//! - **what is no callback that is known** repeats nothing.

use ringback_contract::kind::Kind;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::receiver::Identity;

/// A hash.
pub(super) type Hash = [u8; 32];

/// What decides about a callback's repetitions and its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Equal for repetitions; `None` where it repeats nothing.
    pub(super) identity: Option<Hash>,
    /// Of states: what they are a state of.
    pub(super) state_of: Option<Hash>,
    /// Callbacks with the same key are handed on one after the other: `call 151 2016`.
    pub(super) order_key: Option<String>,
}

/// Takes the fingerprint of a callback.
pub(super) fn take(event_id: Option<&str>, identity: &Identity, callback: &Value) -> Fingerprint {
    let about = identity.kind.zip(identity.entity_id);
    let order_key = about.map(|(kind, entity_id)| order_key(kind, identity.company_id, entity_id));
    if let Some(event_id) = event_id {
        return Fingerprint {
            identity: Some(of_event(event_id, identity.kind, order_key.as_deref())),
            state_of: None,
            order_key,
        };
    }
    let Some(((kind, _), key)) = about.zip(order_key.as_ref()) else {
        return Fingerprint {
            order_key,
            ..Fingerprint::default()
        };
    };
    let content = content(kind, key, &callback["data"]["data"]);
    let state_of: Hash = Sha256::new()
        .chain_update(kind.name())
        .chain_update(key)
        .finalize()
        .into();
    Fingerprint {
        identity: Some(content),
        state_of: matches!(kind, Kind::Correction | Kind::Job).then_some(state_of),
        order_key,
    }
}

/// What a webhook-id stands for, in a callback of this kind about this key.
fn of_event(event_id: &str, kind: Option<Kind>, order_key: Option<&str>) -> Hash {
    let mut hash = Sha256::new().chain_update(b"webhook-id ");
    add_text(&mut hash, b's', event_id);
    add_text(&mut hash, b's', kind.map_or("", Kind::name));
    add_text(&mut hash, b's', order_key.unwrap_or_default());
    hash.finalize().into()
}

/// A correction belongs to its call.
fn order_key(kind: Kind, company_id: Option<i64>, entity_id: i64) -> String {
    let of = match kind {
        Kind::Call | Kind::Correction => Kind::Call,
        Kind::Inbound => Kind::Inbound,
        Kind::Job => Kind::Job,
    };
    match company_id {
        Some(company_id) => format!("{of} {company_id} {entity_id}"),
        None => format!("{of} - {entity_id}"),
    }
}

fn content(kind: Kind, key: &str, content: &Value) -> Hash {
    let mut hash = Sha256::new()
        .chain_update(b"content ")
        .chain_update(kind.name())
        .chain_update([0])
        .chain_update(key)
        .chain_update([0]);
    match content {
        Value::Object(members) => {
            let rest = members
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "sign" | "dateTime"));
            add_object(&mut hash, rest);
        }
        other => add(&mut hash, other),
    }
    hash.finalize().into()
}

/// Adds a value such that equal JSON values, and only those, add the same: members sorted, lengths before texts.
fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(value) => hash.update(if *value { b"t" } else { b"f" }),
        Value::Number(number) => add_text(hash, b'#', &number.to_string()),
        Value::String(text) => add_text(hash, b's', text),
        Value::Array(items) => {
            add_length(hash, b'[', items.len());
            for item in items {
                add(hash, item);
            }
        }
        Value::Object(members) => add_object(hash, members.iter()),
    }
}

fn add_object<'a>(hash: &mut Sha256, members: impl Iterator<Item = (&'a String, &'a Value)>) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    add_length(hash, b'{', members.len());
    for (name, value) in members {
        add_text(hash, b's', name);
        add(hash, value);
    }
}

fn add_text(hash: &mut Sha256, tag: u8, text: &str) {
    add_length(hash, tag, text.len());
    hash.update(text);
}

fn add_length(hash: &mut Sha256, tag: u8, length: usize) {
    hash.update([tag]);
    hash.update((length as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use ringback_contract::samples;

    use super::*;
    use crate::receiver::identify;

    fn of(body: &str, event_id: Option<&str>) -> Fingerprint {
        take(
            event_id,
            &identify(body.as_bytes()),
            &serde_json::from_str(body).unwrap(),
        )
    }

    fn call(content: &str) -> String {
        format!(r#"{{"data":{{"dataType":"CALL_INSTANCE_RESULT","data":{{{content}}}}}}}"#)
    }

    const SCENE: &str =
        r#""sceneInstance":{"companyId":1,"callInstanceId":9007199254740993,"x":[1,{"a":null}]}"#;

    #[test]
    fn equal_content_has_equal_fingerprints_and_nothing_else_has() {
        let original = of(&call(SCENE), None);
        for (content, same) in [
            (SCENE.to_owned(), true),
            (format!(r#"{SCENE},"sign":"x","dateTime":"y""#), true),
            (
                r#" "sceneInstance" : {"callInstanceId":9007199254740993,"x":[1,{"a":null}],"companyId":1}"#
                    .to_owned(),
                true,
            ),
            (SCENE.replace("993", "992"), false),
            (SCENE.replace("[1,", "[\"1\","), false),
            (SCENE.replace("[1,{\"a\":null}]", "[1,null,{}]"), false),
            (SCENE.replace("null", "\"null\""), false),
            (format!(r#"{SCENE},"phoneLog":null"#), false),
        ] {
            assert_eq!(
                of(&call(&content), None).identity == original.identity,
                same,
                "{content}"
            );
        }
    }

    #[test]
    fn an_id_decides_whatever_the_content_and_states_are_told_from_facts() {
        let correction = call(r#""taskResult":[{"companyId":1,"sceneInstanceId":9007199254740993}]"#);
        let job =
            r#"{"data":{"dataType":"JOB_INFO_RESULT","data":{"companyId":1,"callJobId":7,"status":2}}}"#;
        let no_company = call(r#""sceneInstance":{"callInstanceId":5}"#);
        let key = Some("call 1 9007199254740993");
        for (body, order_key, is_state) in [
            (&call(SCENE)[..], key, false),
            (&correction, key, true),
            (job, Some("job 1 7"), true),
            (&no_company, Some("call - 5"), false),
        ] {
            let (with, without) = (of(body, Some("evt_1")), of(body, None));
            assert_eq!(
                (with.order_key.as_deref(), without.order_key.as_deref()),
                (order_key, order_key)
            );
            let more = of(&body.replace("Id\":", "Id\": "), Some("evt_1"));
            assert_eq!((with.identity, with.state_of), (more.identity, None));
            assert_ne!(without.identity, with.identity);
            assert_eq!(without.state_of.is_some(), is_state, "{body}");
        }
        assert_eq!(of(r#"{"data":7}"#, None), Fingerprint::default());
        assert!(of(r#"{"data":7}"#, Some("id")).identity.is_some());
    }

    /// Two installations can give the same id to two events.
    #[test]
    fn an_id_is_one_event_of_one_call_or_job() {
        let correction = call(r#""taskResult":[{"companyId":1,"sceneInstanceId":9007199254740993}]"#);
        let job =
            r#"{"data":{"dataType":"JOB_INFO_RESULT","data":{"companyId":1,"callJobId":9007199254740993}}}"#;
        let bodies = [
            call(SCENE),
            call(&SCENE.replace("993", "992")),
            call(&SCENE.replace("companyId\":1", "companyId\":2")),
            correction,
            job.to_owned(),
            r#"{"data":7}"#.to_owned(),
        ];
        let identities: std::collections::HashSet<_> = bodies
            .iter()
            .map(|body| of(body, Some("evt_1")).identity)
            .collect();
        assert_eq!(identities.len(), bodies.len());
        for (v1, v2) in [
            (samples::CALL, samples::V2_CALL),
            (samples::JOB, samples::V2_JOB),
            (samples::CORRECTION, samples::V2_CORRECTION),
        ] {
            assert_eq!(of(v1, Some("evt_1")).identity, of(v2, Some("evt_1")).identity);
        }
    }
}
