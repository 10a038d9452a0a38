//! What the writer remembers of the deliveries that it made last, so that the straight way reads nothing back: a call
//! comes in, is sent, and is delivered a moment later.
//!
//! All of it can be read from the tables as well; a delivery that is not remembered costs a look-up, no more. It may run
//! ahead of a transaction that fails, and is then forgotten as a whole.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ringback_core::delivery::Delivery;
use ringback_core::event::OrderKey;
use ringback_core::id::{DeliveryId, EndpointId};

/// Deliveries, and keys, that are remembered at most: what is in flight in all likelihood, in 1–2 MB.
const MOST: usize = 4096;

type Key = (EndpointId, OrderKey);

#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Open deliveries as they stand in their table.
    open: BTreeMap<DeliveryId, Delivery>,
    /// Keys of an endpoint for which one delivery was ever made, and whether it is open.
    lone: HashMap<Key, (DeliveryId, bool)>,
    /// The keys of `lone` in the order in which they came, and perhaps some that are gone.
    came: VecDeque<Key>,
}

impl Recent {
    /// A delivery was made. `first` says that its key has had none before, at any endpoint.
    pub(super) fn made(&mut self, delivery: &Delivery, first: bool) {
        self.joined(delivery);
        if delivery.state.is_settled() {
            return;
        }
        self.open.insert(delivery.id, delivery.clone());
        if self.open.len() > MOST {
            self.open.pop_first();
        }
        if let Some(key) = key(delivery).filter(|_| first) {
            self.lone.insert(key, (delivery.id, true));
            self.came.push_back(key);
            if self.came.len() > MOST
                && let Some(oldest) = self.came.pop_front()
            {
                self.lone.remove(&oldest);
            }
        }
    }

    /// A delivery, new or not, is now one of an endpoint's and a key's: if there was one alone, it is no longer.
    pub(super) fn joined(&mut self, delivery: &Delivery) {
        if let Some(key) = key(delivery) {
            self.lone.remove(&key);
        }
    }

    /// A delivery was changed.
    pub(super) fn changed(&mut self, delivery: &Delivery) {
        if !delivery.state.is_settled() {
            if let Some(known) = self.open.get_mut(&delivery.id) {
                known.clone_from(delivery);
            }
            return;
        }
        self.open.remove(&delivery.id);
        if let Some((id, open)) = key(delivery).and_then(|key| self.lone.get_mut(&key))
            && *id == delivery.id
        {
            *open = false;
        }
    }

    /// A settled delivery is removed from its table.
    pub(super) fn removed(&mut self, delivery: &Delivery) {
        self.open.remove(&delivery.id);
    }

    pub(super) fn delivery(&self, id: DeliveryId) -> Option<&Delivery> {
        self.open.get(&id)
    }

    /// The open delivery of this endpoint and key with the smallest id, if that is known, and whether there is one.
    pub(super) fn first_open(&self, endpoint: EndpointId, key: OrderKey) -> Option<Option<DeliveryId>> {
        let (id, open) = self.lone.get(&(endpoint, key))?;
        Some(open.then_some(*id))
    }
}

fn key(delivery: &Delivery) -> Option<Key> {
    delivery.endpoint.map(|endpoint| (endpoint, delivery.key))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ringback_contract::kind::Kind;
    use ringback_core::delivery::{Age, State};
    use ringback_core::endpoint::FixedProfile;
    use ringback_core::event::KeyClass;
    use ringback_core::id::EventId;
    use ringback_core::time::Millis;

    use super::*;

    const ENDPOINT: EndpointId = EndpointId(7);

    fn key(id: i64) -> OrderKey {
        OrderKey {
            class: KeyClass::Call,
            id,
        }
    }

    /// Delivery `id` of the call `call`.
    fn delivery(id: i64, call: i64, state: State) -> Delivery {
        Delivery {
            id: DeliveryId(id),
            event_id: EventId(id - 1),
            company_id: 1,
            kind: Kind::Call,
            key: key(call),
            endpoint: Some(ENDPOINT),
            state,
            due: None,
            hold: None,
            hold_job: None,
            age: Age::default(),
            sends: 0,
            last_outcome: None,
            settled_at: state.is_settled().then_some(Millis(1)),
            resend_of: None,
            profile: FixedProfile::V1,
            schedule: Arc::default(),
        }
    }

    #[test]
    fn a_lone_delivery_is_the_first_of_its_key_until_it_settles_or_another_joins() {
        let mut recent = Recent::default();
        assert_eq!(recent.first_open(ENDPOINT, key(1)), None, "not known");
        recent.made(&delivery(11, 1, State::Pending), true);
        assert_eq!(recent.first_open(ENDPOINT, key(1)), Some(Some(DeliveryId(11))));
        recent.changed(&delivery(11, 1, State::Delivered));
        assert_eq!(recent.first_open(ENDPOINT, key(1)), Some(None));
        assert_eq!(recent.delivery(DeliveryId(11)), None, "settled");

        recent.made(&delivery(21, 2, State::Pending), true);
        recent.made(&delivery(22, 2, State::Pending), false);
        assert_eq!(
            recent.first_open(ENDPOINT, key(2)),
            None,
            "two: the table is asked"
        );
        recent.made(&delivery(31, 3, State::Parked), true);
        recent.joined(&delivery(5, 3, State::Parked));
        assert_eq!(recent.first_open(ENDPOINT, key(3)), None);
    }

    #[test]
    fn what_is_remembered_follows_the_table_and_is_bounded() {
        let mut recent = Recent::default();
        let most = i64::try_from(MOST).unwrap();
        for id in 0..=most {
            recent.made(&delivery(id, id, State::Pending), true);
        }
        assert_eq!(
            (recent.open.len(), recent.lone.len(), recent.came.len()),
            (MOST, MOST, MOST)
        );
        assert_eq!(recent.delivery(DeliveryId(0)), None, "the oldest went");
        assert_eq!(recent.first_open(ENDPOINT, key(0)), None);
        let parked = delivery(most, most, State::Parked);
        recent.changed(&parked);
        assert_eq!(recent.delivery(DeliveryId(most)), Some(&parked));
        // One that is not remembered is not begun with a change.
        recent.changed(&delivery(0, 0, State::Parked));
        assert_eq!(recent.delivery(DeliveryId(0)), None);
    }
}
