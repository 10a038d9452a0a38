//! Looking at rows on a connection, the writer's or a reader's.

use ringback_core::delivery::{Delivery, State};
use ringback_core::event::Event;
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::limits::REPLAY_NEWER_ROWS;
use rusqlite::{Connection, Error, OptionalExtension, Params, Result, params};

use super::by_event;
use super::query;
use super::rows::{self, Schedules, kind_code};
use super::select::select;
use super::writer::Writer;
use crate::directory::Directory;
use crate::look::{Endpoints, Events, Look, Range};

const EVENTS_OF_COMPANY: &str = "SELECT id FROM event INDEXED BY event_company \
    WHERE company_id = ?1 AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4";
const EVENTS_OF_ENTITY: &str = "SELECT id FROM event INDEXED BY event_entity \
    WHERE company_id = ?1 AND entity_id = ?5 AND kind = ?6 AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4";
const EVENTS_OF_JOB: &str = "SELECT id FROM event INDEXED BY event_job \
    WHERE company_id = ?1 AND call_job_id = ?5 AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4";
const DELIVERIES_IN_STATE: &str = "SELECT id FROM delivery INDEXED BY delivery_exhausted_or_parked \
    WHERE company_id = ?1 AND state IN (2, 3) AND state = ?5 AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4";
const NEWER_EVENTS: &str = "SELECT id FROM event INDEXED BY event_entity \
    WHERE company_id = ?1 AND entity_id = ?2 AND kind = ?3 AND id > ?4 ORDER BY id DESC LIMIT ?5";

/// A connection to look on.
pub(super) struct Lookup<'a> {
    pub(super) connection: &'a Connection,
    pub(super) schedules: &'a mut Schedules,
}

impl Lookup<'_> {
    fn ids(&self, sql: &str, params: impl Params) -> Result<Vec<i64>> {
        query::all(self.connection, sql, params, |row| row.get(0))
    }
}

impl Look for Lookup<'_> {
    type Error = Error;

    fn event(&mut self, id: EventId) -> Result<Option<Event>> {
        self.connection
            .prepare_cached(select!(event "WHERE id = ?1"))?
            .query_row([id.0], rows::event)
            .optional()
    }

    fn delivery(&mut self, id: DeliveryId) -> Result<Option<Delivery>> {
        self.connection
            .prepare_cached(select!(delivery "WHERE id = ?1"))?
            .query_row([id.0], |row| rows::delivery(row, self.schedules))
            .optional()
    }

    fn deliveries_of(&mut self, event: EventId) -> Result<Vec<Delivery>> {
        by_event::deliveries(self.connection, self.schedules, event)
    }

    fn endpoint_name(&mut self, id: EndpointId) -> Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT name FROM endpoint WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()
    }

    fn receivers(&mut self, company_id: i64) -> Result<Option<Endpoints>> {
        let mut directory = Directory::default();
        let company = "SELECT unsealed('company', company_id, settings) FROM company WHERE company_id = ?1";
        for company in query::all(self.connection, company, [company_id], rows::company)? {
            directory.put_company(&company);
        }
        let endpoints = select!(endpoint "INDEXED BY endpoint_name WHERE company_id = ?1 AND deleted = 0");
        for row in query::all(self.connection, endpoints, [company_id], rows::endpoint)? {
            directory.put_endpoint(&row);
        }
        Ok(directory.receivers(company_id))
    }

    fn events_in(&mut self, company_id: i64, events: Events, range: Range) -> Result<Vec<EventId>> {
        let Range { after, below, most } = range;
        let ids = match events {
            Events::Company => self.ids(EVENTS_OF_COMPANY, params![company_id, after, below, most]),
            Events::Entity(kind, id) => self.ids(
                EVENTS_OF_ENTITY,
                params![company_id, after, below, most, id, kind_code(kind)],
            ),
            Events::Job(id) => self.ids(EVENTS_OF_JOB, params![company_id, after, below, most, id]),
        };
        Ok(ids?.into_iter().map(EventId).collect())
    }

    fn deliveries_in(&mut self, company_id: i64, state: State, range: Range) -> Result<Vec<DeliveryId>> {
        let Range { after, below, most } = range;
        let ids = self.ids(
            DELIVERIES_IN_STATE,
            params![company_id, after, below, most, state as u8],
        )?;
        Ok(ids.into_iter().map(DeliveryId).collect())
    }

    fn newer_delivered(&mut self, than: &Event, endpoint: Option<EndpointId>) -> Result<bool> {
        let newer = params![
            than.company_id,
            than.entity_id,
            kind_code(than.kind),
            than.id.0,
            REPLAY_NEWER_ROWS,
        ];
        let counts = |delivery: &Delivery| {
            delivery.state == State::Delivered && (endpoint.is_none() || delivery.endpoint == endpoint)
        };
        for id in self.ids(NEWER_EVENTS, newer)? {
            if self.deliveries_of(EventId(id))?.iter().any(counts) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Look for Writer {
    type Error = Error;

    fn event(&mut self, id: EventId) -> Result<Option<Event>> {
        self.look().event(id)
    }

    fn delivery(&mut self, id: DeliveryId) -> Result<Option<Delivery>> {
        if let Some(known) = self.recent.delivery(id) {
            return Ok(Some(known.clone()));
        }
        self.look().delivery(id)
    }

    fn deliveries_of(&mut self, event: EventId) -> Result<Vec<Delivery>> {
        self.look().deliveries_of(event)
    }

    fn endpoint_name(&mut self, id: EndpointId) -> Result<Option<String>> {
        self.look().endpoint_name(id)
    }

    /// What the writer remembers, which takes no reading.
    fn receivers(&mut self, company_id: i64) -> Result<Option<Endpoints>> {
        Ok(self.directory.receivers(company_id))
    }

    fn events_in(&mut self, company_id: i64, events: Events, range: Range) -> Result<Vec<EventId>> {
        self.look().events_in(company_id, events, range)
    }

    fn deliveries_in(&mut self, company_id: i64, state: State, range: Range) -> Result<Vec<DeliveryId>> {
        self.look().deliveries_in(company_id, state, range)
    }

    fn newer_delivered(&mut self, than: &Event, endpoint: Option<EndpointId>) -> Result<bool> {
        self.look().newer_delivered(than, endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk::testing::plan;
    use super::*;

    #[test]
    fn each_statement_walks_exactly_its_range() {
        for (sql, expected) in [
            (
                EVENTS_OF_COMPANY,
                "event_company (company_id=? AND rowid>? AND rowid<?)",
            ),
            (
                EVENTS_OF_ENTITY,
                "event_entity (entity_id=? AND company_id=? AND kind=? AND rowid>? AND rowid<?)",
            ),
            (
                EVENTS_OF_JOB,
                "event_job (call_job_id=? AND company_id=? AND rowid>? AND rowid<?)",
            ),
            (
                NEWER_EVENTS,
                "event_entity (entity_id=? AND company_id=? AND kind=? AND rowid>?)",
            ),
            (
                DELIVERIES_IN_STATE,
                "delivery_exhausted_or_parked (company_id=? AND state=? AND rowid>? AND rowid<?)",
            ),
        ] {
            let steps = plan(sql);
            assert!(steps[0].ends_with(expected), "{steps:?}");
            assert!(steps.iter().all(|step| !step.contains("B-TREE")), "{steps:?}");
        }
    }
}
