//! Random inputs in random order: whatever the driver and the store do, nothing goes out early or twice at once, and
//! nothing is lost.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::rig::{Answer, Reading, Rig, T0, answer, schedule};
use crate::delivery::{Outcome, State};
use crate::endpoint::{RateLimit, Settings};
use crate::engine::Input;
use crate::id::{DeliveryId, EndpointId};
use crate::limits;
use crate::store::DuePage;

const LANES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    /// The store takes in deliveries; the engine will be told of the work, or only that there is some.
    Accept {
        lane: usize,
        key: i64,
        count: usize,
        told: bool,
        fat: bool,
    },
    /// A send ends.
    End {
        which: usize,
        outcome: Outcome,
    },
    /// What waits to be recorded is committed.
    Commit,
    /// The engine is told the oldest thing that was committed.
    Tell,
    /// The store reads a page that was asked for.
    Read {
        rows: usize,
    },
    /// The engine is told one of the pages that were read, or that it could not be read.
    Page {
        which: usize,
        fails: bool,
    },
    /// Time passes.
    Pass {
        ms: u64,
    },
    /// Time passes until the engine wants to be woken.
    Wake,
    Enable {
        lane: usize,
        enabled: bool,
    },
    RetryNow {
        lane: usize,
    },
    Reload {
        lane: usize,
    },
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Acknowledged),
        Just(Outcome::NotAcknowledged),
        Just(Outcome::Unreachable),
        Just(Outcome::Blocked),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let lane = 0..LANES;
    prop_oneof![
        4 => (lane.clone(), 0i64..4, 1usize..5, any::<bool>(), prop::bool::weighted(0.05)).prop_map(
            |(lane, key, count, told, fat)| Step::Accept { lane, key, count, told, fat }
        ),
        6 => (any::<usize>(), outcome()).prop_map(|(which, outcome)| Step::End { which, outcome }),
        4 => Just(Step::Commit),
        6 => Just(Step::Tell),
        4 => (1usize..4).prop_map(|rows| Step::Read { rows }),
        4 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(which, fails)| Step::Page { which, fails }),
        2 => (0u64..3_000).prop_map(|ms| Step::Pass { ms }),
        3 => Just(Step::Wake),
        1 => (lane.clone(), any::<bool>()).prop_map(|(lane, enabled)| Step::Enable { lane, enabled }),
        1 => lane.clone().prop_map(|lane| Step::RetryNow { lane }),
        1 => lane.prop_map(|lane| Step::Reload { lane }),
    ]
}

/// The rig, with pages on their way and the store's view of what is enabled.
struct World {
    rig: Rig,
    pages: Vec<(Reading, DuePage)>,
    enabled: [bool; LANES],
    fat: Bytes,
}

fn settings(lane: usize, enabled: bool) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.enabled = enabled;
        settings.max_in_flight = [1, 2, 32][lane];
        settings.rate_limit = (lane == 1).then_some(RateLimit {
            per_second: 5.0,
            burst: 3,
        });
    }
}

fn number(lane: usize) -> EndpointId {
    EndpointId(i64::try_from(lane).unwrap() + 1)
}

impl World {
    fn new() -> Self {
        let mut rig = Rig::new(&[]);
        for lane in 0..LANES {
            rig.configure(number(lane).0, settings(lane, true));
        }
        Self {
            rig,
            pages: Vec::new(),
            enabled: [true; LANES],
            fat: Bytes::from(vec![0; limits::ENGINE_BYTES]),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Accept {
                lane,
                key,
                count,
                told,
                fat,
            } => self.accept(lane, key, count, told, fat),
            Step::End { which, outcome } => self.end(which, outcome),
            Step::Commit => self.rig.commit(),
            Step::Tell => self.tell_one(),
            Step::Read { rows } => {
                self.rig.page_rows = rows;
                self.pages.extend(self.rig.read());
            }
            Step::Page { which, fails } => {
                if !self.pages.is_empty() {
                    let (reading, page) = self.pages.swap_remove(which % self.pages.len());
                    self.rig.tell_page(&reading, (!fails).then_some(page));
                }
            }
            Step::Pass { ms } => self.rig.now = self.rig.now.plus(ms),
            Step::Wake => self.rig.now = self.rig.engine.next_wake().unwrap_or(self.rig.now),
            Step::Enable { lane, enabled } => self.enable(lane, enabled),
            Step::RetryNow { lane } => {
                self.rig.store.retry_now(number(lane), self.rig.now);
                self.rig.untold.push_back(Input::RetryNow(number(lane)));
            }
            Step::Reload { lane } => self.rig.handle(Input::Reload(number(lane))),
        }
        self.rig.pump();
    }

    fn accept(&mut self, lane: usize, key: i64, count: usize, told: bool, fat: bool) {
        for nth in 0..count {
            let mut row = self
                .rig
                .row(number(lane).0, key + i64::try_from(nth / 2).unwrap());
            row.schedule = schedule(&[500, 1_000, 60_000], 100_000);
            if fat {
                row.body = self.fat.clone();
            }
            if !self.enabled[lane] {
                row.state = State::Parked;
            }
            let before = self.rig.untold.len();
            self.rig.commit_row(row);
            if !told && self.rig.untold.len() > before {
                self.rig.untold.pop_back();
                let due = self.rig.store.first_due(number(lane)).unwrap();
                self.rig.untold.push_back(Input::Due(number(lane), due));
            }
        }
    }

    fn end(&mut self, which: usize, outcome: Outcome) {
        let ids: Vec<DeliveryId> = self.rig.in_flight.keys().copied().collect();
        if !ids.is_empty() {
            self.rig.end(ids[which % ids.len()], answer(0, outcome));
        }
    }

    fn tell_one(&mut self) {
        match self.rig.untold.pop_front() {
            Some(input) => self.rig.handle(input),
            None => self.rig.commit(),
        }
    }

    fn enable(&mut self, lane: usize, enabled: bool) {
        if enabled {
            self.rig.store.unpark(self.rig.now, number(lane));
        } else {
            self.rig.store.park(self.rig.now, number(lane));
        }
        self.enabled[lane] = enabled;
        let mut endpoint = crate::endpoint::testing::endpoint(number(lane).0, 1, "e");
        settings(lane, enabled)(&mut endpoint.settings);
        self.rig.untold.push_back(Input::Endpoint(Arc::new(endpoint)));
    }

    /// Faults stop: everything is enabled, told and answered. Nothing may be left.
    fn drain(&mut self) {
        for lane in 0..LANES {
            self.enable(lane, true);
        }
        self.rig.page_rows = usize::MAX;
        self.rig.commit();
        self.rig.tell();
        for (reading, page) in std::mem::take(&mut self.pages) {
            self.rig.tell_page(&reading, Some(page));
        }
        const ACK: Answer = answer(1, Outcome::Acknowledged);
        self.rig.run(u64::MAX / 4, |_| ACK);
        self.rig.assert_idle();
        for row in self.rig.store.rows() {
            assert!(
                matches!(row.state, State::Delivered | State::Exhausted),
                "lost: {row:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_early_repeated_or_lost(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.drain();
        let mut sends = vec![0; world.rig.store.rows().count()];
        for started in &world.rig.sent {
            sends[usize::try_from(started.delivery).unwrap() - 1] += 1;
            prop_assert_eq!(started.n, sends[usize::try_from(started.delivery).unwrap() - 1]);
        }
        let recorded: Vec<u32> = world.rig.store.rows().map(|row| row.sends).collect();
        prop_assert_eq!(sends, recorded);
        prop_assert!(world.rig.now >= T0);
    }
}
