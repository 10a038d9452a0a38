//! Reading what is due: pages by (due, id), bounded by rows and bytes; and what a start tells of it.

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::delivery::Outcome;
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::settle::Next;
use ringback_core::store::{DuePage, DueQuery, Write};
use ringback_core::time::Millis;

use crate::lab::{COMPANY, Lab, T0, at, call, correction, kinds, on_every_store, put_endpoint, report};

on_every_store! {
    due_pages_go_by_due_and_id,
    a_page_ends_at_its_bytes,
    a_page_without_rows_tells_the_next_due_time,
    what_waits_or_is_parked_is_not_due,
    a_start_tells_the_earliest_due_time_of_each_endpoint,
    unknown_ids_are_not_found,
}

fn due(lab: &mut Lab, query: DueQuery) -> (Vec<DeliveryId>, Option<Millis>) {
    let DuePage { work, next } = lab.read().due(&query).unwrap();
    assert!(work.iter().all(|work| work.endpoint == query.endpoint));
    (work.iter().map(|work| work.id).collect(), next)
}

const fn everything(endpoint: EndpointId) -> DueQuery {
    DueQuery {
        endpoint,
        after: (Millis::ZERO, DeliveryId(0)),
        until: Millis(i64::MAX),
        rows: 100,
        bytes: usize::MAX,
    }
}

/// Four deliveries: due at 300, 100, 100 and 200 after the start.
fn four(lab: &mut Lab) -> (EndpointId, [DeliveryId; 4]) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    lab.endpoint("crm", |settings| settings.callbacks = kinds(&[Kind::Inbound]));
    let ids = [1, 2, 3, 4].map(|id| lab.deliver(call(id)));
    for (id, due) in ids.into_iter().zip([300, 100, 100, 200]) {
        lab.report(id, Outcome::Refused, Next::Retry(at(due)));
    }
    (erp, ids)
}

fn due_pages_go_by_due_and_id(lab: &mut Lab) {
    let (erp, [a, b, c, d]) = four(lab);
    let all = everything(erp);
    for (rows, until, after, expected, next) in [
        (9, 9999, None, vec![b, c, d, a], None),
        (9, 300, None, vec![b, c, d, a], None),
        (9, 299, None, vec![b, c, d], Some(300)),
        (9, 99, None, vec![], Some(100)),
        (1, 9999, None, vec![b], Some(100)),
        (2, 9999, None, vec![b, c], Some(200)),
        (9, 9999, Some((100, b)), vec![c, d, a], None),
        (9, 9999, Some((100, c)), vec![d, a], None),
        (9, 9999, Some((150, b)), vec![d, a], None),
        (1, 9999, Some((200, d)), vec![a], None),
        (9, 9999, Some((300, a)), vec![], None),
    ] {
        let query = DueQuery {
            rows,
            until: at(until),
            after: after.map_or(all.after, |(due, id)| (at(due), id)),
            ..all
        };
        assert_eq!(due(lab, query), (expected, next.map(at)), "{query:?}");
    }
    let page = lab.read().due(&all).unwrap();
    let first = &page.work[0];
    assert_eq!((first.sends, first.due, first.age.since), (1, at(100), Some(T0)));
    assert_eq!(first.body, "call/2/call");
}

fn a_page_ends_at_its_bytes(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    let ids = [(1, 400), (2, 400), (3, 400)].map(|(id, bytes)| {
        lab.deliver(NewEvent {
            body: Bytes::from(vec![b'x'; bytes]),
            ..call(id)
        })
    });
    for (bytes, expected) in [(0, 1), (399, 1), (799, 1), (800, 2), (1199, 2), (1200, 3)] {
        let query = DueQuery {
            bytes,
            ..everything(erp)
        };
        let next = (expected < 3).then_some(T0);
        assert_eq!(due(lab, query), (ids[..expected].to_vec(), next), "{bytes}");
    }
}

fn a_page_without_rows_tells_the_next_due_time(lab: &mut Lab) {
    let (erp, _) = four(lab);
    let query = DueQuery {
        rows: 0,
        ..everything(erp)
    };
    assert_eq!(due(lab, query), (vec![], Some(at(100))));
    assert_eq!(due(lab, everything(EndpointId(99))), (vec![], None));
}

fn what_waits_or_is_parked_is_not_due(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    let head = lab.deliver(call(1));
    lab.deliver(correction(1, "B"));
    assert_eq!(due(lab, everything(erp)), (vec![head], None));
    let open = lab.read().open(erp, 10).unwrap();
    assert_eq!((open.pending, open.parked), (2, 0));
    assert_eq!(lab.read().open(erp, 1).unwrap().pending, 1);
    lab.endpoint("erp", |settings| settings.enabled = false);
    assert_eq!(due(lab, everything(erp)), (vec![], None));
    let open = lab.read().open(erp, 10).unwrap();
    assert_eq!((open.pending, open.parked), (0, 2));
}

fn a_start_tells_the_earliest_due_time_of_each_endpoint(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    let crm = lab.endpoint("crm", |_| ()).id;
    lab.endpoint("off", |settings| settings.enabled = false);
    assert!(lab.store().start().unwrap().due.is_empty());
    for id in 1..=3 {
        let accepted = lab.accept(call(id));
        let retry = Next::Retry(at(1000 - id));
        let reports: Vec<Write> = accepted
            .work
            .iter()
            .filter(|work| work.endpoint == erp)
            .map(|work| report(work.id, 1, Outcome::Refused, retry))
            .collect();
        lab.commit(&reports);
    }
    assert_eq!(lab.store().start().unwrap().due, [(erp, at(997)), (crm, T0)]);
    lab.write(put_endpoint("crm", |settings| settings.enabled = false));
    lab.reopen();
    assert_eq!(lab.store().start().unwrap().due, [(erp, at(997))]);
    assert_eq!(lab.store().start().unwrap().companies[0].company_id, COMPANY);
}

fn unknown_ids_are_not_found(lab: &mut Lab) {
    assert!(lab.read().event(EventId(1)).unwrap().is_none());
    assert!(lab.read().delivery(DeliveryId(1)).unwrap().is_none());
    let open = lab.read().open(EndpointId(1), 10).unwrap();
    assert_eq!((open.pending, open.parked), (0, 0));
}
