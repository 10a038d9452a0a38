//! The hold of a job's final status: what holds it, what does not, and what ends it.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Age, Outcome, State};
use ringback_core::endpoint::{Order, Settings};
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::limits::{HOLD_ROWS, SWEEP_ROWS};
use ringback_core::settle::Next;
use ringback_core::store::{HeldBy, Write, Written};

use crate::lab::{Lab, T0, at, call, correction, event, kinds, on_every_store, put_endpoint};

on_every_store! {
    a_final_status_waits_for_open_calls_at_any_endpoint_and_for_quiet,
    no_longer_than_the_limit,
    what_is_held_and_what_is_not,
    a_call_holds_again_when_it_is_resent,
    calls_from_before_the_setting_hold_nothing,
    later_events_of_the_job_wait_behind_it,
    it_is_held_when_it_comes_to_the_head_of_its_key,
    retry_now_lets_it_go,
    disabling_parks_it_and_enabling_holds_it_anew,
    what_was_sent_before_is_not_held_again,
    a_send_that_was_in_flight_ends_the_hold,
    another_order_lets_it_go,
    deleting_the_endpoint_cancels_it,
    a_resend_is_held_too,
    looking_is_bounded,
    a_look_before_the_sweep_has_come_to_it_waits_for_the_sweep,
    a_later_quiet_is_read_at_each_look,
}

const JOB: i64 = 535;

/// A call of [`JOB`].
fn call_of_job(call_instance_id: i64) -> NewEvent {
    NewEvent {
        call_job_id: Some(JOB),
        ..call(call_instance_id)
    }
}

fn job(status: i64) -> NewEvent {
    NewEvent {
        call_job_id: Some(JOB),
        job_status: Some(status),
        ..event(Kind::Job, JOB, &format!("status {status}"))
    }
}

fn holds(settings: &mut Settings) {
    settings.callbacks = kinds(&[Kind::Job]);
    settings.job_statuses = vec![1, 2, 4, 6];
    settings.order = Order::KeyHold;
}

/// Calls go to `calls`, jobs to `jobs`.
fn two_endpoints(lab: &mut Lab) {
    lab.company();
    lab.endpoint("calls", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction]);
    });
    lab.endpoint("jobs", holds);
}

/// Looks at the holds, and says how many were let go and when to look again, from [`T0`].
fn look(lab: &mut Lab) -> (usize, Option<u64>) {
    match lab.write(Write::CheckHolds) {
        Written::HoldsChecked { released, next } => {
            for (_, due) in &released {
                assert_eq!(*due, lab.now);
            }
            (released.len(), next.map(|next| next.since(T0)))
        }
        other => panic!("{other:?}"),
    }
}

/// When a hold ends at the latest, and is looked at next, from [`T0`].
fn hold(lab: &mut Lab, id: DeliveryId) -> Option<(u64, u64)> {
    let hold = lab.delivery(id).hold?;
    Some((hold.until.since(T0), hold.check.since(T0)))
}

fn a_final_status_waits_for_open_calls_at_any_endpoint_and_for_quiet(lab: &mut Lab) {
    two_endpoints(lab);
    let first = lab.deliver(call_of_job(1));
    lab.pass(1_000);
    let second = lab.deliver(call_of_job(2));
    lab.pass(10);
    let accepted = lab.accept(job(2));
    let id = accepted.deliveries[0].id;
    assert!(accepted.work.is_empty());
    assert_eq!(accepted.hold_check, Some(at(6_000)));
    assert_eq!(accepted.deliveries[0].state, State::Pending);
    assert_eq!(hold(lab, id), Some((601_010, 6_000)));
    let record = lab.record_of(id);
    assert_eq!((record.delivery.due, record.delivery.age), (None, Age::default()));
    assert_eq!(record.waits_for, None);
    let held_by = HeldBy {
        open_calls: 2,
        newest_call: Some(at(1_000)),
    };
    assert_eq!(record.held_by, Some(held_by));
    lab.reopen();
    assert_eq!(lab.store().start().unwrap().hold_check, Some(at(6_000)));

    // Too early: nothing is looked at.
    assert_eq!(look(lab), (0, Some(6_000)));
    lab.now = at(6_000);
    // Quiet, but the calls are open.
    assert_eq!(look(lab), (0, Some(7_000)));
    lab.settle(first);
    lab.now = at(7_000);
    assert_eq!(look(lab), (0, Some(8_000)));
    assert_eq!(lab.record_of(id).held_by.unwrap().open_calls, 1);
    lab.report(second, Outcome::Refused, Next::Exhausted);
    lab.now = at(8_000);
    assert_eq!(look(lab), (1, None));
    let delivery = lab.delivery(id);
    assert_eq!((delivery.due, delivery.hold), (Some(lab.now), None));
    assert_eq!(delivery.age, Age::starting(lab.now));
    assert_eq!(lab.record_of(id).held_by, None);
}

fn no_longer_than_the_limit(lab: &mut Lab) {
    two_endpoints(lab);
    lab.endpoint("jobs", |settings| {
        holds(settings);
        settings.hold_limit_ms = 5_500;
    });
    lab.deliver(call_of_job(1));
    let id = lab.deliver(job(2));
    assert_eq!(hold(lab, id), Some((5_500, 5_000)));
    lab.now = at(5_000);
    assert_eq!(look(lab), (0, Some(5_500)));
    lab.now = at(5_500);
    assert_eq!(look(lab), (1, None));
    assert_eq!(lab.stands(id), (State::Pending, Some(5_500)));
}

fn what_is_held_and_what_is_not(lab: &mut Lab) {
    two_endpoints(lab);
    let call_id = lab.deliver(call_of_job(1));
    lab.deliver(NewEvent {
        call_job_id: Some(JOB),
        ..event(Kind::Inbound, 9, "x")
    });
    for (status, key, held) in [
        (2, JOB, true),
        (6, JOB + 1, false),
        (4, JOB, false),
        (2, JOB + 2, false),
    ] {
        let new = NewEvent {
            entity_id: key,
            company_id: crate::lab::COMPANY,
            ..job(status)
        };
        let id = lab.deliver(new);
        assert_eq!(lab.delivery(id).hold.is_some(), held, "{status} {key}");
        lab.settle(id);
    }
    // An old call that is settled holds nothing.
    lab.settle(call_id);
    lab.pass(5_000);
    let id = lab.deliver(job(6));
    assert_eq!(lab.stands(id), (State::Pending, Some(5_000)));
    // A young one does, even if it is settled.
    let second = lab.deliver(call_of_job(2));
    lab.settle(second);
    lab.settle(id);
    lab.pass(1);
    let id = lab.deliver(job(2));
    assert_eq!(hold(lab, id), Some((605_001, 10_000)));
    // Another key at another endpoint of the company, and corrections, do not count.
    lab.deliver(NewEvent {
        call_job_id: Some(JOB),
        ..correction(2, "B")
    });
    lab.now = at(10_000);
    assert_eq!(look(lab), (1, None));
}

fn a_call_holds_again_when_it_is_resent(lab: &mut Lab) {
    two_endpoints(lab);
    let call_id = lab.deliver(call_of_job(1));
    lab.settle(call_id);
    lab.pass(60_000);
    let again = lab.resend(call_id).deliveries[0].id;
    let id = lab.deliver(job(2));
    assert_eq!(hold(lab, id), Some((660_000, 61_000)));
    // A parked call holds nothing.
    lab.endpoint("calls", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction]);
        settings.enabled = false;
    });
    assert_eq!(lab.stands(again).0, State::Parked);
    lab.now = at(61_000);
    assert_eq!(look(lab), (1, None));
}

fn calls_from_before_the_setting_hold_nothing(lab: &mut Lab) {
    two_endpoints(lab);
    lab.endpoint("jobs", |settings| {
        holds(settings);
        settings.order = Order::Key;
    });
    lab.deliver(call_of_job(1));
    let id = lab.deliver(job(2));
    assert_eq!(lab.stands(id), (State::Pending, Some(0)));
    lab.settle(id);
    lab.endpoint("jobs", holds);
    // It is not quiet yet; the open call from before is not looked at.
    let id = lab.deliver(job(6));
    assert_eq!(hold(lab, id), Some((600_000, 5_000)));
    assert_eq!(lab.record_of(id).held_by.unwrap().open_calls, 0);
    lab.now = at(5_000);
    assert_eq!(look(lab), (1, None));
}

fn later_events_of_the_job_wait_behind_it(lab: &mut Lab) {
    two_endpoints(lab);
    let call_id = lab.deliver(call_of_job(1));
    let finished = lab.deliver(job(2));
    let started = lab.deliver(job(1));
    assert_eq!(lab.record_of(started).waits_for, Some(finished));
    lab.settle(call_id);
    lab.now = at(5_000);
    assert_eq!(look(lab), (1, None));
    assert_eq!(lab.stands(started), (State::Pending, None));
    let recorded = lab.settle(finished);
    assert_eq!(
        (recorded.released.unwrap().id, recorded.hold_check),
        (started, None)
    );
}

fn it_is_held_when_it_comes_to_the_head_of_its_key(lab: &mut Lab) {
    two_endpoints(lab);
    let started = lab.deliver(job(1));
    lab.deliver(call_of_job(1));
    let finished = lab.deliver(job(2));
    assert_eq!(
        (hold(lab, finished), lab.record_of(finished).waits_for),
        (None, Some(started))
    );
    lab.pass(2_000);
    let recorded = lab.settle(started);
    assert!(recorded.released.is_none());
    assert_eq!(recorded.hold_check, Some(at(5_000)));
    assert_eq!(hold(lab, finished), Some((602_000, 5_000)));
}

fn retry_now_lets_it_go(lab: &mut Lab) {
    two_endpoints(lab);
    lab.deliver(call_of_job(1));
    let id = lab.deliver(job(2));
    lab.pass(100);
    let write = Write::RetryNow {
        endpoint: EndpointId(2),
        cutoff: lab.now,
        after: None,
    };
    match lab.write(write) {
        Written::RetriedNow {
            changed: 1,
            next: None,
        } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.stands(id), (State::Pending, Some(100)));
    assert_eq!(lab.delivery(id).age, Age::starting(lab.now));
}

fn enable(lab: &mut Lab, enabled: bool) {
    lab.endpoint("jobs", |settings| {
        holds(settings);
        settings.enabled = enabled;
    });
}

fn disabling_parks_it_and_enabling_holds_it_anew(lab: &mut Lab) {
    two_endpoints(lab);
    lab.deliver(call_of_job(1));
    let id = lab.deliver(job(2));
    enable(lab, false);
    assert_eq!((lab.stands(id), hold(lab, id)), ((State::Parked, None), None));
    lab.pass(60_000);
    enable(lab, true);
    assert_eq!(hold(lab, id), Some((660_000, 61_000)));
    assert_eq!(lab.store().start().unwrap().hold_check, Some(at(61_000)));
}

fn what_was_sent_before_is_not_held_again(lab: &mut Lab) {
    two_endpoints(lab);
    let id = lab.deliver(job(2));
    lab.report(id, Outcome::Refused, Next::Retry(at(300_000)));
    lab.deliver(call_of_job(1));
    enable(lab, false);
    enable(lab, true);
    assert_eq!(lab.stands(id), (State::Pending, Some(300_000)));
}

fn a_send_that_was_in_flight_ends_the_hold(lab: &mut Lab) {
    two_endpoints(lab);
    let id = lab.deliver(job(2));
    lab.deliver(call_of_job(1));
    enable(lab, false);
    enable(lab, true);
    assert!(hold(lab, id).is_some());
    let recorded = lab.report(id, Outcome::Refused, Next::Retry(at(1_000)));
    assert_eq!(recorded.due, Some(at(1_000)));
    assert_eq!(
        (lab.stands(id), hold(lab, id)),
        ((State::Pending, Some(1_000)), None)
    );
}

fn another_order_lets_it_go(lab: &mut Lab) {
    for order in [Order::Key, Order::None] {
        two_endpoints(lab);
        let call_id = lab.deliver(call_of_job(order as i64));
        let id = lab.deliver(job(if order == Order::Key { 2 } else { 6 }));
        assert!(hold(lab, id).is_some());
        lab.endpoint("jobs", |settings| {
            holds(settings);
            settings.order = order;
        });
        assert_eq!(lab.stands(id), (State::Pending, Some(0)), "{order:?}");
        lab.settle(id);
        lab.settle(call_id);
    }
}

fn deleting_the_endpoint_cancels_it(lab: &mut Lab) {
    two_endpoints(lab);
    lab.deliver(call_of_job(1));
    let id = lab.deliver(job(2));
    lab.write(crate::lab::delete_endpoint("jobs", true));
    assert_eq!((lab.stands(id), hold(lab, id)), ((State::Cancelled, None), None));
    assert_eq!(look(lab), (0, None));
}

fn a_resend_is_held_too(lab: &mut Lab) {
    two_endpoints(lab);
    let id = lab.deliver(job(2));
    lab.settle(id);
    lab.deliver(call_of_job(1));
    let resent = lab.resend(id);
    assert!(resent.work.is_empty());
    assert_eq!(resent.hold_check, Some(at(5_000)));
    assert_eq!(hold(lab, resent.deliveries[0].id), Some((600_000, 5_000)));
}

fn looking_is_bounded(lab: &mut Lab) {
    two_endpoints(lab);
    let jobs = i64::try_from(HOLD_ROWS).unwrap() + 5;
    for id in 1..=jobs {
        lab.deliver(NewEvent {
            call_job_id: Some(id),
            ..call(id)
        });
        lab.deliver(NewEvent {
            entity_id: id,
            ..job(2)
        });
    }
    lab.now = at(5_000);
    assert_eq!(look(lab), (0, Some(5_000)));
    assert_eq!(look(lab), (0, Some(6_000)));
    lab.now = at(600_000);
    assert_eq!(look(lab), (HOLD_ROWS, Some(6_000)));
    assert_eq!(look(lab), (5, None));
}

fn a_look_before_the_sweep_has_come_to_it_waits_for_the_sweep(lab: &mut Lab) {
    lab.company();
    lab.endpoint("jobs", |settings| {
        holds(settings);
        settings.callbacks = kinds(&[Kind::Call, Kind::Job]);
    });
    let calls = 1..=i64::try_from(SWEEP_ROWS).unwrap();
    let writes: Vec<Write> = calls.map(|id| Write::Accept(Box::new(call_of_job(id)))).collect();
    lab.commit(&writes);
    let id = lab.deliver(job(2));
    let disabled = put_endpoint("jobs", |settings| {
        holds(settings);
        settings.callbacks = kinds(&[Kind::Call, Kind::Job]);
        settings.enabled = false;
    });
    let Written::Endpoint { endpoint, swept, .. } = lab.write(disabled) else {
        panic!("no endpoint");
    };
    let endpoint = endpoint.id;
    // Within a second of its limit, and behind it.
    for (now, until) in [(599_500, 600_500_u64), (600_500, 601_500), (700_000, 701_000)] {
        lab.now = at(now);
        assert_eq!(look(lab), (0, Some(until)));
        assert_eq!(hold(lab, id), Some((until, until)));
    }
    let after = swept.next;
    lab.write(Write::Sweep { endpoint, after });
    assert_eq!((lab.stands(id).0, hold(lab, id)), (State::Parked, None));
}

fn a_later_quiet_is_read_at_each_look(lab: &mut Lab) {
    two_endpoints(lab);
    let call_id = lab.deliver(call_of_job(1));
    lab.settle(call_id);
    let id = lab.deliver(job(2));
    lab.endpoint("jobs", |settings| {
        holds(settings);
        settings.hold_quiet_ms = 60_000;
        settings.hold_limit_ms = 1_000;
    });
    lab.now = at(5_000);
    assert_eq!(look(lab), (0, Some(60_000)));
    assert_eq!(hold(lab, id), Some((600_000, 60_000)));
}
