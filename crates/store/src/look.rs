//! Looking at rows: what the writer, inside its transaction, and a reader, in a snapshot, ask in the same way.

use std::sync::Arc;

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Delivery, State};
use ringback_core::endpoint::Endpoint;
use ringback_core::event::Event;
use ringback_core::id::{DeliveryId, EndpointId, EventId};

/// Endpoints that are shared.
pub(crate) type Endpoints = Arc<[Arc<Endpoint>]>;

/// Events of a company, as an index brings them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Events {
    /// All of them.
    Company,
    /// Those of a kind and id.
    Entity(Kind, i64),
    /// Those that name this job.
    Job(i64),
}

/// The part of an index that is walked upwards: ids after `after` and before `below`, at most `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) after: i64,
    pub(crate) below: i64,
    pub(crate) most: usize,
}

pub(crate) trait Look {
    type Error;

    /// An event without its body.
    fn event(&mut self, id: EventId) -> Result<Option<Event>, Self::Error>;
    fn delivery(&mut self, id: DeliveryId) -> Result<Option<Delivery>, Self::Error>;
    /// The deliveries of an event, by id.
    fn deliveries_of(&mut self, event: EventId) -> Result<Vec<Delivery>, Self::Error>;
    /// An endpoint's name, also of a deleted one.
    fn endpoint_name(&mut self, id: EndpointId) -> Result<Option<String>, Self::Error>;
    /// The company's endpoints that are not deleted, by name; `None` for a company that is not configured.
    fn receivers(&mut self, company_id: i64) -> Result<Option<Endpoints>, Self::Error>;

    /// Events of a company, by id.
    fn events_in(
        &mut self,
        company_id: i64,
        events: Events,
        range: Range,
    ) -> Result<Vec<EventId>, Self::Error>;
    /// Exhausted or parked deliveries of a company, by id.
    fn deliveries_in(
        &mut self,
        company_id: i64,
        state: State,
        range: Range,
    ) -> Result<Vec<DeliveryId>, Self::Error>;
    /// Whether an event of this kind and id that is newer than `than` was delivered, to this endpoint where one is named.
    /// Of the newer ones only the newest [`ringback_core::limits::REPLAY_NEWER_ROWS`] are looked at.
    fn newer_delivered(&mut self, than: &Event, endpoint: Option<EndpointId>) -> Result<bool, Self::Error>;
}
