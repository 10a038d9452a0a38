//! Calls that have not arrived, through the index of the deliveries that have not.

use ringback_core::id::{DeliveryId, EventId};
use ringback_core::store::{MissedPage, MissedQuery};
use rusqlite::{Result, params};

use super::by_event;
use super::candidates::first_id;
use super::read::Snapshot;
use super::rows::kind_code;
use crate::missed::{Missed, arrived_otherwise};

/// A row for each delivery that has not arrived: itself, its event, its call, and whether it is of the job that is asked
/// for.
const SQL: &str = "SELECT id, event_id, key_id, \
       ?5 IS NULL OR ?5 IS (SELECT call_job_id FROM event WHERE event.id = event_id) \
     FROM delivery INDEXED BY delivery_missed \
     WHERE company_id = ?1 AND kind = ?2 AND event_id >= ?3 AND event_id < ?4 \
       AND (state IN (2, 3) OR (state = 0 AND sends > 0)) \
     ORDER BY event_id";

pub(super) fn page(snapshot: &Snapshot<'_>, query: &MissedQuery) -> Result<MissedPage> {
    let mut missed = Missed::new(query);
    let connection = snapshot.connection;
    let mut statement = connection.prepare_cached(SQL)?;
    let mut found = statement.query(params![
        query.company_id,
        kind_code(query.kind),
        first_id(query.from),
        first_id(query.to),
        query.call_job_id,
    ])?;
    while let Some(row) = found.next()? {
        if !missed.wants_more(|| snapshot.is_counting_over()) {
            break;
        }
        let (id, event) = (DeliveryId(row.get(0)?), EventId(row.get(1)?));
        let is_of_job: bool = row.get(3)?;
        let counts = is_of_job && !arrived_otherwise(&by_event::fates(connection, event)?, id);
        missed.show(event, row.get(2)?, counts);
    }
    Ok(missed.finish())
}

#[cfg(test)]
mod tests {
    use super::super::walk::testing::plan;
    use super::*;

    #[test]
    fn it_walks_its_index_in_order() {
        let steps = plan(SQL);
        let walk = "SEARCH delivery USING INDEX delivery_missed (company_id=? AND kind=? AND event_id>? AND event_id<?)";
        assert_eq!(steps[0], walk);
        assert!(
            steps.iter().all(|step| !step.contains("TEMP B-TREE")),
            "{steps:?}"
        );
    }
}
