//! What keeps a due delivery from being sent, as the engine tells it.

use super::rig::{Answer, Rig, SECOND, T0, answer};
use crate::delivery::Outcome;
use crate::endpoint::{RateLimit, Settings};
use crate::engine::HeldBack;
use crate::id::{DeliveryId, EndpointId};

const DOWN: Answer = answer(SECOND, Outcome::Unreachable);
const SLOW: Answer = answer(60 * SECOND, Outcome::Acknowledged);

/// What is said of a due delivery that is the last of `count`, at `at` seconds, by a receiver that always answers so.
fn check(change: fn(&mut Settings), count: usize, receiver: Answer, at: u64, expected: Option<HeldBack>) {
    let mut rig = Rig::new(&[change]);
    rig.accept(1, count);
    rig.run(at * SECOND, |_| receiver);
    let last = DeliveryId(i64::try_from(count).unwrap());
    let found = rig.engine.held_back(rig.now, EndpointId(1), last);
    assert_eq!(found, expected, "{count} {receiver:?} {at}");
}

#[test]
fn a_due_delivery_is_held_back_by_its_lane() {
    let one = |settings: &mut Settings| settings.max_in_flight = 1;
    check(one, 2, SLOW, 1, Some(HeldBack::InFlight));
    // It is being sent.
    check(one, 1, SLOW, 1, None);
    let rated = |settings: &mut Settings| {
        settings.rate_limit = Some(RateLimit {
            per_second: 0.1,
            burst: 1,
        });
    };
    check(rated, 2, SLOW, 1, Some(HeldBack::RateLimit(T0.plus(10 * SECOND))));
    // The tenth failure in a row is that of second 10; the first probe comes a second later and fails after another.
    check(one, 30, DOWN, 10, Some(HeldBack::Breaker(T0.plus(11 * SECOND))));
    check(one, 30, DOWN, 12, Some(HeldBack::Breaker(T0.plus(14 * SECOND))));
    check(|settings| settings.enabled = false, 1, SLOW, 1, None);
}

#[test]
fn nothing_is_said_of_an_endpoint_without_a_lane() {
    let rig = Rig::new(&[|_| ()]);
    assert_eq!(rig.engine.held_back(T0, EndpointId(9), DeliveryId(1)), None);
}
