//! The delivery engine: decides what is sent when.
//!
//! It is pure. [`Engine::handle`] takes in what happened, [`Engine::poll`] gives out what is to be done now, and
//! [`Engine::next_wake`] says when to poll again if nothing happens before. The driver performs the effects and feeds
//! their results back. Nothing here is persisted: after a crash, or a failed commit, a new engine is made and learns
//! from the store what is due ([`Input::Due`]).
//!
//! It promises, as long as each effect's result comes back:
//!
//! - a delivery is never sent before its due time, and never while it is in flight or its outcome is not durable;
//! - memory is bounded by [`crate::limits`], whatever the backlog: `lane.rs` says how the rest stays in the store;
//! - lanes take turns, and share slots and memory such that a part of both stays free (`share.rs`): a lane with a long
//!   queue, a slow or a dead receiver delays no other;
//! - when outcomes cannot be recorded, sending stops after [`limits::UNRECORDED`] of them.

mod gate;
mod holds;
mod lane;
mod messages;
mod replays;
mod share;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::delivery::{Attempt, Outcome, State, Work};
use crate::endpoint::Endpoint;
use crate::id::{DeliveryId, EndpointId};
use crate::limits;
use crate::planted::{Mistake, planted};
use crate::settle::{self, Next};
use crate::store::{DuePage, DueQuery, Recorded, Report};
use crate::time::Millis;

use gate::{Sign, Wait};
use holds::Holds;
use lane::Lane;
pub use messages::{Effect, Input, Send, Sent, Stats};
use replays::Replays;
use share::Line;
pub use standing::HeldBack;

/// The engine.
#[derive(Debug, Default)]
pub struct Engine {
    lanes: HashMap<EndpointId, Lane>,
    /// Lanes that may have something to send, in the order of their turns.
    ring: VecDeque<EndpointId>,
    /// Lanes that have something to send and no slot for it.
    slot_line: Line,
    /// Lanes that may have something to read, in the order of their turns.
    read_queue: VecDeque<EndpointId>,
    /// Lanes that have something to read and no memory for it.
    memory_line: Line,
    /// Reads that were not answered yet, void ones too.
    reads: usize,
    tickets: u64,
    timers: BTreeSet<(Millis, EndpointId)>,
    holds: Holds,
    replays: Replays,
    effects: VecDeque<Effect>,
    stopped: bool,
    stats: Stats,
}

impl Engine {
    /// An engine without lanes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what happened at `now`.
    pub fn handle(&mut self, now: Millis, input: Input) {
        match input {
            Input::Endpoint(endpoint) => self.on_endpoint(now, endpoint),
            Input::Due(endpoint, due) => self.on_due(now, endpoint, due),
            Input::Holds(check) => self.holds.note(check),
            Input::HoldsChecked { released, next } => {
                self.holds.checked(next);
                for (endpoint, due) in released {
                    self.on_due(now, endpoint, due);
                }
            }
            Input::Replay(replay, Some(per_second)) => self.replays.run(now, replay, per_second),
            Input::Replay(replay, None) => self.replays.stop(replay),
            Input::ReplayStepped { replay, made, due } => {
                self.replays.stepped(now, replay, made);
                for (endpoint, due) in due {
                    self.on_due(now, endpoint, due);
                }
            }
            Input::Work(work) => {
                for work in work {
                    self.offer(now, work);
                }
            }
            Input::Reload(endpoint) => self.reload(now, endpoint),
            Input::RetryNow(endpoint) => {
                if let Some(lane) = self.lanes.get_mut(&endpoint) {
                    lane.gate.close();
                }
                self.reload(now, endpoint);
            }
            Input::Page {
                endpoint,
                ticket,
                page,
            } => self.on_page(now, endpoint, ticket, page),
            Input::Sent(sent) => self.on_sent(now, *sent),
            Input::Recorded(endpoint, recorded) => self.on_recorded(now, endpoint, *recorded),
        }
    }

    /// No further send and no further read begins. What is in flight still ends and is recorded.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    /// The next thing to do at `now`; `None` when there is nothing until [`Engine::next_wake`] or the next input.
    pub fn poll(&mut self, now: Millis) -> Option<Effect> {
        if self.effects.is_empty() && !self.stopped {
            self.fire_timers(now);
            self.dispatch(now);
            self.read(now);
            if self.holds.begin_check(now) {
                self.effects.push_back(Effect::CheckHolds);
            }
            while let Some((replay, most)) = self.replays.begin_step(now) {
                self.effects.push_back(Effect::StepReplay { replay, most });
            }
        }
        self.effects.pop_front()
    }

    /// When to poll again if nothing happens before; `None` for an engine that was stopped.
    #[must_use]
    pub fn next_wake(&self) -> Option<Millis> {
        if self.stopped {
            return None;
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.holds.wake(), self.replays.wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Figures of the moment.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            lanes: self.lanes.len(),
            ..self.stats
        }
    }

    fn on_endpoint(&mut self, now: Millis, endpoint: Arc<Endpoint>) {
        let id = endpoint.id;
        let lane = self
            .lanes
            .entry(id)
            .or_insert_with(|| Lane::new(Arc::clone(&endpoint)));
        let was_live = lane.is_live();
        lane.gate
            .configure(endpoint.settings.breaker, endpoint.settings.rate_limit, now);
        lane.endpoint = endpoint;
        if !lane.is_live() {
            self.empty(id);
            self.drop_if_done(id);
        } else if was_live {
            self.refresh(now, id);
        } else {
            self.reload(now, id);
        }
    }

    /// The store holds something of this endpoint that is due at this moment.
    fn on_due(&mut self, now: Millis, endpoint: EndpointId, due: Millis) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.leave(due, DeliveryId(i64::MIN));
            self.refresh(now, endpoint);
        }
    }

    /// Takes a delivery that was committed just now.
    fn offer(&mut self, now: Millis, work: Work) {
        let endpoint = work.endpoint;
        let Some(lane) = self.lanes.get(&endpoint).filter(|lane| lane.is_live()) else {
            return;
        };
        // Half of the queue is kept for what is due and only in the store: a flood must not overtake it for ever.
        let most = if lane.is_behind(now) {
            limits::LANE_QUEUE / 2
        } else {
            limits::LANE_QUEUE
        };
        self.take(now, work, most);
        self.refresh(now, endpoint);
    }

    /// Takes a due delivery into memory where there is room; otherwise it stays in the store only.
    fn take(&mut self, now: Millis, work: Work, most: usize) {
        let Some(lane) = self.lanes.get_mut(&work.endpoint) else {
            return;
        };
        lane.next_is_large = work.body.len() > limits::LANE_BYTES_LEAST;
        let room = lane.has_room(now, most) && self.stats.memory_for(lane) > 0;
        if room && (work.due <= now || planted(Mistake::SendsBeforeDue)) {
            let bytes = work.body.len();
            if lane.push(work) {
                self.stats.bytes += bytes;
                self.stats.queued += 1;
            }
        } else {
            lane.leave(work.due, work.id);
        }
    }

    fn reload(&mut self, now: Millis, endpoint: EndpointId) {
        self.empty(endpoint);
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.reload();
        }
        self.refresh(now, endpoint);
        self.drop_if_done(endpoint);
    }

    fn on_page(&mut self, now: Millis, endpoint: EndpointId, ticket: u64, page: Option<DuePage>) {
        // Also the answer to a read that is void by now frees its place.
        self.reads = self.reads.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return;
        };
        let fresh = match page {
            Some(page) => lane.end_reading(ticket, page),
            None => {
                lane.fail_reading(ticket, now);
                Vec::new()
            }
        };
        if lane.is_live() {
            for work in fresh {
                self.take(now, work, limits::LANE_QUEUE);
            }
        }
        self.refresh(now, endpoint);
        self.drop_if_done(endpoint);
    }

    fn on_sent(&mut self, now: Millis, sent: Sent) {
        let Some(lane) = self.lanes.get_mut(&sent.endpoint) else {
            return;
        };
        let Some(work) = lane.busy.get(&sent.delivery) else {
            return;
        };
        let jitter_ms = jitter(work, &sent, lane.endpoint.settings.jitter);
        let outcome = sent.attempt.outcome;
        let next = settle::after_send(work, sent.attempt.n, outcome, now, jitter_ms, sent.retry_after_ms);
        let sign = Sign::of(outcome, sent.attempt.status);
        if lane.gate.ended(sign, now, lane.endpoint.settings.max_in_flight) {
            self.stats.breaker_opened += 1;
            // Behind an open breaker a queue would hold memory that others can use.
            let (count, bytes) = if planted(Mistake::BreakerDropsQueue) {
                (lane.queued(), lane.clear_queue())
            } else {
                lane.shed()
            };
            self.stats.queued -= count;
            self.stats.bytes -= bytes;
        }
        if !(planted(Mistake::KeepsSlot) && outcome == Outcome::TimedOut) {
            lane.in_flight -= 1;
        }
        self.stats.in_flight -= 1;
        self.stats.bytes -= lane.unload(sent.delivery);
        self.record(sent.endpoint, sent.delivery, Some(sent.attempt), next);
        self.refresh(now, sent.endpoint);
    }

    fn record(&mut self, endpoint: EndpointId, delivery: DeliveryId, attempt: Option<Attempt>, next: Next) {
        self.stats.unrecorded += 1;
        let report = Report {
            delivery,
            endpoint,
            attempt,
            next,
        };
        self.effects.push_back(Effect::Record(Box::new(report)));
    }

    fn on_recorded(&mut self, now: Millis, endpoint: EndpointId, recorded: Recorded) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return;
        };
        if lane.busy.contains_key(&recorded.delivery) {
            self.stats.unrecorded -= 1;
        }
        lane.release(recorded.delivery);
        if let (State::Pending, Some(due)) = (recorded.state, recorded.due) {
            lane.leave(due, recorded.delivery);
        }
        if let Some(check) = recorded.hold_check {
            self.holds.note(check);
        }
        if let Some(work) = recorded.released {
            self.offer(now, work);
        }
        self.refresh(now, endpoint);
        self.drop_if_done(endpoint);
    }

    /// Forgets what a lane has queued: its deliveries are parked, cancelled, or will be read again.
    fn empty(&mut self, endpoint: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            self.stats.queued -= lane.queued();
            self.stats.bytes -= lane.clear_queue();
        }
    }

    /// Removes the lane of a deleted endpoint when nothing of it is busy any more.
    fn drop_if_done(&mut self, endpoint: EndpointId) {
        let done = |lane: &Lane| lane.endpoint.deleted && lane.busy.is_empty() && !lane.reading();
        if self.lanes.get(&endpoint).is_some_and(done)
            && let Some(mut lane) = self.lanes.remove(&endpoint)
        {
            self.slot_line.stand(endpoint, &mut lane.slot_place, None);
            self.memory_line.stand(endpoint, &mut lane.memory_place, None);
            if let Some(at) = lane.timer {
                self.timers.remove(&(at, endpoint));
            }
        }
    }

    /// Puts a lane where its present state belongs: the ring, the read queue, a line, the timers.
    fn refresh(&mut self, now: Millis, endpoint: EndpointId) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return;
        };
        let (mut wake, mut waits_for_slot, mut waits_for_memory) = (None, false, false);
        if lane.may_send() {
            match lane.gate.admit(now, lane.in_flight) {
                Ok(()) if lane.in_ring => {}
                Ok(()) if !self.stats.has_slot_for(lane) => waits_for_slot = true,
                Ok(()) => {
                    lane.in_ring = true;
                    self.ring.push_back(endpoint);
                }
                Err(Wait::Until(at)) => wake = Some(at),
                Err(Wait::Result) => {}
            }
        }
        // Behind an open breaker nothing is read before it lets a probe through.
        let unread = lane
            .unread()
            .map(|at| lane.gate.open_until().map_or(at, |open| at.max(open)));
        match unread {
            Some(at) if at > now => wake = Some(wake.map_or(at, |wake| wake.min(at))),
            Some(_) if !lane.in_read_queue && lane.is_low(now) => {
                if self.stats.memory_for(lane) == 0 {
                    waits_for_memory = true;
                } else {
                    lane.in_read_queue = true;
                    self.read_queue.push_back(endpoint);
                }
            }
            Some(_) | None => {}
        }
        let holds = waits_for_slot.then_some(lane.in_flight as usize);
        self.slot_line.stand(endpoint, &mut lane.slot_place, holds);
        let holds = waits_for_memory.then_some(lane.bytes());
        self.memory_line.stand(endpoint, &mut lane.memory_place, holds);
        if lane.timer != wake {
            if let Some(at) = lane.timer {
                self.timers.remove(&(at, endpoint));
            }
            if let Some(at) = wake {
                self.timers.insert((at, endpoint));
            }
            lane.timer = wake;
        }
    }

    fn fire_timers(&mut self, now: Millis) {
        while let Some(&(at, endpoint)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            if let Some(lane) = self.lanes.get_mut(&endpoint) {
                lane.timer = None;
            }
            self.refresh(now, endpoint);
        }
    }

    /// Lets lanes send, one delivery a turn.
    fn dispatch(&mut self, now: Millis) {
        while self.stats.in_flight < limits::IN_FLIGHT && self.stats.unrecorded < limits::UNRECORDED {
            // One at a time: what the first of the line takes may leave nothing for the second. But one that has nothing to
            // send any more leaves its turn to the next.
            let mut first = self.slot_line.first();
            while let Some(endpoint) = first {
                self.refresh(now, endpoint);
                let next = self.slot_line.first().filter(|next| *next != endpoint);
                first = next.filter(|_| self.ring.is_empty());
            }
            let Some(endpoint) = self.ring.pop_front() else {
                return;
            };
            if let Some(lane) = self.lanes.get_mut(&endpoint) {
                lane.in_ring = false;
                let admitted = lane.may_send()
                    && self.stats.has_slot_for(lane)
                    && lane.gate.admit(now, lane.in_flight).is_ok();
                if admitted {
                    self.send_one(now, endpoint);
                }
            }
            self.refresh(now, endpoint);
        }
    }

    fn send_one(&mut self, now: Millis, endpoint: EndpointId) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return;
        };
        let settings = Arc::clone(&lane.endpoint);
        let Some(work) = lane.begin_next() else {
            return;
        };
        self.stats.queued -= 1;
        let id = work.id;
        if settle::expired(work, now) {
            self.stats.bytes -= lane.unload(id);
            self.record(endpoint, id, None, Next::Exhausted);
            return;
        }
        let send = Send {
            endpoint: settings,
            delivery: id,
            event_id: work.event_id,
            n: work.sends + 1,
            profile: work.profile,
            body: if work.sends > 0 && planted(Mistake::RendersBodyAnew) {
                Bytes::from([&work.body[..], b" "].concat())
            } else {
                work.body.clone()
            },
        };
        lane.gate.sent();
        lane.in_flight += 1;
        self.stats.in_flight += 1;
        if planted(Mistake::RecordsBeforeSending) {
            self.record(endpoint, id, None, Next::Exhausted);
        }
        self.effects.push_back(Effect::Send(send));
    }

    /// Lets lanes read, one page a turn.
    fn read(&mut self, now: Millis) {
        while self.reads < limits::READS {
            let mut first = self.memory_line.first();
            while let Some(endpoint) = first {
                self.refresh(now, endpoint);
                let next = self.memory_line.first().filter(|next| *next != endpoint);
                first = next.filter(|_| self.read_queue.is_empty());
            }
            let Some(endpoint) = self.read_queue.pop_front() else {
                return;
            };
            let Some(lane) = self.lanes.get_mut(&endpoint) else {
                continue;
            };
            lane.in_read_queue = false;
            let rows = limits::PAGE_ROWS.min(lane.queue_most(now));
            let bytes = self.stats.memory_for(lane);
            if rows == 0 || bytes == 0 || lane.unread().is_none_or(|at| at > now) {
                self.refresh(now, endpoint);
                continue;
            }
            self.tickets += 1;
            self.reads += 1;
            let ticket = self.tickets;
            let query = DueQuery {
                endpoint,
                after: lane.begin_reading(ticket),
                until: now.plus(5_000 * u64::from(planted(Mistake::SendsBeforeDue))),
                rows,
                bytes: limits::PAGE_BYTES.min(bytes),
            };
            self.effects.push_back(Effect::Read { ticket, query });
        }
    }
}

fn jitter(work: &Work, sent: &Sent, fraction: f64) -> u64 {
    let gap_ms = work.schedule.gap_after(sent.attempt.n).unwrap_or(0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a gap is at most a day and the fraction at most 1"
    )]
    let jitter_ms = (gap_ms as f64 * fraction * sent.random) as u64;
    jitter_ms
}
