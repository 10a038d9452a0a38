//! A delivery: one event to one endpoint; its states, its attempts, and what the engine holds of it.

use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::Schedule;
use serde::{Deserialize, Serialize};

use crate::endpoint::FixedProfile;
use crate::event::OrderKey;
use crate::id::{DeliveryId, EndpointId, EventId};
use crate::time::Millis;

/// The persisted state of a delivery. `docs/state-machine.md` has the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum State {
    /// It will be sent: at its due time, when its hold ends, or when the head of its key settles.
    Pending = 0,
    /// The receiver acknowledged.
    Delivered = 1,
    /// Its schedule or its maximum age ended without an acknowledgement.
    Exhausted = 2,
    /// It has no endpoint, or a disabled one; nothing is sent until somebody acts.
    Parked = 3,
    /// Its endpoint was deleted.
    Cancelled = 4,
}

impl State {
    /// Every state, by code.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Delivered,
        Self::Exhausted,
        Self::Parked,
        Self::Cancelled,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// A settled delivery never changes its state.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Delivered | Self::Exhausted | Self::Cancelled => true,
            Self::Pending | Self::Parked => false,
        }
    }
}

/// What became of one send (contract, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Outcome {
    /// A 2xx status, and the answer says so by the ack rule.
    Acknowledged = 0,
    /// A 2xx status with another answer.
    NotAcknowledged = 1,
    /// Any other status; redirects are not followed.
    Refused = 2,
    /// DNS, connect, TLS, reset, protocol.
    Unreachable = 3,
    /// The connection or the whole exchange took too long.
    TimedOut = 4,
    /// The address policy does not let it through.
    Blocked = 5,
}

impl Outcome {
    /// Every outcome, by code.
    pub const ALL: [Self; 6] = [
        Self::Acknowledged,
        Self::NotAcknowledged,
        Self::Refused,
        Self::Unreachable,
        Self::TimedOut,
        Self::Blocked,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::NotAcknowledged => "not-acknowledged",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Blocked => "blocked",
        }
    }

    /// The outcome with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// One finished send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which send of the delivery it was, from 1.
    pub n: u32,
    /// The wall clock when it began, Unix milliseconds.
    pub started_wall_ms: i64,
    /// How long the exchange took.
    pub duration_ms: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The address connected to, where there was one.
    pub address: Option<String>,
    /// Why it failed, in one line; the name of a cause, never a payload.
    pub detail: Option<String>,
    /// The beginning of the answer's body, at most [`crate::limits::ATTEMPT_BODY_BYTES`].
    pub body_start: Bytes,
}

/// How much of the maximum age a delivery has used. Order, hold and parked time do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    /// Milliseconds used up before `since`.
    pub used_ms: u64,
    /// The moment from which the clock runs; `None` while it stands.
    pub since: Option<Millis>,
}

impl Age {
    /// A clock that begins to run now.
    #[must_use]
    pub const fn starting(now: Millis) -> Self {
        Self {
            used_ms: 0,
            since: Some(now),
        }
    }

    /// The clock, stopped.
    #[must_use]
    pub fn stopped(self, now: Millis) -> Self {
        let running = self.since.map_or(0, |since| now.since(since));
        Self {
            used_ms: self.used_ms.saturating_add(running),
            since: None,
        }
    }

    /// The clock, running from now unless it runs already.
    #[must_use]
    pub fn running(self, now: Millis) -> Self {
        Self {
            since: Some(self.since.unwrap_or(now)),
            ..self
        }
    }

    /// The moment at which the maximum age is reached; `None` while the clock stands.
    #[must_use]
    pub fn end(self, max_age_ms: u64) -> Option<Millis> {
        self.since
            .map(|since| since.plus(max_age_ms.saturating_sub(self.used_ms)))
    }
}

/// The hold of a job's final status (see [`crate::hold`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// It is let go then at the latest.
    pub until: Millis,
    /// When to look whether it may go; not later than `until`.
    pub check: Millis,
}

/// A delivery as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its id; order within a key is the order of ids.
    pub id: DeliveryId,
    /// The event that it delivers.
    pub event_id: EventId,
    /// The company of the event.
    pub company_id: i64,
    /// The kind of the event.
    pub kind: Kind,
    /// The key by which it waits.
    pub key: OrderKey,
    /// Where it goes; `None` while no endpoint fits (parked).
    pub endpoint: Option<EndpointId>,
    /// Its state.
    pub state: State,
    /// Not to be sent before. A pending delivery without it is held, or waits for the head of its key. A parked one
    /// keeps it.
    pub due: Option<Millis>,
    /// Its hold, while it is at the head of its key and held.
    pub hold: Option<Hold>,
    /// Of a call: the job whose final status it holds while it is pending. Only set where the company had an endpoint
    /// with [`crate::endpoint::Order::KeyHold`] when the delivery was made.
    pub hold_job: Option<i64>,
    /// Its use of the maximum age.
    pub age: Age,
    /// Sends whose outcome is recorded.
    pub sends: u32,
    /// The outcome of the last of them.
    pub last_outcome: Option<Outcome>,
    /// Engine time at which it was settled.
    pub settled_at: Option<Millis>,
    /// The delivery that it repeats, for a resend.
    pub resend_of: Option<DeliveryId>,
    /// The shape of its body, fixed with its endpoint.
    pub profile: FixedProfile,
    /// Its schedule, fixed with its endpoint.
    pub schedule: Arc<Schedule>,
}

/// A delivery that is due, with its body: what the engine holds.
#[derive(Clone, Debug)]
pub struct Work {
    /// The delivery.
    pub id: DeliveryId,
    /// The event that it delivers.
    pub event_id: EventId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// The key by which it waits.
    pub key: OrderKey,
    /// Not to be sent before.
    pub due: Millis,
    /// Its use of the maximum age.
    pub age: Age,
    /// Sends whose outcome is recorded.
    pub sends: u32,
    /// Its schedule.
    pub schedule: Arc<Schedule>,
    /// The shape of its body.
    pub profile: FixedProfile,
    /// The stored v1 body of the event.
    pub body: Bytes,
}
