//! What a reconciliation counts: events and deliveries of a company, so that sums can be compared (delivery rules,
//! *Reconciliation*).

use std::collections::BTreeMap;

use ringback_contract::kind::Kind;

use crate::delivery::State;

/// What to count: what a company's ids from one to before another stand for. Ids hold the time at which they were given, so
/// that a day is a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconcileQuery {
    /// The company.
    pub company_id: i64,
    /// Events and deliveries with this id or a larger one: the first of a moment, or where an earlier part ended.
    pub from: i64,
    /// Events and deliveries with a smaller id than this.
    pub below: i64,
    /// The part ends once so many rows were looked at.
    pub rows: usize,
    /// How much of [`crate::limits::PAGE_MS`] earlier parts of the same page have used, in milliseconds. The part ends when
    /// the rest is over, but looks at one row at least, if there is one.
    pub spent_ms: u64,
}

/// What was counted. Parts may be added up: each event and each delivery is counted once, by its own id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Events by kind.
    pub events: BTreeMap<Kind, EventTally>,
    /// Deliveries that repeat no other, by kind and the name of their endpoint.
    pub deliveries: BTreeMap<DeliveryGroup, DeliveryTally>,
    /// Deliveries that repeat another (`resendOf`), likewise.
    pub resends: BTreeMap<DeliveryGroup, DeliveryTally>,
    /// How many rows were looked at.
    pub looked: usize,
    /// Where the part after this one begins; `None` when everything was counted.
    pub next: Option<i64>,
}

/// Which deliveries are counted together: a kind, and the name of an endpoint, also of a deleted one; `None` for those
/// without endpoint.
pub type DeliveryGroup = (Kind, Option<String>);

/// How many events were accepted: `accepted = with_deliveries + unwanted`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventTally {
    /// All.
    pub accepted: u64,
    /// Those that have at least one delivery now, whenever that was made.
    pub with_deliveries: u64,
    /// Those that have none.
    pub unwanted: u64,
}

impl EventTally {
    /// Counts an event.
    pub const fn add(&mut self, has_deliveries: bool) {
        self.accepted += 1;
        if has_deliveries {
            self.with_deliveries += 1;
        } else {
            self.unwanted += 1;
        }
    }
}

/// How many deliveries were made, by the state in which they are now:
/// `created = delivered + pending + exhausted + parked + cancelled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryTally {
    /// All.
    pub created: u64,
    /// Those that were acknowledged.
    pub delivered: u64,
    /// Those that are still to be sent.
    pub pending: u64,
    /// Those whose schedule or maximum age ended.
    pub exhausted: u64,
    /// Those that wait for somebody to act.
    pub parked: u64,
    /// Those whose endpoint was deleted.
    pub cancelled: u64,
}

impl DeliveryTally {
    /// Counts a delivery.
    pub const fn add(&mut self, state: State) {
        self.created += 1;
        match state {
            State::Pending => self.pending += 1,
            State::Delivered => self.delivered += 1,
            State::Exhausted => self.exhausted += 1,
            State::Parked => self.parked += 1,
            State::Cancelled => self.cancelled += 1,
        }
    }

    /// Counts what another has counted.
    pub const fn merge(&mut self, other: Self) {
        self.created += other.created;
        self.delivered += other.delivered;
        self.pending += other.pending;
        self.exhausted += other.exhausted;
        self.parked += other.parked;
        self.cancelled += other.cancelled;
    }
}
