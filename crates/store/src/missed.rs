//! Counting calls that have not arrived, and picking a page of them. The same for every store.

use std::collections::HashSet;

use ringback_core::delivery::{Delivery, State};
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::limits::MISSED_ROWS;
use ringback_core::store::{MissedPage, MissedQuery};

/// Whether a delivery is one that has not arrived: SQLite has the same in the condition of its index.
pub(crate) const fn is_missed(delivery: &Delivery) -> bool {
    match delivery.state {
        State::Pending => delivery.sends > 0,
        State::Exhausted | State::Parked => true,
        State::Delivered | State::Cancelled => false,
    }
}

/// What decides whether an event has arrived by a delivery.
#[derive(Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) id: DeliveryId,
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) state: State,
    pub(crate) resend_of: Option<DeliveryId>,
}

impl Fate {
    pub(crate) const fn of(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id,
            endpoint: delivery.endpoint,
            state: delivery.state,
            resend_of: delivery.resend_of,
        }
    }
}

/// Whether one of an event's deliveries is missed but another was acknowledged that goes to the same endpoint, or repeats it.
pub(crate) fn arrived_otherwise(deliveries: &[Fate], missed: DeliveryId) -> bool {
    let endpoint = deliveries
        .iter()
        .find(|delivery| delivery.id == missed)
        .and_then(|delivery| delivery.endpoint);
    deliveries
        .iter()
        .filter(|other| other.state == State::Delivered)
        .any(|other| other.resend_of == Some(missed) || (endpoint.is_some() && other.endpoint == endpoint))
}

/// A count under way: deliveries are shown to it by event, the oldest first.
pub(crate) struct Missed {
    skip: usize,
    take: usize,
    /// The numbers of the calls that were counted.
    calls: HashSet<i64>,
    looked: usize,
    page: MissedPage,
}

impl Missed {
    pub(crate) fn new(query: &MissedQuery) -> Self {
        Self {
            skip: query.skip,
            take: query.take,
            calls: HashSet::new(),
            looked: 0,
            page: MissedPage::default(),
        }
    }

    /// Whether a further delivery may be shown. `is_over` says whether the time is up.
    pub(crate) fn wants_more(&mut self, is_over: impl FnOnce() -> bool) -> bool {
        self.page.partial = self.looked >= MISSED_ROWS || (self.looked > 0 && is_over());
        !self.page.partial
    }

    /// Shows the next delivery: its event, its call, and whether it counts.
    pub(crate) fn show(&mut self, event: EventId, call: i64, counts: bool) {
        self.looked += 1;
        if counts && self.calls.insert(call) {
            let nth = self.calls.len() - 1;
            if nth >= self.skip && self.page.calls.len() < self.take {
                self.page.calls.push((call, event));
            }
        }
    }

    pub(crate) fn finish(self) -> MissedPage {
        MissedPage {
            total: self.calls.len(),
            ..self.page
        }
    }
}
