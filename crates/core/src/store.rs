//! What a store must do.
//!
//! There is one way to write, [`Store::commit`]: a batch of writes in one transaction, with an outcome for each. Intake,
//! outcomes of sends and configuration share it, so that one fsync serves whatever has gathered. When it returns, the
//! batch is durable; when it fails, nobody knows whether it is, and the caller drops the store, opens it again and
//! reloads ([`Store::start`]).
//!
//! Reading goes through [`Reader`]s, which see everything that a finished commit wrote.
//!
//! Both are synchronous: the caller owns the threads.

use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;

use crate::company::Company;
use crate::delivery::{Attempt, Delivery, Outcome, State, Work};
use crate::endpoint::{Endpoint, Settings};
use crate::event::{Event, NewEvent, OrderKey};
use crate::id::{DeliveryId, EndpointId, EventId};
use crate::settle::Next;
use crate::time::Millis;
use crate::token::Token;

/// Where events and deliveries are kept. One process owns a store; one thread writes.
pub trait Store: Send {
    /// What a process needs to know when it begins, or begins again after a failed commit.
    ///
    /// # Errors
    /// The store could not be read.
    fn start(&mut self) -> Result<Start, StoreError>;

    /// Applies `writes` in order, in one durable transaction, and answers for each. Later writes see earlier ones. No
    /// writes at all are a durable transaction as well: so one learns whether the store can be written.
    ///
    /// # Errors
    /// The transaction failed: its outcome is unknown, and the store must be dropped and opened again. The exception is
    /// [`Fault::Data`]: then nothing was written, and the store goes on.
    fn commit(&mut self, now: Millis, writes: &[Write]) -> Result<Vec<Written>, StoreError>;

    /// A new reader. It may be used from another thread.
    ///
    /// # Errors
    /// The store could not be opened for reading.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;

    /// The free bytes where the store grows; `None` where that has no meaning.
    fn free_bytes(&self) -> Option<u64>;
}

/// What a store tells when it is opened.
#[derive(Clone, Debug)]
pub struct Start {
    /// The newest engine time that is stored: engine time begins no earlier.
    pub newest: Millis,
    /// A random key of this store, for the hashes of phone numbers.
    pub phone_key: [u8; 32],
    /// Every company, configured or not.
    pub companies: Vec<Company>,
    /// Every endpoint that is not deleted, and those that still have to be swept.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// For each endpoint with deliveries to send, the earliest due time.
    pub due: Vec<(EndpointId, Millis)>,
    /// When holds have to be looked at ([`Write::CheckHolds`]); `None` when nothing is held.
    pub hold_check: Option<Millis>,
    /// Every token that was not revoked.
    pub tokens: Vec<Token>,
}

/// One write. All of it happens or nothing.
#[derive(Clone, Debug)]
pub enum Write {
    /// Take in an event with all its deliveries, unless it is a repetition.
    Accept(Box<NewEvent>),
    /// Record a finished send and what follows from it, or that a delivery's maximum age ended.
    Record(Box<Report>),
    /// Make or replace a company.
    PutCompany(Box<Company>),
    /// Forget a company's settings. It stays known by its number while it has events.
    DeleteCompany(i64),
    /// Make or replace an endpoint; enabling or disabling it sweeps its deliveries.
    PutEndpoint {
        /// The company; it must be configured.
        company_id: i64,
        /// The endpoint's name.
        name: String,
        /// Its settings, whole.
        settings: Box<Settings>,
    },
    /// Delete an endpoint.
    DeleteEndpoint {
        /// The company.
        company_id: i64,
        /// The endpoint's name.
        name: String,
        /// Cancel what is open; without it an endpoint with open deliveries is not deleted.
        cancel_open: bool,
    },
    /// Go on with the sweep of an endpoint: bring its open deliveries, at most [`crate::limits::SWEEP_ROWS`] in
    /// (key, id) order after `after`, into the state that its settings ask for: parked when it is disabled, pending
    /// when it is enabled (the first of each key due, the others waiting; with order `none` all due), cancelled when it
    /// is deleted.
    Sweep {
        /// The endpoint.
        endpoint: EndpointId,
        /// Where the last sweep stopped.
        after: Option<(OrderKey, DeliveryId)>,
    },
    /// Make an endpoint's pending deliveries that are due later than `cutoff` due at `cutoff`: of its open deliveries at
    /// most [`crate::limits::SWEEP_ROWS`] in (key, id) order after `after`. A request looks at each delivery once: one
    /// that is sent and fails while the request goes on is not made due a second time. What waits for the head of its
    /// key goes on waiting; what is held is let go.
    RetryNow {
        /// The endpoint.
        endpoint: EndpointId,
        /// The moment of the request.
        cutoff: Millis,
        /// Where the part before stopped.
        after: Option<(OrderKey, DeliveryId)>,
    },
    /// Send once more: a new delivery at the tail of its key, or, where it is parked, the parked one becomes pending.
    Resend(DeliveryId),
    /// Look at the held deliveries whose moment has come, at most [`crate::limits::HOLD_ROWS`] of them: let go those whose
    /// job is quiet and has no open call, or whose time is up; put off the others.
    CheckHolds,
    /// Go on with the pruning: look at events after `after`, in the order of their ids and within the bounds of
    /// [`crate::limits::PRUNE_EVENTS`] and its neighbours, and remove those that are over: with their deliveries,
    /// attempts and idempotency keys. An event is over when it was accepted before `before`, all its deliveries settled
    /// before `before`, and no older event of its company, kind and id is kept. What is pending or parked never goes.
    Prune {
        /// What has happened at this moment or later is kept.
        before: Millis,
        /// The last event that was looked at; `None` to begin with the oldest.
        after: Option<EventId>,
    },
    /// Keep a token.
    AddToken(Box<Token>),
    /// Forget a token.
    RevokeToken(String),
    /// Note when tokens were last used: id and wall clock, Unix milliseconds. Tokens that are gone are passed over.
    UseTokens(Vec<(String, i64)>),
}

/// A finished send, or the end of a maximum age, on its way into the store.
#[derive(Clone, Debug)]
pub struct Report {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The endpoint that it goes to: whom the engine tells of the answer. A store does not look at it.
    pub endpoint: EndpointId,
    /// The send; `None` when the maximum age ended without one.
    pub attempt: Option<Attempt>,
    /// What follows.
    pub next: Next,
}

/// The answer to one [`Write`], in the same place.
#[derive(Clone, Debug)]
pub enum Written {
    /// To [`Write::Accept`].
    Accepted(Accepted),
    /// To [`Write::Accept`]: the idempotency key came before with other content.
    Conflict {
        /// The event that came with it first.
        event_id: EventId,
    },
    /// To [`Write::Record`].
    Recorded(Recorded),
    /// To [`Write::PutCompany`]; `created` when it was not configured before.
    Company {
        /// As it is stored now.
        company: Company,
        /// Whether it was not configured before.
        created: bool,
    },
    /// To [`Write::DeleteCompany`]. `kept` is the unconfigured company that stays because it has events.
    CompanyDeleted {
        /// What stays.
        kept: Option<Company>,
    },
    /// To [`Write::PutEndpoint`].
    Endpoint {
        /// As it is stored now; `sweeping` when [`Write::Sweep`] must go on.
        endpoint: Arc<Endpoint>,
        /// Whether it was made.
        created: bool,
        /// Its company, as it is stored now: jobs in `callbacks` switch jobs on for the company.
        company: Company,
        /// What the first part of the sweep did.
        swept: Swept,
    },
    /// To [`Write::DeleteEndpoint`].
    EndpointDeleted {
        /// As it is stored now.
        endpoint: Arc<Endpoint>,
        /// What the first part of the sweep did.
        swept: Swept,
    },
    /// To [`Write::Sweep`].
    Swept(Swept),
    /// To [`Write::RetryNow`].
    RetriedNow {
        /// Deliveries that were made due.
        changed: usize,
        /// Where to go on; `None` when all were looked at.
        next: Option<(OrderKey, DeliveryId)>,
    },
    /// To [`Write::Resend`].
    Resent(Resent),
    /// To [`Write::Prune`].
    Pruned(Pruned),
    /// To [`Write::CheckHolds`].
    HoldsChecked {
        /// The endpoints of deliveries that were let go, and when those are due: now.
        released: Vec<(EndpointId, Millis)>,
        /// When to look again; `None` when nothing is held.
        next: Option<Millis>,
    },
    /// To [`Write::AddToken`], [`Write::RevokeToken`] and [`Write::UseTokens`]; false when there was no such token.
    Token(bool),
    /// The write asks for something that does not exist or is not allowed; nothing was changed.
    Refused(Refusal),
}

/// Why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such company, or it is not configured.
    #[error("no such company")]
    NoCompany,
    /// No such endpoint.
    #[error("no such endpoint")]
    NoEndpoint,
    /// No such delivery.
    #[error("no such delivery")]
    NoDelivery,
    /// The company still has endpoints.
    #[error("the company still has endpoints")]
    HasEndpoints,
    /// The endpoint still has open deliveries.
    #[error("the endpoint has open deliveries")]
    HasOpen {
        /// At least this many (counting stops at [`crate::limits::SWEEP_ROWS`]).
        at_least: usize,
    },
    /// The endpoint is disabled.
    #[error("the endpoint is disabled")]
    Disabled,
    /// No endpoint of the company wants the event.
    #[error("no endpoint fits")]
    NoneFits,
    /// The company has [`crate::limits::ENDPOINTS_PER_COMPANY`] endpoints.
    #[error("the company has too many endpoints")]
    TooManyEndpoints,
    /// The store cannot keep what is written ([`Fault::Data`]).
    #[error("the store cannot keep it")]
    Unstorable,
}

/// An event that was taken in.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its id; for a repetition, that of the first event.
    pub event_id: EventId,
    /// Whether it was a repetition, which makes nothing new.
    pub replayed: bool,
    /// Its deliveries, in the order of their ids.
    pub deliveries: Vec<Brief>,
    /// Those of them that are due now, for the engine. Empty for a repetition.
    pub work: Vec<Work>,
    /// When to look at the holds that began.
    pub hold_check: Option<Millis>,
    /// The company, when this event made it known.
    pub discovered: Option<Company>,
}

/// A delivery in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Its id.
    pub id: DeliveryId,
    /// Its endpoint's number and name.
    pub endpoint: Option<(EndpointId, String)>,
    /// Its state.
    pub state: State,
}

/// What a [`Write::Record`] did.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its state now: a delivery parked meanwhile stays parked unless it was delivered or exhausted, a settled one
    /// keeps its state.
    pub state: State,
    /// Its due time now, while it is pending.
    pub due: Option<Millis>,
    /// The next of its key, which this settled and let go.
    pub released: Option<Work>,
    /// When to look at the hold of the next of its key, which this settled and which is held.
    pub hold_check: Option<Millis>,
    /// Whether this report settled it: not one about a delivery that was settled before.
    pub settled: bool,
}

/// What a part of a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deliveries whose state changed.
    pub changed: usize,
    /// Where to go on; `None` when the sweep is done.
    pub next: Option<(OrderKey, DeliveryId)>,
    /// When to look at the holds that began.
    pub hold_check: Option<Millis>,
}

/// What a [`Write::Prune`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Events that were removed.
    pub events: usize,
    /// The last event that was looked at: where to go on.
    pub reached: Option<EventId>,
    /// Whether there is more to do at once: further events that are old enough, or free space to give back.
    pub more: bool,
}

/// What a [`Write::Resend`] did.
#[derive(Clone, Debug)]
pub struct Resent {
    /// The event.
    pub event_id: EventId,
    /// The deliveries that go out because of it; the first is the one asked for, or the one made for it.
    pub deliveries: Vec<Brief>,
    /// Those of them that are due now, for the engine.
    pub work: Vec<Work>,
    /// When to look at the holds that began.
    pub hold_check: Option<Millis>,
}

/// Reads what is committed. Each method is one read transaction of bounded length.
pub trait Reader: Send {
    /// The pending deliveries of an endpoint that are due, with their bodies.
    ///
    /// # Errors
    /// The store could not be read.
    fn due(&mut self, query: &DueQuery) -> Result<DuePage, StoreError>;

    /// An event with its body, its deliveries and their attempts.
    ///
    /// # Errors
    /// The store could not be read.
    fn event(&mut self, id: EventId) -> Result<Option<EventRecord>, StoreError>;

    /// A delivery with its attempts.
    ///
    /// # Errors
    /// The store could not be read.
    fn delivery(&mut self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError>;

    /// Events by filter, newest first.
    ///
    /// # Errors
    /// The store could not be read.
    fn events(&mut self, filter: &Filter, page: &PageRequest) -> Result<Page<EventSummary>, StoreError>;

    /// Deliveries by filter, newest first.
    ///
    /// # Errors
    /// The store could not be read.
    fn deliveries(
        &mut self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<DeliverySummary>, StoreError>;

    /// Deliveries of an endpoint that are pending and parked; counting stops at `most` each.
    ///
    /// # Errors
    /// The store could not be read.
    fn open(&mut self, endpoint: EndpointId, most: usize) -> Result<OpenCount, StoreError>;
}

/// Which due deliveries to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueQuery {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Only what comes after this (due, id).
    pub after: (Millis, DeliveryId),
    /// Only what is due at this moment or before.
    pub until: Millis,
    /// At most so many rows.
    pub rows: usize,
    /// At most so many bytes of bodies; one row always fits.
    pub bytes: usize,
}

/// A page of due deliveries.
#[derive(Clone, Debug, Default)]
pub struct DuePage {
    /// In the order of (due, id).
    pub work: Vec<Work>,
    /// The due time of the first pending delivery after the last row, whether due already or not; `None` when there is
    /// none.
    pub next: Option<Millis>,
}

/// An event with all that belongs to it.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// The event.
    pub event: Event,
    /// Its rendered v1 body.
    pub body: Bytes,
    /// Its deliveries, in the order of their ids.
    pub deliveries: Vec<DeliveryRecord>,
}

/// A delivery with its attempts.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    /// The delivery.
    pub delivery: Delivery,
    /// Its endpoint's name, also of a deleted endpoint.
    pub endpoint_name: Option<String>,
    /// The open delivery of the same endpoint and key that it waits for.
    pub waits_for: Option<DeliveryId>,
    /// What is known of the calls that it waits for, where it is held.
    pub held_by: Option<HeldBy>,
    /// Its finished sends, in order.
    pub attempts: Vec<Attempt>,
}

/// The calls of a job, as its held final status sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBy {
    /// Open deliveries of calls of the job; counting stops at [`crate::limits::HOLD_CALLS_COUNTED`].
    pub open_calls: usize,
    /// When the newest call of the job was accepted, unless that was longer before the held delivery was made than the
    /// longest `holdQuiet`.
    pub newest_call: Option<Millis>,
}

/// An event in a list.
#[derive(Clone, Debug)]
pub struct EventSummary {
    /// The event.
    pub event: Event,
    /// Its deliveries, in the order of their ids.
    pub deliveries: Vec<Brief>,
}

/// A delivery in a list.
#[derive(Clone, Debug)]
pub struct DeliverySummary {
    /// The delivery.
    pub delivery: Delivery,
    /// Its endpoint's name, also of a deleted endpoint.
    pub endpoint_name: Option<String>,
    /// The event that it delivers.
    pub event: Event,
}

/// What to look for. Every condition that is set must hold. For events, the conditions on deliveries ask for one
/// delivery that meets them all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The company.
    pub company_id: Option<i64>,
    /// callInstanceId or inboundInstanceId, with its corrections.
    pub call_instance_id: Option<i64>,
    /// callJobId: of a job, or of the job that a call belongs to.
    pub call_job_id: Option<i64>,
    /// The keyed hash of a phone number.
    pub phone_hash: Option<i64>,
    /// The kind.
    pub kind: Option<Kind>,
    /// A delivery's state.
    pub state: Option<State>,
    /// A delivery's last outcome.
    pub outcome: Option<Outcome>,
    /// The name of a delivery's endpoint.
    pub endpoint: Option<String>,
    /// Accepted at this moment or later.
    pub from: Option<Millis>,
    /// Accepted before this moment.
    pub to: Option<Millis>,
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items.
    pub limit: usize,
    /// Only what has a smaller id than this: the cursor.
    pub before: Option<i64>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` when this is the last.
    pub next: Option<i64>,
    /// Whether the page stopped early because it had looked at [`crate::limits::SEARCH_ROWS`] rows.
    pub partial: bool,
}

/// How many deliveries of an endpoint are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenCount {
    /// Pending.
    pub pending: usize,
    /// Parked.
    pub parked: usize,
}

/// What kind of failure a store had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full.
    Full,
    /// The disk, or the file, cannot be written to.
    ReadOnly,
    /// The disk failed: a read, a write or an fsync.
    Io,
    /// One of the writes, or a row that it met, cannot be: it broke a constraint. Nothing of the batch was written, and
    /// the disk is well: the batch may be committed without that write.
    Data,
    /// Anything else.
    #[default]
    Other,
}

impl Fault {
    /// What is wrong, in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "the disk is full",
            Self::ReadOnly => "the disk is read-only",
            Self::Io => "the disk failed",
            Self::Data => "it refuses what is written",
            Self::Other => "see the log",
        }
    }
}

/// The store failed. For a commit: whether the batch is durable is unknown.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    /// What was being done.
    pub what: &'static str,
    /// What kind of failure it was, as far as the store can tell.
    pub fault: Fault,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
