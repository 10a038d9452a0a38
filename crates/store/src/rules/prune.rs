//! Pruning: removing events that are over, a bounded part in each transaction.
//!
//! The oldest events come first, and an event stays while an older one of its company, kind and id does: else that older
//! one would become the newest, by which repetitions are recognised, and a new event with its content would be lost.

use ringback_core::delivery::Delivery;
use ringback_core::event::Event;
use ringback_core::id::EventId;
use ringback_core::limits::{PRUNE_BYTES, PRUNE_EVENTS, PRUNE_ROWS};
use ringback_core::planted::{Mistake, planted};
use ringback_core::store::{Pruned, Written};
use ringback_core::time::Millis;

use crate::tables::Tables;

pub(super) fn prune<T: Tables>(
    tables: &mut T,
    before: Millis,
    after: Option<EventId>,
) -> Result<Written, T::Error> {
    let page = tables.events_between(after, EventId::first_at(before), PRUNE_EVENTS)?;
    let mut pruned = Pruned {
        events: 0,
        reached: after,
        more: page.len() == PRUNE_EVENTS,
    };
    let mut room = Room::default();
    for event in &page {
        let deliveries = tables.deliveries_of(event.id)?;
        if is_over(&deliveries, before) && !tables.has_older_event(event)? {
            if !room.takes(event, &deliveries) {
                pruned.more = true;
                break;
            }
            tables.remove_event(event, &deliveries)?;
            pruned.events += 1;
        }
        pruned.reached = Some(event.id);
    }
    if !pruned.more {
        pruned.more = tables.shrink()?;
    }
    Ok(Written::Pruned(pruned))
}

/// Whether all deliveries settled before this moment; an event without deliveries is over with its acceptance.
fn is_over(deliveries: &[Delivery], before: Millis) -> bool {
    deliveries.iter().all(|delivery| match delivery.settled_at {
        Some(at) => at < before,
        None => planted(Mistake::PrunesWhatIsOpen),
    })
}

/// What one transaction has removed.
#[derive(Debug, Default)]
struct Room {
    rows: usize,
    bytes: usize,
}

impl Room {
    /// Whether an event fits as well; the first always does.
    fn takes(&mut self, event: &Event, deliveries: &[Delivery]) -> bool {
        let sends: usize = deliveries
            .iter()
            .map(|delivery| usize::try_from(delivery.sends).unwrap_or(usize::MAX))
            .fold(0, usize::saturating_add);
        let rows = sends.saturating_add(deliveries.len()).saturating_add(2);
        let fits = self.rows == 0
            || (self.rows.saturating_add(rows) <= PRUNE_ROWS && self.bytes + event.body_bytes <= PRUNE_BYTES);
        if fits {
            self.rows = self.rows.saturating_add(rows);
            self.bytes += event.body_bytes;
        }
        fits
    }
}
