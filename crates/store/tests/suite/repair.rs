//! Resend and retry-now.

use ringback_contract::kind::Kind;
use ringback_contract::v2::Version;
use ringback_core::delivery::{Age, Outcome, State};
use ringback_core::endpoint::{FixedProfile, Profile};
use ringback_core::event::OrderKey;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::limits::{RESENDS_PER_EVENT, SWEEP_ROWS};
use ringback_core::settle::Next;
use ringback_core::store::{Refusal, Resent, Write, Written};

use crate::lab::{
    Lab, T0, at, call, correction, delete_endpoint, kinds, on_every_store, put_endpoint, report,
};

on_every_store! {
    a_settled_delivery_is_resent_by_a_new_one,
    a_resend_goes_to_the_tail_of_its_key,
    a_resend_has_the_present_schedule_and_profile,
    a_resend_needs_an_enabled_endpoint,
    an_event_is_resent_a_bounded_number_of_times,
    what_its_deleted_endpoint_left_goes_to_the_first_one_that_fits,
    a_parked_delivery_becomes_pending_itself,
    a_delivery_without_endpoint_finds_its_home,
    a_delivery_that_finds_home_waits_behind_what_is_due,
    nobody_fits,
    retry_now_makes_later_ones_due,
    retry_now_goes_on_in_parts,
}

fn outgoing(resent: &Resent) -> Vec<(Option<&str>, State)> {
    let deliveries = resent.deliveries.iter();
    deliveries
        .map(|brief| {
            (
                brief.endpoint.as_ref().map(|(_, name)| name.as_str()),
                brief.state,
            )
        })
        .collect()
}

fn a_settled_delivery_is_resent_by_a_new_one(lab: &mut Lab) {
    lab.company();
    lab.endpoint("a", |_| ());
    lab.endpoint("b", |_| ());
    let accepted = lab.accept(call(1));
    let (a, b) = (accepted.deliveries[0].id, accepted.deliveries[1].id);
    lab.settle(a);
    let before = lab.delivery(a);
    lab.pass(50);
    let resent = lab.resend(a);
    assert_eq!(resent.event_id, accepted.event_id);
    assert_eq!(outgoing(&resent), [(Some("a"), State::Pending)]);
    assert_eq!(lab.delivery(a), before);
    let work = &resent.work[0];
    assert_eq!(
        (work.id, work.event_id),
        (resent.deliveries[0].id, accepted.event_id)
    );
    assert_eq!(
        (work.due, work.age, work.sends),
        (at(50), Age::starting(at(50)), 0)
    );
    assert_eq!(work.body, "call/1/call");
    let new = lab.delivery(work.id);
    assert_eq!((new.resend_of, new.id > b), (Some(a), true));
    let stored = lab.read().event(accepted.event_id).unwrap().unwrap();
    let ids: Vec<_> = stored
        .deliveries
        .iter()
        .map(|record| record.delivery.id)
        .collect();
    assert_eq!(ids, [a, b, new.id]);

    // A resend of the resend names what it repeats.
    lab.report(new.id, Outcome::Refused, Next::Exhausted);
    let again = lab.resend(new.id).deliveries[0].id;
    assert_eq!(lab.delivery(again).resend_of, Some(new.id));
}

fn a_resend_goes_to_the_tail_of_its_key(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let pending = lab.deliver(call(1));
    let waiting = lab.deliver(correction(1, "B"));
    let resent = lab.resend(pending);
    assert!(resent.work.is_empty());
    let tail = resent.deliveries[0].id;
    assert_eq!(lab.stands(tail), (State::Pending, None));
    assert_eq!(lab.stands(pending), (State::Pending, Some(0)));
    assert_eq!(lab.settle(pending).released.unwrap().id, waiting);
    assert_eq!(lab.settle(waiting).released.unwrap().id, tail);
}

fn a_resend_has_the_present_schedule_and_profile(lab: &mut Lab) {
    lab.company();
    let old = lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.settle(id);
    let new = lab.endpoint("erp", |settings| {
        settings.schedule = serde_json::from_str(r#""v2""#).unwrap();
        settings.profile = Profile::V2;
    });
    let resent = lab.resend(id).work.remove(0);
    let v2 = FixedProfile::V2(Version::LATEST);
    assert_eq!((resent.profile, lab.delivery(resent.id).profile), (v2, v2));
    assert_eq!(lab.delivery(id).profile, FixedProfile::V1);
    assert_ne!(old.settings.schedule, new.settings.schedule);
    assert_eq!(resent.schedule, new.settings.schedule);
    assert_eq!(lab.delivery(id).schedule, old.settings.schedule);
}

fn a_resend_needs_an_enabled_endpoint(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let settled = lab.deliver(call(1));
    lab.settle(settled);
    let open = lab.deliver(call(2));
    lab.endpoint("erp", |settings| settings.enabled = false);
    for id in [settled, open] {
        assert_eq!(lab.refused(Write::Resend(id)), Refusal::Disabled);
    }
    assert_eq!(lab.stands(open).0, State::Parked);
    lab.write(delete_endpoint("erp", true));
    for id in [settled, open] {
        assert_eq!(lab.refused(Write::Resend(id)), Refusal::NoneFits);
    }
}

fn an_event_is_resent_a_bounded_number_of_times(lab: &mut Lab) {
    lab.company();
    lab.endpoint("a", |_| ());
    lab.endpoint("b", |_| ());
    let accepted = lab.accept(call(1));
    let (a, b) = (accepted.deliveries[0].id, accepted.deliveries[1].id);
    let mut newest = a;
    for round in 0..RESENDS_PER_EVENT {
        let asked = [a, b, newest][round % 3];
        newest = lab.resend(asked).deliveries[0].id;
    }
    let other = lab.accept(call(2)).deliveries[0].id;
    for id in [a, b, newest] {
        assert_eq!(lab.refused(Write::Resend(id)), Refusal::ResentTooOften);
    }
    lab.write(delete_endpoint("b", true));
    assert_eq!(lab.refused(Write::Resend(b)), Refusal::ResentTooOften);
    lab.resend(other);
    // What is parked becomes pending itself, which makes no further delivery.
    lab.endpoint("a", |settings| settings.enabled = false);
    assert_eq!(lab.refused(Write::Resend(a)), Refusal::Disabled);
    lab.endpoint("a", |_| ());
    assert_eq!(lab.stands(a).0, State::Pending);
}

fn what_its_deleted_endpoint_left_goes_to_the_first_one_that_fits(lab: &mut Lab) {
    lab.company();
    lab.endpoint("old", |_| ());
    let settled = lab.deliver(call(1));
    lab.settle(settled);
    lab.write(delete_endpoint("old", true));
    lab.endpoint("jobs", |settings| {
        settings.callbacks = [Kind::Job].into_iter().collect();
    });
    assert_eq!(lab.refused(Write::Resend(settled)), Refusal::NoneFits);
    // An endpoint made again under the name is another one, and fits like any other.
    let new = lab.endpoint("old", |_| ());
    let Written::Resent(resent) = lab.write(Write::Resend(settled)) else {
        panic!("the resend was refused");
    };
    let [made] = resent.deliveries.as_slice() else {
        panic!("one delivery goes out");
    };
    assert_eq!(made.endpoint.as_ref().map(|(id, _)| *id), Some(new.id));
    assert_eq!(made.state, State::Pending);
}

/// On an enabled endpoint something is parked only while a sweep is under way.
fn a_parked_delivery_becomes_pending_itself(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |settings| settings.enabled = false);
    let rows = i64::try_from(SWEEP_ROWS).unwrap();
    let writes: Vec<Write> = (1..=rows).map(|id| Write::Accept(Box::new(call(id)))).collect();
    lab.commit(&writes);
    let first = lab.deliver(correction(rows + 1, "A"));
    let second = lab.deliver(correction(rows + 1, "B"));
    lab.pass(5);
    let endpoint = lab.endpoint("erp", |_| ());
    assert!(endpoint.sweeping);
    for (id, due, works) in [(second, None, 0), (first, Some(5), 1)] {
        let resent = lab.resend(id);
        assert_eq!((resent.deliveries[0].id, resent.work.len()), (id, works));
        assert_eq!(lab.stands(id), (State::Pending, due));
    }
    assert_eq!(lab.all_deliveries().len(), SWEEP_ROWS + 2);
}

fn a_delivery_without_endpoint_finds_its_home(lab: &mut Lab) {
    let homeless = lab.deliver(call(1));
    lab.company();
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));
    lab.endpoint("c", |settings| settings.enabled = false);
    lab.endpoint("b", |settings| {
        settings.schedule = serde_json::from_str(r#""table-2019""#).unwrap();
    });
    lab.endpoint("d", |_| ());
    lab.pass(20);
    let resent = lab.resend(homeless);
    assert_eq!(
        outgoing(&resent),
        [
            (Some("b"), State::Pending),
            (Some("c"), State::Parked),
            (Some("d"), State::Pending)
        ]
    );
    assert_eq!(resent.deliveries[0].id, homeless);
    let works: Vec<_> = resent.work.iter().map(|work| (work.id, work.due)).collect();
    assert_eq!(works, [(homeless, at(20)), (resent.deliveries[2].id, at(20))]);
    let taken = lab.delivery(homeless);
    assert_eq!((taken.resend_of, taken.age), (None, Age::starting(at(20))));
    assert_eq!(taken.schedule.max_age_ms(), 28 * 3_600_000);
    for brief in &resent.deliveries[1..] {
        assert_eq!(lab.delivery(brief.id).resend_of, Some(homeless));
    }
    lab.reopen();
    assert_eq!(lab.delivery(homeless), taken);
}

fn a_delivery_that_finds_home_waits_behind_what_is_due(lab: &mut Lab) {
    lab.company();
    let homeless = lab.deliver(call(1));
    lab.endpoint("erp", |_| ());
    let head = lab.deliver(correction(1, "B"));
    let behind = lab.deliver(correction(1, "C"));
    assert!(lab.resend(homeless).work.is_empty());
    assert_eq!(lab.record_of(homeless).waits_for, Some(head));
    assert_eq!(lab.settle(head).released.unwrap().id, homeless);
    assert_eq!(lab.settle(homeless).released.unwrap().id, behind);
}

fn nobody_fits(lab: &mut Lab) {
    let homeless = lab.deliver(call(1));
    assert_eq!(lab.refused(Write::Resend(homeless)), Refusal::NoneFits);
    lab.company();
    assert_eq!(lab.refused(Write::Resend(homeless)), Refusal::NoneFits);
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));
    assert_eq!(lab.refused(Write::Resend(homeless)), Refusal::NoneFits);
    assert_eq!(lab.stands(homeless), (State::Parked, None));
    assert_eq!(lab.delivery(homeless).endpoint, None);
}

type Place = (OrderKey, DeliveryId);

fn retried(lab: &mut Lab, endpoint: EndpointId, cutoff: i64, after: Option<Place>) -> (usize, Option<Place>) {
    match lab.write(Write::RetryNow {
        endpoint,
        cutoff: at(cutoff),
        after,
    }) {
        Written::RetriedNow { changed, next } => (changed, next),
        other => panic!("{other:?}"),
    }
}

fn retry_now_makes_later_ones_due(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    let crm = put_endpoint("crm", |settings| settings.callbacks = kinds(&[Kind::Inbound]));
    lab.write(crm);
    let [early, exact, late] = [1, 2, 3].map(|id| lab.deliver(call(id)));
    let waiting = lab.deliver(correction(3, "B"));
    for (id, due) in [(early, 999), (exact, 1000), (late, 60_000)] {
        lab.report(id, Outcome::Refused, Next::Retry(at(due)));
    }
    assert_eq!(retried(lab, erp, 1000, None), (1, None));
    let due = [early, exact, late, waiting].map(|id| lab.stands(id).1);
    assert_eq!(due, [Some(999), Some(1000), Some(1000), None]);
    let delivery = lab.delivery(late);
    assert_eq!((delivery.sends, delivery.age), (1, Age::starting(T0)));
    assert_eq!(retried(lab, erp, 1000, None), (0, None));
    let unknown = Write::RetryNow {
        endpoint: EndpointId(99),
        cutoff: at(0),
        after: None,
    };
    assert_eq!(lab.refused(unknown), Refusal::NoEndpoint);
}

fn retry_now_goes_on_in_parts(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    let rows = i64::try_from(SWEEP_ROWS + 1).unwrap();
    let writes: Vec<Write> = (1..=rows).map(|id| Write::Accept(Box::new(call(id)))).collect();
    let reports: Vec<Write> = lab
        .commit(&writes)
        .iter()
        .map(|written| match written {
            Written::Accepted(accepted) => accepted.deliveries[0].id,
            other => panic!("{other:?}"),
        })
        .map(|id| report(id, 1, Outcome::Refused, Next::Retry(at(60_000))))
        .collect();
    lab.commit(&reports);
    let (changed, next) = retried(lab, erp, 5, None);
    assert_eq!(changed, SWEEP_ROWS);
    assert_eq!(lab.store().start().unwrap().due, [(erp, at(5))]);

    // One that failed again meanwhile has had its turn.
    let first = lab.all_deliveries().pop().unwrap().delivery.id;
    lab.record(report(first, 2, Outcome::Refused, Next::Retry(at(30_000))));
    assert_eq!(retried(lab, erp, 5, next), (1, None));
    assert_eq!(lab.stands(first), (State::Pending, Some(30_000)));
}
