//! A toy store: one row per delivery, and the rules of order, recording and sweeping, as plainly as they can be put.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::schedule::Schedule;

use crate::delivery::{Age, State, Work};
use crate::endpoint::FixedProfile;
use crate::event::{KeyClass, OrderKey};
use crate::id::{DeliveryId, EndpointId, EventId};
use crate::settle::Next;
use crate::store::{DuePage, DueQuery, Recorded, Report};
use crate::time::Millis;

/// One delivery.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) endpoint: EndpointId,
    pub(super) key: i64,
    pub(super) state: State,
    /// `None` while it waits for the head of its key.
    pub(super) due: Option<Millis>,
    pub(super) age: Age,
    pub(super) sends: u32,
    pub(super) schedule: Arc<Schedule>,
    pub(super) body: Bytes,
}

type Place = (EndpointId, Millis, DeliveryId);

#[derive(Debug, Default)]
pub(super) struct Toy {
    rows: BTreeMap<DeliveryId, Row>,
    /// What is pending and due at some moment.
    due: BTreeSet<Place>,
    /// What is not settled, by endpoint and key.
    open: BTreeMap<(EndpointId, i64), BTreeSet<DeliveryId>>,
}

impl Toy {
    pub(super) fn row(&self, id: DeliveryId) -> &Row {
        &self.rows[&id]
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// A new delivery; its work when it is due at once.
    pub(super) fn accept(&mut self, now: Millis, row: Row) -> (DeliveryId, Option<Work>) {
        let id = DeliveryId(self.rows.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        let (endpoint, key, state) = (row.endpoint, row.key, row.state);
        self.rows.insert(id, row);
        self.change(id, |_| ());
        let work = (state == State::Pending)
            .then(|| self.release(now, endpoint, key))
            .flatten();
        (id, work)
    }

    /// Applies a report as [`crate::store::Write::Record`] asks.
    pub(super) fn record(&mut self, now: Millis, report: &Report) -> Recorded {
        let id = report.delivery;
        let was_open = !self.row(id).state.is_settled();
        self.change(id, |row| {
            row.sends += u32::from(report.attempt.is_some());
            if was_open {
                match report.next {
                    Next::Delivered => row.state = State::Delivered,
                    Next::Exhausted => row.state = State::Exhausted,
                    Next::Retry(due) => row.due = Some(due),
                }
            }
        });
        let Row {
            endpoint,
            key,
            state,
            due,
            ..
        } = *self.row(id);
        Recorded {
            delivery: id,
            state,
            due: due.filter(|_| state == State::Pending),
            released: (was_open && state.is_settled())
                .then(|| self.release(now, endpoint, key))
                .flatten(),
            hold_check: None,
            settled: was_open && state.is_settled(),
        }
    }

    /// Makes the first pending delivery of a key due, unless it is already.
    fn release(&mut self, now: Millis, endpoint: EndpointId, key: i64) -> Option<Work> {
        let mut open = self.open.get(&(endpoint, key))?.iter();
        let id = *open.find(|id| self.rows[id].state == State::Pending)?;
        if self.row(id).due.is_some() {
            return None;
        }
        self.change(id, |row| {
            row.due = Some(now);
            row.age = row.age.running(now);
        });
        Some(work(id, self.row(id)))
    }

    /// The pending deliveries of an endpoint that are due, at most `rows` of them.
    pub(super) fn page(&self, query: &DueQuery, rows: usize) -> DuePage {
        let (due, id) = query.after;
        let mut page = DuePage::default();
        let mut bytes = 0;
        let after = (
            Bound::Excluded((query.endpoint, due, id)),
            Bound::Included((query.endpoint, Millis(i64::MAX), DeliveryId(i64::MAX))),
        );
        for (_, due, id) in self.due.range(after) {
            let row = self.row(*id);
            bytes += row.body.len();
            let full =
                page.work.len() >= query.rows.min(rows) || (bytes > query.bytes && !page.work.is_empty());
            if *due > query.until || full {
                page.next = Some(*due);
                break;
            }
            page.work.push(work(*id, row));
        }
        page
    }

    /// Parks what an endpoint has open.
    pub(super) fn park(&mut self, now: Millis, endpoint: EndpointId) {
        for id in self.of(endpoint) {
            self.change(id, |row| {
                row.state = State::Parked;
                row.age = row.age.stopped(now);
            });
        }
    }

    /// Makes what an endpoint has parked pending again, the first of each key due, the others waiting.
    pub(super) fn unpark(&mut self, now: Millis, endpoint: EndpointId) {
        let mut keys = BTreeSet::new();
        for id in self.of(endpoint) {
            self.change(id, |row| {
                row.state = State::Pending;
                if keys.insert(row.key) {
                    row.due = Some(row.due.unwrap_or(now));
                    row.age = row.age.running(now);
                } else {
                    row.due = None;
                    row.age = row.age.stopped(now);
                }
            });
        }
    }

    /// Cancels what an endpoint has open.
    pub(super) fn cancel(&mut self, endpoint: EndpointId) {
        for id in self.of(endpoint) {
            self.change(id, |row| row.state = State::Cancelled);
        }
    }

    /// Makes what an endpoint has pending due at `cutoff` at the latest.
    pub(super) fn retry_now(&mut self, endpoint: EndpointId, cutoff: Millis) {
        for id in self.of(endpoint) {
            self.change(id, |row| row.due = row.due.map(|due| due.min(cutoff)));
        }
    }

    /// The earliest due time of an endpoint.
    pub(super) fn first_due(&self, endpoint: EndpointId) -> Option<Millis> {
        let all = (endpoint, Millis(i64::MIN), DeliveryId(i64::MIN))..;
        self.due
            .range(all)
            .next()
            .filter(|place| place.0 == endpoint)
            .map(|place| place.1)
    }

    /// What an endpoint has open, in the order of ids.
    fn of(&self, endpoint: EndpointId) -> BTreeSet<DeliveryId> {
        let keys = (endpoint, i64::MIN)..=(endpoint, i64::MAX);
        self.open
            .range(keys)
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect()
    }

    /// Changes a row and keeps the indexes.
    fn change(&mut self, id: DeliveryId, change: impl FnOnce(&mut Row)) {
        let row = self.rows.get_mut(&id).unwrap();
        if let Some(due) = row.due {
            self.due.remove(&(row.endpoint, due, id));
        }
        change(row);
        if let (State::Pending, Some(due)) = (row.state, row.due) {
            self.due.insert((row.endpoint, due, id));
        }
        let open = self.open.entry((row.endpoint, row.key)).or_default();
        if row.state.is_settled() {
            open.remove(&id);
        } else {
            open.insert(id);
        }
    }
}

fn work(id: DeliveryId, row: &Row) -> Work {
    Work {
        id,
        event_id: EventId(id.0),
        endpoint: row.endpoint,
        key: OrderKey {
            class: KeyClass::Call,
            id: row.key,
        },
        due: row.due.unwrap(),
        age: row.age,
        sends: row.sends,
        schedule: Arc::clone(&row.schedule),
        profile: FixedProfile::V1,
        body: row.body.clone(),
    }
}
