//! Drives an engine on virtual time and checks at every send what the engine promises at every send: not before the
//! due time, not while it is in flight, not while its outcome is not durable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::schedule::Schedule;

use super::toy::{Row, Toy};
use crate::delivery::{Age, Attempt, Outcome, State};
use crate::endpoint::testing::endpoint;
use crate::endpoint::{Endpoint, Settings};
use crate::engine::{Effect, Engine, Input, Send, Sent};
use crate::id::{DeliveryId, EndpointId, ReplayId};
use crate::limits;
use crate::store::{DuePage, DueQuery, Report};
use crate::time::Millis;

pub(super) const T0: Millis = Millis(1_790_000_000_000);
pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;

/// A send that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Started {
    /// Milliseconds since [`T0`].
    pub(super) at: u64,
    pub(super) endpoint: i64,
    pub(super) delivery: i64,
    pub(super) n: u32,
}

/// What a receiver does with a send: how long it takes, and what comes of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) after_ms: u64,
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) retry_after_ms: Option<u64>,
}

pub(super) const fn answer(after_ms: u64, outcome: Outcome) -> Answer {
    Answer {
        after_ms,
        outcome,
        status: None,
        retry_after_ms: None,
    }
}

/// An effect on its way: the driver's part between the engine and the store.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) ticket: u64,
    pub(super) query: DueQuery,
}

pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) now: Millis,
    pub(super) store: Toy,
    pub(super) sent: Vec<Started>,
    pub(super) in_flight: BTreeMap<DeliveryId, Send>,
    /// Waiting for their commit.
    pub(super) records: VecDeque<Box<Report>>,
    /// Committed, not told to the engine yet.
    pub(super) untold: VecDeque<Input>,
    /// Asked for, not read yet.
    pub(super) reads: VecDeque<Reading>,
    /// When holds were to be looked at, in milliseconds since [`T0`].
    pub(super) hold_checks: Vec<u64>,
    /// Steps of replays that were to be taken, and when.
    pub(super) replay_steps: Vec<(u64, ReplayId, usize)>,
    /// Sent, and not told to be recorded.
    busy: BTreeSet<DeliveryId>,
    /// For [`Rig::run`]: sends that its receiver was not asked about, and answers on their way.
    unanswered: Vec<Started>,
    answers: BTreeMap<(Millis, DeliveryId), Answer>,
    largest_body: usize,
    /// The last key that [`Rig::accept`] gave.
    keys: i64,
    /// The largest page that the toy store gives.
    pub(super) page_rows: usize,
    /// The part of the jitter's range that every send gets.
    pub(super) random: f64,
}

impl Rig {
    /// An engine with these endpoints, numbered from 1.
    pub(super) fn new(endpoints: &[fn(&mut Settings)]) -> Self {
        let mut rig = Self {
            engine: Engine::new(),
            now: T0,
            store: Toy::default(),
            sent: Vec::new(),
            in_flight: BTreeMap::new(),
            records: VecDeque::new(),
            untold: VecDeque::new(),
            reads: VecDeque::new(),
            hold_checks: Vec::new(),
            replay_steps: Vec::new(),
            busy: BTreeSet::new(),
            unanswered: Vec::new(),
            answers: BTreeMap::new(),
            largest_body: 2,
            keys: 1_000_000,
            page_rows: usize::MAX,
            random: 0.0,
        };
        for (id, change) in (1..).zip(endpoints) {
            rig.configure(id, change);
        }
        rig
    }

    /// Makes or changes an endpoint.
    pub(super) fn configure(&mut self, id: i64, change: impl FnOnce(&mut Settings)) {
        let mut endpoint = endpoint(id, 1, "e");
        change(&mut endpoint.settings);
        self.handle(Input::Endpoint(Arc::new(endpoint)));
    }

    /// Deletes an endpoint.
    pub(super) fn delete(&mut self, id: i64) {
        self.store.cancel(EndpointId(id));
        let deleted = Endpoint {
            deleted: true,
            ..endpoint(id, 1, "e")
        };
        self.handle(Input::Endpoint(Arc::new(deleted)));
    }

    pub(super) fn handle(&mut self, input: Input) {
        if let Input::Recorded(_, recorded) = &input {
            assert!(
                self.busy.remove(&recorded.delivery),
                "recorded but not busy: {recorded:?}"
            );
        }
        self.engine.handle(self.now, input);
    }

    /// A row as [`Rig::accept_row`] takes it: due at once, with the default schedule.
    pub(super) fn row(&self, endpoint: i64, key: i64) -> Row {
        Row {
            endpoint: EndpointId(endpoint),
            key,
            state: State::Pending,
            due: None,
            age: Age::default(),
            sends: 0,
            schedule: Arc::default(),
            body: Bytes::from_static(b"{}"),
        }
    }

    /// Commits a delivery without telling the engine.
    pub(super) fn commit_row(&mut self, row: Row) -> DeliveryId {
        self.largest_body = self.largest_body.max(row.body.len());
        let (id, work) = self.store.accept(self.now, row);
        if let Some(work) = work {
            self.untold.push_back(Input::Work(vec![work]));
        }
        id
    }

    /// Commits a delivery and tells the engine.
    pub(super) fn accept_row(&mut self, row: Row) -> DeliveryId {
        let id = self.commit_row(row);
        self.tell();
        id
    }

    /// Commits deliveries, each with a key of its own, and tells the engine of all of them at once.
    pub(super) fn accept(&mut self, endpoint: i64, count: usize) {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            self.keys += 1;
            let row = self.row(endpoint, self.keys);
            all.extend(self.store.accept(self.now, row).1);
        }
        self.handle(Input::Work(all));
    }

    /// Takes the engine's effects until there are none, and checks the sends among them.
    pub(super) fn pump(&mut self) {
        while let Some(effect) = self.engine.poll(self.now) {
            match effect {
                Effect::Send(send) => self.start(send),
                Effect::Record(report) => {
                    // The end of a maximum age is recorded without a send.
                    if report.attempt.is_none() {
                        assert!(self.busy.insert(report.delivery), "given up while busy");
                    }
                    self.records.push_back(report);
                }
                Effect::Read { ticket, query } => self.reads.push_back(Reading { ticket, query }),
                Effect::StepReplay { replay, most } => {
                    self.replay_steps.push((self.now.since(T0), replay, most));
                }
                Effect::CheckHolds => self.hold_checks.push(self.now.since(T0)),
            }
        }
        self.assert_bounds();
        let wake = self.engine.next_wake();
        assert!(
            wake.is_none_or(|at| at > self.now),
            "nothing to do, but a wake at {wake:?}"
        );
    }

    fn assert_bounds(&self) {
        let stats = self.engine.stats();
        assert!(stats.queued <= stats.lanes * limits::LANE_QUEUE, "{stats:?}");
        assert!(stats.in_flight <= limits::IN_FLIGHT, "{stats:?}");
        // The last body taken in may go beyond the budget, and each lane has a least that it may hold beyond it.
        let least = (stats.lanes * (limits::LANE_BYTES_LEAST + self.largest_body))
            .min(limits::ENGINE_BYTES_MOST - limits::ENGINE_BYTES);
        assert!(
            stats.bytes <= limits::ENGINE_BYTES + least + self.largest_body,
            "{stats:?}"
        );
    }

    fn start(&mut self, send: Send) {
        let id = send.delivery;
        let row = self.store.row(id);
        let started = Started {
            at: self.now.since(T0),
            endpoint: send.endpoint.id.0,
            delivery: id.0,
            n: send.n,
        };
        assert!(self.busy.insert(id), "sent twice at once: {started:?}");
        assert_eq!(send.n, row.sends + 1, "{started:?}");
        assert!(
            row.state != State::Pending || row.due.is_some_and(|due| due <= self.now),
            "early: {started:?}, due {:?}",
            row.due
        );
        self.sent.push(started);
        self.unanswered.push(started);
        self.in_flight.insert(id, send);
    }

    /// A send ends.
    pub(super) fn end(&mut self, id: DeliveryId, answer: Answer) {
        let send = self.in_flight.remove(&id).unwrap();
        let sent = Sent {
            endpoint: send.endpoint.id,
            delivery: id,
            attempt: Attempt {
                n: send.n,
                started_wall_ms: 0,
                duration_ms: 0,
                outcome: answer.outcome,
                status: answer.status,
                address: None,
                detail: None,
                body_start: Bytes::new(),
            },
            retry_after_ms: answer.retry_after_ms,
            random: self.random,
        };
        self.handle(Input::Sent(Box::new(sent)));
    }

    /// Commits what waits to be recorded, without telling the engine.
    pub(super) fn commit(&mut self) {
        while let Some(report) = self.records.pop_front() {
            let recorded = self.store.record(self.now, &report);
            self.untold
                .push_back(Input::Recorded(report.endpoint, Box::new(recorded)));
        }
    }

    /// Tells the engine what was committed.
    pub(super) fn tell(&mut self) {
        while let Some(input) = self.untold.pop_front() {
            self.handle(input);
        }
    }

    /// Reads the oldest page that was asked for, without telling the engine.
    pub(super) fn read(&mut self) -> Option<(Reading, DuePage)> {
        let reading = self.reads.pop_front()?;
        let page = self.store.page(&reading.query, self.page_rows);
        Some((reading, page))
    }

    /// Tells the engine a page; `None` for a read that failed.
    pub(super) fn tell_page(&mut self, reading: &Reading, page: Option<DuePage>) {
        self.handle(Input::Page {
            endpoint: reading.query.endpoint,
            ticket: reading.ticket,
            page,
        });
    }

    /// Performs everything that takes no time: reads and commits.
    pub(super) fn settle(&mut self) {
        loop {
            self.pump();
            self.commit();
            self.tell();
            if let Some((reading, page)) = self.read() {
                self.tell_page(&reading, Some(page));
            } else if self.engine_is_quiet() {
                return;
            }
        }
    }

    fn engine_is_quiet(&mut self) -> bool {
        self.pump();
        self.records.is_empty() && self.reads.is_empty()
    }

    /// Lets time pass until `end` (milliseconds since [`T0`]), or until nothing is left to wait for. The receiver is
    /// asked once for each send that has no answer yet.
    pub(super) fn run(&mut self, end: u64, mut receiver: impl FnMut(&Started) -> Answer) {
        loop {
            self.settle();
            for started in std::mem::take(&mut self.unanswered) {
                let id = DeliveryId(started.delivery);
                if self.in_flight.contains_key(&id) {
                    let answer = receiver(&started);
                    self.answers.insert((self.now.plus(answer.after_ms), id), answer);
                }
            }
            let answer = self.answers.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = answer.into_iter().chain(self.engine.next_wake()).min() else {
                return;
            };
            if next > T0.plus(end) {
                self.now = self.now.max(T0.plus(end));
                return;
            }
            self.now = next;
            while let Some(first) = self.answers.first_entry()
                && first.key().0 <= self.now
            {
                let ((_, id), answer) = first.remove_entry();
                self.end(id, answer);
            }
        }
    }

    /// Ends every send that is in flight.
    pub(super) fn end_all(&mut self, answer: Answer) {
        let ids: Vec<_> = self.in_flight.keys().copied().collect();
        for id in ids {
            self.end(id, answer);
        }
    }

    /// When each send of a delivery was started.
    pub(super) fn starts(&self, delivery: i64) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|started| started.delivery == delivery)
            .map(|started| started.at)
            .collect()
    }

    pub(super) fn states(&self) -> Vec<State> {
        self.store.rows().map(|row| row.state).collect()
    }

    /// Nothing is held, and nothing is under way.
    pub(super) fn assert_idle(&self) {
        let stats = self.engine.stats();
        assert_eq!(
            (stats.queued, stats.in_flight, stats.unrecorded, stats.bytes),
            (0, 0, 0, 0),
            "{stats:?}"
        );
        assert!(self.busy.is_empty() && self.reads.is_empty() && self.records.is_empty());
    }
}

/// One gap and a maximum age, in milliseconds.
pub(super) fn schedule(gaps_ms: &[u64], max_age_ms: u64) -> Arc<Schedule> {
    Arc::new(Schedule::custom(gaps_ms.to_vec(), max_age_ms).unwrap())
}
