//! Random histories: the same writes to the store in memory, which is the model, and to the one on SQLite. The answers
//! to each batch agree, and so do all reads, at the end and now and then on the way.

mod plan;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ringback_contract::kind::Kind;
use ringback_core::delivery::Delivery;
use ringback_core::id::{DeliveryId, EndpointId, EventId, ReplayId};
use ringback_core::limits::SWEEP_ROWS;
use ringback_core::store::{Accepted, Write, Written};
use ringback_core::time::Millis;

use self::plan::{Batch, Place, Step};
use self::reads::Look;
use crate::lab::{COMPANY, Lab, age_ended, correction, kinds, put_company, put_endpoint, report};

/// An id that no store gave.
const UNKNOWN: DeliveryId = DeliveryId(1);

/// The model and the store that is judged by it, with what a history needs to know of them.
struct Pair {
    model: Lab,
    judged: Lab,
    events: BTreeSet<EventId>,
    deliveries: Vec<DeliveryId>,
    replays: Vec<ReplayId>,
    /// Where the last part of a sweep, or of a request to retry now, stopped.
    stopped: BTreeMap<EndpointId, Place>,
}

impl Pair {
    fn new() -> Self {
        Self {
            model: Lab::memory(),
            judged: Lab::sqlite(),
            events: BTreeSet::new(),
            deliveries: Vec::new(),
            replays: Vec::new(),
            stopped: BTreeMap::new(),
        }
    }

    fn run(&mut self, batches: &[Batch], last: &Look) -> TestCaseResult {
        for batch in batches {
            self.pass(batch.pass_ms);
            let writes: Vec<Write> = batch.steps.iter().map(|step| self.resolve(step)).collect();
            self.commit(&writes)?;
            if let Some(look) = &batch.look {
                self.look(look)?;
            }
        }
        self.look(last)?;
        self.model.check();
        self.judged.check();
        Ok(())
    }

    fn pass(&mut self, ms: u64) {
        self.model.pass(ms);
        self.judged.pass(ms);
    }

    /// Applies a batch to both stores; the answers agree.
    fn commit(&mut self, writes: &[Write]) -> TestCaseResult {
        let expected = self.model.commit(writes);
        let found = self.judged.commit(writes);
        for ((write, expected), found) in writes.iter().zip(&expected).zip(&found) {
            prop_assert_eq!(whole(found), whole(expected), "to {:?}", write);
            self.learn(write, expected);
        }
        Ok(())
    }

    /// The reads agree; sometimes those of a store that was closed and opened again.
    fn look(&mut self, look: &Look) -> TestCaseResult {
        if look.reopens {
            self.model.reopen();
            self.judged.reopen();
        }
        if look.hasty {
            self.judged.set_page_time(Duration::ZERO);
        }
        reads::agree(&mut self.model, &mut self.judged, look)?;
        if look.hasty {
            self.judged.set_page_time(Duration::MAX);
        }
        reads::by_id_agree(&mut self.model, &mut self.judged, &self.events, &self.deliveries)
    }

    fn learn(&mut self, write: &Write, written: &Written) {
        match (write, written) {
            (_, Written::Accepted(accepted)) if !accepted.replayed => {
                self.events.insert(accepted.event_id);
                self.deliveries
                    .extend(accepted.deliveries.iter().map(|brief| brief.id));
            }
            (_, Written::Resent(resent)) => {
                for brief in &resent.deliveries {
                    if !self.deliveries.contains(&brief.id) {
                        self.deliveries.push(brief.id);
                    }
                }
            }
            (_, Written::Endpoint { endpoint, swept, .. } | Written::EndpointDeleted { endpoint, swept }) => {
                self.stop(endpoint.id, swept.next);
            }
            (Write::MakeReplay(_), Written::Replay(replay)) => self.replays.push(replay.id),
            (_, Written::ReplayStepped { made: 1.., .. }) => {
                let all = self.model.all_deliveries();
                self.deliveries = all.iter().rev().map(|summary| summary.delivery.id).collect();
            }
            (Write::Sweep { endpoint, .. }, Written::Swept(swept)) => self.stop(*endpoint, swept.next),
            (Write::RetryNow { endpoint, .. }, Written::RetriedNow { next, .. }) => {
                self.stop(*endpoint, *next);
            }
            _ => {}
        }
    }

    fn stop(&mut self, endpoint: EndpointId, next: Option<Place>) {
        match next {
            Some(next) => self.stopped.insert(endpoint, next),
            None => self.stopped.remove(&endpoint),
        };
    }

    /// The write that a step stands for at this point of the history.
    fn resolve(&mut self, step: &Step) -> Write {
        match step {
            Step::Write(write) => write.clone(),
            Step::Resend { which } => Write::Resend(self.delivery(*which).map_or(UNKNOWN, |known| known.id)),
            Step::GoOn { which, most } => Write::StepReplay {
                replay: self.replay(*which),
                most: *most,
            },
            Step::Change { which, change } => Write::ChangeReplay(self.replay(*which), *change),
            Step::Prune { age_ms, after } => Write::Prune {
                before: Millis(self.model.now.0.saturating_sub_unsigned(*age_ms)),
                after: after
                    .and_then(|which| self.events.iter().nth(which % (self.events.len() + 1)).copied()),
            },
            Step::Record { which, ahead, end } => self.record(*which, *ahead, *end),
            Step::Sweep { endpoint, goes_on } => Write::Sweep {
                endpoint: *endpoint,
                after: self.stopped.get(endpoint).filter(|_| *goes_on).copied(),
            },
            Step::RetryNow {
                endpoint,
                later_ms,
                after,
            } => Write::RetryNow {
                endpoint: *endpoint,
                cutoff: self.model.now.plus(*later_ms),
                after: match after {
                    Some(which) => self.delivery(*which).map(|known| (known.key, known.id)),
                    None => self.stopped.get(endpoint).copied(),
                },
            },
        }
    }

    /// Nothing is sent without an endpoint, so nothing is reported either.
    fn record(&mut self, which: usize, ahead: i64, end: plan::End) -> Write {
        let Some(known) = self.delivery(which).filter(|known| known.endpoint.is_some()) else {
            return age_ended(UNKNOWN);
        };
        let n = u32::try_from(i64::from(known.sends) + 1 + ahead).unwrap_or(0);
        match end.of_send(self.model.now) {
            Some((outcome, next)) => report(known.id, n, outcome, next),
            None => age_ended(known.id),
        }
    }

    /// One of the known replays, or an id that no store gave.
    fn replay(&self, which: usize) -> ReplayId {
        let known = self.replays.get(which % (self.replays.len() + 1));
        known.copied().unwrap_or(ReplayId(1))
    }

    /// One of the known deliveries, or sometimes none.
    fn delivery(&mut self, which: usize) -> Option<Delivery> {
        let id = *self.deliveries.get(which % (self.deliveries.len() + 1))?;
        // It may have been pruned.
        let record = self.model.read().delivery(id).unwrap()?;
        Some(record.delivery)
    }
}

/// All that an answer says. The settings' own `Debug` keeps secrets and more to itself.
fn whole(written: &Written) -> String {
    let settings = match written {
        Written::Company { company, .. }
        | Written::CompanyDeleted { kept: Some(company) }
        | Written::Accepted(Accepted {
            discovered: Some(company),
            ..
        }) => serde_json::to_string(company),
        Written::Endpoint {
            endpoint, company, ..
        } => serde_json::to_string(&(company, &endpoint.settings)),
        Written::EndpointDeleted { endpoint, .. } => serde_json::to_string(&endpoint.settings),
        _ => Ok(String::new()),
    };
    format!("{written:?} {}", settings.unwrap())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // A step back costs two stores; a history that is nearly the smallest will do.
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn the_stores_agree(
        batches in prop::collection::vec(plan::batch(plan::step()), 1..60),
        last in reads::look(),
    ) {
        Pair::new().run(&batches, &last)?;
    }
}

proptest! {
    #![proptest_config(config(3))]

    /// An endpoint has more open deliveries than one part of a sweep looks at.
    #[test]
    fn the_stores_agree_on_long_sweeps(
        batches in prop::collection::vec(plan::batch(plan::step_of_long_sweep()), 1..12),
        last in reads::look(),
    ) {
        let mut pair = Pair::new();
        let mut writes = vec![put_company(COMPANY, kinds(&Kind::ALL)), put_endpoint("a", |_| {})];
        let corrections = (0..i64::try_from(SWEEP_ROWS).unwrap() + 200)
            .map(|i| correction(i % 800, ["b", "c", "d"][usize::try_from(i / 800).unwrap()]));
        writes.extend(corrections.map(|event| Write::Accept(Box::new(event))));
        pair.commit(&writes)?;
        pair.run(&batches, &last)?;
    }
}
