//! Many callbacks at once: as many connections as an endpoint gets, each sending one callback after another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringback_contract::kind::Kind;
use ringback_core::id::EventId;
use ringback_server::clock;
use ringback_server::outbound::Outcome;
use ringback_server::tasks;

use super::maker::Maker;
use super::wire::{Observed, Wire};
use super::words::Said;

/// How long a burst goes on at most: what is left then is not sent.
const LIMIT: Duration = Duration::from_secs(120);

/// What came of a burst.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    /// The events that were acknowledged.
    pub(crate) acknowledged: Vec<EventId>,
    /// What was not, by outcome and status: how many, and the first of them.
    pub(crate) failures: BTreeMap<(&'static str, Option<u16>), (u32, Observed)>,
    /// How long each exchange took, in milliseconds.
    pub(crate) durations_ms: Vec<u32>,
    /// How many were not sent for want of time.
    pub(crate) unsent: u32,
    /// How long all of it took, in milliseconds.
    pub(crate) took_ms: u32,
}

impl Burst {
    fn record(&mut self, event: EventId, observed: Observed) {
        self.durations_ms.push(observed.exchange.duration_ms);
        if observed.exchange.outcome == Outcome::Acknowledged {
            self.acknowledged.push(event);
            return;
        }
        let key = (observed.exchange.outcome.name(), observed.exchange.status);
        self.failures.entry(key).or_insert((0, observed)).0 += 1;
    }

    /// The longest exchange, in milliseconds.
    pub(crate) fn slowest_ms(&self) -> u32 {
        self.durations_ms.iter().copied().max().unwrap_or(0)
    }

    /// How many, how fast.
    pub(crate) fn figures(&self) -> Said {
        let (sent, done) = (self.durations_ms.len(), self.acknowledged.len());
        let took_s = f64::from(self.took_ms.max(1)) / 1000.0;
        let per_second = sent as f64 / took_s;
        let mut durations = self.durations_ms.clone();
        durations.sort_unstable();
        let p99 = durations.get(durations.len() * 99 / 100).copied().unwrap_or(0);
        let slowest = self.slowest_ms();
        let mut said = Said::new(
            format!(
                "{done} of {sent} acknowledged in {took_s:.1} s: {per_second:.0} a second, 99% within {p99} ms, the slowest {slowest} ms"
            ),
            format!(
                "{sent} 条中确认 {done} 条，用时 {took_s:.1} 秒：每秒 {per_second:.0} 条，99% 在 {p99} 毫秒内，最慢 {slowest} 毫秒"
            ),
        );
        if self.unsent > 0 {
            let unsent = self.unsent;
            said = said.joined(&Said::new(
                format!("; {unsent} were not sent, since the time for it was over"),
                format!("；因时间已到，{unsent} 条未发送"),
            ));
        }
        said
    }
}

/// Sends `count` callbacks over at most `in_flight` connections.
pub(crate) async fn burst(wire: &Arc<Wire>, maker: &Arc<Mutex<Maker>>, count: u32, in_flight: u16) -> Burst {
    let left = Arc::new(AtomicU32::new(count));
    let seen = Arc::new(Mutex::new(Burst::default()));
    let started_us = wire.clock.boot_us();
    let until_us = clock::after(started_us, LIMIT);
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (wire, maker) = (Arc::clone(wire), Arc::clone(maker));
            let (left, seen) = (Arc::clone(&left), Arc::clone(&seen));
            tasks::spawn("conformance burst", async move {
                while wire.clock.boot_us() < until_us && take(&left) {
                    let send = next(&maker);
                    let observed = wire.send(&send).await;
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.record(send.event, observed);
                }
            })
        })
        .collect();
    for worker in workers {
        // A worker that panicked leaves its callback out, and the judge misses it.
        let _ = worker.await;
    }
    let mut burst = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    burst.unsent = left.load(Ordering::Relaxed);
    let took_ms = wire.clock.boot_us().saturating_sub(started_us) / 1000;
    burst.took_ms = u32::try_from(took_ms).unwrap_or(u32::MAX);
    burst
}

/// Takes one of what is left.
fn take(left: &AtomicU32) -> bool {
    left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
        .is_ok()
}

/// The next callback, of the first kind that the receiver takes: calls, where it takes them.
fn next(maker: &Mutex<Maker>) -> super::script::Send {
    let mut maker = maker.lock().unwrap_or_else(PoisonError::into_inner);
    let kind = maker.kinds().first().copied().unwrap_or(Kind::Call);
    let draft = maker.draft(kind);
    maker.send(&draft)
}
