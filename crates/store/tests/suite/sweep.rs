//! Enabling, disabling and deleting endpoints with few and with many open deliveries.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Age, Outcome, State};
use ringback_core::endpoint::Order;
use ringback_core::event::OrderKey;
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::limits::SWEEP_ROWS;
use ringback_core::settle::Next;
use ringback_core::store::{OpenCount, Refusal, Swept, Write, Written};

use crate::lab::{Lab, at, call, correction, delete_endpoint, on_every_store, put_endpoint};

on_every_store! {
    disabling_parks_and_enabling_goes_on,
    enabling_without_order_makes_all_due,
    an_enabled_endpoint_sends_the_first_of_each_key,
    many_are_swept_in_parts,
    a_sweep_begun_anew_is_not_ended_by_an_older_part,
    new_events_wait_behind_what_is_not_swept_yet,
    a_settled_head_lets_nobody_go_at_a_disabled_endpoint,
    a_deleted_endpoint_is_swept_after_a_restart,
    sweeping_what_needs_none_changes_nothing,
}

/// Rows beyond one part.
const MORE: usize = 7;

fn swept(written: Written) -> Swept {
    match written {
        Written::Swept(swept) | Written::Endpoint { swept, .. } | Written::EndpointDeleted { swept, .. } => {
            swept
        }
        other => panic!("{other:?}"),
    }
}

fn switch(lab: &mut Lab, enabled: bool) -> Swept {
    swept(lab.write(put_endpoint("erp", |settings| settings.enabled = enabled)))
}

fn go_on(lab: &mut Lab, endpoint: EndpointId, after: Option<(OrderKey, DeliveryId)>) -> Swept {
    swept(lab.write(Write::Sweep { endpoint, after }))
}

fn is_sweeping(lab: &mut Lab) -> Option<bool> {
    let start = lab.store().start().unwrap();
    start.endpoints.first().map(|endpoint| endpoint.sweeping)
}

/// One more part's worth of events than a part holds, of as many calls.
fn many(lab: &mut Lab) -> EndpointId {
    lab.company();
    let id = lab.endpoint("erp", |_| ()).id;
    let calls = 1..=i64::try_from(SWEEP_ROWS + MORE).unwrap();
    let writes: Vec<Write> = calls.map(|id| Write::Accept(Box::new(call(id)))).collect();
    lab.commit(&writes);
    id
}

fn open(lab: &mut Lab, endpoint: EndpointId) -> (usize, usize) {
    let OpenCount { pending, parked } = lab.read().open(endpoint, usize::MAX >> 1).unwrap();
    (pending, parked)
}

fn disabling_parks_and_enabling_goes_on(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let head = lab.deliver(call(1));
    let behind = lab.deliver(correction(1, "B"));
    let settled = lab.deliver(call(2));
    lab.settle(settled);
    lab.report(head, Outcome::Refused, Next::Retry(at(60_000)));
    lab.pass(500);
    assert_eq!(
        switch(lab, false),
        Swept {
            changed: 2,
            next: None,
            hold_check: None,
        }
    );
    assert_eq!(lab.stands(head), (State::Parked, Some(60_000)));
    assert_eq!(lab.stands(behind), (State::Parked, None));
    assert_eq!(lab.stands(settled).0, State::Delivered);
    let late = lab.deliver(call(3));
    assert_eq!(lab.stands(late), (State::Parked, None));

    lab.pass(1000);
    assert_eq!(
        switch(lab, true),
        Swept {
            changed: 3,
            next: None,
            hold_check: None,
        }
    );
    assert_eq!(lab.stands(head), (State::Pending, Some(60_000)));
    assert_eq!(lab.stands(behind), (State::Pending, None));
    assert_eq!(lab.stands(late), (State::Pending, Some(1500)));
    let ages = [head, behind, late].map(|id| lab.delivery(id).age);
    let running = |used_ms| Age {
        used_ms,
        since: Some(at(1500)),
    };
    assert_eq!(ages, [running(500), Age::default(), running(0)]);
    assert_eq!(is_sweeping(lab), Some(false));
}

fn enabling_without_order_makes_all_due(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |settings| settings.enabled = false);
    let ids = ["A", "B", "C"].map(|value| lab.deliver(correction(1, value)));
    lab.pass(3);
    lab.endpoint("erp", |settings| settings.order = Order::None);
    assert_eq!(ids.map(|id| lab.stands(id)), [(State::Pending, Some(3)); 3]);
}

fn an_enabled_endpoint_sends_the_first_of_each_key(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |settings| settings.enabled = false);
    let ids = [(1, "A"), (2, "A"), (1, "B"), (2, "B"), (1, "C")]
        .map(|(call_id, value)| lab.deliver(correction(call_id, value)));
    switch(lab, true);
    assert_eq!(
        ids.map(|id| lab.delivery(id).due.is_some()),
        [true, true, false, false, false]
    );
    assert_eq!(lab.settle(ids[0]).released.unwrap().id, ids[2]);
}

fn many_are_swept_in_parts(lab: &mut Lab) {
    let endpoint = many(lab);
    let first = switch(lab, false);
    assert_eq!(first.changed, SWEEP_ROWS);
    assert_eq!(is_sweeping(lab), Some(true));
    assert_eq!(open(lab, endpoint), (MORE, SWEEP_ROWS));

    lab.reopen();
    assert_eq!(is_sweeping(lab), Some(true));
    let rest = go_on(lab, endpoint, first.next);
    assert_eq!(
        rest,
        Swept {
            changed: MORE,
            next: None,
            hold_check: None,
        }
    );
    assert_eq!(is_sweeping(lab), Some(false));
    assert_eq!(open(lab, endpoint), (0, SWEEP_ROWS + MORE));
    let counted = lab.read().open(endpoint, 10).unwrap();
    assert_eq!((counted.pending, counted.parked), (0, 10));
    assert_eq!(
        lab.refused(delete_endpoint("erp", false)),
        Refusal::HasOpen { at_least: SWEEP_ROWS }
    );

    // Without its place, as after a restart, a sweep walks from the start.
    assert_eq!(switch(lab, true).changed, SWEEP_ROWS);
    let again = go_on(lab, endpoint, None);
    assert_eq!(again.changed, 0);
    assert_eq!(go_on(lab, endpoint, again.next).changed, MORE);
    assert_eq!(open(lab, endpoint), (SWEEP_ROWS + MORE, 0));
}

fn a_sweep_begun_anew_is_not_ended_by_an_older_part(lab: &mut Lab) {
    let endpoint = many(lab);
    let parking = switch(lab, false);
    let enabling = switch(lab, true);
    assert_eq!(enabling.changed, SWEEP_ROWS);
    let parking_again = switch(lab, false);
    assert_eq!(parking_again.changed, SWEEP_ROWS);
    // The last part of the first sweep comes late: it goes on where the newest one is.
    let last = go_on(lab, endpoint, parking.next);
    assert_eq!((last.changed, last.next), (MORE, None));
    assert_eq!(open(lab, endpoint), (0, SWEEP_ROWS + MORE));

    // A place ahead of what is swept does not leave anything out.
    switch(lab, true);
    let far = (OrderKey::of(Kind::Job, i64::MAX), DeliveryId(i64::MAX));
    assert_eq!(go_on(lab, endpoint, Some(far)).changed, MORE);
    assert_eq!(open(lab, endpoint), (SWEEP_ROWS + MORE, 0));
}

fn new_events_wait_behind_what_is_not_swept_yet(lab: &mut Lab) {
    let endpoint = many(lab);
    let last_call = i64::try_from(SWEEP_ROWS + MORE).unwrap();
    let next = switch(lab, false).next;
    go_on(lab, endpoint, next);
    let next = switch(lab, true).next;
    let new = lab.deliver(correction(last_call, "B"));
    assert_eq!(lab.stands(new), (State::Pending, None));
    let head = lab.record_of(new).waits_for.unwrap();
    assert_eq!(lab.stands(head).0, State::Parked);
    go_on(lab, endpoint, next);
    assert_eq!(lab.stands(head), (State::Pending, Some(0)));
    assert_eq!(lab.stands(new), (State::Pending, None));
    assert_eq!(lab.settle(head).released.unwrap().id, new);
}

fn a_settled_head_lets_nobody_go_at_a_disabled_endpoint(lab: &mut Lab) {
    let endpoint = many(lab);
    let last_call = i64::try_from(SWEEP_ROWS + MORE).unwrap();
    let behind = lab.deliver(correction(last_call, "B"));
    let head = lab.record_of(behind).waits_for.unwrap();
    let next = switch(lab, false).next;
    assert_eq!(lab.stands(head).0, State::Pending);
    assert!(lab.settle(head).released.is_none());
    assert_eq!(lab.stands(behind), (State::Pending, None));
    // Enabled again before the sweep came to it, it goes.
    let parked = go_on(lab, endpoint, next);
    assert_eq!(parked.next, None);
    assert_eq!(lab.stands(behind).0, State::Parked);
    let next = switch(lab, true).next;
    go_on(lab, endpoint, next);
    assert_eq!(lab.stands(behind), (State::Pending, Some(0)));
}

fn a_deleted_endpoint_is_swept_after_a_restart(lab: &mut Lab) {
    let endpoint = many(lab);
    let first = swept(lab.write(delete_endpoint("erp", true)));
    assert_eq!(first.changed, SWEEP_ROWS);
    lab.reopen();
    assert_eq!(is_sweeping(lab), Some(true));
    assert!(lab.store().start().unwrap().due.is_empty());
    let new = lab.endpoint("erp", |_| ());
    assert_ne!(new.id, endpoint);
    assert_eq!(
        lab.refused(Write::RetryNow {
            endpoint,
            cutoff: at(0),
            after: None,
        }),
        Refusal::NoEndpoint
    );
    let rest = go_on(lab, endpoint, None);
    assert_eq!((rest.changed, rest.next), (MORE, None));
    let start = lab.store().start().unwrap();
    assert_eq!(start.endpoints, [new]);
    assert_eq!(open(lab, endpoint), (0, 0));
}

fn sweeping_what_needs_none_changes_nothing(lab: &mut Lab) {
    lab.company();
    let endpoint = lab.endpoint("erp", |_| ()).id;
    lab.deliver(call(1));
    assert_eq!(go_on(lab, endpoint, None), Swept::default());
    let unknown = Write::Sweep {
        endpoint: EndpointId(99),
        after: None,
    };
    assert_eq!(lab.refused(unknown), Refusal::NoEndpoint);
}
