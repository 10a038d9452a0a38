//! The end of the maximum age, the breaker and the rate limit, through the engine.

use super::rig::{Answer, HOUR, MINUTE, Rig, SECOND, T0, answer, schedule};
use crate::delivery::{Outcome, State};
use crate::endpoint::{Breaker, RateLimit};
use crate::engine::Input;
use crate::id::EndpointId;

const ACK: Answer = answer(0, Outcome::Acknowledged);
const DOWN: Answer = answer(0, Outcome::Unreachable);

/// A delivery that waits behind a lane with one slot, taken for `blocked`; its schedule is one gap of a minute.
fn check_age(max_age: u64, blocked: u64, earlier_sends: u32, starts: &[u64], state: State) {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.accept(1, 1);
    let mut row = rig.row(1, 99);
    row.schedule = schedule(&[MINUTE], max_age);
    row.sends = earlier_sends;
    rig.accept_row(row);
    rig.run(100 * HOUR, |started| match started.delivery {
        1 => answer(blocked, Outcome::Acknowledged),
        _ => DOWN,
    });
    assert_eq!(rig.starts(2), starts);
    assert_eq!(rig.states(), [State::Delivered, state]);
    rig.assert_idle();
}

#[test]
fn waiting_for_a_slot_uses_up_the_maximum_age() {
    check_age(HOUR, 0, 0, &[0, MINUTE], State::Exhausted);
    // Beyond its age it gets the one send that it has not had …
    check_age(HOUR, 2 * HOUR, 0, &[2 * HOUR], State::Exhausted);
    // … and none when it has had one.
    check_age(HOUR, 2 * HOUR, 1, &[], State::Exhausted);
    check_age(HOUR, HOUR, 1, &[HOUR], State::Exhausted);
    check_age(HOUR, HOUR - MINUTE, 0, &[HOUR - MINUTE, HOUR], State::Exhausted);
    check_age(HOUR, HOUR - MINUTE + 1, 0, &[HOUR - MINUTE + 1], State::Exhausted);
}

#[test]
fn the_end_of_an_age_is_recorded_without_a_send_and_lets_the_next_of_the_key_go() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.accept(1, 1);
    for sends in [1, 0] {
        let mut row = rig.row(1, 99);
        row.schedule = schedule(&[MINUTE], HOUR);
        row.sends = sends;
        rig.accept_row(row);
    }
    rig.run(100 * HOUR, |started| match started.delivery {
        1 => answer(2 * HOUR, Outcome::Acknowledged),
        _ => ACK,
    });
    assert_eq!((rig.starts(2), rig.starts(3)), (vec![], vec![2 * HOUR]));
    assert_eq!(
        rig.store.rows().map(|row| row.sends).collect::<Vec<_>>(),
        [1, 1, 1]
    );
    rig.assert_idle();
}

#[test]
fn the_breaker_opens_and_lets_one_due_delivery_through_per_interval() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.accept(1, 100);
    rig.run(60 * SECOND, |_| answer(600, Outcome::TimedOut));
    let starts: Vec<_> = rig.sent.iter().map(|started| started.at).collect();
    // Ten failures, the first at 600, the last at 6,000; then each probe's failure doubles the interval.
    let mut expected: Vec<u64> = (0..10).map(|n| n * 600).collect();
    let mut at = 6_000;
    for interval in [1_000, 2_000, 4_000, 8_000, 16_000] {
        at += interval;
        expected.push(at);
        at += 600;
    }
    assert_eq!(starts, expected);
    assert_eq!(rig.engine.stats().breaker_opened, 1);
    assert!(rig.engine.breaker_open_until(EndpointId(1)).is_some());
}

#[test]
fn a_lone_delivery_is_at_most_a_minute_late_behind_the_breaker_and_never_early() {
    let mut rig = Rig::new(&[|_| (), |_| ()]);
    let mut row = rig.row(1, 1);
    row.schedule = schedule(&[SECOND; 20], 24 * HOUR);
    rig.accept_row(row);
    rig.run(HOUR, |_| DOWN);
    let starts = rig.starts(1);
    assert_eq!(starts.len(), 21, "waiting behind the breaker uses up no sends");
    for (n, pair) in starts.windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        assert!((SECOND..=MINUTE).contains(&gap), "send {n}: {gap}");
    }
    assert_eq!(starts[20] - starts[19], MINUTE);
}

#[test]
fn recovery_ramps_up_and_other_lanes_do_not_notice() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 8, |_| ()]);
    rig.accept(1, 200);
    rig.run(8 * SECOND, |_| answer(600, Outcome::Unreachable));
    assert!(rig.engine.breaker_open_until(EndpointId(1)).is_some());
    rig.accept(2, 5);
    let before = rig.sent.len();
    rig.run(9 * SECOND, |_| answer(10, Outcome::Acknowledged));
    assert!(
        rig.sent[before..]
            .iter()
            .any(|s| s.endpoint == 2 && s.at == 8 * SECOND)
    );
    rig.run(HOUR, |_| answer(10, Outcome::Acknowledged));
    assert_eq!(rig.engine.breaker_open_until(EndpointId(1)), None);
    assert!(rig.states().iter().all(|state| *state == State::Delivered));
    let recovered: Vec<u64> = rig.sent[before..]
        .iter()
        .filter(|s| s.endpoint == 1)
        .map(|s| s.at)
        .collect();
    let first = recovered[0];
    let at = |ms: u64| recovered.iter().filter(|at| **at == first + ms).count();
    assert_eq!((at(0), at(10), at(20), at(30)), (1, 1, 2, 8), "{recovered:?}");
    rig.assert_idle();
}

#[test]
fn without_breaker_nothing_is_held_back() {
    let mut rig = Rig::new(&[|settings| {
        settings.breaker = Breaker::Off;
        settings.max_in_flight = 1;
    }]);
    rig.accept(1, 100);
    rig.run(59 * SECOND, |_| answer(600, Outcome::Unreachable));
    assert_eq!(rig.sent.len(), 99);
}

#[test]
fn retry_now_closes_the_breaker() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1]);
    rig.accept(1, 50);
    rig.run(7 * SECOND, |_| answer(600, Outcome::Unreachable));
    assert!(rig.engine.breaker_open_until(EndpointId(1)).is_some());
    rig.store.retry_now(EndpointId(1), rig.now);
    rig.handle(Input::RetryNow(EndpointId(1)));
    assert_eq!(rig.engine.breaker_open_until(EndpointId(1)), None);
    rig.run(8 * SECOND, |_| ACK);
    let open = rig
        .states()
        .iter()
        .filter(|state| **state == State::Pending)
        .count();
    assert_eq!(
        open, 1,
        "all but the probe that was in flight, and fails after the request"
    );
}

#[test]
fn the_rate_is_kept_over_the_whole_lane() {
    let mut rig = Rig::new(&[|settings| {
        settings.rate_limit = Some(RateLimit {
            per_second: 10.0,
            burst: 5,
        });
    }]);
    rig.accept(1, 1500);
    rig.run(HOUR, |_| ACK);
    let starts: Vec<_> = rig.sent.iter().map(|started| started.at).collect();
    assert_eq!(starts.len(), 1500);
    for (n, at) in (0..).zip(&starts) {
        let earliest: u64 = if n < 5 { 0 } else { (n - 4) * 100 };
        assert!(
            (earliest..=earliest + 5).contains(at),
            "send {n} at {at}, not {earliest}"
        );
    }
    rig.assert_idle();
}

#[test]
fn a_changed_rate_acts_at_once() {
    let mut rig = Rig::new(&[|settings| {
        settings.rate_limit = Some(RateLimit {
            per_second: 0.001,
            burst: 1,
        });
    }]);
    rig.accept(1, 10);
    rig.run(SECOND, |_| ACK);
    assert_eq!(rig.sent.len(), 1);
    rig.configure(1, |_| ());
    rig.settle();
    assert_eq!(rig.sent.len(), 10);
    assert_eq!(rig.now, T0.plus(SECOND));
}
