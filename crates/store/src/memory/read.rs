//! Reading the memory store: plain scans, newest first.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ringback_core::alert::Oldest;
use ringback_core::audit;
use ringback_core::delivery::{Delivery, State as DeliveryState, Work};
use ringback_core::id::{AuditId, DeliveryId, EndpointId, EventId, ReplayId};
use ringback_core::limits::{HOLD_CALLS_COUNTED, HOLD_QUIET_MS_MOST};
use ringback_core::replay::{DryRun, Replay, ReplaySpec};
use ringback_core::store::{
    Brief, DeliveryRecord, DeliverySummary, DuePage, DueQuery, EventRecord, EventSummary, Filter, HeldBy,
    MissedPage, MissedQuery, OpenCount, Page, PageRequest, Reader, ReconcileQuery, Reconciled, StoreError,
};
use ringback_core::time::Millis;

use super::lock;
use super::state::State;
use crate::filter::{Pager, asks_for_delivery, delivery_fits, event_fits, replay_fits, sent_fits};
use crate::missed::{Fate, Missed, arrived_otherwise, is_missed};
use crate::reconcile::{Count, Counted};
use crate::{replay, rules};

pub(super) struct MemoryReader {
    state: Arc<Mutex<State>>,
}

impl MemoryReader {
    pub(super) const fn new(state: Arc<Mutex<State>>) -> Self {
        Self { state }
    }
}

impl Reader for MemoryReader {
    fn due(&mut self, query: &DueQuery) -> Result<DuePage, StoreError> {
        Ok(lock(&self.state).due_page(query))
    }

    fn event(&mut self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        let state = lock(&self.state);
        Ok(state.events.get(&id).map(|stored| EventRecord {
            event: stored.event.clone(),
            body: stored.body.clone(),
            deliveries: state
                .of_event(id)
                .map(|delivery| state.record(delivery))
                .collect(),
        }))
    }

    fn delivery(&mut self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        let state = lock(&self.state);
        Ok(state.deliveries.get(&id).map(|delivery| state.record(delivery)))
    }

    fn events(&mut self, filter: &Filter, page: &PageRequest) -> Result<Page<EventSummary>, StoreError> {
        let state = lock(&self.state);
        let mut pager = Pager::new(page);
        let older = state.events.range(..EventId(page.before.unwrap_or(i64::MAX)));
        for (id, stored) in older.rev() {
            if !pager.wants_more() {
                break;
            }
            let fits = event_fits(filter, &stored.event, stored.phone_hash)
                && (!asks_for_delivery(filter)
                    || state.of_event(*id).any(|delivery| {
                        delivery_fits(filter, delivery, state.endpoint_name(delivery).as_deref())
                            && state.sent_fits(filter, delivery)
                    }));
            pager.show(
                id.0,
                fits.then(|| EventSummary {
                    event: stored.event.clone(),
                    deliveries: state
                        .of_event(*id)
                        .map(|delivery| state.brief(delivery))
                        .collect(),
                }),
            );
        }
        Ok(pager.finish())
    }

    fn deliveries(
        &mut self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<DeliverySummary>, StoreError> {
        let state = lock(&self.state);
        let mut pager = Pager::new(page);
        let older = state
            .deliveries
            .range(..DeliveryId(page.before.unwrap_or(i64::MAX)));
        for (id, delivery) in older.rev() {
            if !pager.wants_more() {
                break;
            }
            let endpoint_name = state.endpoint_name(delivery);
            let event = state
                .events
                .get(&delivery.event_id)
                .filter(|stored| event_fits(filter, &stored.event, stored.phone_hash))
                .filter(|_| delivery_fits(filter, delivery, endpoint_name.as_deref()))
                .filter(|_| state.sent_fits(filter, delivery));
            pager.show(
                id.0,
                event.map(|stored| DeliverySummary {
                    delivery: delivery.clone(),
                    endpoint_name,
                    event: stored.event.clone(),
                }),
            );
        }
        Ok(pager.finish())
    }

    fn open(&mut self, endpoint: EndpointId, most: usize) -> Result<OpenCount, StoreError> {
        Ok(lock(&self.state).count(endpoint, most))
    }

    fn oldest(&mut self, now: Millis, endpoints: &[EndpointId]) -> Result<Vec<Option<Oldest>>, StoreError> {
        let state = lock(&self.state);
        Ok(endpoints.iter().map(|id| state.oldest(now, *id)).collect())
    }

    fn replays(&mut self, company_id: Option<i64>, page: &PageRequest) -> Result<Page<Replay>, StoreError> {
        let state = lock(&self.state);
        let mut pager = Pager::new(page);
        let older = state.replays.range(..ReplayId(page.before.unwrap_or(i64::MAX)));
        for (id, replay) in older.rev() {
            if !pager.wants_more() {
                break;
            }
            pager.show(id.0, replay_fits(company_id, replay).then(|| replay.clone()));
        }
        Ok(pager.finish())
    }

    fn replay(&mut self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        Ok(lock(&self.state).replays.get(&id).cloned())
    }

    fn dry_run(&mut self, spec: &ReplaySpec) -> Result<DryRun, StoreError> {
        let Ok(dry_run) = replay::dry_run(&mut *lock(&self.state), spec, || false);
        Ok(dry_run)
    }

    fn body(&mut self, id: EventId) -> Result<Option<Bytes>, StoreError> {
        let state = lock(&self.state);
        Ok(state.events.get(&id).map(|stored| stored.body.clone()))
    }

    fn missed(&mut self, query: &MissedQuery) -> Result<MissedPage, StoreError> {
        let state = lock(&self.state);
        let mut missed = Missed::new(query);
        for (id, stored) in &state.events {
            let (event, at) = (&stored.event, stored.event.accepted_at());
            if (event.company_id, event.kind) != (query.company_id, query.kind)
                || at < query.from
                || at >= query.to
            {
                continue;
            }
            let is_of_job = query.call_job_id.is_none_or(|job| event.call_job_id == Some(job));
            let all: Vec<Fate> = state.of_event(*id).map(Fate::of).collect();
            for delivery in state.of_event(*id).filter(|delivery| is_missed(delivery)) {
                if !missed.wants_more(|| false) {
                    return Ok(missed.finish());
                }
                let arrived = arrived_otherwise(&all, delivery.id);
                missed.show(*id, event.entity_id, is_of_job && !arrived);
            }
        }
        Ok(missed.finish())
    }

    fn reconcile(&mut self, query: &ReconcileQuery) -> Result<Reconciled, StoreError> {
        let state = lock(&self.state);
        let mut ids: Vec<i64> = state.ids_of(query.company_id).collect();
        ids.retain(|id| (query.from..query.below).contains(id));
        ids.sort_unstable();
        let mut count = Count::new(query);
        for id in ids {
            if !count.wants(id, || false) {
                break;
            }
            if let Some(stored) = state.events.get(&EventId(id)) {
                let has_deliveries = state.of_event(EventId(id)).next().is_some();
                count.event(stored.event.kind, has_deliveries);
            } else if let Some(delivery) = state.deliveries.get(&DeliveryId(id)) {
                count.delivery(Counted {
                    kind: delivery.kind,
                    endpoint: delivery.endpoint,
                    state: delivery.state,
                    repeats: delivery.resend_of.is_some(),
                });
            }
        }
        let name = |endpoint| {
            state
                .directory
                .endpoint(endpoint)
                .map(|row| row.endpoint.name.clone())
        };
        let Ok(reconciled) = count.finish(|endpoint| Ok::<_, Infallible>(name(endpoint)));
        Ok(reconciled)
    }

    fn audit(
        &mut self,
        filter: &audit::Filter,
        page: &PageRequest,
    ) -> Result<Page<audit::Record>, StoreError> {
        let state = lock(&self.state);
        let mut pager = Pager::new(page);
        let older = state.audit.range(..AuditId(page.before.unwrap_or(i64::MAX)));
        for (id, entry) in older.rev() {
            if !pager.wants_more() {
                break;
            }
            let entry = entry.clone();
            let record = audit::Record { id: *id, entry };
            pager.show(id.0, Some(record).filter(|record| filter.fits(record)));
        }
        Ok(pager.finish())
    }
}

impl State {
    fn due_page(&self, query: &DueQuery) -> DuePage {
        let mut page = DuePage::default();
        let mut bytes = 0;
        let after = query.after;
        for (due, id) in self
            .due_from(query.endpoint, after.0)
            .filter(|place| *place > after)
        {
            let Some(work) = self.deliveries.get(&id).and_then(|delivery| self.work(delivery)) else {
                continue;
            };
            bytes += work.body.len();
            let fits = page.work.is_empty() || bytes <= query.bytes;
            if due > query.until || page.work.len() >= query.rows || !fits {
                page.next = Some(due);
                break;
            }
            page.work.push(work);
        }
        page
    }

    fn oldest(&self, now: Millis, endpoint: EndpointId) -> Option<Oldest> {
        let due = || {
            self.due_from(endpoint, Millis(i64::MIN))
                .map(|(_, id)| &self.deliveries[&id])
        };
        let began = |delivery: &Delivery| delivery.age.since.map(|since| since.minus(delivery.age.used_ms));
        let sent = due()
            .filter(|delivery| delivery.sends > 0)
            .min_by_key(|delivery| (began(delivery), delivery.id));
        [sent, due().next()]
            .into_iter()
            .flatten()
            .filter_map(|delivery| Oldest::of(delivery.age, &delivery.schedule, now))
            .max_by_key(|oldest| oldest.used_ms)
    }

    /// The ids of a company's events and deliveries.
    fn ids_of(&self, company_id: i64) -> impl Iterator<Item = i64> {
        let events = self.events.values().map(|stored| &stored.event);
        let events = events.filter(move |event| event.company_id == company_id);
        let deliveries = self.deliveries.values();
        let deliveries = deliveries.filter(move |delivery| delivery.company_id == company_id);
        let events = events.map(|event| event.id.0);
        events.chain(deliveries.map(|delivery| delivery.id.0))
    }

    fn work(&self, delivery: &Delivery) -> Option<Work> {
        let stored = self.events.get(&delivery.event_id)?;
        rules::work(delivery, || stored.body.clone())
    }

    fn endpoint_name(&self, delivery: &Delivery) -> Option<String> {
        let row = self.directory.endpoint(delivery.endpoint?)?;
        Some(row.endpoint.name.clone())
    }

    fn sent_fits(&self, filter: &Filter, delivery: &Delivery) -> bool {
        let sends = (delivery.id, 0)..=(delivery.id, u32::MAX);
        let last = || self.attempts.range(sends).next_back();
        let Ok(fits) = sent_fits(filter, || {
            Ok::<_, Infallible>(last().map(|(_, attempt)| attempt.started_wall_ms))
        });
        fits
    }

    fn brief(&self, delivery: &Delivery) -> Brief {
        Brief {
            id: delivery.id,
            endpoint: delivery.endpoint.zip(self.endpoint_name(delivery)),
            state: delivery.state,
        }
    }

    fn record(&self, delivery: &Delivery) -> DeliveryRecord {
        DeliveryRecord {
            delivery: delivery.clone(),
            endpoint_name: self.endpoint_name(delivery),
            waits_for: self.waits_for(delivery),
            held_by: delivery.hold.is_some().then(|| self.held_by(delivery)),
            attempts: self
                .attempts
                .range((delivery.id, 0)..=(delivery.id, u32::MAX))
                .map(|(_, attempt)| attempt.clone())
                .collect(),
        }
    }

    fn held_by(&self, delivery: &Delivery) -> HeldBy {
        let (company_id, job) = (delivery.company_id, delivery.key.id);
        let from = delivery.id.time().minus(HOLD_QUIET_MS_MOST);
        HeldBy {
            open_calls: self.open_calls(company_id, job).take(HOLD_CALLS_COUNTED).count(),
            newest_call: self.newest_call_of(company_id, job, from),
        }
    }

    fn waits_for(&self, delivery: &Delivery) -> Option<DeliveryId> {
        if delivery.state != DeliveryState::Pending || delivery.due.is_some() || delivery.hold.is_some() {
            return None;
        }
        let mut open = self.open_of_key(delivery.endpoint?, delivery.key);
        open.find(|id| *id != delivery.id)
    }
}
