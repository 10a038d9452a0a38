//! When the driver sends: as soon as a connection is free, or at a fixed rate that no slow answer holds up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ringback_server::clock::{Clock, RealClock};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// The rule by which requests start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pace {
    /// A closed loop: each connection sends again when its answer has come.
    Closed,
    /// An open loop: requests start at a fixed rate per second, or later when no connection is free; their
    /// latencies count from when they were to start.
    Open(u32),
}

/// Hands out the moments at which an open loop is to send. A thread of its own keeps the time, because a runtime's
/// timer is exact to a millisecond only.
#[derive(Debug)]
pub(super) struct Metronome {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// One permit per moment that has come.
    ticks: Semaphore,
    taken: AtomicU64,
    stopped: AtomicBool,
    begin_us: i64,
    per_second: u32,
    total: u64,
}

impl Metronome {
    /// Begins at `begin_us`, ends after `total` moments. `waiters` are the tasks that will call [`Metronome::next`].
    pub(super) fn start(begin_us: i64, per_second: u32, total: u64, waiters: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            ticks: Semaphore::new(0),
            taken: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            begin_us,
            per_second: per_second.max(1),
            total,
        });
        let thread = thread::Builder::new().name("metronome".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.tick(&RealClock, waiters)
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Waits for the next moment that nobody else took: when it was to be, in microseconds of the boot clock, or
    /// `None` after the last.
    pub(super) async fn next(&self) -> Option<i64> {
        self.shared.ticks.acquire().await.ok()?.forget();
        let tick = self.shared.taken.fetch_add(1, Ordering::Relaxed);
        (tick < self.shared.total).then(|| self.shared.moment(tick))
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds nothing that a panic could leave half done.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn moment(&self, tick: u64) -> i64 {
        let after_us = u128::from(tick) * 1_000_000 / u128::from(self.per_second);
        self.begin_us
            .saturating_add(i64::try_from(after_us).unwrap_or(i64::MAX))
    }

    fn tick(&self, clock: &dyn Clock, waiters: usize) {
        let mut given = 0;
        while given < self.total && !self.stopped.load(Ordering::Relaxed) {
            let wait_us = self.moment(given) - clock.boot_us();
            match u64::try_from(wait_us) {
                Ok(wait_us @ 1..) => thread::park_timeout(Duration::from_micros(wait_us)),
                Ok(0) | Err(_) => {
                    self.ticks.add_permits(1);
                    given += 1;
                }
            }
        }
        // Everybody learns that there is no further moment.
        self.ticks.add_permits(waiters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn moments_come_in_order_not_early_and_end() {
        let clock = RealClock;
        let begin_us = clock.boot_us();
        let metronome = Metronome::start(begin_us, 3_000, 7, 2).unwrap();
        for tick in 0..7 {
            let moment = metronome.next().await.unwrap();
            assert_eq!(moment, begin_us + tick * 1_000_000 / 3_000);
            assert!(clock.boot_us() >= moment);
        }
        assert_eq!((metronome.next().await, metronome.next().await), (None, None));
    }

    #[tokio::test]
    async fn a_dropped_metronome_ends_its_thread() {
        drop(Metronome::start(RealClock.boot_us(), 1, u64::MAX, 1).unwrap());
    }
}
