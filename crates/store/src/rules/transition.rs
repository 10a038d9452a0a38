//! The transitions of a delivery: the only places that change its state, its due time and its use of the maximum age.
//! The CHECK constraints of the SQL schemas repeat what they keep: a due time only while open, the age running exactly
//! while pending with a due time, a hold only while pending without one, settled exactly in a settled state.

use ringback_core::delivery::{Delivery, Hold, State};
use ringback_core::time::Millis;

/// It is pending, and not to be sent before `due`. Its age runs.
pub(super) fn make_due(delivery: &mut Delivery, due: Millis, now: Millis) {
    delivery.state = State::Pending;
    delivery.due = Some(due);
    delivery.hold = None;
    delivery.age = delivery.age.running(now);
}

/// It is pending, and held: as a waiting one, but nothing is before it in its key. Its age stands.
pub(super) fn hold(delivery: &mut Delivery, hold: Hold, now: Millis) {
    wait(delivery, now);
    delivery.hold = Some(hold);
}

/// It is pending, and waits for the head of its key. Its age stands.
pub(super) fn wait(delivery: &mut Delivery, now: Millis) {
    delivery.state = State::Pending;
    delivery.due = None;
    delivery.hold = None;
    delivery.age = delivery.age.stopped(now);
}

/// It is parked, and keeps its due time, but not its hold. Its age stands.
pub(super) fn park(delivery: &mut Delivery, now: Millis) {
    delivery.state = State::Parked;
    delivery.hold = None;
    delivery.age = delivery.age.stopped(now);
}

/// It is settled in this state, for good.
pub(super) fn settle(delivery: &mut Delivery, state: State, now: Millis) {
    delivery.state = state;
    delivery.due = None;
    delivery.hold = None;
    delivery.age = delivery.age.stopped(now);
    delivery.settled_at = Some(now);
}

/// Whether it is pending and waits for the head of its key.
pub(super) fn is_waiting(delivery: &Delivery) -> bool {
    delivery.state == State::Pending && delivery.due.is_none() && delivery.hold.is_none()
}
