//! How often somebody may come: so many times per second, and at once as many as in one second.
//!
//! It is the generic cell rate algorithm: one number holds the moment until which what came is paid for. So a limit costs
//! eight bytes and one exchange of them, and waits for nobody.

use std::sync::atomic::{AtomicI64, Ordering};

const SECOND_NS: i64 = 1_000_000_000;

/// What somebody has used of his rate.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// A reading of the boot clock, in nanoseconds.
    paid_until_ns: AtomicI64,
}

impl Rate {
    /// Lets one through at this reading of the boot clock, at so many per second.
    ///
    /// # Errors
    /// It is too many; the answer is in how many seconds to come again, at least 1.
    pub(crate) fn take(&self, now_us: i64, per_second: u32) -> Result<(), u32> {
        let now_ns = now_us.saturating_mul(1000);
        let each_ns = SECOND_NS / i64::from(per_second.max(1));
        let next = |paid_ns: i64| paid_ns.max(now_ns).saturating_add(each_ns);
        let over = |paid_ns: i64| next(paid_ns) - now_ns - SECOND_NS;
        self.paid_until_ns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid_ns| {
                (over(paid_ns) <= 0).then(|| next(paid_ns))
            })
            .map(|_| ())
            .map_err(|paid_ns| {
                let seconds = over(paid_ns)
                    .max(0)
                    .unsigned_abs()
                    .div_ceil(SECOND_NS.unsigned_abs());
                u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many come through of 1,000 at each of these moments, in milliseconds.
    #[track_caller]
    fn check(per_second: u32, moments: &[(i64, usize)]) {
        let rate = Rate::default();
        // The boot clock does not begin at nothing.
        let begin_us = 3_600_000_000;
        for (ms, expected) in moments {
            let now_us = begin_us + ms * 1000;
            let taken = (0..1000)
                .filter(|_| rate.take(now_us, per_second).is_ok())
                .count();
            assert_eq!(taken, *expected, "{per_second} at {ms}");
        }
    }

    #[test]
    fn as_many_as_in_one_second_come_at_once_and_then_by_the_rate() {
        check(
            10,
            &[(0, 10), (50, 0), (100, 1), (350, 2), (1_350, 10), (60_000, 10)],
        );
        check(1, &[(0, 1), (999, 0), (1000, 1), (10_000, 1)]);
        check(300, &[(0, 300), (10, 3), (1_010, 300)]);
    }

    #[test]
    fn it_says_when_to_come_again() {
        let rate = Rate::default();
        assert_eq!(rate.take(0, 2), Ok(()));
        assert_eq!(rate.take(0, 2), Ok(()));
        assert_eq!(rate.take(0, 2), Err(1));
        assert_eq!(rate.take(499_999, 2), Err(1));
        assert_eq!(rate.take(500_000, 2), Ok(()));
    }
}
