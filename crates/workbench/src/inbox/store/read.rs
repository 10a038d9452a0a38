//! What is asked of the store: what is due, and what people look at.

use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::super::outlet::OutletName;
use super::{Fault, Handover, Reader, RefusedRow, Store, Stored, Summary, limit};
use ringback_core::limits;

/// Which callbacks of the list are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those that an outlet has not confirmed yet.
    Pending,
    /// Those that were given up.
    GivenUp,
    /// Those that came after a newer one of their key.
    Stale,
    /// Those with this webhook-id.
    EventId(String),
    /// The one with this number, and those of this call, inbound call or job.
    Number(i64),
}

/// How an outlet stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Standing {
    /// Callbacks that are not confirmed yet; counting ends at [`COUNTED`].
    pub(in super::super) pending: i64,
    /// Callbacks that were given up; counting ends likewise.
    pub(in super::super) given_up: i64,
}

/// Where counting ends: a longer count would take longer than a look at a page is worth.
const COUNTED: i64 = 10_000;

impl Store {
    /// The callbacks that are due at `now_ms`, the longest due first, with when the next one after them will be.
    pub(in super::super) async fn due(
        &self,
        outlet: OutletName,
        now_ms: i64,
        most: usize,
    ) -> Result<(Vec<i64>, Option<i64>), Fault> {
        self.read(Reader::Outlets, move |connection| {
            let due = connection
                .prepare_cached(
                    "SELECT number FROM handover WHERE outlet = ?1 AND due_ms <= ?2 ORDER BY due_ms, number LIMIT ?3",
                )?
                .query_map(params![outlet.code(), now_ms, limit(most)], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let next = connection
                .prepare_cached("SELECT min(due_ms) FROM handover WHERE outlet = ?1 AND due_ms > ?2")?
                .query_row(params![outlet.code(), now_ms], |row| row.get(0))?;
            Ok((due, next))
        })
        .await
    }

    /// These callbacks, and the number of the try that each of them is in for; up to so many bytes of bodies. One whose
    /// way has ended meanwhile is left out.
    pub(in super::super) async fn load(
        &self,
        outlet: OutletName,
        numbers: Vec<i64>,
    ) -> Result<Vec<(Stored, u32)>, Fault> {
        self.read(Reader::Outlets, move |connection| {
            let mut bytes = 0;
            let mut loaded = Vec::new();
            for number in numbers {
                let Some((stored, tries)) = load(connection, outlet, number)? else {
                    continue;
                };
                bytes += stored.bytes();
                if !loaded.is_empty() && bytes > limits::INBOX_BATCH_BYTES {
                    break;
                }
                loaded.push((stored, tries.saturating_add(1)));
            }
            Ok(loaded)
        })
        .await
    }

    /// Callbacks with a number less than `before`, the newest first: a page of them, or fewer where their bodies are long.
    pub(in super::super) async fn list(&self, filter: Filter, before: i64) -> Result<Vec<Summary>, Fault> {
        self.read(Reader::Page, move |connection| list(connection, &filter, before))
            .await
    }

    /// One callback.
    pub(in super::super) async fn event(&self, number: i64) -> Result<Option<Summary>, Fault> {
        self.read(Reader::Page, move |connection| {
            let sql = format!("SELECT {} FROM event WHERE number = ?1", Stored::COLUMNS);
            let stored = connection
                .prepare_cached(&sql)?
                .query_row([number], Stored::read)
                .optional()?;
            stored
                .map(|stored| with_handovers(connection, stored))
                .transpose()
        })
        .await
    }

    /// The last callbacks that were refused, the newest first.
    pub(in super::super) async fn refused(&self, before: i64) -> Result<Vec<RefusedRow>, Fault> {
        self.read(Reader::Page, move |connection| {
            let sql = format!(
                "SELECT {} FROM refused WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
                RefusedRow::COLUMNS
            );
            connection
                .prepare_cached(&sql)?
                .query_map(params![before, limit(limits::INBOX_PAGE)], RefusedRow::read)?
                .collect()
        })
        .await
    }

    /// How an outlet stands.
    pub(in super::super) async fn standing(&self, outlet: OutletName) -> Result<Standing, Fault> {
        self.read(Reader::Page, move |connection| {
            // The states stand in the text, or their partial indexes could not be used.
            let count = |sql: &str| {
                connection
                    .prepare_cached(sql)?
                    .query_row(params![outlet.code(), COUNTED], |row| row.get(0))
            };
            Ok(Standing {
                pending: count(
                    "SELECT count(*) FROM (SELECT 1 FROM handover WHERE outlet = ?1 AND state = 0 LIMIT ?2)",
                )?,
                given_up: count(
                    "SELECT count(*) FROM (SELECT 1 FROM handover WHERE outlet = ?1 AND state = 2 LIMIT ?2)",
                )?,
            })
        })
        .await
    }
}

fn load(connection: &Connection, outlet: OutletName, number: i64) -> rusqlite::Result<Option<(Stored, u32)>> {
    let tries: Option<u32> = connection
        .prepare_cached(
            "SELECT tries FROM handover WHERE number = ?1 AND outlet = ?2 AND due_ms IS NOT NULL",
        )?
        .query_row(params![number, outlet.code()], |row| row.get(0))
        .optional()?;
    let Some(tries) = tries else { return Ok(None) };
    let sql = format!("SELECT {} FROM event WHERE number = ?1", Stored::COLUMNS);
    let stored = connection
        .prepare_cached(&sql)?
        .query_row([number], Stored::read)?;
    Ok(Some((stored, tries)))
}

fn list(connection: &Connection, filter: &Filter, before: i64) -> rusqlite::Result<Vec<Summary>> {
    let (condition, value): (&str, &dyn ToSql) = match filter {
        Filter::All => ("?2 IS NULL", &None::<i64>),
        Filter::Pending => (
            "?2 IS NULL AND number IN (SELECT number FROM handover WHERE state = 0)",
            &None::<i64>,
        ),
        Filter::GivenUp => (
            "?2 IS NULL AND number IN (SELECT number FROM handover WHERE state = 2)",
            &None::<i64>,
        ),
        Filter::Stale => ("?2 IS NULL AND stale = 1", &None::<i64>),
        Filter::EventId(id) => ("event_id = ?2", id),
        Filter::Number(number) => ("(entity_id = ?2 OR number = ?2)", number),
    };
    let sql = format!(
        "SELECT {} FROM event WHERE number < ?1 AND {condition} ORDER BY number DESC LIMIT ?3",
        Stored::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![before, value, limit(limits::INBOX_PAGE)])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let stored = Stored::read(row)?;
        bytes += stored.bytes();
        found.push(with_handovers(connection, stored)?);
        if bytes > limits::INBOX_BATCH_BYTES {
            break;
        }
    }
    Ok(found)
}

fn with_handovers(connection: &Connection, stored: Stored) -> rusqlite::Result<Summary> {
    let sql = format!(
        "SELECT {} FROM handover WHERE number = ?1 ORDER BY outlet",
        Handover::COLUMNS
    );
    let handovers: Vec<Option<Handover>> = connection
        .prepare_cached(&sql)?
        .query_map([stored.number], Handover::read)?
        .collect::<Result<_, _>>()?;
    Ok(Summary {
        stored,
        handovers: handovers.into_iter().flatten().collect(),
    })
}
