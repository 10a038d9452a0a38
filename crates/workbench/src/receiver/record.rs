//! The record of one received callback, and the ring that keeps the last of them.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use ringback_contract::kind::Kind;

use super::verify::Verification;

/// Bytes of bodies that the ring keeps at most, whatever its length.
const RING_BYTES: usize = 64 * 1024 * 1024;

/// One received callback. Its JSON form, without the body, is that of the journal, of `/_control/received` and of
/// `listen --json`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// Its number since the receiver started, from 1.
    pub number: u64,
    /// When its body was complete: the wall clock, Unix milliseconds; RFC 3339 in JSON.
    #[serde(rename = "at", serialize_with = "rfc3339")]
    pub at_wall_ms: i64,
    /// The same moment in microseconds of the boot clock, to measure gaps between sends by.
    pub boot_us: i64,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The `webhook-id`: the id of the event.
    pub event_id: Option<String>,
    /// The `ringback-send`: the number of the send.
    pub send: Option<u32>,
    /// The kind; `None` where the body is no callback.
    pub kind: Option<Kind>,
    /// companyId.
    pub company_id: Option<i64>,
    /// callInstanceId, inboundInstanceId or callJobId.
    pub entity_id: Option<i64>,
    /// The length of the body.
    pub body_bytes: usize,
    /// SHA-256 of the raw body, 64 hexadecimal digits.
    pub body_sha256: String,
    /// Whether it comes from who it says.
    pub verification: Verification,
    /// The answer it gets, in the text form of [`super::answer::Answer`].
    pub answer: String,
    /// The raw body.
    #[serde(skip)]
    pub body: Bytes,
}

#[derive(Serialize)]
struct WithBody<'a> {
    #[serde(flatten)]
    received: &'a Received,
    body: Cow<'a, str>,
}

impl Received {
    /// Its JSON form on one line, with or without the body as a text in the member `body`. Bytes of a body that are
    /// no UTF-8 are replaced there.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self, with_body: bool) -> serde_json::Result<String> {
        if with_body {
            let body = String::from_utf8_lossy(&self.body);
            serde_json::to_string(&WithBody { received: self, body })
        } else {
            serde_json::to_string(self)
        }
    }
}

/// A moment of the wall clock as RFC 3339 with milliseconds.
pub(crate) fn rfc3339_text(wall_ms: i64) -> String {
    let moment = Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{moment:.3}")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn rfc3339<S: Serializer>(wall_ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_text(*wall_ms))
}

/// SHA-256 as 64 lower-case hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// The last records, bounded in number and in bytes.
#[derive(Debug)]
pub(super) struct Ring {
    records: VecDeque<Received>,
    keep: usize,
    bytes: usize,
    total: u64,
}

impl Ring {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            records: VecDeque::new(),
            keep,
            bytes: 0,
            total: 0,
        }
    }

    /// The number that the next record gets.
    pub(super) const fn next_number(&mut self) -> u64 {
        self.total += 1;
        self.total
    }

    pub(super) fn push(&mut self, received: Received) {
        self.bytes += received.body.len();
        self.records.push_back(received);
        while self.records.len() > self.keep || self.bytes > RING_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= oldest.body.len();
        }
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }

    pub(super) fn snapshot(&self) -> Vec<Received> {
        self.records.iter().cloned().collect()
    }
}
