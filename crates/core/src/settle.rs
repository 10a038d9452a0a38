//! What follows from a finished send, and from the end of the maximum age.

use crate::delivery::{Outcome, Work};
use crate::planted::{Mistake, planted};
use crate::time::Millis;

/// What a delivery does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Delivered,
    /// It is sent again, not before this moment.
    Retry(Millis),
    /// Its schedule or its maximum age has ended.
    Exhausted,
}

/// What follows from the outcome of send number `n`, which ended at `now`.
///
/// `jitter_ms` is added to the gap; `retry_after_ms` is what the receiver asked for. The next send is never earlier
/// than the gap, and a receiver can push it no further than the maximum age. When the next due time would lie beyond
/// the maximum age, the delivery is exhausted at once.
#[must_use]
pub fn after_send(
    work: &Work,
    n: u32,
    outcome: Outcome,
    now: Millis,
    jitter_ms: u64,
    retry_after_ms: Option<u64>,
) -> Next {
    if outcome == Outcome::Acknowledged {
        return Next::Delivered;
    }
    let after = if planted(Mistake::TakesNextGap) { n + 1 } else { n };
    let Some(gap_ms) = work.schedule.gap_after(after) else {
        return Next::Exhausted;
    };
    let end = age_end(work, now);
    let due = now.plus(gap_ms).plus(jitter_ms);
    if due > end {
        return Next::Exhausted;
    }
    if let Some(ms) = retry_after_ms.filter(|_| planted(Mistake::ObeysRetryAfter)) {
        return Next::Retry(now.plus(ms).min(end));
    }
    let asked = retry_after_ms.map_or(due, |ms| now.plus(ms).min(end));
    Next::Retry(due.max(asked))
}

/// Whether the maximum age ended before a waiting delivery could be sent again. A delivery that has had no send still
/// gets one; so does one that is due at the very end, where a receiver's `Retry-After` can push it: whatever is done at
/// that moment is done a little after it.
#[must_use]
pub fn expired(work: &Work, now: Millis) -> bool {
    let end = age_end(work, now);
    work.sends > 0 && work.due < end && now > end
}

fn age_end(work: &Work, now: Millis) -> Millis {
    work.age
        .running(now)
        .end(work.schedule.max_age_ms())
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use ringback_contract::kind::Kind;
    use ringback_contract::schedule::{Preset, Schedule};

    use super::*;
    use crate::delivery::Age;
    use crate::endpoint::FixedProfile;
    use crate::event::OrderKey;
    use crate::id::{DeliveryId, EndpointId, EventId};

    const T0: Millis = Millis(1_000_000);
    const HOUR: u64 = 3_600_000;

    fn work(schedule: Schedule, sends: u32) -> Work {
        Work {
            id: DeliveryId(1),
            event_id: EventId(1),
            endpoint: EndpointId(1),
            key: OrderKey::of(Kind::Call, 1),
            due: T0,
            age: Age::starting(T0),
            sends,
            schedule: Arc::new(schedule),
            profile: FixedProfile::V1,
            body: Bytes::new(),
        }
    }

    #[test]
    fn every_failure_waits_for_the_gap_and_the_last_one_exhausts() {
        for preset in [Preset::Seed, Preset::Seed10, Preset::Table2019, Preset::V2] {
            let schedule = Schedule::preset(preset);
            let mut work = work(schedule.clone(), 0);
            let mut now = T0;
            let mut sends = 0;
            loop {
                sends += 1;
                match after_send(&work, sends, Outcome::Refused, now, 0, None) {
                    Next::Retry(due) => {
                        assert_eq!(due, now.plus(schedule.gap_after(sends).unwrap()));
                        now = due;
                        work.sends = sends;
                    }
                    Next::Exhausted => break,
                    Next::Delivered => panic!("a refusal delivered"),
                }
            }
            assert_eq!(schedule.gap_after(sends), None, "{preset:?}");
        }
    }

    #[test]
    fn only_an_acknowledgement_delivers() {
        for outcome in Outcome::ALL {
            let next = after_send(&work(Schedule::default(), 0), 1, outcome, T0, 0, None);
            let expected = if outcome == Outcome::Acknowledged {
                Next::Delivered
            } else {
                Next::Retry(T0.plus(60_000))
            };
            assert_eq!(next, expected, "{outcome:?}");
        }
    }

    /// One gap of an hour with a maximum age in milliseconds; the send ends `elapsed` after it was first due.
    #[test]
    fn a_due_time_beyond_the_maximum_age_exhausts_at_once() {
        for (max_age, elapsed, used, jitter, expected) in [
            (2 * HOUR, 0, 0, 0, Some(HOUR)),
            (2 * HOUR, HOUR, 0, 0, Some(2 * HOUR)),
            (2 * HOUR, HOUR + 1, 0, 0, None),
            (2 * HOUR, HOUR, 0, 1, None),
            (2 * HOUR, 0, HOUR, 0, Some(HOUR)),
            (2 * HOUR, 0, HOUR + 1, 0, None),
            (HOUR - 1, 0, 0, 0, None),
        ] {
            let mut work = work(Schedule::custom(vec![HOUR], max_age).unwrap(), 0);
            work.age.used_ms = used;
            let next = after_send(&work, 1, Outcome::Refused, T0.plus(elapsed), jitter, None);
            assert_eq!(
                next,
                expected.map_or(Next::Exhausted, |ms| Next::Retry(T0.plus(ms)))
            );
        }
    }

    #[test]
    fn retry_after_is_never_earlier_than_the_gap_nor_later_than_the_maximum_age() {
        for (asked, expected) in [
            (0, 60_000),
            (59_999, 60_000),
            (60_001, 60_001),
            (u64::MAX, 24 * HOUR),
            (25 * HOUR, 24 * HOUR),
        ] {
            let next = after_send(
                &work(Schedule::default(), 0),
                1,
                Outcome::Refused,
                T0,
                0,
                Some(asked),
            );
            assert_eq!(next, Next::Retry(T0.plus(expected)), "{asked}");
        }
    }

    #[test]
    fn what_a_receiver_pushed_to_the_end_of_the_maximum_age_is_sent_once_more() {
        let mut work = work(Schedule::default(), 0);
        let next = after_send(&work, 1, Outcome::Refused, T0, 0, Some(u64::MAX));
        let Next::Retry(due) = next else {
            panic!("{next:?}")
        };
        work.due = due;
        work.sends = 1;
        let late = due.plus(5);
        assert!(!expired(&work, late));
        assert_eq!(
            after_send(&work, 2, Outcome::Refused, late, 0, Some(0)),
            Next::Exhausted
        );
    }

    #[test]
    fn a_delivery_without_a_send_outlives_its_maximum_age() {
        for (sends, elapsed, expected) in [
            (0, 25 * HOUR, false),
            (1, 24 * HOUR, false),
            (1, 24 * HOUR + 1, true),
            (3, 25 * HOUR, true),
        ] {
            assert_eq!(
                expired(&work(Schedule::default(), sends), T0.plus(elapsed)),
                expected
            );
        }
    }
}
