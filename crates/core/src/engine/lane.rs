//! A lane: what the engine holds of one endpoint.
//!
//! A lane keeps in memory only deliveries that are due already. Everything else is in the store, and the lane knows
//! when to look there:
//!
//! - every pending delivery of the endpoint whose (due, id) is at or before `cursor` is held in memory;
//! - what comes after it may be in the store only, and none of that is due before `unread`.
//!
//! A delivery that is not kept (no room, or due later) is *left*: it pulls both marks back, or sets them where nothing
//! was unread. A page read from the store pushes them on. While a read is under way, `Reading` remembers what changed
//! since the read was asked for, because the page may have been read before or after the change.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::gate::Gate;
use super::share;
use crate::delivery::Work;
use crate::endpoint::Endpoint;
use crate::id::DeliveryId;
use crate::limits;
use crate::planted::{Mistake, planted};
use crate::store::DuePage;
use crate::time::Millis;

/// A place in the order of (due, id).
pub(super) type Place = (Millis, DeliveryId);

/// How long to wait before a failed read is repeated.
const READ_AGAIN_MS: u64 = 1_000;

const BEGINNING: Place = (Millis(i64::MIN), DeliveryId(i64::MIN));

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) gate: Gate,
    /// Due, waiting for their send.
    queue: VecDeque<Work>,
    /// Bytes of the bodies in `queue`.
    queued_bytes: usize,
    /// In flight, or ended and not recorded yet.
    pub(super) busy: HashMap<DeliveryId, Work>,
    pub(super) in_flight: u32,
    /// Bytes of the bodies in flight.
    busy_bytes: usize,
    /// Whether the next body is larger than [`limits::LANE_BYTES_LEAST`], as far as is known.
    pub(super) next_is_large: bool,
    /// Everything in `queue` and `busy`.
    held: HashSet<DeliveryId>,
    cursor: Place,
    unread: Option<Millis>,
    reading: Option<Reading>,
    /// Whether the lane stands in the engine's ring of lanes that may send.
    pub(super) in_ring: bool,
    /// Its place in the line of lanes that wait for a slot.
    pub(super) slot_place: Option<share::Place>,
    /// Whether it stands in the engine's queue of lanes that want to read.
    pub(super) in_read_queue: bool,
    /// Its place in the line of lanes that want to read and wait for memory.
    pub(super) memory_place: Option<share::Place>,
    /// The moment for which the engine's timer is set.
    pub(super) timer: Option<Millis>,
}

#[derive(Debug)]
struct Reading {
    ticket: u64,
    /// Recorded since the read was asked for: the page may show them as they were before.
    gone: HashSet<DeliveryId>,
    /// The first place left since.
    left: Option<Place>,
}

impl Lane {
    pub(super) fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            endpoint,
            gate: Gate::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            busy: HashMap::new(),
            in_flight: 0,
            busy_bytes: 0,
            next_is_large: false,
            held: HashSet::new(),
            cursor: BEGINNING,
            unread: None,
            reading: None,
            in_ring: false,
            slot_place: None,
            in_read_queue: false,
            memory_place: None,
            timer: None,
        }
    }

    /// Whether it sends at all.
    pub(super) fn is_live(&self) -> bool {
        self.endpoint.settings.enabled && !self.endpoint.deleted
    }

    /// Bytes of the bodies in memory, queued and in flight.
    pub(super) const fn bytes(&self) -> usize {
        self.queued_bytes + self.busy_bytes
    }

    /// How many deliveries it may queue: behind an open breaker only the one that is let through.
    pub(super) fn queue_most(&self, now: Millis) -> usize {
        match self.gate.open_until() {
            Some(at) if at > now => 0,
            Some(_) => 1,
            None => limits::LANE_QUEUE,
        }
    }

    /// Whether the store may hold something due that is not in memory.
    pub(super) fn is_behind(&self, now: Millis) -> bool {
        self.reading.is_some() || self.unread.is_some_and(|at| at <= now)
    }

    /// Leaves in the store what is queued; says how many deliveries and bytes that freed.
    pub(super) fn shed(&mut self) -> (usize, usize) {
        let count = self.queue.len();
        while let Some(work) = self.queue.pop_back() {
            self.held.remove(&work.id);
            self.leave(work.due, work.id);
        }
        (count, std::mem::take(&mut self.queued_bytes))
    }

    /// Queues a delivery; false when it is held already.
    pub(super) fn push(&mut self, work: Work) -> bool {
        let new = self.held.insert(work.id);
        if new {
            self.queued_bytes += work.body.len();
            self.queue.push_back(work);
        }
        new
    }

    /// The next delivery leaves the queue, and is busy from now on.
    pub(super) fn begin_next(&mut self) -> Option<&Work> {
        let work = self.queue.pop_front()?;
        self.queued_bytes -= work.body.len();
        self.busy_bytes += work.body.len();
        let id = work.id;
        Some(self.busy.entry(id).or_insert(work))
    }

    /// Deliveries that are queued.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether the lane's own limits let it queue one more, of at most `most`.
    pub(super) fn has_room(&self, now: Millis, most: usize) -> bool {
        self.queued() < most.min(self.queue_most(now)) && self.queued_bytes < limits::LANE_BYTES
    }

    /// Whether the queue has become so short that a page should be read.
    pub(super) fn is_low(&self, now: Millis) -> bool {
        self.queued() < self.queue_most(now).div_ceil(2) && self.queued_bytes < limits::LANE_BYTES / 2
    }

    /// The delivery stays in the store only, not due before `due`.
    pub(super) fn leave(&mut self, due: Millis, id: DeliveryId) {
        let before = (due, DeliveryId(id.0.saturating_sub(1)));
        let all_held = self.unread.is_none() && self.reading.is_none();
        if !planted(Mistake::LosesPlaceOfLane) {
            self.cursor = if all_held { before } else { self.cursor.min(before) };
        }
        self.unread = Some(self.unread.map_or(due, |unread| unread.min(due)));
        if let Some(reading) = &mut self.reading {
            reading.left = Some(reading.left.map_or((due, id), |left| left.min((due, id))));
        }
    }

    /// The delivery was recorded: it is no longer held.
    pub(super) fn release(&mut self, id: DeliveryId) {
        self.busy.remove(&id);
        self.held.remove(&id);
        if self.held.is_empty() {
            // A lane that holds nothing takes no memory: there may be ten thousand that were busy once.
            self.queue = VecDeque::new();
            self.busy = HashMap::new();
            self.held = HashSet::new();
        }
        if let Some(reading) = &mut self.reading {
            reading.gone.insert(id);
        }
    }

    /// Empties the queue; says how many bytes that freed. What is busy stays.
    pub(super) fn clear_queue(&mut self) -> usize {
        for work in self.queue.drain(..) {
            self.held.remove(&work.id);
        }
        std::mem::take(&mut self.queued_bytes)
    }

    /// The store has to be read from the beginning; a page under way is void.
    pub(super) fn reload(&mut self) {
        self.cursor = BEGINNING;
        self.unread = Some(Millis::ZERO);
        self.reading = None;
    }

    /// Whether a read is under way.
    pub(super) fn reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether something is queued that the in-flight limit lets out.
    pub(super) fn may_send(&self) -> bool {
        self.is_live() && !self.queue.is_empty() && self.in_flight < self.endpoint.settings.max_in_flight
    }

    /// Lets go the body of a delivery whose send has ended; says how many bytes that freed.
    pub(super) fn unload(&mut self, id: DeliveryId) -> usize {
        let bytes = self
            .busy
            .get_mut(&id)
            .map_or(0, |work| std::mem::take(&mut work.body).len());
        self.busy_bytes -= bytes;
        bytes
    }

    /// Whether, and from when, the store should be read.
    pub(super) fn unread(&self) -> Option<Millis> {
        self.unread.filter(|_| self.reading.is_none() && self.is_live())
    }

    /// A read begins after the place that this returns.
    pub(super) fn begin_reading(&mut self, ticket: u64) -> Place {
        self.reading = Some(Reading {
            ticket,
            gone: HashSet::new(),
            left: None,
        });
        self.cursor
    }

    /// The store could not be read: unless it is void, the same read is wanted again, a little later.
    pub(super) fn fail_reading(&mut self, ticket: u64, now: Millis) {
        if self.reading.take_if(|reading| reading.ticket == ticket).is_some() {
            self.unread = Some(now.plus(READ_AGAIN_MS));
        }
    }

    /// Takes in a page; answers what of it is new: nothing of a page that is void.
    pub(super) fn end_reading(&mut self, ticket: u64, page: DuePage) -> Vec<Work> {
        let Some(reading) = self.reading.take_if(|reading| reading.ticket == ticket) else {
            return Vec::new();
        };
        if let Some(last) = page.work.last() {
            self.cursor = (last.due, last.id);
        }
        self.unread = page.next;
        if let Some((due, id)) = reading.left {
            self.leave(due, id);
        }
        let mut fresh = page.work;
        fresh.retain(|work| !self.held.contains(&work.id) && !reading.gone.contains(&work.id));
        fresh
    }
}
