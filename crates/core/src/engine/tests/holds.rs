//! The engine asks for a look at the holds when it was told to, and reads what that let go.

use super::rig::{Answer, Rig, SECOND, T0, answer};
use crate::delivery::Outcome;
use crate::engine::Input;
use crate::id::EndpointId;
use crate::store::Recorded;

const ACK: Answer = answer(0, Outcome::Acknowledged);

#[test]
fn holds_are_looked_at_when_their_moment_has_come() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.handle(Input::Holds(T0.plus(5 * SECOND)));
    rig.handle(Input::Holds(T0.plus(9 * SECOND)));
    rig.run(4 * SECOND, |_| ACK);
    assert_eq!(
        (&*rig.hold_checks, rig.engine.next_wake()),
        (&[][..], Some(T0.plus(5 * SECOND)))
    );
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!(rig.hold_checks, [5 * SECOND]);
    // The answer is still out: no second look.
    assert_eq!(rig.engine.next_wake(), None);
    rig.handle(Input::HoldsChecked {
        released: Vec::new(),
        next: Some(T0.plus(9 * SECOND)),
    });
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!(rig.hold_checks, [5 * SECOND, 9 * SECOND]);
    rig.handle(Input::HoldsChecked {
        released: Vec::new(),
        next: None,
    });
    assert_eq!(rig.engine.next_wake(), None);
}

#[test]
fn the_hold_of_the_next_of_a_key_is_looked_at_too() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.accept(1, 1);
    rig.pump();
    let id = *rig.in_flight.keys().next().unwrap();
    rig.end(id, ACK);
    rig.pump();
    let report = rig.records.pop_front().unwrap();
    let recorded = Recorded {
        hold_check: Some(T0.plus(SECOND)),
        ..rig.store.record(rig.now, &report)
    };
    rig.handle(Input::Recorded(report.endpoint, Box::new(recorded)));
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!(rig.hold_checks, [SECOND]);
    rig.assert_idle();
}

#[test]
fn what_was_let_go_is_read_and_sent() {
    let mut rig = Rig::new(&[|_| ()]);
    let mut row = rig.row(1, 7);
    row.due = Some(T0.plus(SECOND));
    rig.commit_row(row);
    rig.untold.clear();
    rig.handle(Input::Holds(T0.plus(SECOND)));
    rig.run(SECOND, |_| ACK);
    assert_eq!((rig.starts(1), &*rig.hold_checks), (vec![], &[SECOND][..]));
    rig.handle(Input::HoldsChecked {
        released: vec![(EndpointId(1), rig.now)],
        next: None,
    });
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!(rig.starts(1), [SECOND]);
    rig.assert_idle();
}

#[test]
fn a_stopped_engine_looks_at_nothing() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.handle(Input::Holds(T0));
    rig.engine.stop();
    rig.run(60 * SECOND, |_| ACK);
    assert_eq!((&*rig.hold_checks, rig.engine.next_wake()), (&[][..], None));
}
