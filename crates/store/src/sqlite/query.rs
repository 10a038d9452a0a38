//! What writer and readers ask in the same way.

use ringback_contract::kind::Kind;
use ringback_core::alert::Oldest;
use ringback_core::id::{EndpointId, EventId};
use ringback_core::store::OpenCount;
use ringback_core::time::Millis;
use rusqlite::{Connection, OptionalExtension, Params, Result, Row, params};

use super::rows::{self, Schedules, kind_code};
use super::select::select;

/// Every row of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// The pending and the parked deliveries of an endpoint; counting stops at `most` each.
pub(super) fn count_open(connection: &Connection, endpoint: EndpointId, most: usize) -> Result<OpenCount> {
    let count = |sql| -> Result<usize> {
        connection
            .prepare_cached(sql)?
            .query_row(params![endpoint.0, most], |row| row.get(0))
    };
    let due = count(
        "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_due \
         WHERE endpoint_id = ?1 AND state = 0 AND due_ms IS NOT NULL LIMIT ?2)",
    )?;
    let waiting = count(
        "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_waiting \
         WHERE endpoint_id = ?1 AND state = 0 AND due_ms IS NULL LIMIT ?2)",
    )?;
    let parked = count(
        "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_parked \
         WHERE endpoint_id = ?1 AND state = 3 LIMIT ?2)",
    )?;
    Ok(OpenCount {
        pending: (due + waiting).min(most),
        parked,
    })
}

/// Of the deliveries of an endpoint that were sent before and whose age runs, the one whose age began first.
const LONGEST_SENT: &str = select!(delivery "INDEXED BY delivery_oldest \
    WHERE endpoint_id = ?1 AND state = 0 AND due_ms IS NOT NULL AND sends > 0 \
    ORDER BY age_since_ms - age_ms, id LIMIT 1");
/// Of the deliveries of an endpoint that have a due time, the first.
const FIRST_DUE: &str = select!(delivery "INDEXED BY delivery_due \
    WHERE endpoint_id = ?1 AND state = 0 AND due_ms IS NOT NULL ORDER BY due_ms, id LIMIT 1");

/// See [`ringback_core::store::Reader::oldest`].
pub(super) fn oldest(
    connection: &Connection,
    schedules: &mut Schedules,
    now: Millis,
    endpoint: EndpointId,
) -> Result<Option<Oldest>> {
    let mut oldest: Option<Oldest> = None;
    for sql in [LONGEST_SENT, FIRST_DUE] {
        let found = connection
            .prepare_cached(sql)?
            .query_row([endpoint.0], |row| rows::delivery(row, schedules))
            .optional()?;
        let found = found.and_then(|delivery| Oldest::of(delivery.age, &delivery.schedule, now));
        // The latter of two that have used the same, as the iterators of the model take it.
        if found.is_some_and(|found| oldest.is_none_or(|oldest| found.used_ms >= oldest.used_ms)) {
            oldest = found;
        }
    }
    Ok(oldest)
}

/// When the newest call of a job was accepted, if that was at `from` or later.
pub(super) fn newest_call(
    connection: &Connection,
    company_id: i64,
    call_job_id: i64,
    from: Millis,
) -> Result<Option<Millis>> {
    let first = EventId::first_at(from.max(Millis::ZERO));
    connection
        .prepare_cached(
            "SELECT id FROM event INDEXED BY event_job \
             WHERE company_id = ?1 AND call_job_id = ?2 AND id >= ?3 AND kind = ?4 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            params![company_id, call_job_id, first.0, kind_code(Kind::Call)],
            |row| row.get(0).map(|id| EventId(id).time()),
        )
        .optional()
}

/// The pending deliveries that hold a job's final status; counting stops at `most`.
pub(super) fn count_open_calls(
    connection: &Connection,
    company_id: i64,
    call_job_id: i64,
    most: usize,
) -> Result<usize> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_open_call \
             WHERE company_id = ?1 AND hold_job_id = ?2 AND state = 0 LIMIT ?3)",
        )?
        .query_row(params![company_id, call_job_id, most], |row| row.get(0))
}

/// When the first held delivery is to be looked at.
pub(super) fn first_hold_check(connection: &Connection) -> Result<Option<Millis>> {
    connection
        .prepare_cached(
            "SELECT hold_check_ms FROM delivery INDEXED BY delivery_hold \
             WHERE hold_check_ms IS NOT NULL ORDER BY hold_check_ms LIMIT 1",
        )?
        .query_row([], |row| row.get(0).map(Millis))
        .optional()
}
