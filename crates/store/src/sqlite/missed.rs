//! Calls that have not arrived, through the index of the deliveries that have not.

use ringback_core::id::EventId;
use ringback_core::store::{MissedPage, MissedQuery};
use rusqlite::{Result, params};

use super::candidates::first_id;
use super::read::Snapshot;
use super::rows::kind_code;
use crate::missed::Missed;

/// A row for each delivery that has not arrived: its event, its call, and whether it counts: not where another delivery of the
/// event was acknowledged that goes to the same endpoint or repeats this one, nor where another job is asked for.
const SQL: &str = "SELECT missed.event_id, missed.key_id, \
       NOT EXISTS (SELECT 1 FROM delivery AS other INDEXED BY delivery_event \
         WHERE other.event_id = missed.event_id AND other.state = 1 \
           AND (other.endpoint_id = missed.endpoint_id OR other.resend_of = missed.id)) \
       AND (?5 IS NULL OR ?5 IS (SELECT call_job_id FROM event WHERE event.id = missed.event_id)) \
     FROM delivery AS missed INDEXED BY delivery_missed \
     WHERE missed.company_id = ?1 AND missed.kind = ?2 AND missed.event_id >= ?3 AND missed.event_id < ?4 \
       AND (missed.state IN (2, 3) OR (missed.state = 0 AND missed.sends > 0)) \
     ORDER BY missed.event_id";

pub(super) fn page(snapshot: &Snapshot<'_>, query: &MissedQuery) -> Result<MissedPage> {
    let mut missed = Missed::new(query);
    let mut statement = snapshot.connection.prepare_cached(SQL)?;
    let mut found = statement.query(params![
        query.company_id,
        kind_code(query.kind),
        first_id(query.from),
        first_id(query.to),
        query.call_job_id,
    ])?;
    while let Some(row) = found.next()? {
        if !missed.wants_more(|| snapshot.is_long()) {
            break;
        }
        missed.show(EventId(row.get(0)?), row.get(1)?, row.get(2)?);
    }
    Ok(missed.finish())
}
