//! Taking callbacks in: what is new gets its number and a row for each outlet, what is known is counted.

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::id::EventId;
use ringback_core::limits;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::super::fingerprint::Fingerprint;
use super::super::outlet::OutletName;
use super::outlets;

/// A callback that may be acknowledged once it is on disk.
#[derive(Clone, Debug)]
pub(in super::super) struct Callback {
    pub(in super::super) received_ms: i64,
    pub(in super::super) fingerprint: Fingerprint,
    pub(in super::super) event_id: Option<String>,
    pub(in super::super) send: Option<u32>,
    pub(in super::super) kind: Option<Kind>,
    pub(in super::super) company_id: Option<i64>,
    pub(in super::super) entity_id: Option<i64>,
    pub(in super::super) verified: bool,
    /// JSON of a [`crate::receiver::Verification`].
    pub(in super::super) verification: String,
    pub(in super::super) path: String,
    pub(in super::super) content_type: Option<String>,
    /// JSON: a list of names and values.
    pub(in super::super) headers: String,
    pub(in super::super) body: Bytes,
    /// The callback's JSON text, where it is not the body itself.
    pub(in super::super) content: Option<Bytes>,
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Accepted {
    /// Its number, or that of the first of its kind.
    pub(in super::super) number: i64,
    /// It was known.
    pub(in super::super) repeated: bool,
    /// A newer one of its key had been accepted before it.
    pub(in super::super) stale: bool,
}

/// A callback that is not acknowledged.
#[derive(Clone, Debug)]
pub(in super::super) struct Refused {
    pub(in super::super) received_ms: i64,
    pub(in super::super) status: u16,
    pub(in super::super) why: String,
    pub(in super::super) event_id: Option<String>,
    pub(in super::super) verification: String,
    pub(in super::super) path: String,
    pub(in super::super) headers: String,
    /// What is kept of the body: see [`Refused::kept`].
    pub(in super::super) body: Bytes,
    /// The length of the whole body.
    pub(in super::super) body_bytes: usize,
}

/// How late a callback is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lateness {
    /// A newer one of its key was accepted before it.
    stale: bool,
    /// That one says all that this one does.
    superseded: bool,
}

impl Callback {
    /// Takes it in for `outlets`; with `drop_stale` what is superseded goes to none of them.
    pub(in super::super) fn accept(
        &self,
        transaction: &Transaction<'_>,
        outlets: &[OutletName],
        drop_stale: bool,
    ) -> rusqlite::Result<Accepted> {
        if let Some(known) = self.repetition(transaction)? {
            return self.count_repetition(transaction, known);
        }
        let own_place = self.own_place();
        let place = match own_place {
            Some(own) => own.to_owned(),
            None => self.place_before(transaction)?,
        };
        let lateness = self.lateness(transaction, own_place)?;
        let number = self.insert(transaction, &place, lateness)?;
        let dropped = drop_stale && lateness.superseded;
        for outlet in outlets {
            let new = outlets::New {
                number,
                outlet: *outlet,
                order_key: self.fingerprint.order_key.as_deref(),
                place: &place,
                now_ms: self.received_ms,
            };
            if dropped {
                new.insert_dropped(transaction)?;
            } else {
                new.insert(transaction)?;
            }
            outlets::reached(transaction, *outlet, number)?;
        }
        Ok(Accepted {
            number,
            repeated: false,
            stale: lateness.stale,
        })
    }

    /// The earlier one that it repeats.
    fn repetition(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
        let Fingerprint {
            identity, state_of, ..
        } = &self.fingerprint;
        let Some(identity) = identity else {
            return Ok(None);
        };
        match state_of {
            // A state that is there again after another one is news: B, then C, then B.
            Some(state_of) => transaction
                .prepare_cached(
                    "SELECT number, identity FROM event WHERE state_of = ?1 ORDER BY number DESC LIMIT 1",
                )?
                .query_row([state_of], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?))
                })
                .optional()
                .map(|newest| newest.and_then(|(number, newest)| (newest == *identity).then_some(number))),
            None => transaction
                .prepare_cached("SELECT number FROM event WHERE identity = ?1 LIMIT 1")?
                .query_row([identity], |row| row.get(0))
                .optional(),
        }
    }

    fn count_repetition(&self, transaction: &Transaction<'_>, number: i64) -> rusqlite::Result<Accepted> {
        let stale = transaction
            .prepare_cached(
                "UPDATE event SET repeats = repeats + 1, repeated_ms = ?2, differing = differing + (body <> ?3)
                 WHERE number = ?1 RETURNING stale",
            )?
            .query_row(params![number, self.received_ms, &self.body[..]], |row| row.get(0))?;
        Ok(Accepted {
            number,
            repeated: true,
            stale,
        })
    }

    /// Its webhook-id, where it is one by which ringback orders events. Other senders' ids say nothing about order.
    fn own_place(&self) -> Option<&str> {
        self.event_id
            .as_deref()
            .filter(|id| id.parse::<EventId>().is_ok())
    }

    /// The place of one without an id of ringback: behind all that came before it.
    fn place_before(&self, transaction: &Transaction<'_>) -> rusqlite::Result<String> {
        let largest: Option<String> = transaction
            .prepare_cached("SELECT max(place) FROM event WHERE order_key = ?1")?
            .query_row([&self.fingerprint.order_key], |row| row.get(0))?;
        Ok(largest.unwrap_or_default())
    }

    fn lateness(&self, transaction: &Transaction<'_>, place: Option<&str>) -> rusqlite::Result<Lateness> {
        let (Some(place), Some(key)) = (place, &self.fingerprint.order_key) else {
            return Ok(Lateness::default());
        };
        let mut newer = transaction
            .prepare_cached("SELECT DISTINCT kind FROM event WHERE order_key = ?1 AND place > ?2")?;
        let mut lateness = Lateness::default();
        for kind in newer.query_map(params![key, place], |row| row.get::<_, Option<u8>>(0))? {
            let newer = kind?.and_then(Kind::from_code);
            lateness.stale = true;
            // A correction holds the level alone: it does not say what a late call result does.
            lateness.superseded |= newer != Some(Kind::Correction) || self.kind == Some(Kind::Correction);
        }
        Ok(lateness)
    }

    fn insert(
        &self,
        transaction: &Transaction<'_>,
        place: &str,
        lateness: Lateness,
    ) -> rusqlite::Result<i64> {
        // What repeats nothing gets a fingerprint that nothing else has.
        let identity = self.fingerprint.identity.unwrap_or_default();
        transaction
            .prepare_cached(
                "INSERT INTO event (received_ms, identity, state_of, event_id, send, kind, company_id, entity_id,
                   order_key, place, stale, verified, verification, path, content_type, headers, body, content)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?
            .execute(params![
                self.received_ms,
                identity,
                self.fingerprint.state_of,
                self.event_id,
                self.send,
                self.kind.map(Kind::code),
                self.company_id,
                self.entity_id,
                self.fingerprint.order_key,
                place,
                lateness.stale,
                self.verified,
                self.verification,
                self.path,
                self.content_type,
                self.headers,
                &self.body[..],
                self.content.as_deref(),
            ])?;
        Ok(transaction.last_insert_rowid())
    }
}

impl Refused {
    /// The part of a body that is kept, without the rest of it in memory.
    pub(in super::super) fn kept(body: &[u8]) -> Bytes {
        Bytes::copy_from_slice(&body[..body.len().min(limits::INBOX_REFUSED_BYTES)])
    }

    /// Keeps it, and no more than the last ones of them.
    pub(in super::super) fn keep(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO refused (received_ms, status, why, event_id, verification, path, headers, body, body_bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.received_ms,
                self.status,
                self.why,
                self.event_id,
                self.verification,
                self.path,
                self.headers,
                &self.body[..],
                i64::try_from(self.body_bytes).unwrap_or(i64::MAX),
            ])?;
        let last = transaction.last_insert_rowid();
        transaction
            .prepare_cached("DELETE FROM refused WHERE number <= ?1")?
            .execute([last - limits::INBOX_REFUSED])?;
        Ok(())
    }
}
