//! Counting calls that have not arrived, and picking a page of them. The same for every store.

use std::collections::HashSet;

use ringback_core::delivery::{Delivery, State};
use ringback_core::id::{DeliveryId, EventId};
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

/// Whether one of an event's deliveries is missed but another was acknowledged that goes to the same endpoint, or repeats it.
pub(crate) fn arrived_otherwise(deliveries: &[Delivery], missed: DeliveryId) -> bool {
    let endpoint = deliveries
        .iter()
        .find(|delivery| delivery.id == missed)
        .and_then(|delivery| delivery.endpoint);
    deliveries
        .iter()
        .filter(|other| other.state == State::Delivered)
        .any(|other| other.resend_of == Some(missed) || (endpoint.is_some() && other.endpoint == endpoint))
}

/// Rows between two looks at the time.
const ASK_EVERY: usize = 256;

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

    /// Whether a further delivery may be shown. `is_long` says whether the time is up, and is asked now and then.
    pub(crate) fn wants_more(&mut self, is_long: impl FnOnce() -> bool) -> bool {
        let ask = self.looked > 0 && self.looked.is_multiple_of(ASK_EVERY);
        self.page.partial = self.looked >= MISSED_ROWS || (ask && is_long());
        !self.page.partial
    }

    /// Shows the next delivery: its event, its call, and whether it counts.
    pub(crate) fn show(&mut self, event: EventId, call: i64, counts: bool) {
        self.looked += 1;
        if counts && self.calls.insert(call) {
            let nth = self.calls.len() - 1;
            if nth >= self.skip && self.page.events.len() < self.take {
                self.page.events.push(event);
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
