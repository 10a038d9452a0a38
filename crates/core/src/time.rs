//! Engine time: the clock by which deliveries fall due and ids are given (delivery rules, *Clock*).
//!
//! Engine time starts as the wall clock, runs on elapsed boot time, follows the wall clock only by slewing and never
//! goes back. A step of the wall clock therefore neither sends early, nor stops sending, nor ends a delivery by age.

use serde::{Deserialize, Serialize};

use crate::planted::{Mistake, planted};

/// A moment of engine time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The earliest moment.
    pub const ZERO: Self = Self(0);

    /// The moment `ms` milliseconds later; the end of time where that overflows.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add_unsigned(ms))
    }

    /// The moment `ms` milliseconds earlier; the beginning of time where that overflows.
    #[must_use]
    pub fn minus(self, ms: u64) -> Self {
        Self(self.0.saturating_sub_unsigned(ms))
    }

    /// The milliseconds from `earlier` to this moment; 0 where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// The slewing clock. It is fed with readings of the wall clock and of boot time; it reads no clock itself.
#[derive(Clone, Debug)]
pub struct EngineClock {
    engine_us: i64,
    boot_us: i64,
    /// Microseconds that have passed and did not yet allow for one of slewing.
    rest_us: i64,
}

/// Slewing changes the rate of engine time by at most one part in this many: 1 ms per second.
const SLEW_DIVISOR: i64 = 1000;

impl EngineClock {
    /// A clock that starts at the wall clock's reading, or at `at_least` (the newest stored time) if that is later.
    #[must_use]
    pub fn new(wall_ms: i64, boot_us: i64, at_least: Millis) -> Self {
        Self {
            engine_us: wall_ms.max(at_least.0).saturating_mul(1000),
            boot_us,
            rest_us: 0,
        }
    }

    /// Engine time at these readings of the wall clock (Unix milliseconds) and of boot time (microseconds).
    pub fn read(&mut self, wall_ms: i64, boot_us: i64) -> Millis {
        if planted(Mistake::FollowsWallClock) {
            return Millis(wall_ms);
        }
        let elapsed = boot_us.saturating_sub(self.boot_us).max(0);
        self.boot_us = self.boot_us.max(boot_us);
        let free_running = self.engine_us.saturating_add(elapsed);
        let error = wall_ms.saturating_mul(1000).saturating_sub(free_running);
        let allows = self.rest_us + elapsed.min(i64::MAX / 2);
        let most = allows / SLEW_DIVISOR;
        self.rest_us = allows % SLEW_DIVISOR;
        self.engine_us = free_running.saturating_add(error.clamp(-most, most));
        Millis(self.engine_us / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds (wall ms, boot ms) readings and compares engine time in ms after each.
    fn check(start: (i64, i64, i64), steps: &[(i64, i64, i64)]) {
        let mut clock = EngineClock::new(start.0, start.1 * 1000, Millis(start.2));
        for &(wall, boot, expected) in steps {
            assert_eq!(
                clock.read(wall, boot * 1000),
                Millis(expected),
                "wall {wall} boot {boot}"
            );
        }
    }

    #[test]
    fn follows_the_wall_clock() {
        check(
            (1_000_000, 50, 0),
            &[(1_000_000, 50, 1_000_000), (1_001_000, 1_050, 1_001_000)],
        );
    }

    #[test]
    fn a_step_forward_is_slewed_one_millisecond_per_second() {
        check(
            (1_000_000, 0, 0),
            &[(4_600_000, 1_000, 1_001_001), (4_601_000, 2_000, 1_002_002)],
        );
    }

    #[test]
    fn a_step_back_never_takes_engine_time_back() {
        check(
            (1_000_000, 0, 0),
            &[(0, 0, 1_000_000), (0, 1_000, 1_000_999), (0, 2_000, 1_001_998)],
        );
    }

    #[test]
    fn starts_no_earlier_than_the_newest_stored_time() {
        check((1_000, 0, 9_000), &[(1_000, 0, 9_000), (2_000, 1_000, 9_999)]);
    }

    #[test]
    fn it_is_slewed_however_often_it_is_read() {
        let mut clock = EngineClock::new(1_000_000, 0, Millis(0));
        let readings = (1..=10_000).map(|tick| clock.read(2_000_000, tick * 100));
        assert_eq!(readings.last(), Some(Millis(1_001_001)));
    }

    #[test]
    fn boot_time_that_goes_back_changes_nothing() {
        check(
            (1_000, 500, 0),
            &[(1_000, 400, 1_000), (1_000, 500, 1_000), (1_100, 600, 1_100)],
        );
    }
}
