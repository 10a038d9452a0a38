//! Walks over an endpoint's deliveries that go on after a place: by (due, id), and by (key, id).
//!
//! Each is two ranges of an index, the rest of the same due time or key and then what comes after it. SQLite would use a
//! comparison of the whole place for its first column only, and with a million deliveries due at one moment each page
//! would begin by stepping over all that were read before.

use ringback_core::delivery::Delivery;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::store::{DuePage, DueQuery};
use ringback_core::time::Millis;
use rusqlite::{Connection, OptionalExtension, Params, Result, params};

use super::query;
use super::rows::{self, Schedules};
use super::select::select;
use crate::rules;
use crate::tables::Place;

const DUE_SAME: &str = select!(work "INDEXED BY delivery_due \
    WHERE endpoint_id = ?1 AND state = 0 AND due_ms = ?2 AND id > ?3 ORDER BY id LIMIT ?4");
const DUE_LATER: &str = select!(work "INDEXED BY delivery_due \
    WHERE endpoint_id = ?1 AND state = 0 AND due_ms > ?2 AND due_ms <= ?3 ORDER BY due_ms, id LIMIT ?4");
const NEXT_SAME: &str = "SELECT due_ms FROM delivery INDEXED BY delivery_due \
    WHERE endpoint_id = ?1 AND state = 0 AND due_ms = ?2 AND id > ?3 LIMIT 1";
const NEXT_LATER: &str = "SELECT due_ms FROM delivery INDEXED BY delivery_due \
    WHERE endpoint_id = ?1 AND state = 0 AND due_ms > ?2 ORDER BY due_ms LIMIT 1";
const OPEN_SAME: &str = select!(delivery "INDEXED BY delivery_open \
    WHERE endpoint_id = ?1 AND key_class = ?2 AND key_id = ?3 AND id > ?4 AND state IN (0, 3) ORDER BY id LIMIT ?5");
const OPEN_LATER: &str = select!(delivery "INDEXED BY delivery_open \
    WHERE endpoint_id = ?1 AND (key_class, key_id) > (?2, ?3) AND state IN (0, 3) \
    ORDER BY key_class, key_id, id LIMIT ?4");

/// A page of the deliveries of an endpoint that are due.
pub(super) fn due(connection: &Connection, schedules: &mut Schedules, wanted: &DueQuery) -> Result<DuePage> {
    let endpoint = wanted.endpoint.0;
    let (due, id) = wanted.after;
    let mut filling = Filling {
        page: DuePage::default(),
        bytes: 0,
        wanted,
    };
    if due <= wanted.until {
        filling.take(
            connection,
            schedules,
            DUE_SAME,
            params![endpoint, due.0, id.0, wanted.rows],
        )?;
    }
    if filling.has_room() {
        let rows = wanted.rows - filling.page.work.len();
        let bounds = params![endpoint, due.0, wanted.until.0, rows];
        filling.take(connection, schedules, DUE_LATER, bounds)?;
    }
    let mut page = filling.page;
    let last = page.work.last().map_or(wanted.after, |work| (work.due, work.id));
    page.next = next_due(connection, wanted.endpoint, last)?;
    Ok(page)
}

struct Filling<'a> {
    page: DuePage,
    bytes: usize,
    wanted: &'a DueQuery,
}

impl Filling<'_> {
    fn has_room(&self) -> bool {
        self.page.work.len() < self.wanted.rows && self.bytes <= self.wanted.bytes
    }

    /// Takes rows until the bytes are used up; the first row always fits.
    fn take(
        &mut self,
        connection: &Connection,
        schedules: &mut Schedules,
        sql: &str,
        params: impl Params,
    ) -> Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = statement.query(params)?;
        while let Some(row) = found.next()? {
            let (delivery, body) = rows::work(row, schedules)?;
            self.bytes += body.len();
            if self.bytes > self.wanted.bytes && !self.page.work.is_empty() {
                break;
            }
            self.page.work.extend(rules::work(&delivery, || body));
        }
        Ok(())
    }
}

/// The due time of the first pending delivery of an endpoint after a place.
fn next_due(
    connection: &Connection,
    endpoint: EndpointId,
    (due, id): (Millis, DeliveryId),
) -> Result<Option<Millis>> {
    let same = connection
        .prepare_cached(NEXT_SAME)?
        .query_row(params![endpoint.0, due.0, id.0], |row| row.get(0).map(Millis))
        .optional()?;
    match same {
        Some(_) => Ok(same),
        None => earliest_due(connection, endpoint, due),
    }
}

/// The earliest due time of an endpoint's pending deliveries that is later than `after`.
pub(super) fn earliest_due(
    connection: &Connection,
    endpoint: EndpointId,
    after: Millis,
) -> Result<Option<Millis>> {
    connection
        .prepare_cached(NEXT_LATER)?
        .query_row([endpoint.0, after.0], |row| row.get(0).map(Millis))
        .optional()
}

/// At most `most` open deliveries of an endpoint after a place, by (key, id).
pub(super) fn open_after(
    connection: &Connection,
    schedules: &mut Schedules,
    endpoint: EndpointId,
    after: Option<Place>,
    most: usize,
) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    let mut later_than = (-1, 0);
    if let Some((key, id)) = after {
        let class = key.class as i64;
        let rest = params![endpoint.0, class, key.id, id.0, most];
        found = query::all(connection, OPEN_SAME, rest, |row| rows::delivery(row, schedules))?;
        later_than = (class, key.id);
    }
    let (class, id) = later_than;
    let rest = params![endpoint.0, class, id, most - found.len()];
    found.extend(query::all(connection, OPEN_LATER, rest, |row| {
        rows::delivery(row, schedules)
    })?);
    Ok(found)
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::migrate;
    use super::*;

    /// How SQLite plans a statement.
    pub(in crate::sqlite) fn plan(sql: &str) -> Vec<String> {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&mut connection).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let ones = std::iter::repeat_n(1, plan.parameter_count());
        let steps = plan.query_map(rusqlite::params_from_iter(ones), |row| row.get(3));
        steps.unwrap().collect::<Result<_>>().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::plan;
    use super::*;

    /// The range of its index that a statement walks, as SQLite plans it.
    fn check(sql: &str, expected: &str) {
        let steps = plan(sql);
        assert!(steps[0].ends_with(expected), "{steps:?}");
        assert!(steps.iter().all(|step| !step.contains("B-TREE")), "{steps:?}");
    }

    #[test]
    fn each_statement_walks_exactly_its_range() {
        check(DUE_SAME, "delivery_due (endpoint_id=? AND due_ms=? AND id>?)");
        check(
            DUE_LATER,
            "delivery_due (endpoint_id=? AND due_ms>? AND due_ms<?)",
        );
        check(NEXT_SAME, "delivery_due (endpoint_id=? AND due_ms=? AND id>?)");
        check(NEXT_LATER, "delivery_due (endpoint_id=? AND due_ms>?)");
        check(
            OPEN_SAME,
            "delivery_open (endpoint_id=? AND key_class=? AND key_id=? AND id>?)",
        );
        check(
            OPEN_LATER,
            "delivery_open (endpoint_id=? AND (key_class,key_id)>(?,?))",
        );
    }
}
