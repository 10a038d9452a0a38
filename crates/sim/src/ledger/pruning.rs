//! What may be pruned: events that are old enough, and settled with all their deliveries.

use ringback_core::id::{DeliveryId, EventId};
use ringback_core::store::Reader;
use ringback_core::time::Millis;

use super::Ledger;
use crate::{Broken, broken};

impl Ledger {
    /// So many events were pruned, durably; `reader` shows what is left. Answers which they are.
    pub(crate) fn prune(
        &mut self,
        before: Millis,
        count: usize,
        reader: &mut dyn Reader,
    ) -> Result<Vec<EventId>, Broken> {
        let mut gone = Vec::new();
        for (id, event) in &self.events {
            let is_there = reader.event(*id).map_err(|error| Broken::of(&error))?.is_some();
            if is_there || self.pruned.contains(id) {
                continue;
            }
            if event.accepted >= before {
                return broken(format!("{id} was pruned before its time"));
            }
            let open = event.deliveries.iter().find(|id| self.is_open(**id));
            if let Some(open) = open {
                return broken(format!("{id} was pruned while {open} was open"));
            }
            gone.push(*id);
        }
        if gone.len() != count {
            return broken(format!(
                "{count} events are said to be pruned, but {gone:?} are gone"
            ));
        }
        self.pruned.extend(&gone);
        Ok(gone)
    }

    /// Whether a delivery is pending or parked, or has a send on its way.
    fn is_open(&self, id: DeliveryId) -> bool {
        self.deliveries.get(&id).is_some_and(|delivery| {
            let endpoint = delivery.endpoint.and_then(|id| self.endpoints.get(&id));
            let may_be_cancelled = endpoint.is_some_and(|facts| facts.endpoint.deleted);
            delivery.under_way.is_some() || (delivery.open && !may_be_cancelled)
        })
    }
}
