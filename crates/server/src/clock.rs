//! The one home of real clocks and of waiting for them.
//!
//! Two clocks serve two purposes. The *wall clock* is what people and receivers read; it may step in either
//! direction. The *boot clock* counts the time since the machine was started, suspend included, and never goes
//! back; every limit and every wait runs on it. Both are asked through [`Clock`], so that a test turns them by
//! hand with [`test::TestClock`] and nothing in a test waits for real time.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

pub mod test;

/// A wait that ends when the boot clock has reached a reading.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock: milliseconds since 1970-01-01T00:00:00Z. It may step in either direction.
    fn wall_ms(&self) -> i64;

    /// The boot clock: microseconds since the machine was started, suspend included. It never goes back.
    fn boot_us(&self) -> i64;

    /// Waits until [`Clock::boot_us`] is `boot_us` or later; not at all if it already is.
    fn sleep_until(&self, boot_us: i64) -> Sleep<'_>;
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealClock;

/// The longest that a real sleep goes without asking the boot clock again. Tokio's timers stand still while the
/// machine is suspended, the boot clock does not: after a resume no wait is late by more than this.
const LONGEST_NAP: Duration = Duration::from_secs(3);

#[expect(clippy::disallowed_methods, reason = "the home of real clocks")]
impl Clock for RealClock {
    fn wall_ms(&self) -> i64 {
        let now = clock_gettime(ClockId::Realtime);
        now.tv_sec
            .saturating_mul(1_000)
            .saturating_add(now.tv_nsec / 1_000_000)
    }

    fn boot_us(&self) -> i64 {
        let now = clock_gettime(ClockId::Boottime);
        now.tv_sec
            .saturating_mul(1_000_000)
            .saturating_add(now.tv_nsec / 1_000)
    }

    fn sleep_until(&self, boot_us: i64) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                let remaining = boot_us.saturating_sub(self.boot_us());
                let Some(remaining) = u64::try_from(remaining).ok().filter(|&us| us > 0) else {
                    return;
                };
                nap(Duration::from_micros(remaining).min(LONGEST_NAP)).await;
            }
        })
    }
}

/// One real sleep. It is not subject to Tokio's cooperative budget: a task that is kept busy by a flooding peer
/// must still see that its time is up.
#[expect(clippy::disallowed_methods, reason = "the home of real clocks")]
fn nap(duration: Duration) -> impl Future<Output = ()> {
    tokio::task::unconstrained(tokio::time::sleep(duration))
}

/// A limit passed before the work under it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time limit has passed")]
pub struct Elapsed;

/// Runs `work` for at most `limit` of boot time. Dropped, and so cancelled, when the limit passes first.
///
/// # Errors
/// [`Elapsed`] when the limit passed first.
pub async fn timeout<F: Future>(clock: &dyn Clock, limit: Duration, work: F) -> Result<F::Output, Elapsed> {
    timeout_at(clock, after(clock.boot_us(), limit), work).await
}

/// Runs `work` until the boot clock reads `boot_us` at the latest. Work that is done in the same moment counts as
/// done.
///
/// # Errors
/// [`Elapsed`] when the limit passed first.
pub async fn timeout_at<F: Future>(clock: &dyn Clock, boot_us: i64, work: F) -> Result<F::Output, Elapsed> {
    let mut work = pin!(work);
    // Made only when it is needed: much work, such as reading a body that is there already, is done at once.
    let mut sleep = None;
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => {
            let sleep = sleep.get_or_insert_with(|| clock.sleep_until(boot_us));
            sleep.as_mut().poll(cx).map(|()| Err(Elapsed))
        }
    })
    .await
}

/// The reading of the boot clock `span` after `boot_us`; the end of time where that cannot be expressed.
#[must_use]
pub fn after(boot_us: i64, span: Duration) -> i64 {
    boot_us.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use super::test::TestClock;
    use super::*;
    use crate::tasks;

    #[test]
    fn the_real_clocks_tell_a_plausible_time() {
        let clock = RealClock;
        let first = clock.boot_us();
        assert!(first > 0);
        assert!(clock.boot_us() >= first);
        // 2024-01-01 and 2100-01-01: catches seconds taken for milliseconds.
        assert!((1_704_067_200_000..4_102_444_800_000).contains(&clock.wall_ms()));
    }

    #[tokio::test]
    async fn a_real_sleep_does_not_end_early_and_a_past_one_not_late() {
        let clock = RealClock;
        let until = clock.boot_us() + 2_000;
        clock.sleep_until(until).await;
        assert!(clock.boot_us() >= until);
        clock.sleep_until(i64::MIN).await;
    }

    #[tokio::test]
    async fn work_that_is_done_wins_over_a_limit_that_has_passed() {
        let clock = TestClock::new();
        assert_eq!(timeout(&clock, Duration::ZERO, ready(7)).await, Ok(7));
        assert_eq!(
            timeout(&clock, Duration::ZERO, pending::<()>()).await,
            Err(Elapsed)
        );
    }

    #[tokio::test]
    async fn a_limit_passes_exactly_when_the_clock_reaches_it() {
        let clock = Arc::new(TestClock::new());
        let waiting = tasks::spawn("test", {
            let clock = Arc::clone(&clock);
            async move {
                let outcome = timeout(&*clock, Duration::from_millis(100), pending::<()>()).await;
                (outcome, clock.boot_us())
            }
        });
        let start = clock.boot_us();
        clock.sleepers(1).await;
        clock.advance(99);
        assert!(!waiting.is_finished());
        clock.advance(1);
        assert_eq!(waiting.await.unwrap(), (Err(Elapsed), start + 100_000));
    }

    #[test]
    fn far_limits_do_not_overflow() {
        assert_eq!(after(i64::MAX - 1, Duration::from_secs(9)), i64::MAX);
        assert_eq!(after(5, Duration::MAX), i64::MAX);
        assert_eq!(after(5, Duration::from_millis(2)), 2_005);
    }
}
