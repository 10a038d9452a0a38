//! How fast the robot's time passes.

use std::fmt;
use std::str::FromStr;

/// The longest wait between two events, in microseconds: nights, breaks and long redials are cut to it.
const WAIT_US: i64 = 2_000_000;

/// How many times as fast as real time the robot's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as it goes.
    Max,
    /// So many times, 0.1 to 100000.
    Times(f64),
}

impl FromStr for Speed {
    type Err = &'static str;

    /// Reads `max`, or a number with or without an `x`, such as `60x`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let number = text.strip_suffix('x').unwrap_or(text).parse().ok();
        number
            .filter(|times| (0.1..=100_000.0).contains(times))
            .map(Self::Times)
            .ok_or("allowed are max, or a number from 0.1 to 100000 with an x, such as 60x")
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Times(times) => write!(f, "{times}x"),
        }
    }
}

/// Says when an event's moment has come by the boot clock.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    /// The last event: when it was by the robot's time, and by the boot clock.
    last: Option<(i64, i64)>,
}

impl Pace {
    /// This speed.
    #[must_use]
    pub const fn new(speed: Speed) -> Self {
        Self { speed, last: None }
    }

    /// The reading of the boot clock, in microseconds, at which an event of this moment is told. Never earlier than the
    /// last one's; `now_us` for the first.
    pub fn due_us(&mut self, at_ms: i64, now_us: i64) -> i64 {
        let Some((last_ms, last_us)) = self.last else {
            self.last = Some((at_ms, now_us));
            return now_us;
        };
        let gap_us = match self.speed {
            Speed::Max => 0,
            Speed::Times(times) => real_us(at_ms.saturating_sub(last_ms), times),
        };
        let due_us = last_us.saturating_add(gap_us);
        self.last = Some((at_ms.max(last_ms), due_us));
        due_us
    }
}

/// How long so much of the robot's time lasts, at most [`WAIT_US`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "bounded by the longest wait; a microsecond more or less does not matter"
)]
fn real_us(robot_ms: i64, times: f64) -> i64 {
    let us = robot_ms.max(0) as f64 * 1000.0 / times;
    us.min(WAIT_US as f64) as i64
}

/// How much of the robot's time passes in so long.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "at most a few days; a millisecond more or less does not matter"
)]
fn robot_ms(real_us: i64, times: f64) -> i64 {
    (real_us as f64 * times / 1000.0) as i64
}

/// A clock that shows the robot's time, for who has to answer when nothing happens.
#[derive(Debug)]
pub(super) struct RobotClock {
    speed: Speed,
    /// A moment by the robot's time, and the same by the boot clock.
    at: (i64, i64),
}

impl RobotClock {
    /// A clock that shows `at_ms` now.
    pub(super) const fn new(speed: Speed, at_ms: i64, now_us: i64) -> Self {
        Self {
            speed,
            at: (at_ms, now_us),
        }
    }

    /// What it shows. With [`Speed::Max`] it stands until it is put forward.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a microsecond more or less does not matter, and years are far below 2^52 of them"
    )]
    pub(super) fn now_ms(&self, now_us: i64) -> i64 {
        let (at_ms, at_us) = self.at;
        match self.speed {
            Speed::Max => at_ms,
            Speed::Times(times) => {
                let passed_us = now_us.saturating_sub(at_us).max(0) as f64 * times;
                at_ms.saturating_add((passed_us / 1000.0) as i64)
            }
        }
    }

    /// When it will show `next_ms`, by the boot clock. Where that is too far away it is put forward, so that nobody waits
    /// longer than [`WAIT_US`].
    pub(super) fn await_ms(&mut self, next_ms: i64, now_us: i64) -> i64 {
        let Speed::Times(times) = self.speed else {
            self.at = (next_ms.max(self.at.0), now_us);
            return now_us;
        };
        let gap_us = real_us(next_ms.saturating_sub(self.now_ms(now_us)), times);
        if gap_us == WAIT_US {
            self.at = (next_ms.saturating_sub(robot_ms(WAIT_US, times)), now_us);
        }
        // A clock of whole milliseconds must not be read just before.
        now_us.saturating_add(gap_us).saturating_add(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read() {
        for (text, expected) in [
            ("max", Some(Speed::Max)),
            ("60x", Some(Speed::Times(60.0))),
            ("0.5", Some(Speed::Times(0.5))),
            ("0x", None),
            ("-1x", None),
            ("100001x", None),
            ("NaN", None),
            ("fast", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        assert_eq!(Speed::Times(60.0).to_string(), "60x");
    }

    #[test]
    fn gaps_shrink_with_the_speed_and_long_ones_are_cut() {
        let mut pace = Pace::new(Speed::Times(60.0));
        for (at_ms, now_us, expected) in [
            (1_000_000, 500, 500),
            (1_006_000, 600, 100_500),
            // Behind: the next one is due at once, and the time is made up for.
            (1_006_060, 900_000, 101_500),
            // A night.
            (100_000_000, 900_000, 2_101_500),
            (99_000_000, 900_000, 2_101_500),
        ] {
            assert_eq!(pace.due_us(at_ms, now_us), expected, "{at_ms}");
        }
        let mut pace = Pace::new(Speed::Max);
        assert_eq!((pace.due_us(0, 7), pace.due_us(1_000_000, 9)), (7, 7));
    }

    #[test]
    fn a_clock_shows_the_robots_time_and_is_put_forward_over_long_waits() {
        let mut clock = RobotClock::new(Speed::Times(60.0), 1_000_000, 0);
        assert_eq!(clock.now_ms(1_000_000), 1_060_000);
        // A minute of the robot's is a second.
        assert_eq!(clock.await_ms(1_120_000, 1_000_000), 2_001_000);
        assert_eq!(clock.now_ms(2_000_000), 1_120_000);
        // A night is cut to two seconds, however often somebody looks meanwhile.
        assert_eq!(clock.await_ms(50_000_000, 2_000_000), 4_001_000);
        assert_eq!(clock.await_ms(50_000_000, 3_000_000), 4_001_000);
        assert_eq!(clock.now_ms(4_000_000), 50_000_000);
        let mut clock = RobotClock::new(Speed::Max, 5, 0);
        assert_eq!(clock.now_ms(9_000_000), 5);
        assert_eq!((clock.await_ms(70, 9), clock.now_ms(9)), (9, 70));
    }
}
