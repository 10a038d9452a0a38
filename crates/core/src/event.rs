//! An event: what was accepted, immutable.

use bytes::Bytes;
use ringback_contract::kind::Kind;

use crate::id::EventId;
use crate::time::Millis;

/// What events wait for each other by: those of one call, of one inbound call, of one job. The company is the
/// endpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// The class of the id.
    pub class: KeyClass,
    /// callInstanceId, inboundInstanceId or callJobId.
    pub id: i64,
}

/// The class of an [`OrderKey`]: calls and corrections share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyClass {
    /// callInstanceId.
    Call = 0,
    /// inboundInstanceId.
    Inbound = 1,
    /// callJobId.
    Job = 2,
}

impl KeyClass {
    /// The class with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Call),
            1 => Some(Self::Inbound),
            2 => Some(Self::Job),
            _ => None,
        }
    }
}

impl OrderKey {
    /// The key of an event of this kind and id.
    #[must_use]
    pub const fn of(kind: Kind, entity_id: i64) -> Self {
        let class = match kind {
            Kind::Call | Kind::Correction => KeyClass::Call,
            Kind::Inbound => KeyClass::Inbound,
            Kind::Job => KeyClass::Job,
        };
        Self { class, id: entity_id }
    }
}

/// The intake's own key for repetitions: its scope is the company and the route's template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    /// The template of the route, such as `/v1/calls`.
    pub route: &'static str,
    /// The key as it was given; for line i of a batch `KEY/i`.
    pub key: String,
}

/// An event on its way into the store.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The company it belongs to.
    pub company_id: i64,
    /// Its kind.
    pub kind: Kind,
    /// callInstanceId, inboundInstanceId or callJobId.
    pub entity_id: i64,
    /// The job it belongs to, where it says so.
    pub call_job_id: Option<i64>,
    /// The job's status, for a job.
    pub job_status: Option<i64>,
    /// A keyed hash of the customer's phone number, to search by.
    pub phone_hash: Option<i64>,
    /// SHA-256 of the normalised content, by which repetitions are recognised.
    pub digest: [u8; 32],
    /// The rendered v1 body.
    pub body: Bytes,
    /// The wall clock when it came in, Unix milliseconds.
    pub accepted_wall_ms: i64,
    /// The intake's key for repetitions.
    pub idempotency: Option<IdempotencyKey>,
}

impl NewEvent {
    /// The key by which its deliveries wait for each other.
    #[must_use]
    pub const fn order_key(&self) -> OrderKey {
        OrderKey::of(self.kind, self.entity_id)
    }
}

/// An event as it is stored, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The company it belongs to.
    pub company_id: i64,
    /// Its kind.
    pub kind: Kind,
    /// callInstanceId, inboundInstanceId or callJobId.
    pub entity_id: i64,
    /// The job it belongs to, where it says so.
    pub call_job_id: Option<i64>,
    /// The job's status, for a job.
    pub job_status: Option<i64>,
    /// The wall clock when it came in, Unix milliseconds.
    pub accepted_wall_ms: i64,
    /// The length of its v1 body in bytes.
    pub body_bytes: usize,
}

impl Event {
    /// Engine time of its acceptance.
    #[must_use]
    pub const fn accepted_at(&self) -> Millis {
        self.id.time()
    }
}
