//! What writer and readers ask in the same way.

use ringback_core::id::EndpointId;
use ringback_core::store::OpenCount;
use rusqlite::{Connection, Params, Result, Row, params};

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
