//! What may hold back a lane that has something due: the rate limit and the breaker (delivery rules, *Breaker*).
//!
//! A gate never uses up sends, and never lets anything through before its due time: it only says "not yet".

use crate::delivery::Outcome;
use crate::endpoint::{Breaker, RateLimit};
use crate::time::Millis;

/// Failures in a row that open the breaker…
const OPENS_AFTER: u32 = 10;
/// …when the first of them is at least this old.
const OPENS_OVER_MS: u64 = 5_000;
const FIRST_PROBE_MS: u64 = 1_000;
const LAST_PROBE_MS: u64 = 60_000;

/// What a finished send says about its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers.
    Up,
    /// It does not, or with a 5xx.
    Down,
    /// It was not asked.
    Neither,
}

impl Sign {
    pub(super) fn of(outcome: Outcome, status: Option<u16>) -> Self {
        match outcome {
            Outcome::Unreachable | Outcome::TimedOut => Self::Down,
            Outcome::Refused if status.is_some_and(|status| status >= 500) => Self::Down,
            Outcome::Acknowledged | Outcome::NotAcknowledged | Outcome::Refused => Self::Up,
            Outcome::Blocked => Self::Neither,
        }
    }
}

/// Why nothing may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Ask again at this moment.
    Until(Millis),
    /// Ask again when something in flight has ended.
    Result,
}

/// What a gate says to one more send, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It may go.
    Open,
    /// The breaker is open; it lets nothing through before this moment.
    Breaker(Millis),
    /// The breaker has closed a moment ago and lets no more out at once.
    Ramp,
    /// The rate limit has nothing left until this moment.
    RateLimit(Millis),
}

#[derive(Debug)]
enum State {
    /// Everything goes. `run` failures in a row, the first of them at `since`.
    Closed { run: u32, since: Millis },
    /// One probe per interval goes.
    Open {
        probe_at: Millis,
        interval_ms: u64,
        probing: bool,
    },
    /// Recovering: at most `limit` in flight, doubled by each answer.
    Ramp { limit: u32 },
}

#[derive(Debug)]
struct Bucket {
    limit: RateLimit,
    tokens: f64,
    at: Millis,
}

/// The gate of one lane.
#[derive(Debug)]
pub(super) struct Gate {
    state: State,
    breaker: Breaker,
    bucket: Option<Bucket>,
}

impl Gate {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Closed {
                run: 0,
                since: Millis::ZERO,
            },
            breaker: Breaker::Off,
            bucket: None,
        }
    }

    /// Takes over changed settings.
    pub(super) fn configure(&mut self, breaker: Breaker, rate: Option<RateLimit>, now: Millis) {
        self.breaker = breaker;
        if breaker == Breaker::Off {
            self.close();
        }
        if self.bucket.as_ref().map(|bucket| bucket.limit) != rate {
            self.bucket = rate.map(|limit| Bucket {
                limit,
                tokens: f64::from(limit.burst),
                at: now,
            });
        }
    }

    /// Forgets the failures.
    pub(super) const fn close(&mut self) {
        self.state = State::Closed {
            run: 0,
            since: Millis::ZERO,
        };
    }

    /// When the breaker lets the next probe through, while it is open.
    pub(super) const fn open_until(&self) -> Option<Millis> {
        match self.state {
            State::Open { probe_at, .. } => Some(probe_at),
            State::Closed { .. } | State::Ramp { .. } => None,
        }
    }

    /// Whether one more may go out while `in_flight` are.
    pub(super) fn admit(&mut self, now: Millis, in_flight: u32) -> Result<(), Wait> {
        if let Some(bucket) = &mut self.bucket {
            bucket.fill(now);
        }
        match (self.check(now, in_flight), &self.state) {
            (Check::Open, _) => Ok(()),
            (Check::Ramp, _) | (Check::Breaker(_), State::Open { probing: true, .. }) => Err(Wait::Result),
            (Check::Breaker(at) | Check::RateLimit(at), _) => Err(Wait::Until(at)),
        }
    }

    /// The same without its consequences, and why.
    pub(super) fn check(&self, now: Millis, in_flight: u32) -> Check {
        match self.state {
            State::Open {
                probe_at, probing, ..
            } if probing || now < probe_at => return Check::Breaker(probe_at),
            State::Ramp { limit } if in_flight >= limit => return Check::Ramp,
            State::Closed { .. } | State::Open { .. } | State::Ramp { .. } => {}
        }
        self.bucket
            .as_ref()
            .and_then(|bucket| bucket.empty_until(now))
            .map_or(Check::Open, Check::RateLimit)
    }

    /// One went out.
    pub(super) fn sent(&mut self) {
        if let Some(bucket) = &mut self.bucket {
            bucket.tokens -= 1.0;
        }
        if let State::Open { probing, .. } = &mut self.state {
            *probing = true;
        }
    }

    /// One ended. Says whether the breaker opened just now.
    pub(super) fn ended(&mut self, sign: Sign, now: Millis, max_in_flight: u32) -> bool {
        match (&mut self.state, sign) {
            (State::Open { probing, .. }, Sign::Neither) => *probing = false,
            (State::Closed { .. } | State::Ramp { .. }, Sign::Neither) => {}
            (State::Closed { run, .. }, Sign::Up) => *run = 0,
            (State::Closed { run, since }, Sign::Down) => {
                if *run == 0 {
                    *since = now;
                }
                *run = run.saturating_add(1);
                if self.breaker == Breaker::On && *run >= OPENS_AFTER && now.since(*since) >= OPENS_OVER_MS {
                    self.open(now);
                    return true;
                }
            }
            (State::Open { probing: false, .. }, Sign::Down) => {}
            (
                State::Open {
                    probe_at,
                    interval_ms,
                    probing,
                },
                Sign::Down,
            ) => {
                *interval_ms = (*interval_ms * 2).min(LAST_PROBE_MS);
                *probe_at = now.plus(*interval_ms);
                *probing = false;
            }
            (State::Open { .. }, Sign::Up) => self.state = State::Ramp { limit: 1 },
            (State::Ramp { limit }, Sign::Up) => {
                *limit = limit.saturating_mul(2);
                if *limit >= max_in_flight {
                    self.close();
                }
            }
            (State::Ramp { .. }, Sign::Down) => {
                self.open(now);
                return true;
            }
        }
        false
    }

    fn open(&mut self, now: Millis) {
        self.state = State::Open {
            probe_at: now.plus(FIRST_PROBE_MS),
            interval_ms: FIRST_PROBE_MS,
            probing: false,
        };
    }
}

impl Bucket {
    /// Adds what came in since the last time.
    fn fill(&mut self, now: Millis) {
        self.tokens = self.tokens_at(now);
        self.at = self.at.max(now);
    }

    fn tokens_at(&self, now: Millis) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "an elapsed time of 2^52 ms is 142,000 years"
        )]
        let elapsed_s = now.since(self.at) as f64 / 1000.0;
        (self.tokens + elapsed_s * self.limit.per_second).min(f64::from(self.limit.burst))
    }

    /// When there is enough for one send; `None` when there is already.
    fn empty_until(&self, now: Millis) -> Option<Millis> {
        let tokens = self.tokens_at(now);
        if tokens >= 1.0 {
            return None;
        }
        let wait_ms = ((1.0 - tokens) / self.limit.per_second * 1000.0).ceil().max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 1, and float casts saturate"
        )]
        Some(now.plus(wait_ms as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Gate {
        let mut gate = Gate::new();
        gate.configure(Breaker::On, None, Millis::ZERO);
        gate
    }

    /// Feeds failures at these moments; the breaker is open afterwards or not.
    fn check_opening(failures: &[(i64, Sign)], open: bool) {
        let mut gate = breaker();
        for &(at, sign) in failures {
            gate.ended(sign, Millis(at), 32);
        }
        assert_eq!(gate.open_until().is_some(), open, "{failures:?}");
    }

    #[test]
    fn ten_failures_over_five_seconds_open_it() {
        let every = |step: i64, count: i64| (0..count).map(|i| (i * step, Sign::Down)).collect::<Vec<_>>();
        check_opening(&every(556, 10), true);
        check_opening(&every(556, 9), false);
        check_opening(&every(10, 100), false);
        check_opening(&every(555, 10), false);
        let mut interrupted = every(556, 9);
        interrupted.push((5004, Sign::Up));
        interrupted.push((5560, Sign::Down));
        check_opening(&interrupted, false);
        let mut undecided = every(556, 9);
        undecided.push((5002, Sign::Neither));
        undecided.push((5004, Sign::Down));
        check_opening(&undecided, true);
    }

    #[test]
    fn only_failures_to_answer_count() {
        for (outcome, status, sign) in [
            (Outcome::Unreachable, None, Sign::Down),
            (Outcome::TimedOut, None, Sign::Down),
            (Outcome::Refused, Some(500), Sign::Down),
            (Outcome::Refused, Some(503), Sign::Down),
            (Outcome::Refused, Some(499), Sign::Up),
            (Outcome::Refused, Some(302), Sign::Up),
            (Outcome::NotAcknowledged, Some(200), Sign::Up),
            (Outcome::Acknowledged, Some(200), Sign::Up),
            (Outcome::Blocked, None, Sign::Neither),
        ] {
            assert_eq!(Sign::of(outcome, status), sign, "{outcome:?} {status:?}");
        }
    }

    #[test]
    fn probes_come_at_doubling_intervals_of_at_most_a_minute() {
        let mut gate = breaker();
        gate.open(Millis::ZERO);
        let mut now = Millis::ZERO;
        for interval in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            assert_eq!(gate.admit(now, 0), Err(Wait::Until(now.plus(interval))));
            now = now.plus(interval);
            assert_eq!(gate.admit(now, 0), Ok(()));
            gate.sent();
            assert_eq!(gate.admit(now, 1), Err(Wait::Result));
            gate.ended(Sign::Down, now, 32);
        }
    }

    #[test]
    fn recovery_ramps_up() {
        let mut gate = breaker();
        gate.open(Millis::ZERO);
        let now = Millis(1_000);
        gate.sent();
        gate.ended(Sign::Up, now, 4);
        assert_eq!(
            (gate.admit(now, 0), gate.admit(now, 1)),
            (Ok(()), Err(Wait::Result))
        );
        gate.ended(Sign::Up, now, 4);
        assert_eq!(
            (gate.admit(now, 1), gate.admit(now, 2)),
            (Ok(()), Err(Wait::Result))
        );
        gate.ended(Sign::Up, now, 4);
        assert_eq!(gate.admit(now, 1000), Ok(()));
    }

    #[test]
    fn a_late_failure_does_not_push_the_probe_away() {
        let mut gate = breaker();
        gate.open(Millis::ZERO);
        gate.ended(Sign::Down, Millis(900), 32);
        assert_eq!(gate.open_until(), Some(Millis(1_000)));
    }

    #[test]
    fn the_rate_is_kept_and_the_burst_allowed() {
        let mut gate = Gate::new();
        gate.configure(
            Breaker::Off,
            Some(RateLimit {
                per_second: 10.0,
                burst: 2,
            }),
            Millis::ZERO,
        );
        let mut sent = Vec::new();
        let mut now = Millis::ZERO;
        while sent.len() < 6 {
            match gate.admit(now, 0) {
                Ok(()) => {
                    gate.sent();
                    sent.push(now.0);
                }
                Err(Wait::Until(next)) => now = next,
                Err(Wait::Result) => panic!("a rate limit waits for time only"),
            }
        }
        assert_eq!(sent, [0, 0, 100, 200, 300, 400]);
    }
}
