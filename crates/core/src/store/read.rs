//! Reading a store.

use bytes::Bytes;
use ringback_contract::kind::Kind;

use super::{Brief, ReconcileQuery, Reconciled, StoreError};
use crate::alert::Oldest;
use crate::audit;
use crate::delivery::{Attempt, Delivery, Outcome, State, Work};
use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, EventId, ReplayId};
use crate::replay::{DryRun, Replay, ReplaySpec};
use crate::time::Millis;

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

    /// For each of these endpoints, at most [`crate::limits::ALERT_PAGE`], the delivery that has used most of its maximum
    /// age, among two of those whose age runs: of the ones sent before the one whose age began first, time in which it
    /// stood aside; and the one that is due first. Others can only be older among deliveries that were never sent and have
    /// been parked meanwhile. `None` where no age runs.
    ///
    /// # Errors
    /// The store could not be read.
    fn oldest(&mut self, now: Millis, endpoints: &[EndpointId]) -> Result<Vec<Option<Oldest>>, StoreError>;

    /// Replays, of one company or of all, newest first.
    ///
    /// # Errors
    /// The store could not be read.
    fn replays(&mut self, company_id: Option<i64>, page: &PageRequest) -> Result<Page<Replay>, StoreError>;

    /// A replay.
    ///
    /// # Errors
    /// The store could not be read.
    fn replay(&mut self, id: ReplayId) -> Result<Option<Replay>, StoreError>;

    /// What a replay would meet, as far as [`crate::limits::DRY_RUN_ROWS`] events or deliveries, and
    /// [`crate::limits::READ_SOFT_MS`], tell.
    ///
    /// # Errors
    /// The store could not be read.
    fn dry_run(&mut self, spec: &ReplaySpec) -> Result<DryRun, StoreError>;

    /// The rendered v1 body of an event, without what else belongs to it.
    ///
    /// # Errors
    /// The store could not be read.
    fn body(&mut self, id: EventId) -> Result<Option<Bytes>, StoreError>;

    /// Calls that have not arrived, as the failed-callback query lists them (contract, section 6): those with a delivery that
    /// is pending after at least one send, exhausted or parked, unless another to the same endpoint, or one that repeats it,
    /// was acknowledged. By acceptance, the oldest first, each call once. Counting stops at [`crate::limits::MISSED_ROWS`] deliveries or
    /// [`crate::limits::READ_SOFT_MS`].
    ///
    /// # Errors
    /// The store could not be read.
    fn missed(&mut self, query: &MissedQuery) -> Result<MissedPage, StoreError>;

    /// Counts a company's events and deliveries, by id from the smallest on.
    ///
    /// # Errors
    /// The store could not be read.
    fn reconcile(&mut self, query: &ReconcileQuery) -> Result<Reconciled, StoreError>;

    /// Entries of the audit log by filter, newest first.
    ///
    /// # Errors
    /// The store could not be read.
    fn audit(
        &mut self,
        filter: &audit::Filter,
        page: &PageRequest,
    ) -> Result<Page<audit::Record>, StoreError>;
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
    /// The event.
    pub event_id: Option<EventId>,
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
    /// A delivery's last send began at this moment of the wall clock or later, Unix milliseconds.
    pub sent_from: Option<i64>,
    /// A delivery's last send began before this moment of the wall clock, Unix milliseconds.
    pub sent_to: Option<i64>,
}

/// Which calls that have not arrived to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedQuery {
    /// The company.
    pub company_id: i64,
    /// [`Kind::Call`] or [`Kind::Inbound`].
    pub kind: Kind,
    /// Only calls of this job.
    pub call_job_id: Option<i64>,
    /// Accepted at this moment or later.
    pub from: Millis,
    /// Accepted before this moment.
    pub to: Millis,
    /// Calls to pass over.
    pub skip: usize,
    /// At most so many calls.
    pub take: usize,
}

/// Calls that have not arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissedPage {
    /// The calls on the page, each with its first event that has not arrived.
    pub calls: Vec<(i64, EventId)>,
    /// How many calls there are in all.
    pub total: usize,
    /// Whether counting stopped early: then there are more.
    pub partial: bool,
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
    /// Whether the page stopped early because it had looked at [`crate::limits::SEARCH_ROWS`] rows, or for
    /// [`crate::limits::PAGE_MS`].
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
