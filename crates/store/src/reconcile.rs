//! Counting events and deliveries for a reconciliation. The same for every store.

use std::collections::BTreeMap;

use ringback_contract::kind::Kind;
use ringback_core::delivery::State;
use ringback_core::id::EndpointId;
use ringback_core::store::{DeliveryTally, EventTally, ReconcileQuery, Reconciled};

type ByEndpoint = BTreeMap<(Kind, Option<EndpointId>), DeliveryTally>;

/// A delivery, as far as it is counted.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) kind: Kind,
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) state: State,
    /// Whether it repeats another.
    pub(crate) repeats: bool,
}

/// A count under way.
pub(crate) struct Count {
    most: usize,
    looked: usize,
    events: BTreeMap<Kind, EventTally>,
    deliveries: ByEndpoint,
    resends: ByEndpoint,
    next: Option<i64>,
}

impl Count {
    pub(crate) fn new(query: &ReconcileQuery) -> Self {
        Self {
            // A part that counts nothing would never come to an end.
            most: query.rows.max(1),
            looked: 0,
            events: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            resends: BTreeMap::new(),
            next: None,
        }
    }

    /// Whether the row with this id is wanted; if not, the next part begins with it. `is_over` says whether the time is up,
    /// and is asked once there is a row: a part that counts nothing would never come to an end.
    pub(crate) fn wants(&mut self, id: i64, is_over: impl FnOnce() -> bool) -> bool {
        let ends = self.looked >= self.most || (self.looked > 0 && is_over());
        self.next = ends.then_some(id);
        !ends
    }

    pub(crate) fn event(&mut self, kind: Kind, has_deliveries: bool) {
        self.looked += 1;
        self.events.entry(kind).or_default().add(has_deliveries);
    }

    pub(crate) fn delivery(&mut self, counted: Counted) {
        self.looked += 1;
        let tallies = if counted.repeats {
            &mut self.resends
        } else {
            &mut self.deliveries
        };
        let group = (counted.kind, counted.endpoint);
        tallies.entry(group).or_default().add(counted.state);
    }

    /// Ends the count. `name` tells the name of an endpoint, also of a deleted one; those with the same name are one.
    pub(crate) fn finish<E>(
        self,
        mut name: impl FnMut(EndpointId) -> Result<Option<String>, E>,
    ) -> Result<Reconciled, E> {
        let mut by_name = |tallies: ByEndpoint| {
            let mut named = BTreeMap::<_, DeliveryTally>::new();
            for ((kind, endpoint), tally) in tallies {
                let endpoint = endpoint.map(&mut name).transpose()?.flatten();
                named.entry((kind, endpoint)).or_default().merge(tally);
            }
            Ok(named)
        };
        Ok(Reconciled {
            deliveries: by_name(self.deliveries)?,
            resends: by_name(self.resends)?,
            events: self.events,
            looked: self.looked,
            next: self.next,
        })
    }
}
