//! The tables of the memory store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::alert::Alert;
use ringback_core::audit;
use ringback_core::company::Company;
use ringback_core::delivery::{self, Attempt, Delivery};
use ringback_core::endpoint::Endpoint;
use ringback_core::event::{Event, IdempotencyKey, KeyClass, NewEvent, OrderKey};
use ringback_core::id::{AuditId, DeliveryId, EndpointId, EventId, IdSource, ReplayId};
use ringback_core::replay::Replay;
use ringback_core::store::OpenCount;
use ringback_core::time::Millis;
use ringback_core::token::Token;

use crate::directory::Directory;
use crate::tables::{EndpointRow, Known, Place, Tables};

const FIRST_KEY: OrderKey = OrderKey {
    class: KeyClass::Call,
    id: i64::MIN,
};

#[derive(Clone, Debug)]
pub(super) struct StoredEvent {
    pub(super) event: Event,
    pub(super) digest: [u8; 32],
    pub(super) phone_hash: Option<i64>,
    pub(super) body: Bytes,
    idempotency: Option<IdempotencyKey>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) phone_key: [u8; 32],
    ids: IdSource,
    /// The time of the last commit.
    pub(super) committed: Millis,
    last_endpoint: i64,
    pub(super) directory: Directory,
    pub(super) events: BTreeMap<EventId, StoredEvent>,
    by_key: HashMap<(i64, IdempotencyKey), EventId>,
    /// The events of a company, kind and id.
    of_entity: HashMap<(i64, Kind, i64), BTreeSet<EventId>>,
    pub(super) deliveries: BTreeMap<DeliveryId, Delivery>,
    by_event: HashMap<EventId, Vec<DeliveryId>>,
    /// Pending and parked deliveries that have an endpoint.
    open: BTreeSet<(EndpointId, OrderKey, DeliveryId)>,
    /// Pending deliveries with a due time.
    due: BTreeSet<(EndpointId, Millis, DeliveryId)>,
    /// Held deliveries, by their check.
    held: BTreeSet<(Millis, DeliveryId)>,
    /// Pending deliveries that hold a job's final status, by company and job.
    open_calls: BTreeSet<(i64, i64, DeliveryId)>,
    /// The calls of each company and job.
    calls_of_job: HashMap<(i64, i64), BTreeSet<EventId>>,
    pub(super) attempts: BTreeMap<(DeliveryId, u32), Attempt>,
    pub(super) replays: BTreeMap<ReplayId, Replay>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) alerts: BTreeMap<i64, Alert>,
    pub(super) audit: BTreeMap<AuditId, audit::Entry>,
}

impl State {
    pub(super) fn new(phone_key: [u8; 32]) -> Self {
        Self {
            phone_key,
            ids: IdSource::new(0, 0),
            committed: Millis::ZERO,
            last_endpoint: 0,
            directory: Directory::default(),
            events: BTreeMap::new(),
            by_key: HashMap::new(),
            of_entity: HashMap::new(),
            deliveries: BTreeMap::new(),
            by_event: HashMap::new(),
            open: BTreeSet::new(),
            due: BTreeSet::new(),
            held: BTreeSet::new(),
            open_calls: BTreeSet::new(),
            calls_of_job: HashMap::new(),
            attempts: BTreeMap::new(),
            replays: BTreeMap::new(),
            tokens: BTreeMap::new(),
            alerts: BTreeMap::new(),
            audit: BTreeMap::new(),
        }
    }

    /// The newest time that is stored: of the last commit, or of the largest id, which may run ahead.
    pub(super) fn newest(&self) -> Millis {
        EventId(self.ids.last()).time().max(self.committed)
    }

    pub(super) fn of_event(&self, id: EventId) -> impl Iterator<Item = &Delivery> {
        let ids = self.by_event.get(&id).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.deliveries.get(id))
    }

    /// The pending deliveries of an endpoint that are due at `from` or later, by (due, id).
    pub(super) fn due_from(
        &self,
        endpoint: EndpointId,
        from: Millis,
    ) -> impl Iterator<Item = (Millis, DeliveryId)> {
        self.due
            .range((endpoint, from, DeliveryId(i64::MIN))..)
            .take_while(move |(of, _, _)| *of == endpoint)
            .map(|(_, due, id)| (*due, *id))
    }

    /// The open deliveries of this endpoint and key, by id.
    pub(super) fn open_of_key(
        &self,
        endpoint: EndpointId,
        key: OrderKey,
    ) -> impl Iterator<Item = DeliveryId> {
        self.open
            .range((endpoint, key, DeliveryId(i64::MIN))..=(endpoint, key, DeliveryId(i64::MAX)))
            .map(|(_, _, id)| *id)
    }

    fn open_of(&self, endpoint: EndpointId, after: Option<Place>) -> impl Iterator<Item = &Delivery> {
        let from = match after {
            Some((key, id)) => Bound::Excluded((endpoint, key, id)),
            None => Bound::Included((endpoint, FIRST_KEY, DeliveryId(i64::MIN))),
        };
        self.open
            .range((from, Bound::Unbounded))
            .take_while(move |(of, _, _)| *of == endpoint)
            .filter_map(|(_, _, id)| self.deliveries.get(id))
    }

    pub(super) fn count(&self, endpoint: EndpointId, most: usize) -> OpenCount {
        let count = |state| {
            let of_state = self
                .open_of(endpoint, None)
                .filter(|delivery| delivery.state == state);
            of_state.take(most).count()
        };
        OpenCount {
            pending: count(delivery::State::Pending),
            parked: count(delivery::State::Parked),
        }
    }

    /// The pending deliveries that hold this job's final status.
    pub(super) fn open_calls(&self, company_id: i64, call_job_id: i64) -> impl Iterator<Item = DeliveryId> {
        let of = |id| (company_id, call_job_id, DeliveryId(id));
        self.open_calls
            .range(of(i64::MIN)..=of(i64::MAX))
            .map(|(_, _, id)| *id)
    }

    pub(super) fn newest_call_of(&self, company_id: i64, call_job_id: i64, from: Millis) -> Option<Millis> {
        let id = self.calls_of_job.get(&(company_id, call_job_id))?.last()?;
        Some(id.time()).filter(|time| *time >= from)
    }

    pub(super) fn first_hold_check(&self) -> Option<Millis> {
        self.held.first().map(|(check, _)| *check)
    }

    /// The newer events of the same company, kind and id, the newest first.
    pub(super) fn newer_of(&self, event: &Event) -> impl Iterator<Item = EventId> {
        let key = (event.company_id, event.kind, event.entity_id);
        let newer = (Bound::Excluded(event.id), Bound::Unbounded);
        let of_entity = self.of_entity.get(&key).into_iter();
        of_entity.flat_map(move |ids| ids.range(newer).rev().copied())
    }

    fn known(&self, id: EventId) -> Option<Known> {
        self.events.get(&id).map(|stored| Known {
            id,
            kind: stored.event.kind,
            entity_id: stored.event.entity_id,
            digest: stored.digest,
        })
    }

    fn put(&mut self, delivery: &Delivery) {
        if let Some(old) = self.deliveries.insert(delivery.id, delivery.clone()) {
            self.unindex(&old);
        }
        if let Some(hold) = delivery.hold {
            self.held.insert((hold.check, delivery.id));
        }
        if let (delivery::State::Pending, Some(job)) = (delivery.state, delivery.hold_job) {
            self.open_calls.insert((delivery.company_id, job, delivery.id));
        }
        let Some(endpoint) = delivery.endpoint else { return };
        if !delivery.state.is_settled() {
            self.open.insert((endpoint, delivery.key, delivery.id));
        }
        if let (delivery::State::Pending, Some(due)) = (delivery.state, delivery.due) {
            self.due.insert((endpoint, due, delivery.id));
        }
    }

    fn unindex(&mut self, old: &Delivery) {
        if let Some(hold) = old.hold {
            self.held.remove(&(hold.check, old.id));
        }
        if let Some(job) = old.hold_job {
            self.open_calls.remove(&(old.company_id, job, old.id));
        }
        let Some(endpoint) = old.endpoint else { return };
        self.open.remove(&(endpoint, old.key, old.id));
        if let Some(due) = old.due {
            self.due.remove(&(endpoint, due, old.id));
        }
    }
}

impl Tables for State {
    fn next_id(&mut self, now: Millis) -> i64 {
        self.ids.next(now)
    }

    fn company(&self, company_id: i64) -> Option<&Company> {
        self.directory.company(company_id)
    }

    fn put_company(&mut self, company: &Company) -> Result<(), Infallible> {
        self.directory.put_company(company);
        Ok(())
    }

    fn remove_company(&mut self, company_id: i64) -> Result<(), Infallible> {
        self.directory.remove_company(company_id);
        Ok(())
    }

    fn has_events(&mut self, company_id: i64) -> Result<bool, Infallible> {
        Ok(self
            .events
            .values()
            .any(|stored| stored.event.company_id == company_id))
    }

    fn endpoints(&self, company_id: i64) -> Arc<[Arc<Endpoint>]> {
        self.directory.endpoints(company_id)
    }

    fn endpoint(&mut self, id: EndpointId) -> Result<Option<EndpointRow>, Infallible> {
        Ok(self.directory.endpoint(id).cloned())
    }

    fn next_endpoint_id(&mut self) -> EndpointId {
        self.last_endpoint += 1;
        EndpointId(self.last_endpoint)
    }

    fn put_endpoint(&mut self, row: &EndpointRow) -> Result<(), Infallible> {
        self.directory.put_endpoint(row);
        Ok(())
    }

    fn event_by_key(&mut self, company_id: i64, key: &IdempotencyKey) -> Result<Option<Known>, Infallible> {
        let id = self.by_key.get(&(company_id, key.clone()));
        Ok(id.and_then(|id| self.known(*id)))
    }

    fn newest_event(
        &mut self,
        company_id: i64,
        kind: Kind,
        entity_id: i64,
    ) -> Result<Option<Known>, Infallible> {
        let of_entity = self.of_entity.get(&(company_id, kind, entity_id));
        let newest = of_entity.and_then(BTreeSet::last);
        Ok(newest.and_then(|id| self.known(*id)))
    }

    fn knows_entity(&mut self, company_id: i64, entity_id: i64) -> Result<bool, Infallible> {
        let known = |kind| self.of_entity.get(&(company_id, kind, entity_id));
        Ok(Kind::ALL.into_iter().filter_map(known).any(|ids| !ids.is_empty()))
    }

    fn insert_event(&mut self, id: EventId, new: &NewEvent) -> Result<(), Infallible> {
        let event = Event {
            id,
            company_id: new.company_id,
            kind: new.kind,
            entity_id: new.entity_id,
            call_job_id: new.call_job_id,
            job_status: new.job_status,
            accepted_wall_ms: new.accepted_wall_ms,
            body_bytes: new.body.len(),
        };
        self.of_entity
            .entry((new.company_id, new.kind, new.entity_id))
            .or_default()
            .insert(id);
        if let (Kind::Call, Some(job)) = (new.kind, new.call_job_id) {
            self.calls_of_job
                .entry((new.company_id, job))
                .or_default()
                .insert(id);
        }
        if let Some(key) = &new.idempotency {
            self.by_key.insert((new.company_id, key.clone()), id);
        }
        let stored = StoredEvent {
            event,
            digest: new.digest,
            phone_hash: new.phone_hash,
            body: new.body.clone(),
            idempotency: new.idempotency.clone(),
        };
        self.events.insert(id, stored);
        Ok(())
    }

    fn events_between(
        &mut self,
        after: Option<EventId>,
        before: EventId,
        most: usize,
    ) -> Result<Vec<Event>, Infallible> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.events.range((after, Bound::Unbounded));
        Ok(later
            .take_while(|(id, _)| **id < before)
            .take(most)
            .map(|(_, stored)| stored.event.clone())
            .collect())
    }

    fn has_older_event(&mut self, event: &Event) -> Result<bool, Infallible> {
        let of_entity = self
            .of_entity
            .get(&(event.company_id, event.kind, event.entity_id));
        Ok(of_entity
            .and_then(BTreeSet::first)
            .is_some_and(|first| *first < event.id))
    }

    fn remove_event(&mut self, event: &Event, deliveries: &[Delivery]) -> Result<(), Infallible> {
        let entity = (event.company_id, event.kind, event.entity_id);
        if let Some(of_entity) = self.of_entity.get_mut(&entity) {
            of_entity.remove(&event.id);
            if of_entity.is_empty() {
                self.of_entity.remove(&entity);
            }
        }
        if let (Kind::Call, Some(job)) = (event.kind, event.call_job_id)
            && let Some(calls) = self.calls_of_job.get_mut(&(event.company_id, job))
        {
            calls.remove(&event.id);
            if calls.is_empty() {
                self.calls_of_job.remove(&(event.company_id, job));
            }
        }
        if let Some(stored) = self.events.remove(&event.id)
            && let Some(key) = stored.idempotency
        {
            self.by_key.remove(&(event.company_id, key));
        }
        self.by_event.remove(&event.id);
        for delivery in deliveries {
            self.deliveries.remove(&delivery.id);
            for n in 0..=delivery.sends {
                self.attempts.remove(&(delivery.id, n));
            }
        }
        Ok(())
    }

    fn shrink(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn body(&mut self, id: EventId) -> Result<Bytes, Infallible> {
        Ok(self
            .events
            .get(&id)
            .map(|stored| stored.body.clone())
            .unwrap_or_default())
    }

    fn insert_delivery(&mut self, delivery: &Delivery, _first: bool) -> Result<(), Infallible> {
        self.by_event
            .entry(delivery.event_id)
            .or_default()
            .push(delivery.id);
        self.put(delivery);
        Ok(())
    }

    fn update_delivery(&mut self, delivery: &Delivery) -> Result<(), Infallible> {
        self.put(delivery);
        Ok(())
    }

    fn assign_delivery(&mut self, delivery: &Delivery) -> Result<(), Infallible> {
        self.put(delivery);
        Ok(())
    }

    fn first_open(&mut self, endpoint: EndpointId, key: OrderKey) -> Result<Option<DeliveryId>, Infallible> {
        Ok(self.open_of_key(endpoint, key).next())
    }

    fn open_after(
        &mut self,
        endpoint: EndpointId,
        after: Option<Place>,
        most: usize,
    ) -> Result<Vec<Delivery>, Infallible> {
        Ok(self.open_of(endpoint, after).take(most).cloned().collect())
    }

    fn newest_call(
        &mut self,
        company_id: i64,
        call_job_id: i64,
        from: Millis,
    ) -> Result<Option<Millis>, Infallible> {
        Ok(self.newest_call_of(company_id, call_job_id, from))
    }

    fn has_open_call(&mut self, company_id: i64, call_job_id: i64) -> Result<bool, Infallible> {
        Ok(self.open_calls(company_id, call_job_id).next().is_some())
    }

    fn held(&mut self, now: Millis, most: usize) -> Result<Vec<Delivery>, Infallible> {
        let due = self.held.range(..=(now, DeliveryId(i64::MAX))).take(most);
        Ok(due
            .filter_map(|(_, id)| self.deliveries.get(id).cloned())
            .collect())
    }

    fn next_hold_check(&mut self) -> Result<Option<Millis>, Infallible> {
        Ok(self.first_hold_check())
    }

    fn count_open(&mut self, endpoint: EndpointId, most: usize) -> Result<OpenCount, Infallible> {
        Ok(self.count(endpoint, most))
    }

    fn append_attempt(&mut self, delivery: DeliveryId, attempt: &Attempt) -> Result<(), Infallible> {
        self.attempts
            .entry((delivery, attempt.n))
            .or_insert_with(|| attempt.clone());
        Ok(())
    }

    fn replay(&mut self, id: ReplayId) -> Result<Option<Replay>, Infallible> {
        Ok(self.replays.get(&id).cloned())
    }

    fn put_replay(&mut self, replay: &Replay) -> Result<(), Infallible> {
        self.replays.insert(replay.id, replay.clone());
        Ok(())
    }

    fn open_replays(&mut self) -> Result<usize, Infallible> {
        let open = self.replays.values().filter(|replay| !replay.state.has_ended());
        Ok(open.count())
    }

    fn forget_replays(&mut self, keep: usize) -> Result<(), Infallible> {
        let ended = self
            .replays
            .values()
            .rev()
            .filter(|replay| replay.state.has_ended());
        let old: Vec<ReplayId> = ended.skip(keep).map(|replay| replay.id).collect();
        for id in old {
            self.replays.remove(&id);
        }
        Ok(())
    }

    fn add_token(&mut self, token: &Token) -> Result<bool, Infallible> {
        let is_new = !self.tokens.contains_key(&token.id);
        if is_new {
            self.tokens.insert(token.id.clone(), token.clone());
        }
        Ok(is_new)
    }

    fn use_token(&mut self, id: &str, wall_ms: i64) -> Result<bool, Infallible> {
        let token = self.tokens.get_mut(id);
        Ok(token
            .map(|token| token.last_used_wall_ms = Some(wall_ms))
            .is_some())
    }

    fn remove_token(&mut self, id: &str) -> Result<bool, Infallible> {
        Ok(self.tokens.remove(id).is_some())
    }

    fn put_alert(&mut self, alert: &Alert) -> Result<(), Infallible> {
        self.alerts.insert(alert.id, alert.clone());
        Ok(())
    }

    fn forget_alerts(&mut self, keep: usize) -> Result<(), Infallible> {
        let ended = self.alerts.values().rev().filter(|alert| alert.ended.is_some());
        let old: Vec<i64> = ended.skip(keep).map(|alert| alert.id).collect();
        for id in old {
            self.alerts.remove(&id);
        }
        Ok(())
    }

    fn append_audit(&mut self, record: &audit::Record) -> Result<(), Infallible> {
        self.audit.insert(record.id, record.entry.clone());
        Ok(())
    }

    fn prune_audit(&mut self, before: Millis, most: usize) -> Result<usize, Infallible> {
        let old = self.audit.range(..AuditId::first_at(before)).take(most);
        let old: Vec<AuditId> = old.map(|(id, _)| *id).collect();
        for id in &old {
            self.audit.remove(id);
        }
        Ok(old.len())
    }
}
