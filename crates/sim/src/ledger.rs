//! What must hold. The ledger is told what is durable (also what the process never learned), what is sent and what
//! comes back, and compares each step with the rules of delivery by reckoning of its own.

mod pruning;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_contract::schedule::Schedule;
use ringback_core::delivery::{Attempt, Outcome, State};
use ringback_core::endpoint::{Endpoint, Order};
use ringback_core::engine::Send;
use ringback_core::event::{NewEvent, OrderKey};
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::store::{Brief, Reader, Recorded};
use ringback_core::time::Millis;

use crate::time::{BootUs, MS};
use crate::{Broken, broken};

/// The present, as a process of some generation sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present {
    pub(crate) now: Millis,
    pub(crate) boot_us: BootUs,
    pub(crate) generation: u64,
}

#[derive(Debug)]
pub(crate) struct EndpointFacts {
    pub(crate) endpoint: Arc<Endpoint>,
    /// The engine has been told that it is disabled or deleted.
    silenced: bool,
    /// Whether events of a key have waited for each other all the time.
    strict: bool,
    /// Whether it was enabled all the time: nothing of it was ever parked.
    steady: bool,
    /// The most jitter that it ever had.
    jitter: f64,
    /// When it was made.
    pub(crate) made: Millis,
    /// When its deliveries were made due by *retry now*.
    pub(crate) retried: Vec<Millis>,
    /// When it was changed last, in boot time.
    pub(crate) changed_us: BootUs,
}

#[derive(Debug)]
pub(crate) struct EventFacts {
    pub(crate) body: Bytes,
    pub(crate) key: OrderKey,
    pub(crate) company_id: i64,
    pub(crate) kind: Kind,
    pub(crate) call_job_id: Option<i64>,
    pub(crate) job_status: Option<i64>,
    pub(crate) accepted: Millis,
    pub(crate) deliveries: BTreeSet<DeliveryId>,
}

#[derive(Debug)]
pub(crate) struct DeliveryFacts {
    pub(crate) event: EventId,
    pub(crate) endpoint: Option<EndpointId>,
    created: Millis,
    /// When the last of its key that it waited for had settled; `None` while there is one. What counts towards its
    /// maximum age begins no earlier, as long as its endpoint keeps the order and is never disabled.
    age_from: Option<Millis>,
    /// When it was made, got its endpoint, or was asked for again.
    ready: Millis,
    schedule: Arc<Schedule>,
    /// It is pending or parked, as far as is durable.
    open: bool,
    not_before: Millis,
    /// The same in boot time, while the process lives that reckoned it.
    not_before_boot: Option<(u64, BootUs)>,
    /// The send whose outcome is not durable yet.
    under_way: Option<UnderWay>,
    pub(crate) starts: u32,
    /// The highest number that a send had.
    highest: u32,
    /// Sends whose outcome a crash took.
    pub(crate) lost: u32,
    /// Sends whose outcome is durable.
    pub(crate) recorded: Vec<(u32, Outcome)>,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    n: u32,
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    at: Millis,
    boot_us: BootUs,
    outcome: Outcome,
    retry_after_ms: Option<u64>,
}

/// Everything that was accepted, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) events: BTreeMap<EventId, EventFacts>,
    pub(crate) deliveries: BTreeMap<DeliveryId, DeliveryFacts>,
    pub(crate) endpoints: BTreeMap<EndpointId, EndpointFacts>,
    /// Deliveries that are not settled, by endpoint and key.
    keys: BTreeMap<(EndpointId, OrderKey), BTreeSet<DeliveryId>>,
    /// Events that were pruned. What is known of them stays.
    pub(crate) pruned: BTreeSet<EventId>,
    /// Keys that an older delivery joined later: their order is that of joining, not of ids.
    joined: BTreeSet<(EndpointId, OrderKey)>,
    pub(crate) sends: u64,
    pub(crate) repeats: u64,
}

impl Ledger {
    /// An endpoint was made or changed, durably.
    pub(crate) fn endpoint(&mut self, now: Millis, endpoint: &Arc<Endpoint>, boot_us: BootUs) {
        let settings = &endpoint.settings;
        let facts = self
            .endpoints
            .entry(endpoint.id)
            .or_insert_with(|| EndpointFacts {
                endpoint: Arc::clone(endpoint),
                silenced: false,
                strict: true,
                steady: true,
                jitter: 0.0,
                made: now,
                retried: Vec::new(),
                changed_us: boot_us,
            });
        facts.strict &= settings.order != Order::None;
        facts.steady &= settings.enabled && !endpoint.deleted;
        facts.jitter = facts.jitter.max(settings.jitter);
        facts.changed_us = boot_us;
        facts.endpoint = Arc::clone(endpoint);
    }

    /// The engine was told an endpoint's settings.
    pub(crate) fn told_endpoint(&mut self, endpoint: &Endpoint) {
        if let Some(facts) = self.endpoints.get_mut(&endpoint.id) {
            facts.silenced = endpoint.deleted || !endpoint.settings.enabled;
        }
    }

    /// An event was taken in, durably.
    pub(crate) fn accepted(&mut self, now: Millis, id: EventId, event: &NewEvent, briefs: &[Brief]) {
        self.events.insert(
            id,
            EventFacts {
                body: event.body.clone(),
                key: event.order_key(),
                company_id: event.company_id,
                kind: event.kind,
                call_job_id: event.call_job_id,
                job_status: event.job_status,
                accepted: now,
                deliveries: BTreeSet::new(),
            },
        );
        self.made(now, id, briefs);
    }

    /// Deliveries were made for an event, or got their endpoint.
    pub(crate) fn made(&mut self, now: Millis, event: EventId, briefs: &[Brief]) {
        let Some(facts) = self.events.get_mut(&event) else {
            return;
        };
        for brief in briefs {
            let endpoint = brief.endpoint.as_ref().map(|(id, _)| *id);
            let schedule = endpoint
                .and_then(|id| self.endpoints.get(&id))
                .map_or_else(Arc::default, |facts| {
                    Arc::clone(&facts.endpoint.settings.schedule)
                });
            let key = endpoint.map(|endpoint| (endpoint, facts.key));
            let new = facts.deliveries.insert(brief.id);
            let delivery = self.deliveries.entry(brief.id).or_insert(DeliveryFacts {
                event,
                endpoint: None,
                created: now,
                age_from: Some(now),
                ready: now,
                schedule: Arc::clone(&schedule),
                open: true,
                not_before: now,
                not_before_boot: None,
                under_way: None,
                starts: 0,
                highest: 0,
                lost: 0,
                recorded: Vec::new(),
            });
            delivery.ready = now;
            if let Some(key) = key.filter(|_| delivery.endpoint.is_none()) {
                delivery.endpoint = endpoint;
                delivery.schedule = schedule;
                let open = self.keys.entry(key).or_default();
                if new && !open.is_empty() {
                    delivery.age_from = None;
                }
                open.insert(brief.id);
                if !new {
                    self.joined.insert(key);
                }
            }
        }
    }

    /// Whether nothing of an endpoint was ever parked.
    pub(crate) fn is_steady(&self, id: EndpointId) -> bool {
        self.endpoints.get(&id).is_some_and(|facts| facts.steady)
    }

    /// Whether an endpoint has held final statuses all the time.
    pub(crate) fn holds(&self, id: EndpointId) -> bool {
        self.endpoints
            .get(&id)
            .is_some_and(|facts| facts.steady && facts.strict)
    }

    /// From when on a delivery was the head of its key.
    pub(crate) fn head_from(&self, id: DeliveryId) -> Option<Millis> {
        self.deliveries.get(&id)?.age_from
    }

    /// A delivery has a send that is in flight or not recorded.
    pub(crate) fn is_under_way(&self, id: DeliveryId) -> bool {
        self.deliveries
            .get(&id)
            .is_some_and(|delivery| delivery.under_way.is_some())
    }

    /// From when on a delivery that is due at `due` can be sent.
    pub(crate) fn ready(&self, id: DeliveryId, due: Millis) -> Millis {
        self.deliveries
            .get(&id)
            .map_or(due, |delivery| due.max(delivery.ready))
    }

    /// An endpoint's deliveries were made due at `cutoff`.
    pub(crate) fn retried_now(&mut self, endpoint: EndpointId, cutoff: Millis) {
        if let Some(facts) = self.endpoints.get_mut(&endpoint) {
            facts.retried.push(cutoff);
        }
        for delivery in self.deliveries.values_mut() {
            if delivery.endpoint == Some(endpoint) && delivery.open {
                delivery.not_before = delivery.not_before.min(cutoff);
                delivery.not_before_boot = None;
            }
        }
    }

    /// A send begins.
    pub(crate) fn begins(
        &mut self,
        present: Present,
        send: &Send,
        reader: &mut dyn Reader,
    ) -> Result<(), Broken> {
        let id = send.delivery;
        let Some(delivery) = self.deliveries.get(&id) else {
            return broken(format!("{id} was sent but never accepted"));
        };
        let event = &self.events[&delivery.event];
        let endpoint = &self.endpoints[&send.endpoint.id];
        if delivery.event != send.event_id || delivery.endpoint != Some(send.endpoint.id) {
            return broken(format!("{id} was sent as another event, or to another endpoint"));
        }
        if event.body != send.body {
            return broken(format!("{id} was sent with another body than was accepted"));
        }
        if delivery.under_way.is_some() {
            return broken(format!("{id} was sent while it was in flight or unrecorded"));
        }
        if !delivery.open {
            return broken(format!("{id} was sent after it had settled"));
        }
        if endpoint.silenced {
            return broken(format!(
                "{id} was sent although its endpoint is disabled or deleted"
            ));
        }
        if present.now < delivery.not_before {
            return broken(format!("{id} was sent early: due {:?}", delivery.not_before));
        }
        if let Some((generation, boot_us)) = delivery.not_before_boot
            && generation == present.generation
            && present.boot_us < boot_us
        {
            return broken(format!(
                "{id} was sent {} us early by boot time",
                boot_us - present.boot_us
            ));
        }
        let recorded = u32::try_from(delivery.recorded.len()).unwrap_or(u32::MAX);
        if send.n != recorded + 1 {
            return broken(format!(
                "{id} has {recorded} recorded sends, and was sent as number {}",
                send.n
            ));
        }
        self.check_order(send, event.key, reader)?;
        self.note_start(id, send.n);
        Ok(())
    }

    /// Nothing of the same endpoint and key that was accepted before may still be on its way.
    fn check_order(&self, send: &Send, key: OrderKey, reader: &mut dyn Reader) -> Result<(), Broken> {
        let key = (send.endpoint.id, key);
        if !self.endpoints[&key.0].strict || self.joined.contains(&key) {
            return Ok(());
        }
        let earlier = self
            .keys
            .get(&key)
            .into_iter()
            .flat_map(|ids| ids.range(..send.delivery));
        for id in earlier {
            let record = reader.delivery(*id).map_err(|error| Broken::of(&error))?;
            if record.is_none_or(|record| record.delivery.state == State::Pending) {
                return broken(format!("{} was sent before {id} of the same key", send.delivery));
            }
        }
        Ok(())
    }

    fn note_start(&mut self, id: DeliveryId, n: u32) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            self.sends += 1;
            self.repeats += u64::from(n <= delivery.highest);
            delivery.highest = delivery.highest.max(n);
            delivery.starts += 1;
            delivery.under_way = Some(UnderWay { n, ended: None });
        }
    }

    /// The process learns what became of a send.
    pub(crate) fn ends(
        &mut self,
        present: Present,
        id: DeliveryId,
        outcome: Outcome,
        retry_after_ms: Option<u64>,
    ) {
        if let Some(under_way) = self
            .deliveries
            .get_mut(&id)
            .and_then(|delivery| delivery.under_way.as_mut())
        {
            under_way.ended = Some(Ended {
                at: present.now,
                boot_us: present.boot_us,
                outcome,
                retry_after_ms,
            });
        }
    }

    /// A report is durable.
    pub(crate) fn recorded(
        &mut self,
        generation: u64,
        now: Millis,
        attempt: Option<&Attempt>,
        recorded: &Recorded,
    ) -> Result<(), Broken> {
        let id = recorded.delivery;
        let Some(delivery) = self.deliveries.get_mut(&id) else {
            return broken(format!("{id} was recorded but never accepted"));
        };
        let was_open = delivery.open;
        if let Some(attempt) = attempt {
            let ended = delivery
                .under_way
                .take()
                .and_then(|under_way| Some((under_way.n, under_way.ended?)));
            let Some((n, ended)) = ended else {
                return broken(format!("{id} was recorded without having been sent"));
            };
            if (attempt.n, attempt.outcome) != (n, ended.outcome) {
                return broken(format!("{id} was recorded otherwise than it was sent"));
            }
            delivery.recorded.push((n, ended.outcome));
            let delivered = recorded.state == State::Delivered;
            if was_open
                && recorded.state != State::Cancelled
                && delivered != (ended.outcome == Outcome::Acknowledged)
            {
                return broken(format!("{id} is {:?} after {:?}", recorded.state, ended.outcome));
            }
            let jitter = delivery
                .endpoint
                .and_then(|id| self.endpoints.get(&id))
                .map_or(0.0, |facts| facts.jitter);
            delivery.check_next(id, jitter, n, ended, recorded)?;
            if let Some(gap_ms) = delivery.schedule.gap_after(n) {
                delivery.not_before = ended.at.plus(gap_ms);
                // Engine time may run faster than boot time by one part in a thousand.
                let gap_us = i64::try_from(gap_ms).unwrap_or(i64::MAX / MS) * MS;
                let earliest_us = ended.boot_us + gap_us - gap_us / 1_000 - 2 * MS;
                delivery.not_before_boot = Some((generation, earliest_us));
            }
        }
        if recorded.state.is_settled() {
            self.settled(id, now);
        } else if !was_open {
            return broken(format!("{id} had settled and is open again"));
        }
        Ok(())
    }

    fn settled(&mut self, id: DeliveryId, now: Millis) {
        let Some(delivery) = self.deliveries.get_mut(&id) else {
            return;
        };
        delivery.open = false;
        if let Some(endpoint) = delivery.endpoint {
            let key = (endpoint, self.events[&delivery.event].key);
            if let Some(ids) = self.keys.get_mut(&key) {
                ids.remove(&id);
                if let Some(next) = ids.first().and_then(|next| self.deliveries.get_mut(next)) {
                    next.age_from.get_or_insert(now);
                }
            }
        }
    }

    /// The process is gone, with what it had not recorded, except perhaps `unsettled`. Answers how many sends that were.
    pub(crate) fn lose(&mut self, unsettled: &BTreeSet<DeliveryId>) -> u64 {
        let mut lost = 0;
        for (id, delivery) in &mut self.deliveries {
            if !unsettled.contains(id) && delivery.under_way.take().is_some() {
                delivery.lost += 1;
                lost += 1;
            }
        }
        for facts in self.endpoints.values_mut() {
            facts.silenced = false;
        }
        lost
    }
}

impl DeliveryFacts {
    /// What follows from a send is what the schedule says: the due time after the gap, with at most the jitter and what
    /// the receiver asked for added, and the end only when no gap is left or the maximum age is over.
    fn check_next(
        &self,
        id: DeliveryId,
        jitter: f64,
        n: u32,
        ended: Ended,
        recorded: &Recorded,
    ) -> Result<(), Broken> {
        let gap_ms = self.schedule.gap_after(n);
        match (recorded.state, recorded.due, gap_ms) {
            (State::Pending, Some(due), Some(gap_ms)) => {
                let jittered_ms = if jitter > 0.0 {
                    gap_ms.saturating_mul(2)
                } else {
                    gap_ms
                };
                let latest = ended.at.plus(jittered_ms.max(ended.retry_after_ms.unwrap_or(0)));
                if due < ended.at.plus(gap_ms) || due > latest {
                    return broken(format!(
                        "{id} ended send {n} at {:?} and is due at {due:?}, with a gap of {gap_ms} ms",
                        ended.at
                    ));
                }
                Ok(())
            }
            (State::Pending, Some(_), None) => broken(format!(
                "{id} is to be sent after send {n}, the last of its schedule"
            )),
            _ => Ok(()),
        }
    }

    /// Whether the schedule has ended, or the maximum age can have.
    pub(crate) fn may_be_exhausted(
        &self,
        endpoint: Option<&EndpointFacts>,
        settled_at: Option<Millis>,
    ) -> bool {
        let sends = u32::try_from(self.recorded.len()).unwrap_or(u32::MAX);
        let Some(gap_ms) = self.schedule.gap_after(sends) else {
            return sends > 0;
        };
        let waited = endpoint.is_some_and(|facts| facts.strict && facts.steady);
        let from = if waited { self.age_from } else { Some(self.created) };
        let (Some(from), Some(at)) = (from, settled_at) else {
            return false;
        };
        let jittered_ms = gap_ms.saturating_mul(2);
        sends > 0 && at.since(from).saturating_add(jittered_ms) > self.schedule.max_age_ms()
    }
}
