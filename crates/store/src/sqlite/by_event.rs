//! The deliveries of an event, by their place.
//!
//! Those that were made with the event follow it: of all deliveries theirs are the next ids after the event's, and none of
//! another event lies between. Those that are made later are noted in the table `later_delivery`; some of them may follow
//! the event all the same. So the straight way, on which an event gets its deliveries and no more, pays for no index.

use ringback_core::delivery::{Delivery, State};
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use rusqlite::{Connection, Result, Row, params};

use super::rows::{self, Schedules};
use super::select::select;
use crate::missed::Fate;

/// What follows an event, its own deliveries first.
const FOLLOWING: &str = select!(delivery "WHERE id > ?1 ORDER BY id");
const FOLLOWING_IDS: &str = "SELECT id, event_id FROM delivery WHERE id > ?1 ORDER BY id";
const LATER: &str = select!(delivery "WHERE id IN \
    (SELECT delivery_id FROM later_delivery WHERE event_id = ?1 AND delivery_id > ?2) ORDER BY id");

/// The same two, with what decides whether an event has arrived: it needs no more, and is asked of very many.
const FATES_FOLLOWING: &str =
    "SELECT id, event_id, endpoint_id, state, resend_of FROM delivery WHERE id > ?1 ORDER BY id";
const FATES_LATER: &str = "SELECT id, event_id, endpoint_id, state, resend_of FROM delivery WHERE id IN \
    (SELECT delivery_id FROM later_delivery WHERE event_id = ?1 AND delivery_id > ?2) ORDER BY id";

/// Every delivery of an event, by id.
pub(super) fn deliveries(
    connection: &Connection,
    schedules: &mut Schedules,
    event: EventId,
) -> Result<Vec<Delivery>> {
    all(connection, (FOLLOWING, LATER), event, |row| {
        rows::delivery(row, schedules)
    })
}

/// How every delivery of an event stands, by id.
pub(super) fn fates(connection: &Connection, event: EventId) -> Result<Vec<Fate>> {
    all(connection, (FATES_FOLLOWING, FATES_LATER), event, |row| {
        Ok(Fate {
            id: DeliveryId(row.get(0)?),
            endpoint: row.get::<_, Option<i64>>(2)?.map(EndpointId),
            state: rows::code(row, 3, State::from_code)?,
            resend_of: row.get::<_, Option<i64>>(4)?.map(DeliveryId),
        })
    })
}

/// Reads what follows an event and what was made later for it, by two queries whose rows begin with the ids of the delivery and
/// its event.
fn all<T>(
    connection: &Connection,
    (following, later): (&str, &str),
    event: EventId,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let mut followed_to = event.0;
    follow(connection, following, event, |row| {
        let is_its_own = row.get::<_, i64>(1)? == event.0;
        if is_its_own {
            found.push(read(row)?);
            followed_to = row.get(0)?;
        }
        Ok(is_its_own)
    })?;
    let mut later = connection.prepare_cached(later)?;
    let mut rows = later.query([event.0, followed_to])?;
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The ids of the deliveries that follow an event, from the smallest on.
pub(super) fn following(connection: &Connection, event: EventId) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    follow(connection, FOLLOWING_IDS, event, |row| {
        let is_its_own = row.get::<_, i64>(1)? == event.0;
        if is_its_own {
            ids.push(row.get(0)?);
        }
        Ok(is_its_own)
    })?;
    Ok(ids)
}

/// Steps through what follows an event as long as `goes_on`.
fn follow(
    connection: &Connection,
    sql: &str,
    event: EventId,
    mut goes_on: impl FnMut(&Row<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([event.0])?;
    while let Some(row) = rows.next()? {
        if !goes_on(row)? {
            break;
        }
    }
    Ok(())
}

/// Whose deliveries follow the last event without one of another event between.
#[derive(Debug, Default)]
pub(super) struct Run(Option<EventId>);

impl Run {
    /// An event was written: what comes next may follow it.
    pub(super) const fn begin(&mut self, event: EventId) {
        self.0 = Some(event);
    }

    /// A delivery is written: notes it if it does not follow its event.
    pub(super) fn add(&mut self, connection: &Connection, delivery: &Delivery) -> Result<()> {
        if self.0 == Some(delivery.event_id) {
            return Ok(());
        }
        self.0 = None;
        connection
            .prepare_cached(
                "INSERT INTO later_delivery (event_id, delivery_id, company_id) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![delivery.event_id.0, delivery.id.0, delivery.company_id])?;
        Ok(())
    }
}

/// Forgets what was made later for an event.
pub(super) fn forget(connection: &Connection, event: EventId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM later_delivery WHERE event_id = ?1")?
        .execute([event.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::walk::testing::plan;
    use super::*;

    #[test]
    fn what_follows_an_event_is_read_in_the_order_of_the_table() {
        for sql in [FOLLOWING, FOLLOWING_IDS] {
            assert_eq!(plan(sql), ["SEARCH delivery USING INTEGER PRIMARY KEY (rowid>?)"]);
        }
        let steps = plan(LATER);
        assert!(
            steps[0] == "SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)"
                && steps
                    .iter()
                    .any(|step| step
                        == "SEARCH later_delivery USING PRIMARY KEY (event_id=? AND delivery_id>?)"),
            "{steps:?}"
        );
    }
}
