//! Rows and columns: how the domain's types stand in the tables. Each function reads what [`select!`] selects under the
//! same name.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::Schedule;
use ringback_contract::v2;
use ringback_core::alert::Alert;
use ringback_core::delivery::{Age, Attempt, Delivery, Hold, Outcome, State};
use ringback_core::endpoint::{Endpoint, FixedProfile};
use ringback_core::event::{Event, KeyClass, OrderKey};
use ringback_core::id::{DeliveryId, EndpointId, EventId, ReplayId};
use ringback_core::replay::{Replay, ReplayState};
use ringback_core::time::Millis;
use ringback_core::token::{Scope, Token};
use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Result, Row};
use serde_json::from_str;

use crate::tables::{EndpointRow, Known};

/// How a body is stored: as it is.
pub(super) const ENCODING_PLAIN: i64 = 0;

pub(super) const fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Call => 0,
        Kind::Correction => 1,
        Kind::Inbound => 2,
        Kind::Job => 3,
    }
}

/// The code of v2 with version 0 of its serializer, which there is not; the versions follow.
const PROFILE_V2: u8 = 20;

/// 0 is v1; 21 is v2, written by version 1 of its serializer.
pub(super) const fn profile_code(profile: FixedProfile) -> u8 {
    match profile {
        FixedProfile::V1 => 0,
        FixedProfile::V2(version) => PROFILE_V2 + version.number(),
    }
}

fn profile_from_code(code: u8) -> Option<FixedProfile> {
    match code {
        0 => Some(FixedProfile::V1),
        _ => v2::Version::from_number(code.checked_sub(PROFILE_V2)?).map(FixedProfile::V2),
    }
}

/// Schedules by their stored text and back, each kept once: rows share them.
#[derive(Debug, Default)]
pub(super) struct Schedules {
    by_text: HashMap<Box<str>, Arc<Schedule>>,
    texts: HashMap<Arc<Schedule>, Arc<str>>,
}

/// Schedules remembered at most; beyond it remembering begins anew.
const SCHEDULES: usize = 1024;

impl Schedules {
    fn parse(&mut self, text: &str) -> serde_json::Result<Arc<Schedule>> {
        if let Some(known) = self.by_text.get(text) {
            return Ok(Arc::clone(known));
        }
        let schedule: Arc<Schedule> = Arc::new(from_str(text)?);
        if self.by_text.len() >= SCHEDULES {
            self.by_text.clear();
        }
        self.by_text.insert(text.into(), Arc::clone(&schedule));
        Ok(schedule)
    }

    /// The text of a schedule: the API's JSON form, which is short for a preset.
    pub(super) fn text(&mut self, schedule: &Arc<Schedule>) -> Result<Arc<str>> {
        if let Some(known) = self.texts.get(schedule) {
            return Ok(Arc::clone(known));
        }
        let text: Arc<str> = to_json(schedule.as_ref())?.into();
        if self.texts.len() >= SCHEDULES {
            self.texts.clear();
        }
        self.texts.insert(Arc::clone(schedule), Arc::clone(&text));
        Ok(text)
    }
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A column whose number must be one of a few.
pub(super) fn code<T>(row: &Row<'_>, column: usize, decode: impl FnOnce(u8) -> Option<T>) -> Result<T> {
    let number: i64 = row.get(column)?;
    u8::try_from(number)
        .ok()
        .and_then(decode)
        .ok_or(Error::IntegralValueOutOfRange(column, number))
}

fn optional_code<T>(row: &Row<'_>, column: usize, decode: impl FnOnce(u8) -> Option<T>) -> Result<Option<T>> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => code(row, column, decode).map(Some),
        None => Ok(None),
    }
}

fn optional<T: FromSql, U>(row: &Row<'_>, column: usize, wrap: impl FnOnce(T) -> U) -> Result<Option<U>> {
    Ok(row.get::<_, Option<T>>(column)?.map(wrap))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> Result<Kind> {
    code(row, column, |code| {
        Kind::ALL.into_iter().find(|kind| kind_code(*kind) == code)
    })
}

fn order_key(row: &Row<'_>, class: usize, id: usize) -> Result<OrderKey> {
    Ok(OrderKey {
        class: code(row, class, KeyClass::from_code)?,
        id: row.get(id)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    from_str(row.get_ref(column)?.as_str()?).map_err(|error| invalid_json(column, error))
}

fn invalid_json(column: usize, error: serde_json::Error) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

pub(super) fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: EventId(row.get(0)?),
        company_id: row.get(1)?,
        kind: kind(row, 2)?,
        entity_id: row.get(3)?,
        call_job_id: row.get(4)?,
        job_status: row.get(5)?,
        accepted_wall_ms: row.get(6)?,
        body_bytes: row.get::<_, u32>(7)? as usize,
    })
}

/// The phone hash that [`event`] leaves out.
pub(super) fn phone_hash(row: &Row<'_>) -> Result<Option<i64>> {
    row.get(8)
}

pub(super) fn known(row: &Row<'_>) -> Result<Known> {
    Ok(Known {
        id: EventId(row.get(0)?),
        kind: kind(row, 1)?,
        entity_id: row.get(2)?,
        digest: row.get(3)?,
    })
}

pub(super) fn delivery(row: &Row<'_>, schedules: &mut Schedules) -> Result<Delivery> {
    Ok(Delivery {
        id: DeliveryId(row.get(0)?),
        event_id: EventId(row.get(1)?),
        company_id: row.get(2)?,
        kind: kind(row, 3)?,
        key: order_key(row, 4, 5)?,
        endpoint: optional(row, 6, EndpointId)?,
        state: code(row, 7, State::from_code)?,
        due: optional(row, 8, Millis)?,
        age: Age {
            used_ms: row.get::<_, i64>(9)?.unsigned_abs(),
            since: optional(row, 10, Millis)?,
        },
        sends: row.get(11)?,
        last_outcome: optional_code(row, 12, Outcome::from_code)?,
        settled_at: optional(row, 13, Millis)?,
        resend_of: optional(row, 14, DeliveryId)?,
        profile: code(row, 15, profile_from_code)?,
        schedule: schedules
            .parse(row.get_ref(16)?.as_str()?)
            .map_err(|error| invalid_json(16, error))?,
        hold: hold(row, 17, 18)?,
        hold_job: row.get(19)?,
    })
}

fn hold(row: &Row<'_>, until: usize, check: usize) -> Result<Option<Hold>> {
    let until = optional(row, until, Millis)?;
    let check = optional(row, check, Millis)?;
    Ok(until.zip(check).map(|(until, check)| Hold { until, check }))
}

/// A delivery with its body.
pub(super) fn work(row: &Row<'_>, schedules: &mut Schedules) -> Result<(Delivery, Bytes)> {
    let delivery = delivery(row, schedules)?;
    Ok((delivery, body(row, 20)?))
}

pub(super) fn body(row: &Row<'_>, column: usize) -> Result<Bytes> {
    row.get::<_, Vec<u8>>(column).map(Bytes::from)
}

pub(super) fn endpoint(row: &Row<'_>) -> Result<EndpointRow> {
    let swept_to = match row.get::<_, Option<i64>>(9)? {
        Some(id) => Some((order_key(row, 7, 8)?, DeliveryId(id))),
        None => None,
    };
    Ok(EndpointRow {
        endpoint: Arc::new(Endpoint {
            id: EndpointId(row.get(0)?),
            company_id: row.get(1)?,
            name: row.get(2)?,
            version: row.get(3)?,
            settings: json(row, 4)?,
            deleted: row.get(5)?,
            sweeping: row.get(6)?,
        }),
        swept_to,
    })
}

pub(super) fn company(row: &Row<'_>) -> Result<ringback_core::company::Company> {
    json(row, 0)
}

pub(super) fn attempt(row: &Row<'_>) -> Result<Attempt> {
    Ok(Attempt {
        n: row.get(0)?,
        started_wall_ms: row.get(1)?,
        duration_ms: row.get(2)?,
        outcome: code(row, 3, Outcome::from_code)?,
        status: row.get(4)?,
        address: row.get(5)?,
        detail: row.get(6)?,
        body_start: body(row, 7)?,
    })
}

pub(super) fn replay(row: &Row<'_>) -> Result<Replay> {
    Ok(Replay {
        id: ReplayId(row.get(0)?),
        spec: Arc::new(json(row, 1)?),
        state: code(row, 2, ReplayState::from_code)?,
        counts: json(row, 3)?,
        cursor: row.get(4)?,
        ended_at: optional(row, 5, Millis)?,
    })
}

pub(super) fn alert(row: &Row<'_>) -> Result<Alert> {
    json(row, 0)
}

pub(super) fn token(row: &Row<'_>) -> Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        hash: row.get(2)?,
        scope: code(row, 3, Scope::from_code)?,
        company_id: row.get(4)?,
        created_wall_ms: row.get(5)?,
        expires_wall_ms: row.get(6)?,
        last_used_wall_ms: row.get(7)?,
        rate_limit: row.get(8)?,
    })
}
