//! The queue before the committer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringback_core::limits;
use ringback_core::store::{Fault, Write, Written};
use tokio::sync::oneshot;

use super::PULSE;
use crate::service::Unavailable;
use crate::trace::Waiting;

/// Writes that are enough for a commit of their own: the committer does not wait for more.
const ENOUGH: usize = 256;

/// A write on its way.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) write: Write,
    /// Who waits for the answer; nobody for the driver's own writes.
    pub(crate) reply: Option<oneshot::Sender<Result<Written, Unavailable>>>,
    /// How many deliveries it may bring.
    pub(crate) deliveries: usize,
    /// An event whose way is traced.
    pub(crate) trace: Option<Box<Waiting>>,
}

impl Ticket {
    /// Answers whoever waits.
    pub(crate) fn answer(self, answer: Result<Written, Unavailable>) {
        if let (Some(trace), Err(_)) = (&self.trace, &answer) {
            trace.failed();
        }
        if let Some(reply) = self.reply {
            // Whoever asked may have gone away meanwhile.
            let _ = reply.send(answer);
        }
    }

    fn bytes(&self) -> usize {
        match self.write.inner() {
            Write::Accept(event) => event.body.len(),
            _ => 0,
        }
    }
}

/// The queue. Any thread puts writes in; the committer's takes them out, in batches.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    pub(super) disk_low: AtomicBool,
    /// Free bytes where the store is, when they were looked at last; `u64::MAX` while that is not known.
    pub(super) free_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    tickets: VecDeque<Ticket>,
    /// Parts of what goes over all deliveries of an endpoint, of which each commit takes one: a part is thousands of rows. A
    /// start may bring a sweep for each of thousands of endpoints, and anybody may ask for *retry now* again and again; nobody
    /// else should wait for them.
    parts: VecDeque<Ticket>,
    bytes: usize,
    state: State,
    lost: Option<LostStore>,
    /// How often the store was lost.
    losses: u64,
    /// At how many writes the committer wants to be woken; `None` while it does not wait. Waking costs a system call,
    /// which a write that is taken anyway need not pay.
    wake_at: Option<usize>,
}

impl Inner {
    /// How many writes wait.
    fn waiting(&self) -> usize {
        self.tickets.len() + self.parts.len()
    }

    /// Where this write waits.
    fn line_of(&mut self, write: &Write) -> &mut VecDeque<Ticket> {
        match write.inner() {
            Write::Sweep { .. } | Write::RetryNow { .. } => &mut self.parts,
            _ => &mut self.tickets,
        }
    }

    fn is_full(&self) -> bool {
        self.tickets.len() >= limits::QUEUE_WRITES || self.bytes >= limits::QUEUE_BYTES
    }
}

/// A store that failed and is not open again yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LostStore {
    /// The wall clock when it failed first.
    pub(crate) since_wall_ms: i64,
    /// Why it failed last.
    pub(crate) fault: Fault,
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
            free_bytes: AtomicU64::new(u64::MAX),
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
        if self.disk_low() && matches!(ticket.write.inner(), Write::Accept(_)) {
            return Err(Unavailable::DiskNearlyFull);
        }
        if inner.is_full() {
            return Err(Unavailable::Behind);
        }
        inner.bytes += ticket.bytes();
        inner.line_of(&ticket.write).push_back(ticket);
        self.wake(inner);
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
        for write in writes.drain(..) {
            inner.line_of(&write).push_back(Ticket {
                write,
                reply: None,
                deliveries: 0,
                trace: None,
            });
        }
        self.wake(inner);
    }

    /// Takes no further writes; the thread ends when the queue is empty. Sweeps go on after the next start.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.state = State::Closed;
        let parts = std::mem::take(&mut inner.parts);
        drop(inner);
        self.filled.notify_one();
        for part in parts {
            part.answer(Err(Unavailable::ShuttingDown));
        }
    }

    /// How many writes wait, and how many bytes of bodies.
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.waiting(), inner.bytes)
    }

    /// Since when the store has failed, and why; `None` while it is open.
    pub(crate) fn lost(&self) -> Option<LostStore> {
        self.lock().lost
    }

    /// Whether so much waits that nothing further is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().is_full()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().state == State::Closed
    }

    /// Free bytes where the store is, where that is known.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        Some(self.free_bytes.load(Ordering::Relaxed)).filter(|free| *free != u64::MAX)
    }

    pub(crate) fn disk_low(&self) -> bool {
        self.disk_low.load(Ordering::Relaxed)
    }

    /// The next batch; empty after `idle` without writes, `None` when closed and empty. When there are writes, it waits
    /// up to `gather` for [`ENOUGH`] of them.
    pub(super) fn take(&self, batch: &mut Vec<Ticket>, gather: Duration, idle: Duration) -> Option<()> {
        let mut inner = self.wait(self.lock(), 1, idle);
        if !gather.is_zero() && inner.waiting() > 0 {
            inner = self.wait(inner, ENOUGH, gather);
        }
        if inner.tickets.is_empty() && inner.state == State::Closed {
            return None;
        }
        let (mut bytes, mut deliveries) = (0, 0);
        while batch.len() < limits::COMMIT_WRITES
            && let Some(ticket) = inner.tickets.front()
            && (batch.is_empty()
                || (bytes + ticket.bytes() <= limits::COMMIT_BYTES
                    && deliveries + ticket.deliveries <= limits::COMMIT_DELIVERIES))
        {
            bytes += ticket.bytes();
            deliveries += ticket.deliveries;
            batch.extend(inner.tickets.pop_front());
        }
        inner.bytes -= bytes;
        batch.extend(inner.parts.pop_front());
        Some(())
    }

    /// Fails everything that waits and refuses what comes, until [`Queue::regain`]. False when closed.
    pub(super) fn lose(&self, wall_ms: i64, fault: Fault) -> bool {
        let mut inner = self.lock();
        let since_wall_ms = inner.lost.map_or(wall_ms, |lost| lost.since_wall_ms);
        inner.lost = Some(LostStore { since_wall_ms, fault });
        let mut waiting = std::mem::take(&mut inner.tickets);
        waiting.append(&mut inner.parts);
        inner.bytes = 0;
        inner.losses += 1;
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

    /// How often the store was lost.
    pub(super) fn losses(&self) -> u64 {
        self.lock().losses
    }

    /// Takes writes again: the driver has learned that the store is back after so many losses. If it was lost again
    /// meanwhile, the driver will learn that too.
    pub(crate) fn regain(&self, losses: u64) {
        let mut inner = self.lock();
        if inner.state == State::Lost && inner.losses == losses {
            inner.state = State::Open;
            inner.lost = None;
        }
    }

    /// Waits for a pulse; false when the queue was closed.
    pub(super) fn pause(&self, pulses: u32) -> bool {
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

    /// Wakes the committer if it waits for no more writes than there are.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        if inner.wake_at.is_some_and(|wake_at| inner.waiting() >= wake_at) {
            inner.wake_at = None;
            drop(inner);
            self.filled.notify_one();
        }
    }

    /// Waits until there are `count` writes, the queue is closed, or `limit` is over.
    fn wait<'a>(
        &self,
        mut inner: MutexGuard<'a, Inner>,
        count: usize,
        limit: Duration,
    ) -> MutexGuard<'a, Inner> {
        inner.wake_at = Some(count);
        let missing = |inner: &mut Inner| inner.waiting() < count && inner.state != State::Closed;
        let waited = self.filled.wait_timeout_while(inner, limit, missing);
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        inner.wake_at = None;
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use ringback_contract::kind::Kind;
    use ringback_core::event::NewEvent;
    use ringback_core::id::EndpointId;
    use ringback_core::time::Millis;

    use super::*;

    fn ticket(bytes: usize) -> Ticket {
        let event = NewEvent {
            company_id: 1,
            kind: Kind::Call,
            entity_id: 1,
            call_job_id: None,
            job_status: None,
            phone_hash: None,
            digest: [0; 32],
            body: Bytes::from(vec![b' '; bytes]),
            accepted_wall_ms: 0,
            idempotency: None,
        };
        Ticket {
            write: Write::Accept(Box::new(event)),
            reply: None,
            deliveries: 1,
            trace: None,
        }
    }

    #[test]
    fn it_is_full_by_writes_and_by_bytes_and_says_so() {
        for (bytes, most) in [
            (0, limits::QUEUE_WRITES),
            (limits::QUEUE_BYTES / 4, 4),
            (limits::QUEUE_BYTES / 4 + 1, 4),
        ] {
            let queue = Queue::new();
            for _ in 0..most {
                assert!(!queue.is_full(), "{bytes}");
                queue.push(ticket(bytes)).unwrap();
            }
            assert!(queue.is_full(), "{bytes}");
            assert_eq!(queue.push(ticket(0)).unwrap_err(), Unavailable::Behind);
        }
    }

    #[test]
    fn a_commit_takes_as_many_deliveries_as_its_limit_but_always_one_event() {
        for (each, taken) in [
            (1, limits::COMMIT_WRITES),
            (100, limits::COMMIT_DELIVERIES / 100),
            (limits::COMMIT_DELIVERIES, 1),
            (limits::COMMIT_DELIVERIES + 1, 1),
        ] {
            let queue = Queue::new();
            for _ in 0..=limits::COMMIT_WRITES {
                let deliveries = each;
                queue
                    .push(Ticket {
                        deliveries,
                        ..ticket(0)
                    })
                    .unwrap();
            }
            let mut batch = Vec::new();
            queue.take(&mut batch, Duration::ZERO, Duration::ZERO).unwrap();
            assert_eq!(batch.len(), taken, "{each}");
        }
    }

    #[test]
    fn a_commit_takes_one_part_of_what_goes_over_an_endpoint_behind_everything_else() {
        let queue = Queue::new();
        let sweeps = [1, 3].map(|id| Write::Sweep {
            endpoint: EndpointId(id),
            after: None,
        });
        queue.push_own(&mut sweeps[..1].to_vec());
        let retry_now = Write::RetryNow {
            endpoint: EndpointId(2),
            cutoff: Millis(0),
            after: None,
        };
        queue
            .push(Ticket {
                write: retry_now,
                ..ticket(0)
            })
            .unwrap();
        queue.push_own(&mut sweeps[1..].to_vec());
        for (accepts, sweep) in [(1, Some(1)), (0, Some(2)), (2, Some(3)), (1, None)] {
            for _ in 0..accepts {
                queue.push(ticket(0)).unwrap();
            }
            let mut batch = Vec::new();
            queue.take(&mut batch, Duration::ZERO, Duration::ZERO).unwrap();
            let last = batch.last().and_then(|ticket| match ticket.write {
                Write::Sweep { endpoint, .. } | Write::RetryNow { endpoint, .. } => Some(endpoint.0),
                _ => None,
            });
            assert_eq!(
                (last, batch.len()),
                (sweep, accepts + usize::from(sweep.is_some()))
            );
        }
        queue.push_own(&mut vec![Write::Sweep {
            endpoint: EndpointId(1),
            after: None,
        }]);
        queue.close();
        assert_eq!(queue.take(&mut Vec::new(), Duration::ZERO, Duration::ZERO), None);
    }

    #[test]
    fn a_lost_store_is_lost_since_its_first_failure_and_for_its_last_cause() {
        let queue = Queue::new();
        assert_eq!(queue.lost(), None);
        assert!(queue.lose(1_000, Fault::Io));
        assert!(queue.lose(9_000, Fault::Full));
        let lost = queue.lost().unwrap();
        assert_eq!((lost.since_wall_ms, lost.fault), (1_000, Fault::Full));
        assert_eq!(queue.push(ticket(0)).unwrap_err(), Unavailable::StoreFailed);
        // The news of an earlier return comes too late.
        queue.regain(1);
        assert_eq!(queue.push(ticket(0)).unwrap_err(), Unavailable::StoreFailed);
        assert_eq!(queue.losses(), 2);
        queue.regain(2);
        assert_eq!(queue.lost(), None);
        queue.push(ticket(0)).unwrap();
        queue.close();
        assert!(!queue.lose(10_000, Fault::Io));
    }
}
