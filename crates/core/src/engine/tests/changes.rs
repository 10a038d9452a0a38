//! Endpoints that are disabled, enabled, deleted and made due while work is under way.

use super::rig::{Answer, HOUR, MINUTE, Rig, SECOND, T0, answer};
use crate::delivery::{Outcome, State};
use crate::engine::Input;
use crate::id::{DeliveryId, EndpointId};

const ACK: Answer = answer(0, Outcome::Acknowledged);
const REFUSED: Answer = answer(0, Outcome::Refused);
const LANE: EndpointId = EndpointId(1);

fn disable(rig: &mut Rig) {
    rig.store.park(rig.now, LANE);
    rig.configure(1, |settings| settings.enabled = false);
}

fn enable(rig: &mut Rig) {
    rig.store.unpark(rig.now, LANE);
    rig.configure(1, |_| ());
}

#[test]
fn disabling_sends_nothing_more_and_what_is_in_flight_is_recorded() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 3]);
    rig.accept(1, 5);
    rig.settle();
    disable(&mut rig);
    rig.settle();
    assert_eq!(rig.engine.stats().queued, 0);
    rig.end(DeliveryId(1), ACK);
    rig.end(DeliveryId(2), REFUSED);
    rig.end(DeliveryId(3), REFUSED);
    rig.accept(1, 1);
    rig.run(HOUR, |_| ACK);
    assert_eq!(rig.sent.len(), 3);
    assert_eq!(
        rig.states()[..3],
        [State::Delivered, State::Parked, State::Parked]
    );
    rig.assert_idle();
    assert_eq!(rig.engine.next_wake(), None);
}

#[test]
fn enabling_goes_on_where_the_schedule_stood() {
    for in_flight_across in [true, false] {
        let mut rig = Rig::new(&[|_| ()]);
        rig.accept(1, 2);
        rig.settle();
        rig.end(DeliveryId(2), ACK);
        if !in_flight_across {
            rig.end(DeliveryId(1), REFUSED);
        }
        rig.settle();
        disable(&mut rig);
        rig.settle();
        rig.now = T0.plus(SECOND);
        enable(&mut rig);
        rig.settle();
        rig.run(HOUR, |_| if in_flight_across { REFUSED } else { ACK });
        let starts = rig.starts(1);
        let second = if in_flight_across { SECOND + MINUTE } else { MINUTE };
        assert_eq!(starts[..2], [0, second]);
        assert_eq!(rig.starts(2), [0]);
    }
}

#[test]
fn what_was_parked_goes_out_paced() {
    let mut rig = Rig::new(&[|settings| settings.enabled = false]);
    for key in 0..2_000 {
        let mut row = rig.row(1, key);
        row.state = State::Parked;
        rig.accept_row(row);
    }
    enable(&mut rig);
    rig.settle();
    assert_eq!(rig.in_flight.len(), 32);
    rig.run(HOUR, |_| answer(1, Outcome::Acknowledged));
    assert_eq!(rig.sent.len(), 2_000);
    rig.assert_idle();
}

#[test]
fn work_of_an_unknown_or_deleted_endpoint_is_ignored() {
    let mut rig = Rig::new(&[|_| ()]);
    rig.accept(7, 1);
    rig.handle(Input::Due(EndpointId(7), T0));
    rig.handle(Input::Reload(EndpointId(7)));
    rig.handle(Input::RetryNow(EndpointId(7)));
    rig.delete(1);
    rig.accept(1, 1);
    rig.settle();
    assert!(rig.sent.is_empty());
    assert_eq!(rig.engine.stats().lanes, 0);
    rig.assert_idle();
}

#[test]
fn a_reload_forgets_what_waits_and_keeps_what_is_under_way() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 2]);
    rig.accept(1, 6);
    rig.settle();
    rig.handle(Input::Reload(LANE));
    let stats = rig.engine.stats();
    assert_eq!((stats.queued, stats.in_flight, stats.bytes), (0, 2, 4));
    rig.run(HOUR, |_| ACK);
    assert_eq!(rig.sent.len(), 6);
    rig.assert_idle();
}

#[test]
fn retry_now_sends_what_was_due_later_paced_and_not_what_waits_for_its_key() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 4]);
    rig.accept(1, 10);
    let head = rig.row(1, 1);
    let waiting = rig.row(1, 1);
    rig.accept_row(head);
    rig.accept_row(waiting);
    rig.run(SECOND, |_| REFUSED);
    assert_eq!(rig.sent.len(), 11);
    rig.store.retry_now(LANE, rig.now);
    rig.handle(Input::RetryNow(LANE));
    rig.settle();
    assert_eq!(rig.in_flight.len(), 4);
    rig.run(2 * SECOND, |_| ACK);
    assert_eq!((rig.sent.len(), rig.starts(12)), (11 + 12, vec![SECOND]));
    rig.assert_idle();
}

#[test]
fn a_stopped_engine_begins_nothing_and_records_what_ends() {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 2]);
    rig.accept(1, 5);
    rig.settle();
    rig.end(DeliveryId(1), REFUSED);
    rig.settle();
    rig.engine.stop();
    assert_eq!(rig.engine.next_wake(), None);
    rig.handle(Input::Reload(LANE));
    rig.end_all(ACK);
    rig.settle();
    rig.now = T0.plus(HOUR);
    rig.settle();
    assert_eq!((rig.sent.len(), rig.engine.next_wake()), (3, None));
    let stats = rig.engine.stats();
    assert_eq!((stats.in_flight, stats.unrecorded), (0, 0));
}

/// Deletes an endpoint with a send in flight and a read under way. The steps that follow: the send ends, it is recorded,
/// the page comes, the read fails, the lane is reloaded; at `|` the lane must be gone, and not before.
fn check_deleted(steps: &str) {
    let mut rig = Rig::new(&[|settings| settings.max_in_flight = 1, |_| ()]);
    rig.accept(1, 3);
    rig.settle();
    rig.handle(Input::Due(LANE, T0));
    rig.pump();
    rig.delete(1);
    let mut lanes = 2;
    for step in steps.chars() {
        match step {
            'e' => rig.end(DeliveryId(1), ACK),
            'r' => {
                rig.commit();
                rig.tell();
            }
            'p' => {
                let (reading, page) = rig.read().unwrap();
                rig.tell_page(&reading, Some(page));
            }
            'f' => {
                let (reading, _) = rig.read().unwrap();
                rig.tell_page(&reading, None);
            }
            'l' => rig.handle(Input::Reload(LANE)),
            _ => lanes = 1,
        }
        rig.pump();
        if steps.contains(&format!("{step}|")) {
            continue;
        }
        assert_eq!(rig.engine.stats().lanes, lanes, "{steps}: {step}");
    }
    assert_eq!((rig.sent.len(), rig.engine.next_wake()), (1, None), "{steps}");
    rig.assert_idle();
}

#[test]
fn a_deleted_lane_goes_when_nothing_of_it_is_under_way() {
    for steps in [
        "erp|", "per|", "epr|", "erf|", "fer|", "efr|", "erl|p", "erl|f", "lper|",
    ] {
        check_deleted(steps);
    }
}
