//! Counting for a reconciliation: a company's events by id, each with the deliveries that follow it, and between them those
//! that are noted as made later (see [`super::by_event`]). So each delivery comes once, and no index is needed for it.

use std::time::Duration;

use ringback_core::delivery::State;
use ringback_core::id::EndpointId;
use ringback_core::store::{ReconcileQuery, Reconciled};
use rusqlite::{OptionalExtension as _, Result, Row, params};

use super::read::Snapshot;
use super::rows;
use crate::reconcile::{Count, Counted};

/// Events and the deliveries that are noted, by id: the id, and the kind of an event.
const WALK: &str = "SELECT id, kind FROM event INDEXED BY event_company \
     WHERE company_id = ?1 AND id >= ?2 AND id < ?3 \
     UNION ALL \
     SELECT delivery_id, NULL FROM later_delivery INDEXED BY later_delivery_company \
     WHERE company_id = ?1 AND delivery_id >= ?2 AND delivery_id < ?3 \
     ORDER BY 1";
/// The only event before the beginning whose followers may lie behind it.
const BEFORE: &str = "SELECT id FROM event INDEXED BY event_company \
     WHERE company_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1";
const HAS_DELIVERIES: &str = "SELECT \
       coalesce((SELECT event_id = ?1 FROM delivery WHERE id > ?1 ORDER BY id LIMIT 1), 0) \
       OR EXISTS (SELECT 1 FROM later_delivery WHERE event_id = ?1)";
/// What comes after an event, and whether it follows it; what does not ends the run of those that do.
const FOLLOWING: &str = "SELECT kind, endpoint_id, state, resend_of IS NOT NULL, id, event_id = ?1 \
       AND NOT EXISTS (SELECT 1 FROM later_delivery AS later \
                       WHERE later.event_id = ?1 AND later.delivery_id = delivery.id) \
     FROM delivery WHERE id > ?1 AND id >= ?2 AND id < ?3 ORDER BY id";
const LATER: &str = "SELECT kind, endpoint_id, state, resend_of IS NOT NULL FROM delivery WHERE id = ?1";

pub(super) fn part(snapshot: &Snapshot<'_>, query: &ReconcileQuery) -> Result<Reconciled> {
    let mut count = Count::new(query);
    walk(snapshot, query, &mut count)?;
    count.finish(|endpoint| snapshot.endpoint_name(Some(endpoint)))
}

fn walk(snapshot: &Snapshot<'_>, query: &ReconcileQuery, count: &mut Count) -> Result<()> {
    let connection = snapshot.connection;
    let before = connection
        .prepare_cached(BEFORE)?
        .query_row([query.company_id, query.from], |row| row.get(0))
        .optional()?;
    if let Some(event) = before
        && !following(snapshot, query, event, count)?
    {
        return Ok(());
    }
    let mut walk = connection.prepare_cached(WALK)?;
    let mut found = walk.query(params![query.company_id, query.from, query.below])?;
    while let Some(row) = found.next()? {
        let id: i64 = row.get(0)?;
        if !count.wants(id, || is_over(snapshot, query)) {
            break;
        }
        if row.get::<_, Option<i64>>(1)?.is_none() {
            let mut later = connection.prepare_cached(LATER)?;
            count.delivery(later.query_row([id], counted)?);
            continue;
        }
        let mut has = connection.prepare_cached(HAS_DELIVERIES)?;
        count.event(rows::kind(row, 1)?, has.query_row([id], |row| row.get(0))?);
        if !following(snapshot, query, id, count)? {
            break;
        }
    }
    Ok(())
}

fn is_over(snapshot: &Snapshot<'_>, query: &ReconcileQuery) -> bool {
    snapshot.is_page_over_after(Duration::from_millis(query.spent_ms))
}

/// Counts the deliveries that follow an event, as far as they are asked for. Whether the count goes on: it may end between
/// them, and the next part then finds the event before its beginning.
fn following(snapshot: &Snapshot<'_>, query: &ReconcileQuery, event: i64, count: &mut Count) -> Result<bool> {
    let mut following = snapshot.connection.prepare_cached(FOLLOWING)?;
    let mut found = following.query([event, query.from, query.below])?;
    while let Some(row) = found.next()? {
        if !row.get(5)? {
            break;
        }
        if !count.wants(row.get(4)?, || is_over(snapshot, query)) {
            return Ok(false);
        }
        count.delivery(counted(row)?);
    }
    Ok(true)
}

fn counted(row: &Row<'_>) -> Result<Counted> {
    Ok(Counted {
        kind: rows::kind(row, 0)?,
        endpoint: row.get::<_, Option<i64>>(1)?.map(EndpointId),
        state: rows::code(row, 2, State::from_code)?,
        repeats: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::walk::testing::plan;
    use super::*;

    #[test]
    fn nothing_is_sorted_and_every_look_is_by_an_index() {
        for (sql, expected) in [
            (
                WALK,
                &[
                    "event USING INDEX event_company (company_id=? AND rowid>? AND rowid<?)",
                    "later_delivery USING COVERING INDEX later_delivery_company (company_id=? AND delivery_id>? AND delivery_id<?)",
                ][..],
            ),
            (
                BEFORE,
                &["event USING COVERING INDEX event_company (company_id=? AND rowid<?)"],
            ),
            (
                FOLLOWING,
                &[
                    "delivery USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
                    "later USING PRIMARY KEY (event_id=? AND delivery_id=?)",
                ],
            ),
            (LATER, &["delivery USING INTEGER PRIMARY KEY (rowid=?)"]),
            (
                HAS_DELIVERIES,
                &[
                    "delivery USING INTEGER PRIMARY KEY (rowid>?)",
                    "later_delivery USING PRIMARY KEY (event_id=?)",
                ],
            ),
        ] {
            let steps = plan(sql);
            let searches: Vec<_> = steps
                .iter()
                .filter_map(|step| step.strip_prefix("SEARCH "))
                .collect();
            assert_eq!(searches, expected, "{steps:?}");
            let is_bad = |step: &String| {
                step.contains("B-TREE") || step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW"
            };
            assert!(!steps.iter().any(is_bad), "{steps:?}");
        }
    }
}
