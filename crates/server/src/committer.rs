//! The committer: the one thread that writes.
//!
//! Writes queue up while a commit is being fsynced; the next commit takes whatever has gathered, intake and outcomes
//! together. There is no timer: a lone write is committed at once. After a commit one message with all its answers
//! goes to the driver.
//!
//! When a commit fails, its outcome is unknown. The thread drops the store, fails everything that was queued, tells the
//! driver ([`Message::StoreLost`]), and opens the store anew until that succeeds ([`Message::StoreBack`]).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ringback_core::limits;
use ringback_core::store::{Reader, Start, Store, StoreError, Write, Written};
use ringback_core::time::Millis;
use tokio::sync::{mpsc, oneshot};

use crate::driver::Message;
use crate::service::Unavailable;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::StoreTask;
use crate::time::EngineTime;

/// Opens the store: at the start, and again after a failed commit.
pub type OpenStore = Box<dyn FnMut() -> Result<Box<dyn Store>, StoreError> + Send>;

/// How often the free space of the disk is looked at, and the least wait before the store is opened again.
const PULSE: Duration = Duration::from_secs(1);

/// Readers opened with the store: for the API, and as many for the engine.
pub(crate) const READERS: usize = limits::READS * 2;

/// A write on its way.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) write: Write,
    /// Who waits for the answer; nobody for the driver's own writes.
    pub(crate) reply: Option<oneshot::Sender<Result<Written, Unavailable>>>,
}

impl Ticket {
    /// Answers whoever waits.
    pub(crate) fn answer(self, answer: Result<Written, Unavailable>) {
        if let Some(reply) = self.reply {
            // Whoever asked may have gone away meanwhile.
            let _ = reply.send(answer);
        }
    }

    fn bytes(&self) -> usize {
        match &self.write {
            Write::Accept(event) => event.body.len(),
            _ => 0,
        }
    }
}

/// The queue before the committer.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    disk_low: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    tickets: VecDeque<Ticket>,
    bytes: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The store failed and is not open again yet.
    Lost,
    /// Nothing further is taken; the thread ends when the queue is empty.
    Closed,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            filled: Condvar::new(),
            disk_low: AtomicBool::new(false),
        }
    }

    /// Queues a write for which somebody waits.
    pub(crate) fn push(&self, ticket: Ticket) -> Result<(), Unavailable> {
        let mut inner = self.lock();
        match inner.state {
            State::Open => {}
            State::Lost => return Err(Unavailable::StoreFailed),
            State::Closed => return Err(Unavailable::ShuttingDown),
        }
        if self.disk_low() && matches!(ticket.write, Write::Accept(_)) {
            return Err(Unavailable::DiskNearlyFull);
        }
        if inner.tickets.len() >= limits::QUEUE_WRITES || inner.bytes >= limits::QUEUE_BYTES {
            return Err(Unavailable::Behind);
        }
        inner.bytes += ticket.bytes();
        inner.tickets.push_back(ticket);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// Queues the driver's own writes. They are bounded by the engine, and dropped when the store is lost: so is the
    /// engine that made them.
    pub(crate) fn push_own(&self, writes: &mut Vec<Write>) {
        let mut inner = self.lock();
        if inner.state == State::Lost {
            writes.clear();
            return;
        }
        inner
            .tickets
            .extend(writes.drain(..).map(|write| Ticket { write, reply: None }));
        drop(inner);
        self.filled.notify_one();
    }

    /// Takes no further writes; the thread ends when the queue is empty.
    pub(crate) fn close(&self) {
        self.lock().state = State::Closed;
        self.filled.notify_one();
    }

    /// How many writes wait, and how many bytes of bodies.
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.tickets.len(), inner.bytes)
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lock().state == State::Lost
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().state == State::Closed
    }

    pub(crate) fn disk_low(&self) -> bool {
        self.disk_low.load(Ordering::Relaxed)
    }

    /// The next batch; empty after a pulse without writes, `None` when closed and empty.
    fn take(&self, batch: &mut Vec<Ticket>) -> Option<()> {
        let mut inner = self.lock();
        if inner.tickets.is_empty() && inner.state != State::Closed {
            inner = self
                .filled
                .wait_timeout(inner, PULSE)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if inner.tickets.is_empty() && inner.state == State::Closed {
            return None;
        }
        let mut bytes = 0;
        while batch.len() < limits::COMMIT_WRITES
            && let Some(ticket) = inner.tickets.front()
            && (batch.is_empty() || bytes + ticket.bytes() <= limits::COMMIT_BYTES)
        {
            bytes += ticket.bytes();
            batch.extend(inner.tickets.pop_front());
        }
        inner.bytes -= bytes;
        Some(())
    }

    /// Fails everything that waits and refuses what comes, until [`Queue::regain`]. False when closed.
    fn lose(&self) -> bool {
        let mut inner = self.lock();
        let waiting = std::mem::take(&mut inner.tickets);
        inner.bytes = 0;
        let open = inner.state != State::Closed;
        if open {
            inner.state = State::Lost;
        }
        drop(inner);
        for ticket in waiting {
            ticket.answer(Err(Unavailable::StoreFailed));
        }
        open
    }

    /// Takes writes again: the driver has learned that the store is back.
    pub(crate) fn regain(&self) {
        let mut inner = self.lock();
        if inner.state == State::Lost {
            inner.state = State::Open;
        }
    }

    /// Waits for a pulse; false when the queue was closed.
    fn pause(&self, pulses: u32) -> bool {
        let inner = self.lock();
        if inner.state == State::Closed {
            return false;
        }
        let inner = self
            .filled
            .wait_timeout(inner, PULSE * pulses)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        inner.state != State::Closed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    pub(crate) queue: Arc<Queue>,
    pub(crate) time: EngineTime,
    pub(crate) open_store: OpenStore,
    pub(crate) messages: mpsc::Sender<Message>,
    pub(crate) disk_free_least: u64,
    pub(crate) metrics: Arc<Metrics>,
}

impl Committer {
    /// Starts the thread. It ends when the queue is closed and empty.
    pub(crate) fn spawn(self, store: Box<dyn Store>) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || self.run(store))
    }

    fn run(mut self, mut store: Box<dyn Store>) {
        let mut looked_at = Millis::ZERO;
        let mut batch = Vec::new();
        while self.queue.take(&mut batch).is_some() {
            let now = self.time.now();
            if now.since(looked_at) >= PULSE_MS {
                looked_at = now;
                let low = store.free_bytes().is_some_and(|free| free < self.disk_free_least);
                self.queue.disk_low.store(low, Ordering::Relaxed);
            }
            if batch.is_empty() {
                continue;
            }
            let (writes, replies): (Vec<_>, Vec<_>) =
                batch.drain(..).map(|ticket| (ticket.write, ticket.reply)).unzip();
            let began = self.time.clock().boot_us();
            let committed = store.commit(now, &writes);
            self.count(writes.len(), began);
            let tickets = writes
                .into_iter()
                .zip(replies)
                .map(|(write, reply)| Ticket { write, reply });
            match committed {
                Ok(written) => {
                    let done = tickets.zip(written).collect();
                    // At the end of the process the driver goes first; what is queued is committed all the same.
                    let _ = self.messages.blocking_send(Message::Committed(done));
                }
                Err(error) => {
                    self.fail(&error);
                    for ticket in tickets {
                        ticket.answer(Err(Unavailable::StoreFailed));
                    }
                    drop(store);
                    match self.reopen() {
                        Some(opened) => store = opened,
                        None => return,
                    }
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures of one commit")]
    fn count(&self, writes: usize, began_boot_us: i64) {
        let took_us = self.time.clock().boot_us() - began_boot_us;
        self.metrics.commit_seconds.observe(took_us as f64 / 1_000_000.0);
        self.metrics.commit_writes.observe(writes as f64);
    }

    fn fail(&self, error: &StoreError) {
        self.metrics.store_failures(StoreTask::Commit).inc();
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(what = error.what, full = error.full, cause, "the store failed");
    }

    /// Opens the store again, however long it takes; `None` when the queue was closed.
    fn reopen(&mut self) -> Option<Box<dyn Store>> {
        if !self.queue.lose() || self.messages.blocking_send(Message::StoreLost).is_err() {
            return None;
        }
        let mut pulses = 1;
        loop {
            match open(&mut self.open_store) {
                Ok(opened) => {
                    tracing::info!("the store is open again");
                    let back = Message::StoreBack(Box::new(opened.start), opened.readers);
                    return self.messages.blocking_send(back).ok().map(|()| opened.store);
                }
                Err(error) => self.fail(&error),
            }
            if !self.queue.pause(pulses) {
                return None;
            }
            pulses = (pulses * 2).min(LONGEST_PAUSE);
        }
    }
}

const PULSE_MS: u64 = 1_000;
/// Pulses between two attempts to open a lost store, at most.
const LONGEST_PAUSE: u32 = 16;
