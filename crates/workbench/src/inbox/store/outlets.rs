//! Rows of callbacks on their way to outlets: which one of a key is due, and where an outlet begins.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::super::outlet::OutletName;
use ringback_core::limits;

/// Where an outlet begins that was never in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Beginning {
    /// With what comes in from now on.
    Now,
    /// With the oldest callback that is kept.
    Oldest,
}

/// A row that is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct New<'a> {
    pub(super) number: i64,
    pub(super) outlet: OutletName,
    pub(super) order_key: Option<&'a str>,
    pub(super) place: &'a str,
    pub(super) now_ms: i64,
}

impl New<'_> {
    /// Pending: due, or behind another one of its key.
    pub(super) fn insert(self, connection: &Connection) -> rusqlite::Result<()> {
        let waits = waits_behind_another(connection, self.outlet, self.order_key, self.number)?;
        connection
            .prepare_cached(
                "INSERT INTO handover (number, outlet, state, order_key, place, due_ms) VALUES (?1, ?2, 0, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                self.number,
                self.outlet.code(),
                self.order_key,
                self.place,
                (!waits).then_some(self.now_ms),
            ])?;
        Ok(())
    }

    /// Settled at once: dropped as stale.
    pub(super) fn insert_dropped(self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO handover (number, outlet, state, order_key, place, settled_ms) VALUES (?1, ?2, 3, ?3, ?4, ?5)",
            )?
            .execute(params![
                self.number,
                self.outlet.code(),
                self.order_key,
                self.place,
                self.now_ms,
            ])?;
        Ok(())
    }
}

/// Whether another callback of the key is pending.
pub(super) fn waits_behind_another(
    connection: &Connection,
    outlet: OutletName,
    order_key: Option<&str>,
    number: i64,
) -> rusqlite::Result<bool> {
    let Some(order_key) = order_key else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "SELECT 1 FROM handover WHERE outlet = ?1 AND order_key = ?2 AND state = 0 AND number <> ?3 LIMIT 1",
        )?
        .exists(params![outlet.code(), order_key, number])
}

/// Makes the next callback of a key due, after one of them was settled.
pub(super) fn release_next(
    connection: &Connection,
    outlet: OutletName,
    order_key: Option<&str>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let Some(order_key) = order_key else {
        return Ok(());
    };
    // One that is due already is the head of its key: it stays alone.
    let next: Option<(i64, bool)> = connection
        .prepare_cached(
            "SELECT number, EXISTS (SELECT 1 FROM handover WHERE outlet = ?1 AND order_key = ?2 AND state = 0
                                      AND due_ms IS NOT NULL)
             FROM handover WHERE outlet = ?1 AND order_key = ?2 AND state = 0 ORDER BY place, number LIMIT 1",
        )?
        .query_row(params![outlet.code(), order_key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((number, false)) = next {
        connection
            .prepare_cached("UPDATE handover SET due_ms = ?3 WHERE number = ?1 AND outlet = ?2")?
            .execute(params![number, outlet.code(), now_ms])?;
    }
    Ok(())
}

/// Notes that a callback has its row.
pub(super) fn reached(connection: &Connection, outlet: OutletName, number: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE outlet SET upto = ?2 WHERE outlet = ?1 AND upto < ?2")?
        .execute(params![outlet.code(), number])?;
    Ok(())
}

/// Begins new outlets, and gives those that were away what came in meanwhile.
pub(super) fn begin(
    connection: &mut Connection,
    outlets: &[OutletName],
    beginning: Beginning,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for outlet in outlets {
        let upto = match beginning {
            Beginning::Now => "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)",
            Beginning::Oldest => "0",
        };
        transaction.execute(
            &format!("INSERT INTO outlet (outlet, upto) VALUES (?1, {upto}) ON CONFLICT DO NOTHING"),
            [outlet.code()],
        )?;
        catch_up(&transaction, *outlet, now_ms)?;
        // A clock that was ahead in an earlier life must not put the next try off for ever.
        transaction.execute(
            "UPDATE handover SET due_ms = ?2 WHERE outlet = ?1 AND due_ms > ?2 + ?3",
            params![outlet.code(), now_ms, limits::INBOX_RETRY_MS_MOST],
        )?;
    }
    transaction.commit()
}

fn catch_up(transaction: &Transaction<'_>, outlet: OutletName, now_ms: i64) -> rusqlite::Result<()> {
    let mut missed = transaction.prepare(
        "SELECT number, order_key, place FROM event
         WHERE number > (SELECT upto FROM outlet WHERE outlet = ?1) ORDER BY number",
    )?;
    let mut rows = missed.query([outlet.code()])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (number, order_key, place): (i64, Option<String>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        New {
            number,
            outlet,
            order_key: order_key.as_deref(),
            place: &place,
            now_ms,
        }
        .insert(transaction)?;
        last = Some(number);
    }
    last.map_or(Ok(()), |last| reached(transaction, outlet, last))
}

/// Forgets an outlet, and that anything is on its way to it. Returns how many callbacks were.
pub(super) fn forget(connection: &Connection, outlet: OutletName) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM outlet WHERE outlet = ?1", [outlet.code()])?;
    connection.execute(
        "DELETE FROM handover WHERE outlet = ?1 AND state <> 0",
        [outlet.code()],
    )?;
    connection.execute("DELETE FROM handover WHERE outlet = ?1", [outlet.code()])
}
