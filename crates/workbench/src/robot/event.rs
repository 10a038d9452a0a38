//! What a platform hands over, and the line of a recording that holds it.

use ringback_contract::kind::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::receiver::identify;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, by the robot's time: milliseconds since 1970.
    pub at_ms: i64,
    /// Its kind.
    pub kind: Kind,
    /// callInstanceId, inboundInstanceId or callJobId; of a correction the call's.
    pub entity_id: i64,
    /// The whole callback in its envelope: JSON without white space.
    pub body: String,
}

/// A line of a recording: an event with the key by which a repetition of it is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The Idempotency-Key of its intake.
    pub key: String,
    /// What happened.
    pub event: Event,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// It is no JSON object of a recording.
    #[error("is neither a line of a recording nor a callback")]
    NoRecord,
    /// It has a callback without company or id, or of an unknown kind.
    #[error("holds a callback without a dataType that is known here, or without the id of its call or job")]
    NoCallback,
}

#[derive(Deserialize, Serialize)]
struct Recorded<'a> {
    #[serde(default)]
    at: i64,
    #[serde(default)]
    key: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Line {
    /// The line as text, without its end.
    #[must_use]
    pub fn text(&self) -> String {
        let body = serde_json::from_str::<&RawValue>(&self.event.body);
        let recorded = body.map(|body| Recorded {
            at: self.event.at_ms,
            key: self.key.clone(),
            body,
        });
        // An event's body is JSON, and so can always be written.
        recorded
            .and_then(|recorded| serde_json::to_string(&recorded))
            .unwrap_or_default()
    }

    /// Reads a line: one of a recording (`at`, `key`, `body`), or a whole v1 callback alone. Where it has no key it gets one
    /// of its body and its number in the file: the same file played twice brings nothing new.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(text: &str, number: u64) -> Result<Self, LineProblem> {
        let (at_ms, key, body) = match serde_json::from_str::<Recorded<'_>>(text) {
            Ok(recorded) => (recorded.at, recorded.key, recorded.body.get()),
            Err(_) => (0, String::new(), text.trim()),
        };
        if !matches!(serde_json::from_str::<Value>(body), Ok(Value::Object(_))) {
            return Err(LineProblem::NoRecord);
        }
        let about = identify(body.as_bytes());
        let (kind, entity_id) = about.kind.zip(about.entity_id).ok_or(LineProblem::NoCallback)?;
        Ok(Self {
            key: if key.is_empty() { key_of(body, number) } else { key },
            event: Event {
                at_ms,
                kind,
                entity_id,
                body: body.to_owned(),
            },
        })
    }
}

fn key_of(body: &str, number: u64) -> String {
    let digest = Sha256::digest(body);
    let digits = digest[..16].iter().map(|byte| format!("{byte:02x}"));
    format!("robot/{}/{number}", digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use ringback_contract::samples;

    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let line = Line {
            key: "k/7".to_owned(),
            event: Event {
                at_ms: 1_767_574_800_000,
                kind: Kind::Correction,
                entity_id: 2016,
                body: samples::CORRECTION.replace(['\n', '\t'], ""),
            },
        };
        assert_eq!(Line::read(&line.text(), 1), Ok(line));
    }

    #[test]
    fn callbacks_alone_are_lines_too() {
        for (body, kind, id) in [
            (samples::CALL, Kind::Call, 1),
            (samples::JOB, Kind::Job, 535),
            (samples::CORRECTION, Kind::Correction, 2016),
        ] {
            let line = Line::read(body, 3).unwrap();
            assert_eq!((line.event.kind, line.event.entity_id), (kind, id));
            assert_eq!(line.key.len(), "robot//3".len() + 32);
            assert_eq!(line.event.body, body.trim());
        }
        for (text, expected) in [
            ("", LineProblem::NoRecord),
            ("[]", LineProblem::NoRecord),
            ("{\"body\": 7}", LineProblem::NoRecord),
            ("{}", LineProblem::NoCallback),
            ("{\"body\": {\"data\": {}}}", LineProblem::NoCallback),
        ] {
            assert_eq!(Line::read(text, 1), Err(expected), "{text}");
        }
    }
}
