//! The contexts of pending deliveries, for their sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_core::delivery::State;
use ringback_core::id::DeliveryId;
use ringback_core::limits;
use ringback_core::store::Accepted;

use super::Carried;

/// What the sends of deliveries belong to. Empty while nothing is traced. Bounded: the oldest go first, which their ids
/// tell.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    of: BTreeMap<DeliveryId, Arc<Carried>>,
}

impl Contexts {
    /// The deliveries of a new event belong to this.
    pub(crate) fn keep(&mut self, accepted: &Accepted, carried: &Arc<Carried>) {
        if accepted.replayed {
            return;
        }
        let pending = accepted
            .deliveries
            .iter()
            .filter(|delivery| delivery.state == State::Pending);
        self.of
            .extend(pending.map(|delivery| (delivery.id, Arc::clone(carried))));
        while self.of.len() > limits::TRACE_CONTEXTS {
            self.of.pop_first();
        }
    }

    /// What a delivery belongs to, where that is still known.
    pub(crate) fn get(&self, delivery: DeliveryId) -> Option<Arc<Carried>> {
        self.of.get(&delivery).cloned()
    }

    /// A delivery is settled.
    pub(crate) fn forget(&mut self, delivery: DeliveryId) {
        self.of.remove(&delivery);
    }
}

#[cfg(test)]
mod tests {
    use ringback_core::id::EventId;
    use ringback_core::store::Brief;

    use super::super::tests::carried;
    use super::*;

    fn accepted(deliveries: &[(i64, State)], replayed: bool) -> Accepted {
        let brief = |(id, state): &(i64, State)| Brief {
            id: DeliveryId(*id),
            endpoint: None,
            state: *state,
        };
        Accepted {
            event_id: EventId(1),
            replayed,
            deliveries: deliveries.iter().map(brief).collect(),
            work: Vec::new(),
            hold_check: None,
            discovered: None,
        }
    }

    #[test]
    fn what_is_kept_is_pending_and_bounded() {
        let carried = carried();
        let mut contexts = Contexts::default();
        contexts.keep(
            &accepted(&[(1, State::Pending), (2, State::Parked)], false),
            &carried,
        );
        contexts.keep(&accepted(&[(3, State::Pending)], true), &carried);
        let known = |contexts: &Contexts, id| contexts.get(DeliveryId(id)).is_some();
        assert_eq!([1, 2, 3].map(|id| known(&contexts, id)), [true, false, false]);
        contexts.forget(DeliveryId(1));
        assert!(!known(&contexts, 1));
        let most = i64::try_from(limits::TRACE_CONTEXTS).unwrap();
        for id in 10..=10 + most {
            contexts.keep(&accepted(&[(id, State::Pending)], false), &carried);
        }
        assert_eq!(contexts.of.len(), limits::TRACE_CONTEXTS);
        assert_eq!(
            [10, 11, 10 + most].map(|id| known(&contexts, id)),
            [false, true, true]
        );
    }
}
