//! Recording finished sends and ended ages, also late and twice.

use ringback_core::delivery::{Age, Outcome, State};
use ringback_core::id::DeliveryId;
use ringback_core::settle::Next;
use ringback_core::store::{Refusal, Write};

use crate::lab::{
    Lab, T0, age_ended, at, attempt, call, correction, delete_endpoint, on_every_store, report,
};

on_every_store! {
    a_failed_send_is_kept_and_retried,
    an_acknowledgement_delivers,
    the_last_failure_exhausts,
    an_ended_age_exhausts_what_is_pending,
    a_report_that_comes_twice_changes_nothing,
    a_report_of_another_send_changes_nothing,
    a_parked_delivery_keeps_its_next_due_time,
    a_parked_delivery_can_settle,
    a_late_report_to_a_settled_delivery_is_only_logged,
    an_unknown_delivery_is_refused,
}

fn a_failed_send_is_kept_and_retried(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    let mut due = 0;
    for (n, outcome) in (1..).zip([Outcome::Refused, Outcome::Unreachable, Outcome::NotAcknowledged]) {
        due += 60_000;
        let recorded = lab.report(id, outcome, Next::Retry(at(due)));
        assert_eq!((recorded.delivery, recorded.state), (id, State::Pending));
        assert_eq!(recorded.due, Some(at(due)));
        let delivery = lab.delivery(id);
        assert_eq!((delivery.sends, delivery.last_outcome), (n, Some(outcome)));
        assert_eq!((delivery.due, delivery.age), (Some(at(due)), Age::starting(T0)));
        lab.now = at(due);
    }
    let attempts = lab.record_of(id).attempts;
    assert_eq!(
        attempts,
        [
            attempt(1, Outcome::Refused),
            attempt(2, Outcome::Unreachable),
            attempt(3, Outcome::NotAcknowledged)
        ]
    );
}

fn an_acknowledgement_delivers(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.pass(250);
    let recorded = lab.settle(id);
    assert_eq!((recorded.state, recorded.due), (State::Delivered, None));
    let delivery = lab.delivery(id);
    assert_eq!((delivery.settled_at, delivery.due), (Some(at(250)), None));
    assert_eq!((delivery.age.used_ms, delivery.age.since), (250, None));
    assert_eq!(
        (delivery.sends, delivery.last_outcome),
        (1, Some(Outcome::Acknowledged))
    );
}

fn the_last_failure_exhausts(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    let recorded = lab.report(id, Outcome::Blocked, Next::Exhausted);
    assert_eq!((recorded.state, recorded.due), (State::Exhausted, None));
    assert_eq!(lab.delivery(id).last_outcome, Some(Outcome::Blocked));
}

fn an_ended_age_exhausts_what_is_pending(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    let next = lab.deliver(correction(1, "B"));
    lab.report(id, Outcome::Refused, Next::Retry(at(60_000)));
    lab.pass(90_000);
    let recorded = lab.record(age_ended(id));
    assert_eq!(recorded.state, State::Exhausted);
    assert_eq!(recorded.released.map(|work| work.id), Some(next));
    let record = lab.record_of(id);
    assert_eq!((record.delivery.sends, record.attempts.len()), (1, 1));

    // Parked or settled, it is no longer about it.
    assert_eq!(lab.record(age_ended(id)).state, State::Exhausted);
    assert_eq!(lab.delivery(id).settled_at, Some(at(90_000)));
    lab.endpoint("erp", |settings| settings.enabled = false);
    assert_eq!(lab.record(age_ended(next)).state, State::Parked);
}

fn a_report_that_comes_twice_changes_nothing(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    let next = lab.deliver(correction(1, "B"));
    let failed = report(id, 1, Outcome::Refused, Next::Retry(at(60_000)));
    let first = lab.record(failed.clone());
    lab.pass(5);
    let again = lab.record(failed);
    assert_eq!((again.state, again.due), (first.state, first.due));

    let done = report(id, 2, Outcome::Acknowledged, Next::Delivered);
    assert_eq!(lab.record(done.clone()).released.map(|work| work.id), Some(next));
    lab.pass(5);
    let again = lab.record(done);
    assert_eq!((again.state, again.due), (State::Delivered, None));
    assert!(again.released.is_none());
    let record = lab.record_of(id);
    assert_eq!((record.delivery.sends, record.attempts.len()), (2, 2));
    assert_eq!(record.delivery.settled_at, Some(at(5)));
}

fn a_report_of_another_send_changes_nothing(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    for n in [0, 2, 3] {
        let recorded = lab.record(report(id, n, Outcome::Acknowledged, Next::Delivered));
        assert_eq!((recorded.state, recorded.due), (State::Pending, Some(T0)));
    }
    assert!(lab.record_of(id).attempts.is_empty());
}

fn a_parked_delivery_keeps_its_next_due_time(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.pass(100);
    lab.endpoint("erp", |settings| settings.enabled = false);
    lab.pass(100);
    let recorded = lab.report(id, Outcome::TimedOut, Next::Retry(at(60_000)));
    assert_eq!((recorded.state, recorded.due), (State::Parked, None));
    let delivery = lab.delivery(id);
    assert_eq!((delivery.due, delivery.sends), (Some(at(60_000)), 1));
    assert_eq!((delivery.age.used_ms, delivery.age.since), (100, None));

    lab.pass(100);
    lab.endpoint("erp", |_| ());
    assert_eq!(lab.stands(id), (State::Pending, Some(60_000)));
    assert_eq!(
        lab.delivery(id).age,
        Age {
            used_ms: 100,
            since: Some(at(300))
        }
    );
}

fn a_parked_delivery_can_settle(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    for (call_id, outcome, next, state) in [
        (1, Outcome::Acknowledged, Next::Delivered, State::Delivered),
        (2, Outcome::Refused, Next::Exhausted, State::Exhausted),
    ] {
        let id = lab.deliver(call(call_id));
        let behind = lab.deliver(correction(call_id, "B"));
        lab.endpoint("erp", |settings| settings.enabled = false);
        lab.pass(1);
        let recorded = lab.report(id, outcome, next);
        assert_eq!(recorded.state, state);
        assert!(recorded.released.is_none());
        let settled = lab.delivery(id);
        assert_eq!((settled.settled_at, settled.sends), (Some(lab.now), 1));
        assert_eq!(lab.stands(behind).0, State::Parked);
        lab.endpoint("erp", |_| ());
        assert_eq!(lab.delivery(behind).due, Some(lab.now));
    }
}

fn a_late_report_to_a_settled_delivery_is_only_logged(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.write(delete_endpoint("erp", true));
    let before = lab.delivery(id);
    assert_eq!(before.state, State::Cancelled);
    lab.pass(5);
    for _ in 0..2 {
        let recorded = lab.record(report(id, 1, Outcome::Acknowledged, Next::Delivered));
        assert_eq!((recorded.state, recorded.due), (State::Cancelled, None));
        let record = lab.record_of(id);
        assert_eq!(record.delivery, before);
        assert_eq!(record.attempts, [attempt(1, Outcome::Acknowledged)]);
    }
}

fn an_unknown_delivery_is_refused(lab: &mut Lab) {
    let unknown = DeliveryId(77 << 20);
    for write in [
        report(unknown, 1, Outcome::Acknowledged, Next::Delivered),
        age_ended(unknown),
        Write::Resend(unknown),
    ] {
        assert_eq!(lab.refused(write), Refusal::NoDelivery);
    }
}
