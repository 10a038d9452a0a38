//! What is put into a body when it is rendered: `dateTime` and `sign` of calls, and the envelope around all.

use jiff::civil;
use jiff::tz::TimeZone;

use super::Invalid;
use crate::date_time::{self, DateTimeForm};
use crate::json::{Document, Place};
use crate::kind::Kind;
use crate::sign;

/// What a rendering depends on besides the intake: the moment of acceptance and the company's settings then.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The wall clock at acceptance, in milliseconds since 1970: the `dateTime` of calls that have no better.
    pub accepted_ms: i64,
    /// The zone of the company's dates.
    pub zone: &'a TimeZone,
    /// How `dateTime` is written.
    pub form: DateTimeForm,
    /// The keys that `sign` is made with; without them it is null.
    pub signing: Option<Signing<'a>>,
}

/// The keys of a company that has `sign` switched on.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// The company's appKey.
    pub app_key: &'a str,
    /// The company's appSecret.
    pub app_secret: &'a str,
}

impl std::fmt::Debug for Signing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing")
            .field("app_key", &self.app_key)
            .finish_non_exhaustive()
    }
}

/// A body with gaps for what the stamp decides.
#[derive(Clone)]
pub(super) struct Template {
    text: String,
    /// Where in `text` the values go, in this order.
    slots: Vec<(usize, Slot)>,
    moment: Moment,
}

/// A value that the stamp decides.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Slot {
    Sign,
    DateTime,
}

impl Slot {
    const ALL: [Self; 2] = [Self::Sign, Self::DateTime];

    const fn quoted(self) -> &'static str {
        match self {
            Self::Sign => r#""sign""#,
            Self::DateTime => r#""dateTime""#,
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"sign" => Some(Self::Sign),
            b"dateTime" => Some(Self::DateTime),
            _ => None,
        }
    }
}

/// The moment that `dateTime` tells.
#[derive(Clone, Copy)]
pub(super) enum Moment {
    /// Milliseconds since 1970.
    Known(i64),
    /// So many seconds after a time in the company's zone.
    Local { time: civil::DateTime, plus_s: i64 },
    /// The moment of acceptance.
    Acceptance,
}

impl Moment {
    /// The intake's `dateTime`, else the end of the call, else its start plus its duration, else the moment of
    /// acceptance (contract, section 2).
    pub(super) fn of_call(document: &Document<'_>, data: Place) -> Self {
        let text = |object, name| {
            document
                .member(object, name)
                .and_then(|value| document.as_text(value))
        };
        if let Some(known) = text(data, "dateTime").and_then(|text| date_time::parse_gmt(&text)) {
            return Self::Known(known);
        }
        let Some(scene) = document.object_member(data, "sceneInstance") else {
            return Self::Acceptance;
        };
        let time = |name| text(scene, name).and_then(|text| date_time::parse_civil(&text));
        if let Some(time) = time("endTime") {
            return Self::Local { time, plus_s: 0 };
        }
        let duration_s = document
            .member(scene, "duration")
            .and_then(|duration| document.as_i64(duration))
            .filter(|seconds| *seconds >= 0);
        match (time("startTime"), duration_s) {
            (Some(time), Some(plus_s)) => Self::Local { time, plus_s },
            (None, _) | (_, None) => Self::Acceptance,
        }
    }

    fn unix_ms(self, stamp: &Stamp<'_>) -> i64 {
        match self {
            Self::Known(unix_ms) => unix_ms,
            Self::Local { time, plus_s } => date_time::local_to_unix_ms(time, stamp.zone)
                .and_then(|start_ms| start_ms.checked_add(plus_s.checked_mul(1000)?))
                .unwrap_or(stamp.accepted_ms),
            Self::Acceptance => stamp.accepted_ms,
        }
    }
}

/// Bytes of a body besides its `data.data`, about.
const AROUND_BYTES: usize = 160;

impl Template {
    /// A body without gaps.
    pub(super) fn plain(kind: Kind, document: &Document<'_>, data: Place) -> Self {
        let mut text = String::with_capacity(document.length(data) + AROUND_BYTES);
        open_envelope(kind, &mut text);
        document.write(data, &mut text);
        close_envelope(kind, &mut text);
        Self {
            text,
            slots: Vec::new(),
            moment: Moment::Acceptance,
        }
    }

    /// A body with gaps for `sign` and `dateTime`: where they are, or at the end where they are absent.
    pub(super) fn stamped(kind: Kind, document: &Document<'_>, data: Place) -> Result<Self, Invalid> {
        let mut text = String::with_capacity(document.length(data) + AROUND_BYTES);
        let mut slots = Vec::with_capacity(2);
        open_envelope(kind, &mut text);
        text.push('{');
        let mut walk = document.walk(data);
        while let Some((name, value)) = walk.member(document) {
            text.push_str(document.raw(name));
            text.push(':');
            match Slot::of(&document.bytes(name)?) {
                Some(slot) => slots.push((text.len(), slot)),
                None => document.write(value, &mut text),
            }
            text.push(',');
        }
        for slot in Slot::ALL {
            if slots.iter().all(|(_, there)| *there != slot) {
                text.push_str(slot.quoted());
                text.push(':');
                slots.push((text.len(), slot));
                text.push(',');
            }
        }
        // There are two members at least, so the last comma is one too many.
        text.pop();
        text.push('}');
        close_envelope(kind, &mut text);
        Ok(Self {
            text,
            slots,
            moment: Moment::of_call(document, data),
        })
    }

    pub(super) fn fill(&self, stamp: &Stamp<'_>) -> Vec<u8> {
        if self.slots.is_empty() {
            return self.text.clone().into_bytes();
        }
        let date_time = stamp.form.format(self.moment.unix_ms(stamp));
        // Neither Base64 nor a date has characters that JSON would escape.
        let sign = match stamp.signing {
            Some(keys) => format!("\"{}\"", sign::sign(keys.app_key, keys.app_secret, &date_time)),
            None => "null".to_owned(),
        };
        let date_time = format!("\"{date_time}\"");
        let mut body = Vec::with_capacity(self.text.len() + date_time.len() + sign.len());
        let mut rest = self.text.as_str();
        let mut written = 0;
        for (at, slot) in &self.slots {
            let (before, after) = rest.split_at(at - written);
            body.extend_from_slice(before.as_bytes());
            body.extend_from_slice(match slot {
                Slot::Sign => sign.as_bytes(),
                Slot::DateTime => date_time.as_bytes(),
            });
            written = *at;
            rest = after;
        }
        body.extend_from_slice(rest.as_bytes());
        body
    }
}

/// The envelope in the samples' order (contract, section 3).
fn open_envelope(kind: Kind, text: &mut String) {
    text.push_str(r#"{"code":200,"data":{"dataType":""#);
    text.push_str(kind.data_type());
    text.push_str(r#"","data":"#);
}

fn close_envelope(kind: Kind, text: &mut String) {
    text.push_str(r#"},"resultMsg":""#);
    text.push_str(kind.result_msg());
    text.push_str(r#"","errorStackTrace":null}"#);
}
