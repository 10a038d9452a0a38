//! What is read back of callbacks, refusals and handovers.

use bytes::Bytes;
use ringback_contract::kind::Kind;
use rusqlite::Row;

use super::super::outlet::OutletName;

/// A callback as it is handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Stored {
    pub(in super::super) number: i64,
    pub(in super::super) received_ms: i64,
    pub(in super::super) event_id: Option<String>,
    pub(in super::super) send: Option<u32>,
    pub(in super::super) kind: Option<Kind>,
    pub(in super::super) company_id: Option<i64>,
    pub(in super::super) entity_id: Option<i64>,
    pub(in super::super) order_key: Option<String>,
    pub(in super::super) stale: bool,
    pub(in super::super) verified: bool,
    /// JSON of a [`crate::receiver::Verification`].
    pub(in super::super) verification: String,
    pub(in super::super) path: String,
    pub(in super::super) content_type: Option<String>,
    /// JSON: a list of names and values.
    pub(in super::super) headers: String,
    /// As it came in.
    pub(in super::super) body: Bytes,
    /// The callback's JSON text, where it is not the body itself.
    pub(in super::super) content: Option<Bytes>,
    /// How often it came in again.
    pub(in super::super) repeats: i64,
    /// How often with another body.
    pub(in super::super) differing: i64,
}

impl Stored {
    pub(super) const COLUMNS: &str = "number, received_ms, event_id, send, kind, company_id, entity_id, order_key, stale, \
         verified, verification, path, content_type, headers, body, content, repeats, differing";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            received_ms: row.get(1)?,
            event_id: row.get(2)?,
            send: row.get(3)?,
            kind: kind(row, 4)?,
            company_id: row.get(5)?,
            entity_id: row.get(6)?,
            order_key: row.get(7)?,
            stale: row.get(8)?,
            verified: row.get(9)?,
            verification: row.get(10)?,
            path: row.get(11)?,
            content_type: row.get(12)?,
            headers: row.get(13)?,
            body: row.get::<_, Vec<u8>>(14)?.into(),
            content: row.get::<_, Option<Vec<u8>>>(15)?.map(Bytes::from),
            repeats: row.get(16)?,
            differing: row.get(17)?,
        })
    }

    /// How much memory its texts take.
    pub(super) fn bytes(&self) -> usize {
        self.body.len() + self.content.as_ref().map_or(0, Bytes::len)
    }

    /// The callback's JSON text.
    pub(in super::super) fn text(&self) -> &Bytes {
        self.content.as_ref().unwrap_or(&self.body)
    }
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Kind>> {
    let code: Option<u8> = row.get(column)?;
    Ok(code.and_then(Kind::from_code))
}

/// How far a callback is on its way to an outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum State {
    Pending,
    Confirmed,
    GivenUp,
    Dropped,
    LetGo,
}

impl State {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Confirmed,
        Self::GivenUp,
        Self::Dropped,
        Self::LetGo,
    ];

    fn from_code(code: usize) -> Option<Self> {
        Self::ALL.get(code).copied()
    }

    /// The name in what the page gets.
    pub(in super::super) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::GivenUp => "given-up",
            Self::Dropped => "dropped",
            Self::LetGo => "let-go",
        }
    }
}

/// A callback's way to one outlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Handover {
    pub(in super::super) outlet: OutletName,
    pub(in super::super) state: State,
    pub(in super::super) due_ms: Option<i64>,
    pub(in super::super) tries: u32,
    pub(in super::super) failure: Option<String>,
    pub(in super::super) settled_ms: Option<i64>,
    pub(in super::super) redriven: u32,
}

impl Handover {
    pub(super) const COLUMNS: &str = "outlet, state, due_ms, tries, failure, settled_ms, redriven";

    /// `None` where a later version wrote it.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let outlet = OutletName::from_code(row.get(0)?);
        let state = State::from_code(row.get(1)?);
        let (due_ms, tries, failure, settled_ms, redriven) =
            (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
        Ok(outlet.zip(state).map(|(outlet, state)| Self {
            outlet,
            state,
            due_ms,
            tries,
            failure,
            settled_ms,
            redriven,
        }))
    }
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Summary {
    pub(in super::super) stored: Stored,
    pub(in super::super) handovers: Vec<Handover>,
}

/// What was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct RefusedRow {
    pub(in super::super) number: i64,
    pub(in super::super) received_ms: i64,
    pub(in super::super) status: u16,
    pub(in super::super) why: String,
    pub(in super::super) event_id: Option<String>,
    pub(in super::super) verification: String,
    pub(in super::super) path: String,
    pub(in super::super) headers: String,
    pub(in super::super) body: Bytes,
    pub(in super::super) body_bytes: i64,
}

impl RefusedRow {
    pub(super) const COLUMNS: &str =
        "number, received_ms, status, why, event_id, verification, path, headers, body, body_bytes";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            received_ms: row.get(1)?,
            status: row.get(2)?,
            why: row.get(3)?,
            event_id: row.get(4)?,
            verification: row.get(5)?,
            path: row.get(6)?,
            headers: row.get(7)?,
            body: row.get::<_, Vec<u8>>(8)?.into(),
            body_bytes: row.get(9)?,
        })
    }
}
