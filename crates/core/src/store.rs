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

mod error;
mod read;
mod reconcile;

use std::sync::Arc;

use crate::alert::Alert;
use crate::audit;
use crate::company::Company;
use crate::delivery::{Attempt, State, Work};
use crate::endpoint::{Endpoint, Settings};
use crate::event::{NewEvent, OrderKey};
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId};
use crate::replay::{Replay, ReplayChange, ReplaySpec};
use crate::settle::Next;
use crate::time::Millis;
use crate::token::Token;

pub use self::error::{Fault, StoreError};
pub use self::read::{
    DeliveryRecord, DeliverySummary, DuePage, DueQuery, EventRecord, EventSummary, Filter, HeldBy,
    MissedPage, MissedQuery, OpenCount, Page, PageRequest, Reader,
};
pub use self::reconcile::{DeliveryGroup, DeliveryTally, EventTally, ReconcileQuery, Reconciled};

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
    /// The running replays.
    pub replays: Vec<Replay>,
    /// Every token that was not revoked.
    pub tokens: Vec<Token>,
    /// The alerts that are kept, by number.
    pub alerts: Vec<Alert>,
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
    /// Make a replay, running.
    MakeReplay(Box<ReplaySpec>),
    /// Take the next step of a running replay: look at no more than [`crate::limits::REPLAY_ROWS`] events or deliveries, and
    /// stop once `most` deliveries or more go out. Nothing happens to a replay that does not run.
    StepReplay {
        /// The replay.
        replay: ReplayId,
        /// How many deliveries may go out.
        most: usize,
    },
    /// Pause, resume or cancel a replay. One that has ended stays as it is.
    ChangeReplay(ReplayId, ReplayChange),
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
    /// Write, and tell of it in the audit log. What is refused, changes nothing or repeats what was there is not told of. The
    /// answer is that to the inner write.
    Audited {
        /// What is told.
        entry: Box<audit::Entry>,
        /// The write.
        write: Box<Write>,
    },
    /// Remove entries of the audit log that were written before this moment: the oldest
    /// [`crate::limits::AUDIT_PRUNE_ROWS`] of them.
    PruneAudit(Millis),
    /// Keep alerts as they are now, at most [`crate::limits::ALERT_ROWS`] of them, and forget those that have ended but
    /// for the newest [`crate::limits::ALERTS_KEPT`].
    PutAlerts(Vec<Alert>),
    /// Nothing: what the entry of the audit log around it tells of was changed outside of the store.
    ChangedOutside,
}

impl Write {
    /// The write itself, without the entry of the audit log that goes with it.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match self {
            Self::Audited { write, .. } => write.inner(),
            other => other,
        }
    }

    /// This write, with an entry in the audit log.
    #[must_use]
    pub fn audited(self, entry: audit::Entry) -> Self {
        Self::Audited {
            entry: Box::new(entry),
            write: Box::new(self),
        }
    }
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
    /// To [`Write::MakeReplay`] and [`Write::ChangeReplay`]: as it is stored now.
    Replay(Replay),
    /// To [`Write::StepReplay`].
    ReplayStepped {
        /// As it is stored now.
        replay: Replay,
        /// Deliveries that go out because of this step.
        made: u64,
        /// The endpoints of those that have a due time, each with the earliest.
        due: Vec<(EndpointId, Millis)>,
        /// When to look at the holds that began.
        hold_check: Option<Millis>,
    },
    /// To [`Write::AddToken`], [`Write::RevokeToken`] and [`Write::UseTokens`]; false when there was no such token.
    Token(bool),
    /// To [`Write::PruneAudit`]: how many entries were removed.
    AuditPruned(usize),
    /// To [`Write::PutAlerts`].
    Alerts,
    /// To [`Write::ChangedOutside`].
    ChangedOutside,
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
    /// The event has [`crate::limits::RESENDS_PER_EVENT`] deliveries that resends and replays made.
    #[error("the event was sent again too often")]
    ResentTooOften,
    /// The company has [`crate::limits::ENDPOINTS_PER_COMPANY`] endpoints.
    #[error("the company has too many endpoints")]
    TooManyEndpoints,
    /// No such replay.
    #[error("no such replay")]
    NoReplay,
    /// [`crate::limits::REPLAYS_OPEN`] replays are running or paused.
    #[error("too many replays are running or paused")]
    TooManyReplays,
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
