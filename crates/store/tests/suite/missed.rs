//! Calls that have not arrived: the failed-callback query.

use ringback_contract::kind::Kind;
use ringback_core::delivery::Outcome;
use ringback_core::event::NewEvent;
use ringback_core::id::EventId;
use ringback_core::limits::{COMMIT_WRITES, MISSED_ROWS};
use ringback_core::settle::Next;
use ringback_core::store::{MissedPage, MissedQuery, Write};

use crate::lab::{
    COMPANY, Lab, T0, at, call, correction, delete_endpoint, event, kinds, on_every_store, put_company,
    put_endpoint,
};

on_every_store!(
    each_state_is_missed_or_not,
    what_arrived_by_a_resend_is_not_missed,
    what_arrived_elsewhere_by_a_resend_is_not_missed,
    a_call_is_listed_once_and_by_its_conditions,
    pages_and_total,
);

const ALL: MissedQuery = MissedQuery {
    company_id: COMPANY,
    kind: Kind::Call,
    call_job_id: None,
    from: T0,
    to: at(1_000_000),
    skip: 0,
    take: 1000,
};

fn missed(lab: &mut Lab, query: MissedQuery) -> Vec<EventId> {
    let page = lab.read().missed(&query).unwrap();
    assert_eq!((page.total, page.partial), (page.calls.len(), false));
    page.calls.into_iter().map(|(_, event)| event).collect()
}

fn each_state_is_missed_or_not(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| {});
    let accepted = lab.accept(call(7));
    let (event, delivery) = (accepted.event_id, accepted.deliveries[0].id);
    assert_eq!(missed(lab, ALL), [], "pending, not sent");
    lab.report(delivery, Outcome::Refused, Next::Retry(at(1000)));
    assert_eq!(missed(lab, ALL), [event], "pending after a send");
    lab.report(delivery, Outcome::Refused, Next::Retry(at(2000)));
    assert_eq!(missed(lab, ALL), [event], "after another");
    lab.endpoint("erp", |settings| settings.enabled = false);
    assert_eq!(missed(lab, ALL), [event], "parked");
    lab.endpoint("erp", |_| {});
    lab.report(delivery, Outcome::Acknowledged, Next::Delivered);
    assert_eq!(missed(lab, ALL), [], "delivered");

    let delivery = lab.deliver(call(8));
    let event = lab.delivery(delivery).event_id;
    lab.report(delivery, Outcome::Refused, Next::Exhausted);
    assert_eq!(missed(lab, ALL), [event], "exhausted");

    let delivery = lab.deliver(call(9));
    lab.report(delivery, Outcome::Refused, Next::Retry(at(1000)));
    lab.write(delete_endpoint("erp", true));
    assert_eq!(missed(lab, ALL), [event], "cancelled");
    let parked = lab.accept(call(10)).event_id;
    assert_eq!(missed(lab, ALL), [event, parked], "parked without an endpoint");
}

fn what_arrived_by_a_resend_is_not_missed(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| {});
    lab.endpoint("crm", |_| {});
    let accepted = lab.accept(call(7));
    for brief in &accepted.deliveries {
        lab.report(brief.id, Outcome::Refused, Next::Exhausted);
    }
    for (brief, left) in accepted.deliveries.iter().zip([1, 0]) {
        let again = lab.resend(brief.id).deliveries[0].id;
        assert_eq!(missed(lab, ALL), [accepted.event_id]);
        lab.settle(again);
        assert_eq!(missed(lab, ALL).len(), left);
    }
}

fn what_arrived_elsewhere_by_a_resend_is_not_missed(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| {});
    let delivery = lab.deliver(call(7));
    lab.report(delivery, Outcome::Refused, Next::Exhausted);
    lab.write(delete_endpoint("erp", false));
    lab.endpoint("crm", |_| {});
    let again = lab.resend(delivery).deliveries[0].id;
    assert_eq!(missed(lab, ALL).len(), 1);
    lab.settle(again);
    assert_eq!(missed(lab, ALL), []);
}

fn a_call_is_listed_once_and_by_its_conditions(lab: &mut Lab) {
    // Nobody takes anything, so everything is parked.
    lab.company();
    lab.write(put_company(9, kinds(&[Kind::Call])));
    let of_job = |call_job_id, event| NewEvent { call_job_id, ..event };
    let mut accept = |event| {
        lab.pass(1000);
        lab.accept(event).event_id
    };
    let first = accept(of_job(Some(5), call(7)));
    let inbound = accept(event(Kind::Inbound, 7, "in"));
    accept(of_job(Some(5), event(Kind::Call, 7, "the same call again")));
    let second = accept(of_job(Some(6), call(8)));
    let third = accept(call(9));
    accept(correction(10, "B"));
    accept(event(Kind::Job, 5, "done"));
    let other = accept(NewEvent {
        company_id: 9,
        ..call(7)
    });
    for (query, expected) in [
        (ALL, vec![first, second, third]),
        (
            MissedQuery {
                kind: Kind::Inbound,
                ..ALL
            },
            vec![inbound],
        ),
        (MissedQuery { company_id: 9, ..ALL }, vec![other]),
        (
            MissedQuery {
                call_job_id: Some(6),
                ..ALL
            },
            vec![second],
        ),
        (
            MissedQuery {
                call_job_id: Some(7),
                ..ALL
            },
            vec![],
        ),
        (
            MissedQuery {
                from: second.time(),
                to: third.time(),
                ..ALL
            },
            vec![second],
        ),
        (
            MissedQuery {
                to: first.time(),
                ..ALL
            },
            vec![],
        ),
    ] {
        assert_eq!(missed(lab, query), expected, "{query:?}");
    }
}

fn pages_and_total(lab: &mut Lab) {
    lab.company();
    let ids: Vec<_> = (1..=5).map(|id| (id, lab.accept(call(id)).event_id)).collect();
    for (skip, take, expected) in [
        (0, 2, &ids[..2]),
        (2, 2, &ids[2..4]),
        (4, 2, &ids[4..]),
        (6, 2, &[]),
        (0, 0, &[]),
    ] {
        let query = MissedQuery { skip, take, ..ALL };
        let expected = MissedPage {
            calls: expected.to_vec(),
            total: 5,
            partial: false,
        };
        assert_eq!(lab.read().missed(&query).unwrap(), expected);
    }
}

#[test]
fn counting_stops_and_says_so() {
    let mut lab = Lab::memory();
    lab.write(put_company(COMPANY, kinds(&[Kind::Call])));
    lab.write(put_endpoint("erp", |settings| settings.enabled = false));
    let total = i64::try_from(MISSED_ROWS).unwrap() + 1;
    let writes: Vec<_> = (0..total).map(|id| Write::Accept(Box::new(call(id)))).collect();
    for part in writes.chunks(COMMIT_WRITES) {
        lab.commit(part);
    }
    let page = lab.read().missed(&MissedQuery { take: 1, ..ALL }).unwrap();
    assert_eq!((page.total, page.partial), (MISSED_ROWS, true));
}
