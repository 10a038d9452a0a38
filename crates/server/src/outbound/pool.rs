//! The idle connections of one target.
//!
//! A connection is put back only after its answer was read to its end. It is idle for at most
//! [`Limits::idle_ms`](super::Limits::idle_ms): common receivers close after 5 s, and a request must not meet that
//! moment. A sweeper closes what nobody takes; it ends when nothing is idle.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::connection::Connection;
use crate::clock::{Clock, after};
use crate::tasks;

/// How many idle connections there may be, over all targets, and how many there are.
#[derive(Debug)]
pub(super) struct IdleBudget {
    limit: usize,
    used: AtomicUsize,
}

impl IdleBudget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    fn take(self: &Arc<Self>) -> Option<IdlePlace> {
        let within = |used| (used < self.limit).then_some(used + 1);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .ok()?;
        Some(IdlePlace(Arc::clone(self)))
    }

    /// How many connections are idle now.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// One idle connection's share of the budget.
#[derive(Debug)]
struct IdlePlace(Arc<IdleBudget>);

impl Drop for IdlePlace {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The idle connections of one target, the longest idle first.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    limit: usize,
    life: Duration,
    budget: Arc<IdleBudget>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Idle {
    connections: VecDeque<IdleConnection>,
    is_swept: bool,
}

struct IdleConnection {
    connection: Connection,
    until_us: i64,
    _place: IdlePlace,
}

impl Pool {
    pub(super) fn new(
        limit: usize,
        life: Duration,
        budget: Arc<IdleBudget>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            limit,
            life,
            budget,
            clock,
        })
    }

    /// The connection that was used last, if it is still fresh: so as few as possible are kept busy, and the rest
    /// can go.
    pub(super) fn take(&self) -> Option<Connection> {
        let now = self.clock.boot_us();
        let youngest = self.idle().connections.pop_back()?;
        (youngest.until_us > now).then_some(youngest.connection)
    }

    /// Keeps a connection for the next send, or closes it where there are enough.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let Some(place) = self.budget.take() else { return };
        let until_us = after(self.clock.boot_us(), self.life);
        let mut idle = self.idle();
        if idle.connections.len() >= self.limit {
            return;
        }
        idle.connections.push_back(IdleConnection {
            connection,
            until_us,
            _place: place,
        });
        if !idle.is_swept {
            idle.is_swept = true;
            tasks::spawn_detached(sweep(Arc::downgrade(self), Arc::clone(&self.clock)));
        }
    }

    /// Closes what has been idle for too long. The reading of the boot clock at which to look again; `None` when
    /// nothing is idle, and then the sweeper must end.
    fn expire(&self) -> Option<i64> {
        let now = self.clock.boot_us();
        let mut idle = self.idle();
        let expired = idle
            .connections
            .iter()
            .take_while(|idle| idle.until_us <= now)
            .count();
        let expired = idle.connections.drain(..expired).collect::<Vec<_>>();
        let next = idle.connections.front().map(|oldest| oldest.until_us);
        idle.is_swept = next.is_some();
        // Closing sockets takes system calls: not while others wait for the pool.
        drop(idle);
        drop(expired);
        next
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the idle connections of a pool in time, until none is left or the pool has gone.
async fn sweep(pool: Weak<Pool>, clock: Arc<dyn Clock>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.expire()) {
        clock.sleep_until(next).await;
    }
}
