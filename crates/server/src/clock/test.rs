//! A clock that stands still until a test turns it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::{Clock, Sleep};

/// Both clocks, turned by hand. Time passes only in [`TestClock::advance`]; whoever sleeps is woken when its
/// reading is reached.
#[derive(Debug)]
pub struct TestClock {
    state: Mutex<State>,
    /// Told whenever a sleeper is added, for [`TestClock::sleepers`].
    added: Notify,
}

#[derive(Debug)]
struct State {
    wall_ms: i64,
    boot_us: i64,
    next_sleeper: u64,
    sleepers: Vec<Sleeper>,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    boot_us: i64,
    waker: Waker,
}

/// Where the wall clock of a [`TestClock`] starts: 2026-01-01T00:00:00Z.
pub const WALL_START_MS: i64 = 1_767_225_600_000;

/// Where the boot clock of a [`TestClock`] starts: as if the machine had been up for an hour.
pub const BOOT_START_US: i64 = 3_600_000_000;

impl Default for TestClock {
    fn default() -> Self {
        let state = State {
            wall_ms: WALL_START_MS,
            boot_us: BOOT_START_US,
            next_sleeper: 0,
            sleepers: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            added: Notify::new(),
        }
    }
}

impl TestClock {
    /// A clock at [`WALL_START_MS`] and [`BOOT_START_US`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `ms` milliseconds pass on both clocks and wakes the sleepers whose reading is reached.
    pub fn advance(&self, ms: u32) {
        let due = {
            let mut state = self.state();
            state.wall_ms += i64::from(ms);
            state.boot_us += i64::from(ms) * 1_000;
            let now = state.boot_us;
            state
                .sleepers
                .extract_if(.., |sleeper| sleeper.boot_us <= now)
                .collect::<Vec<_>>()
        };
        for sleeper in due {
            sleeper.waker.wake();
        }
    }

    /// Steps the wall clock alone, as an administrator or a time service would. Nobody wakes: nothing waits for
    /// the wall clock.
    pub fn step_wall(&self, ms: i64) {
        self.state().wall_ms += ms;
    }

    /// Waits until at least `count` sleeps are under way. With it a test knows that the limit which it is about
    /// to let pass has been set.
    pub async fn sleepers(&self, count: usize) {
        loop {
            let added = self.added.notified();
            if self.state().sleepers.len() >= count {
                return;
            }
            added.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> i64 {
        self.state().wall_ms
    }

    fn boot_us(&self) -> i64 {
        self.state().boot_us
    }

    fn sleep_until(&self, boot_us: i64) -> Sleep<'_> {
        let id = {
            let mut state = self.state();
            state.next_sleeper += 1;
            state.next_sleeper
        };
        Box::pin(TestSleep {
            clock: self,
            id,
            boot_us,
        })
    }
}

struct TestSleep<'a> {
    clock: &'a TestClock,
    id: u64,
    boot_us: i64,
}

impl Future for TestSleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.boot_us >= self.boot_us {
            return Poll::Ready(());
        }
        match state.sleepers.iter_mut().find(|sleeper| sleeper.id == self.id) {
            Some(sleeper) => sleeper.waker.clone_from(cx.waker()),
            None => {
                state.sleepers.push(Sleeper {
                    id: self.id,
                    boot_us: self.boot_us,
                    waker: cx.waker().clone(),
                });
                drop(state);
                self.clock.added.notify_waiters();
            }
        }
        Poll::Pending
    }
}

impl Drop for TestSleep<'_> {
    fn drop(&mut self) {
        self.clock
            .state()
            .sleepers
            .retain(|sleeper| sleeper.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_leaves_the_boot_clock_alone() {
        let clock = TestClock::new();
        clock.step_wall(-5_000);
        assert_eq!(
            (clock.wall_ms(), clock.boot_us()),
            (WALL_START_MS - 5_000, BOOT_START_US)
        );
        clock.advance(7);
        assert_eq!(
            (clock.wall_ms(), clock.boot_us()),
            (WALL_START_MS - 4_993, BOOT_START_US + 7_000)
        );
    }

    #[tokio::test]
    async fn a_dropped_sleep_is_forgotten() {
        let clock = TestClock::new();
        {
            let mut sleep = clock.sleep_until(BOOT_START_US + 1);
            std::future::poll_fn(|cx| {
                assert!(sleep.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            clock.sleepers(1).await;
        }
        assert!(clock.state().sleepers.is_empty());
    }
}
