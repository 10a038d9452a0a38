//! Looking at the rows of the memory store: plain scans.

use std::convert::Infallible;

use ringback_core::delivery::{self, Delivery};
use ringback_core::event::Event;
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::limits::REPLAY_NEWER_ROWS;

use super::state::State;
use crate::look::{Endpoints, Events, Look, Range};

impl Look for State {
    type Error = Infallible;

    fn event(&mut self, id: EventId) -> Result<Option<Event>, Infallible> {
        Ok(self.events.get(&id).map(|stored| stored.event.clone()))
    }

    fn delivery(&mut self, id: DeliveryId) -> Result<Option<Delivery>, Infallible> {
        Ok(self.deliveries.get(&id).cloned())
    }

    fn deliveries_of(&mut self, event: EventId) -> Result<Vec<Delivery>, Infallible> {
        Ok(self.of_event(event).cloned().collect())
    }

    fn endpoint_name(&mut self, id: EndpointId) -> Result<Option<String>, Infallible> {
        let row = self.directory.endpoint(id);
        Ok(row.map(|row| row.endpoint.name.clone()))
    }

    fn receivers(&mut self, company_id: i64) -> Result<Option<Endpoints>, Infallible> {
        Ok(self.directory.receivers(company_id))
    }

    fn events_in(
        &mut self,
        company_id: i64,
        events: Events,
        range: Range,
    ) -> Result<Vec<EventId>, Infallible> {
        let wanted = |event: &Event| {
            event.company_id == company_id
                && match events {
                    Events::Company => true,
                    Events::Entity(kind, id) => (event.kind, event.entity_id) == (kind, id),
                    Events::Job(id) => event.call_job_id == Some(id),
                }
        };
        Ok(self
            .events
            .range(EventId(range.after.saturating_add(1))..)
            .take_while(|(id, _)| id.0 < range.below)
            .filter(|(_, stored)| wanted(&stored.event))
            .map(|(id, _)| *id)
            .take(range.most)
            .collect())
    }

    fn deliveries_in(
        &mut self,
        company_id: i64,
        state: delivery::State,
        range: Range,
    ) -> Result<Vec<DeliveryId>, Infallible> {
        Ok(self
            .deliveries
            .range(DeliveryId(range.after.saturating_add(1))..)
            .take_while(|(id, _)| id.0 < range.below)
            .filter(|(_, delivery)| (delivery.company_id, delivery.state) == (company_id, state))
            .map(|(id, _)| *id)
            .take(range.most)
            .collect())
    }

    fn newer_delivered(&mut self, than: &Event, endpoint: Option<EndpointId>) -> Result<bool, Infallible> {
        let arrived = |delivery: &Delivery| {
            delivery.state == delivery::State::Delivered
                && (endpoint.is_none() || delivery.endpoint == endpoint)
        };
        let newer = self.newer_of(than).take(REPLAY_NEWER_ROWS);
        Ok(newer.into_iter().any(|id| self.of_event(id).any(arrived)))
    }
}
