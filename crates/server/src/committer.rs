//! The committer: the one thread that writes.
//!
//! Writes queue up while a commit is being fsynced; the next commit takes whatever has gathered, intake and outcomes
//! together. Commits begin at least a millisecond apart, unless enough writes wait; a lone write on a quiet service is
//! committed at once. After a commit one message with all its answers goes to the driver.
//!
//! When a commit fails, its outcome is unknown. The thread drops the store, fails everything that was queued, tells the
//! driver ([`Message::StoreLost`]), and opens the store anew until that succeeds and something could be written and
//! synced ([`Message::StoreBack`]). Each return makes the engine send again what it could not record; so nothing is sent
//! while the disk is bad, and a store that seems well but fails again soon is opened at growing intervals: otherwise
//! receivers would get the same callbacks as fast as they answer.
//!
//! A commit that fails because of what is written, and not because of the disk, is told apart: its writes are committed
//! in smaller and smaller parts, so that all but the bad one go through.

mod pruning;
mod queue;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use ringback_core::limits;
use ringback_core::store::{Fault, Reader, Refusal, Start, Store, StoreError, Written};
use ringback_core::time::Millis;
use tokio::sync::mpsc;

use self::pruning::Pruning;
pub(crate) use self::queue::{LostStore, Queue, Ticket};
use crate::chain::Chain;
use crate::driver::Message;
use crate::service::Unavailable;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::StoreTask;
use crate::time::EngineTime;

/// Opens the store: at the start, and again after a failed commit.
pub type OpenStore = Box<dyn FnMut() -> Result<Box<dyn Store>, StoreError> + Send>;

/// How often the free space of the disk is looked at, and the least wait before the store is opened again.
const PULSE: Duration = Duration::from_secs(1);

/// The least time from the beginning of one commit to that of the next, unless enough writes wait. A commit costs the same
/// dozen pages whether it holds one write or twenty; see `docs/benchmarks.md`.
const SPACING_US: i64 = 1_000;

/// Readers opened with the store: for the API, and as many for the engine.
pub(crate) const READERS: usize = limits::READS * 2;

/// A store that was just opened, with what it told and its readers.
pub(crate) struct Opened {
    pub(crate) store: Box<dyn Store>,
    pub(crate) start: Start,
    pub(crate) readers: Vec<Box<dyn Reader>>,
}

pub(crate) fn open(open_store: &mut OpenStore) -> Result<Opened, StoreError> {
    let mut store = open_store()?;
    let start = store.start()?;
    let readers = (0..READERS).map(|_| store.reader()).collect::<Result<_, _>>()?;
    Ok(Opened {
        store,
        start,
        readers,
    })
}

/// The committer's thread.
pub(crate) struct Committer {
    queue: Arc<Queue>,
    time: EngineTime,
    open_store: OpenStore,
    messages: mpsc::Sender<Message>,
    disk_free_least: u64,
    metrics: Arc<Metrics>,
    pruning: Pruning,
}

/// What a committer is made of.
pub(crate) struct Parts {
    pub(crate) queue: Arc<Queue>,
    pub(crate) time: EngineTime,
    pub(crate) open_store: OpenStore,
    pub(crate) messages: mpsc::Sender<Message>,
    pub(crate) disk_free_least: u64,
    pub(crate) retention_ms: Option<u64>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Committer {
    pub(crate) fn new(parts: Parts) -> Self {
        let pruning = Pruning::new(parts.retention_ms, parts.time.clock().boot_us());
        Self {
            queue: parts.queue,
            time: parts.time,
            open_store: parts.open_store,
            messages: parts.messages,
            disk_free_least: parts.disk_free_least,
            metrics: parts.metrics,
            pruning,
        }
    }

    /// Starts the thread. It ends when the queue is closed and empty.
    pub(crate) fn spawn(self, store: Box<dyn Store>) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || self.run(store))
    }

    fn run(mut self, mut store: Box<dyn Store>) {
        let mut looked_at = Millis::ZERO;
        let mut failures = Failures::default();
        let mut batch = Vec::new();
        let mut began = i64::MIN;
        loop {
            let idle = self.pruning.sleeps(self.time.clock().boot_us(), PULSE);
            if self.queue.take(&mut batch, self.gather(began), idle).is_none() {
                return;
            }
            let now = self.time.now();
            if now.since(looked_at) >= PULSE_MS {
                looked_at = now;
                let free = store.free_bytes();
                let low = free.is_some_and(|free| free < self.disk_free_least);
                self.queue
                    .free_bytes
                    .store(free.unwrap_or(u64::MAX), Ordering::Relaxed);
                self.queue.disk_low.store(low, Ordering::Relaxed);
            }
            let done = if batch.is_empty() {
                Ok(())
            } else {
                began = self.time.clock().boot_us();
                self.commit(&mut *store, std::mem::take(&mut batch))
            };
            let Err(lost) = done.and_then(|()| self.prune(&mut *store)) else {
                continue;
            };
            // Before anybody hears of it, so that nobody is told to come again to a store that seems open.
            let goes_on = self.queue.lose(self.time.clock().wall_ms(), lost.fault);
            for ticket in lost.tickets {
                ticket.answer(Err(Unavailable::StoreFailed));
            }
            drop(store);
            if !goes_on {
                return;
            }
            match self.reopen(lost.fault, failures.wait(now)) {
                Some(opened) => store = opened,
                None => return,
            }
            failures.reopened(self.time.now());
        }
    }

    /// Commits a batch and hands the answers on. Where the store refuses what is written, it is committed in halves, in
    /// its order, down to the write that is at fault.
    fn commit(&mut self, store: &mut dyn Store, batch: Vec<Ticket>) -> Result<(), Lost> {
        let (writes, rest): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|ticket| (ticket.write, (ticket.reply, ticket.deliveries, ticket.trace)))
            .unzip();
        let began = self.time.clock().boot_us();
        let committed = store.commit(self.time.now(), &writes);
        let (ended, count) = (self.count(writes.len(), began), writes.len());
        let tickets = writes
            .into_iter()
            .zip(rest)
            .map(|(write, (reply, deliveries, mut trace))| {
                if let Some(trace) = &mut trace {
                    trace.committed(began, ended, count);
                }
                Ticket {
                    write,
                    reply,
                    deliveries,
                    trace,
                }
            });
        match committed {
            Ok(written) => {
                self.tell(tickets.zip(written).collect());
                Ok(())
            }
            Err(error) => self.recover(store, tickets.collect(), &error),
        }
    }

    /// Commits without the bad write a batch that was rolled back because of it; what failed otherwise is lost.
    fn recover(
        &mut self,
        store: &mut dyn Store,
        mut tickets: Vec<Ticket>,
        error: &StoreError,
    ) -> Result<(), Lost> {
        let is_single = tickets.len() == 1;
        if is_single || error.fault != Fault::Data {
            self.fail(error);
        }
        if error.fault != Fault::Data {
            return Err(Lost {
                tickets,
                fault: error.fault,
            });
        }
        if is_single {
            let refused = |ticket| (ticket, Written::Refused(Refusal::Unstorable));
            self.tell(tickets.into_iter().map(refused).collect());
            return Ok(());
        }
        let rest = tickets.split_off(tickets.len() / 2);
        match self.commit(store, tickets) {
            Ok(()) => self.commit(store, rest),
            Err(mut lost) => {
                lost.tickets.extend(rest);
                Err(lost)
            }
        }
    }

    /// At the end of the process the driver goes first; what is queued is committed all the same.
    fn tell(&self, done: Vec<(Ticket, Written)>) {
        let _ = self.messages.blocking_send(Message::Committed(done));
    }

    /// Prunes a part, if it is time to: in a commit of its own, which nobody waits for.
    fn prune(&mut self, store: &mut dyn Store) -> Result<(), Lost> {
        let (now, began) = (self.time.now(), self.time.clock().boot_us());
        let waits = self.queue.size().0 > 0;
        let Some(write) = self.pruning.next(now, began, waits) else {
            return Ok(());
        };
        let written = store.commit(now, &[write]);
        let ended = self.time.clock().boot_us();
        let error = match written.as_deref() {
            Ok([Written::Pruned(pruned)]) => {
                self.metrics.events_pruned.inc_by(pruned.events as u64);
                let removed = self.pruning.done(*pruned, began, ended);
                if let Some(events) = removed.filter(|events| *events > 0) {
                    tracing::info!(events, "events beyond their retention were removed");
                }
                return Ok(());
            }
            // A store answers each write by its own kind.
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        self.fail(error);
        self.pruning.failed(ended);
        match error.fault {
            Fault::Data => Ok(()),
            fault => Err(Lost {
                tickets: Vec::new(),
                fault,
            }),
        }
    }

    /// How long to let writes gather after a commit that began at this reading of the boot clock.
    fn gather(&self, began_boot_us: i64) -> Duration {
        let next = began_boot_us.saturating_add(SPACING_US);
        let rest = next.saturating_sub(self.time.clock().boot_us());
        Duration::from_micros(u64::try_from(rest).unwrap_or(0))
    }

    /// Counts a commit that has just ended; answers when, by the boot clock.
    #[expect(clippy::cast_precision_loss, reason = "figures of one commit")]
    fn count(&self, writes: usize, began_boot_us: i64) -> i64 {
        let ended_boot_us = self.time.clock().boot_us();
        let took_us = ended_boot_us - began_boot_us;
        self.metrics.commit_seconds.observe(took_us as f64 / 1_000_000.0);
        self.metrics.commit_writes.observe(writes as f64);
        ended_boot_us
    }

    fn fail(&self, error: &StoreError) {
        self.metrics.store_failures(StoreTask::Commit).inc();
        tracing::error!(
            what = error.what,
            fault = error.fault.name(),
            error = %Chain(error),
            "the store failed"
        );
    }

    /// Opens the store again after so many pulses, however long it takes; `None` when the queue was closed.
    fn reopen(&mut self, fault: Fault, wait: u32) -> Option<Box<dyn Store>> {
        if self.messages.blocking_send(Message::StoreLost).is_err() {
            return None;
        }
        if wait > 0 && !self.queue.pause(wait) {
            return None;
        }
        let (mut fault, mut pulses) = (fault, 1);
        loop {
            match self.open_writable(fault) {
                Ok(opened) => {
                    tracing::info!("the store is open again");
                    let back = Message::StoreBack {
                        start: Box::new(opened.start),
                        readers: opened.readers,
                        losses: self.queue.losses(),
                    };
                    return self.messages.blocking_send(back).ok().map(|()| opened.store);
                }
                Err(error) => {
                    self.fail(&error);
                    fault = error.fault;
                    self.queue.lose(self.time.clock().wall_ms(), fault);
                }
            }
            if !self.queue.pause(pulses) {
                return None;
            }
            pulses = (pulses * 2).min(LONGEST_PAUSE);
        }
    }

    /// Opens the store, and writes and syncs something: what cannot be recorded must not be sent.
    fn open_writable(&mut self, fault: Fault) -> Result<Opened, StoreError> {
        let mut opened = open(&mut self.open_store)?;
        let free = opened.store.free_bytes();
        if fault == Fault::Full && free.is_some_and(|free| free < limits::DISK_FREE_REOPEN) {
            return Err(StoreError {
                what: "write to the store",
                fault,
                source: "too little room on the disk".into(),
            });
        }
        opened.store.commit(self.time.now(), &[])?;
        Ok(opened)
    }
}

/// A batch that could not be committed, and why.
struct Lost {
    tickets: Vec<Ticket>,
    fault: Fault,
}

/// The failures that came soon after one another.
#[derive(Debug, Default)]
struct Failures {
    /// Pulses waited before the last opening.
    waited: u32,
    reopened_at: Option<Millis>,
}

impl Failures {
    /// How many pulses to wait before the store is opened again, after a commit that began at `now` failed: none unless
    /// the store was opened again only a short time before, then 1, doubling.
    fn wait(&mut self, now: Millis) -> u32 {
        let held = self.reopened_at.is_none_or(|at| now.since(at) >= HELD_MS);
        self.waited = if held {
            0
        } else {
            (self.waited * 2).clamp(1, LONGEST_PAUSE)
        };
        self.waited
    }

    fn reopened(&mut self, now: Millis) {
        self.reopened_at = Some(now);
    }
}

const PULSE_MS: u64 = 1_000;
/// A store that has worked for so long after an opening is sound again: the next failure has another cause.
const HELD_MS: u64 = 60_000;
/// Pulses between two attempts to open a lost store, at most.
const LONGEST_PAUSE: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds from each opening to the next failure, with the pulses that are waited after it.
    #[test]
    fn a_store_that_fails_soon_after_it_was_opened_is_opened_at_growing_intervals() {
        let mut failures = Failures::default();
        let mut now = Millis(1_000);
        for (worked_ms, pulses) in [
            (0, 0),
            (3, 1),
            (3, 2),
            (HELD_MS - 1, 4),
            (0, 8),
            (0, 16),
            (0, 16),
            (HELD_MS, 0),
            (0, 1),
        ] {
            now = now.plus(worked_ms);
            assert_eq!(failures.wait(now), pulses, "{worked_ms}");
            failures.reopened(now);
        }
    }
}
