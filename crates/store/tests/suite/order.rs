//! Order within a key: who waits for whom, and who lets whom go.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Age, Outcome, State};
use ringback_core::endpoint::Order;
use ringback_core::settle::Next;

use crate::lab::{Lab, T0, at, call, correction, event, on_every_store};

on_every_store! {
    a_second_delivery_of_a_key_waits_for_the_first,
    settling_the_head_lets_exactly_the_next_go,
    a_retry_lets_nobody_go,
    kinds_share_a_key_only_where_they_share_an_id,
    each_endpoint_has_its_own_order,
    without_order_nobody_waits,
    leaving_order_frees_those_that_wait,
}

fn a_second_delivery_of_a_key_waits_for_the_first(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let first = lab.deliver(call(1));
    lab.pass(10);
    let second = lab.accept(correction(1, "B"));
    assert!(second.work.is_empty());
    assert_eq!(second.deliveries[0].state, State::Pending);
    let waiting = lab.record_of(second.deliveries[0].id);
    assert_eq!(
        (waiting.delivery.due, waiting.delivery.age),
        (None, Age::default())
    );
    assert_eq!(waiting.waits_for, Some(first));
    assert_eq!(lab.record_of(first).waits_for, None);
}

fn settling_the_head_lets_exactly_the_next_go(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let ids: Vec<_> = ["A", "B", "C"]
        .map(|value| lab.deliver(correction(1, value)))
        .into();
    lab.pass(100);
    for (settled, next) in [(0, Some(1)), (1, Some(2)), (2, None)] {
        let (outcome, then) = match settled {
            1 => (Outcome::Refused, Next::Exhausted),
            _ => (Outcome::Acknowledged, Next::Delivered),
        };
        let released = lab.report(ids[settled], outcome, then).released;
        assert_eq!(
            released.as_ref().map(|work| work.id),
            next.map(|next: usize| ids[next])
        );
        if let Some(work) = released {
            let now = lab.now;
            assert_eq!((work.due, work.age, work.sends), (now, Age::starting(now), 0));
            assert_eq!(work.body, ["", "correction/1/B", "correction/1/C"][next.unwrap()]);
            assert_eq!(lab.delivery(work.id).due, Some(now));
        }
        lab.pass(100);
    }
}

fn a_retry_lets_nobody_go(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let first = lab.deliver(call(1));
    let second = lab.deliver(correction(1, "B"));
    let recorded = lab.report(first, Outcome::TimedOut, Next::Retry(at(60_000)));
    assert!(recorded.released.is_none());
    assert_eq!((recorded.state, recorded.due), (State::Pending, Some(at(60_000))));
    assert_eq!(lab.stands(second), (State::Pending, None));
}

fn kinds_share_a_key_only_where_they_share_an_id(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    for (kind, entity_id, waits) in [
        (Kind::Call, 1, false),
        (Kind::Correction, 1, true),
        (Kind::Inbound, 1, false),
        (Kind::Job, 1, false),
        (Kind::Correction, 2, false),
        (Kind::Call, 2, true),
    ] {
        let id = lab.deliver(event(kind, entity_id, "x"));
        assert_eq!(lab.delivery(id).due.is_none(), waits, "{kind:?} {entity_id}");
    }
}

fn each_endpoint_has_its_own_order(lab: &mut Lab) {
    lab.company();
    lab.endpoint("a", |_| ());
    lab.endpoint("b", |_| ());
    let first = lab.accept(call(1));
    lab.settle(first.deliveries[0].id);
    let second = lab.accept(correction(1, "B"));
    let due: Vec<_> = second
        .deliveries
        .iter()
        .map(|brief| lab.delivery(brief.id).due)
        .collect();
    assert_eq!(due, [Some(T0), None]);
    let released = lab.settle(first.deliveries[1].id).released.unwrap();
    assert_eq!(released.id, second.deliveries[1].id);
}

fn without_order_nobody_waits(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |settings| settings.order = Order::None);
    let first = lab.deliver(call(1));
    let second = lab.deliver(correction(1, "B"));
    assert_eq!(lab.stands(second), (State::Pending, Some(0)));
    assert!(lab.settle(first).released.is_none());
}

fn leaving_order_frees_those_that_wait(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let ids: Vec<_> = ["A", "B", "C"]
        .map(|value| lab.deliver(correction(1, value)))
        .into();
    lab.pass(7);
    lab.endpoint("erp", |settings| settings.order = Order::None);
    assert_eq!(lab.stands(ids[0]), (State::Pending, Some(0)));
    assert_eq!(lab.stands(ids[1]), (State::Pending, Some(7)));
    assert_eq!(lab.stands(ids[2]), (State::Pending, Some(7)));

    // Back in order, what is due stays due: it may be in flight.
    lab.endpoint("erp", |_| ());
    assert_eq!(lab.stands(ids[2]), (State::Pending, Some(7)));
    let last = lab.deliver(correction(1, "D"));
    assert_eq!(lab.stands(last), (State::Pending, None));
    assert!(lab.settle(ids[0]).released.is_none());
    assert!(lab.settle(ids[2]).released.is_none());
    assert_eq!(lab.settle(ids[1]).released.unwrap().id, last);
}
