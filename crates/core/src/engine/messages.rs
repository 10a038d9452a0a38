//! What the engine takes in, and what it gives out.

use std::sync::Arc;

use bytes::Bytes;

use crate::delivery::{Attempt, Work};
use crate::endpoint::{Endpoint, FixedProfile};
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId};
use crate::store::{DuePage, DueQuery, Recorded, Report};
use crate::time::Millis;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// An endpoint was made, changed or deleted.
    Endpoint(Arc<Endpoint>),
    /// The store holds pending deliveries of this endpoint, the first of them due at this moment.
    Due(EndpointId, Millis),
    /// Deliveries were committed that are due now.
    Work(Vec<Work>),
    /// The store holds back deliveries, which have to be looked at from this moment on.
    Holds(Millis),
    /// The answer to [`Effect::CheckHolds`], after its commit.
    HoldsChecked {
        /// The endpoints of deliveries that were let go, and when those are due.
        released: Vec<(EndpointId, Millis)>,
        /// When to look again.
        next: Option<Millis>,
    },
    /// A replay runs at so many deliveries per second, or, without a rate, not any more.
    Replay(ReplayId, Option<u32>),
    /// The answer to [`Effect::StepReplay`], after its commit.
    ReplayStepped {
        /// The replay.
        replay: ReplayId,
        /// Deliveries that go out because of the step.
        made: u64,
        /// The endpoints of those that have a due time.
        due: Vec<(EndpointId, Millis)>,
    },
    /// Deliveries of this endpoint changed in the store: look there from the beginning.
    Reload(EndpointId),
    /// As [`Input::Reload`], and forget the endpoint's failures (*retry-now*).
    RetryNow(EndpointId),
    /// The answer to [`Effect::Read`]; `None` when the store could not be read.
    Page {
        /// The endpoint.
        endpoint: EndpointId,
        /// The ticket of the read.
        ticket: u64,
        /// The page.
        page: Option<DuePage>,
    },
    /// The answer to [`Effect::Send`].
    Sent(Box<Sent>),
    /// The answer to [`Effect::Record`], after its commit.
    Recorded(EndpointId, Box<Recorded>),
}

/// A finished send.
#[derive(Debug)]
pub struct Sent {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// What became of it.
    pub attempt: Attempt,
    /// What the receiver asked for with `Retry-After`, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// A random number, at least 0 and less than 1, for the jitter.
    pub random: f64,
}

/// What is to be done now.
#[derive(Debug)]
pub enum Effect {
    /// Send this.
    Send(Send),
    /// Commit this.
    Record(Box<Report>),
    /// Read this, in a transaction that begins after now.
    Read {
        /// Comes back with the page.
        ticket: u64,
        /// What to read.
        query: DueQuery,
    },
    /// Commit [`crate::store::Write::CheckHolds`].
    CheckHolds,
    /// Commit [`crate::store::Write::StepReplay`].
    StepReplay {
        /// The replay.
        replay: ReplayId,
        /// How many deliveries may go out.
        most: usize,
    },
}

/// One send to perform.
#[derive(Debug)]
pub struct Send {
    /// The endpoint, with the settings of this moment.
    pub endpoint: Arc<Endpoint>,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// Which send of the delivery it is, from 1.
    pub n: u32,
    /// What makes the body that is sent of the stored one.
    pub profile: FixedProfile,
    /// The stored v1 body.
    pub body: Bytes,
}

/// Figures of the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Lanes.
    pub lanes: usize,
    /// Due deliveries in memory that wait for their send.
    pub queued: usize,
    /// Sends in flight.
    pub in_flight: usize,
    /// Sends that ended and are not recorded yet.
    pub unrecorded: usize,
    /// Bytes of bodies, queued and in flight.
    pub bytes: usize,
    /// Times that a breaker opened since the engine was made.
    pub breaker_opened: u64,
}
