//! The JSON line of a callback, for stdout and files.

use std::borrow::Cow;

use ringback_contract::kind::Kind;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::store::Stored;
use crate::receiver::record::rfc3339_text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    number: i64,
    at: String,
    event_id: Option<&'a str>,
    send: Option<u32>,
    kind: Option<Kind>,
    company_id: Option<i64>,
    entity_id: Option<i64>,
    key: Option<&'a str>,
    stale: bool,
    verified: bool,
    verification: Option<&'a RawValue>,
    path: &'a str,
    content_type: Option<&'a str>,
    body: Cow<'a, str>,
    r#try: u32,
}

/// The line, with its end.
pub(super) fn line(stored: &Stored, tries: u32) -> serde_json::Result<String> {
    let mut line = serde_json::to_string(&Line {
        number: stored.number,
        at: rfc3339_text(stored.received_ms),
        event_id: stored.event_id.as_deref(),
        send: stored.send,
        kind: stored.kind,
        company_id: stored.company_id,
        entity_id: stored.entity_id,
        key: stored.order_key.as_deref(),
        stale: stored.stale,
        verified: stored.verified,
        verification: serde_json::from_str(&stored.verification).ok(),
        path: &stored.path,
        content_type: stored.content_type.as_deref(),
        // It was taken in as UTF-8.
        body: String::from_utf8_lossy(stored.text()),
        r#try: tries,
    })?;
    line.push('\n');
    Ok(line)
}

/// The number in a line.
pub(super) fn number(line: &[u8]) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        number: i64,
    }
    serde_json::from_slice::<Numbered>(line)
        .ok()
        .map(|line| line.number)
}

/// The lines of a batch.
pub(super) fn lines(batch: &[(Stored, u32)]) -> serde_json::Result<String> {
    batch.iter().map(|(stored, tries)| line(stored, *tries)).collect()
}
