//! The seam between the rules and a store: look-ups by key and writes of rows, and no rule in them.
//!
//! Everything happens inside the transaction of one commit and sees what the commit wrote so far.

use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::alert::Alert;
use ringback_core::audit;
use ringback_core::company::Company;
use ringback_core::delivery::{Attempt, Delivery};
use ringback_core::endpoint::Endpoint;
use ringback_core::event::{Event, IdempotencyKey, NewEvent, OrderKey};
use ringback_core::id::{DeliveryId, EndpointId, EventId, ReplayId};
use ringback_core::replay::Replay;
use ringback_core::store::OpenCount;
use ringback_core::time::Millis;
use ringback_core::token::Token;

use crate::look::Look;

/// A place in the walk over an endpoint's open deliveries, which goes by (key, id).
pub(crate) type Place = (OrderKey, DeliveryId);

/// An endpoint, and how far its sweep has come.
#[derive(Clone, Debug)]
pub(crate) struct EndpointRow {
    pub(crate) endpoint: Arc<Endpoint>,
    /// While the endpoint is sweeping: everything up to here fits its settings.
    pub(crate) swept_to: Option<Place>,
}

/// What is known of an event by which a repetition is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: EventId,
    pub(crate) kind: Kind,
    pub(crate) entity_id: i64,
    pub(crate) digest: [u8; 32],
}

/// What it looks up beside this is in [`Look`].
pub(crate) trait Tables: Look {
    /// The next id of an event or a delivery.
    fn next_id(&mut self, now: Millis) -> i64;

    fn company(&self, company_id: i64) -> Option<&Company>;
    fn put_company(&mut self, company: &Company) -> Result<(), Self::Error>;
    fn remove_company(&mut self, company_id: i64) -> Result<(), Self::Error>;
    fn has_events(&mut self, company_id: i64) -> Result<bool, Self::Error>;

    /// The company's endpoints that are not deleted, by name.
    fn endpoints(&self, company_id: i64) -> Arc<[Arc<Endpoint>]>;
    /// An endpoint, deleted or not.
    fn endpoint(&mut self, id: EndpointId) -> Result<Option<EndpointRow>, Self::Error>;
    fn next_endpoint_id(&mut self) -> EndpointId;
    fn put_endpoint(&mut self, row: &EndpointRow) -> Result<(), Self::Error>;

    fn event_by_key(&mut self, company_id: i64, key: &IdempotencyKey) -> Result<Option<Known>, Self::Error>;
    fn newest_event(
        &mut self,
        company_id: i64,
        kind: Kind,
        entity_id: i64,
    ) -> Result<Option<Known>, Self::Error>;
    /// Whether there is an event of this company and id, of whatever kind.
    fn knows_entity(&mut self, company_id: i64, entity_id: i64) -> Result<bool, Self::Error>;
    fn insert_event(&mut self, id: EventId, event: &NewEvent) -> Result<(), Self::Error>;
    /// Events after one and before another, by id.
    fn events_between(
        &mut self,
        after: Option<EventId>,
        before: EventId,
        most: usize,
    ) -> Result<Vec<Event>, Self::Error>;
    /// Whether there is an older event of the same company, kind and id.
    fn has_older_event(&mut self, event: &Event) -> Result<bool, Self::Error>;
    /// Removes an event with its body, its deliveries, which are settled, and their attempts.
    fn remove_event(&mut self, event: &Event, deliveries: &[Delivery]) -> Result<(), Self::Error>;
    /// Gives a bounded part of the space that is free back, if there is much; whether there is still much.
    fn shrink(&mut self) -> Result<bool, Self::Error>;
    fn body(&mut self, id: EventId) -> Result<Bytes, Self::Error>;

    /// Keeps a new delivery. `first` says that its key has had none before, at any endpoint.
    fn insert_delivery(&mut self, delivery: &Delivery, first: bool) -> Result<(), Self::Error>;
    /// Writes what the sending of a delivery changes: state, due, hold, age, sends, last outcome, settling.
    fn update_delivery(&mut self, delivery: &Delivery) -> Result<(), Self::Error>;
    /// Writes the above, and the endpoint with what is fixed with it: profile and schedule.
    fn assign_delivery(&mut self, delivery: &Delivery) -> Result<(), Self::Error>;
    /// The open delivery of this endpoint and key with the smallest id.
    fn first_open(&mut self, endpoint: EndpointId, key: OrderKey) -> Result<Option<DeliveryId>, Self::Error>;
    /// Open deliveries of an endpoint after a place, by (key, id).
    fn open_after(
        &mut self,
        endpoint: EndpointId,
        after: Option<Place>,
        most: usize,
    ) -> Result<Vec<Delivery>, Self::Error>;
    /// When the newest call of a job was accepted, if that was at `from` or later.
    fn newest_call(
        &mut self,
        company_id: i64,
        call_job_id: i64,
        from: Millis,
    ) -> Result<Option<Millis>, Self::Error>;
    /// Whether a delivery that holds this job's final status is pending.
    fn has_open_call(&mut self, company_id: i64, call_job_id: i64) -> Result<bool, Self::Error>;
    /// At most `most` held deliveries that are to be looked at now, by (check, id).
    fn held(&mut self, now: Millis, most: usize) -> Result<Vec<Delivery>, Self::Error>;
    /// When the first held delivery is to be looked at.
    fn next_hold_check(&mut self) -> Result<Option<Millis>, Self::Error>;
    /// Counts open deliveries; counting stops at `most` each.
    fn count_open(&mut self, endpoint: EndpointId, most: usize) -> Result<OpenCount, Self::Error>;
    /// Keeps a finished send, unless one of that number is kept already.
    fn append_attempt(&mut self, delivery: DeliveryId, attempt: &Attempt) -> Result<(), Self::Error>;

    fn replay(&mut self, id: ReplayId) -> Result<Option<Replay>, Self::Error>;
    /// Keeps a replay as it is now.
    fn put_replay(&mut self, replay: &Replay) -> Result<(), Self::Error>;
    /// How many replays have not ended.
    fn open_replays(&mut self) -> Result<usize, Self::Error>;
    /// Forgets the replays that have ended but for the newest `keep`.
    fn forget_replays(&mut self, keep: usize) -> Result<(), Self::Error>;

    /// Keeps a token; false when there is one of that id.
    fn add_token(&mut self, token: &Token) -> Result<bool, Self::Error>;
    /// Notes when a token was last used; false when there is none of that id.
    fn use_token(&mut self, id: &str, wall_ms: i64) -> Result<bool, Self::Error>;
    /// Forgets a token; false when there is none of that id.
    fn remove_token(&mut self, id: &str) -> Result<bool, Self::Error>;

    /// Keeps an alert as it is now.
    fn put_alert(&mut self, alert: &Alert) -> Result<(), Self::Error>;
    /// Forgets the alerts that have ended but for the `keep` with the largest numbers.
    fn forget_alerts(&mut self, keep: usize) -> Result<(), Self::Error>;
    /// Keeps an entry of the audit log.
    fn append_audit(&mut self, record: &audit::Record) -> Result<(), Self::Error>;
    /// Removes the oldest entries of the audit log that were written before a moment, at most `most`; how many.
    fn prune_audit(&mut self, before: Millis, most: usize) -> Result<usize, Self::Error>;
}
