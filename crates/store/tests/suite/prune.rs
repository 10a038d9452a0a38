//! Pruning: what goes, what stays, and that each part is bounded.

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::delivery::Outcome;
use ringback_core::event::NewEvent;
use ringback_core::id::EventId;
use ringback_core::limits::{PRUNE_BYTES, PRUNE_EVENTS, PRUNE_ROWS};
use ringback_core::settle::Next;
use ringback_core::store::{Pruned, Refusal, Write, Written};
use ringback_core::time::Millis;

use crate::lab::{
    COMPANY, Lab, call, correction, delete_endpoint, event, kinds, on_every_store, put_company, put_endpoint,
    with_key,
};

on_every_store! {
    what_is_over_goes_and_what_is_open_stays,
    an_event_goes_with_the_last_of_its_deliveries,
    a_later_moment_decides,
    an_idempotency_key_goes_with_its_event,
    an_event_stays_behind_an_older_one_of_its_call,
    each_part_removes_a_bounded_number_of_rows,
    each_part_removes_bounded_bytes,
    what_stays_is_looked_at_once_in_a_round,
    time_and_ids_go_on_after_everything_was_pruned,
}

const DAY: u64 = 24 * 60 * 60 * 1000;

fn prune(lab: &mut Lab, before: Millis, after: Option<EventId>) -> Pruned {
    match lab.write(Write::Prune { before, after }) {
        Written::Pruned(pruned) => pruned,
        other => panic!("{other:?}"),
    }
}

/// Prunes in as many parts as it takes, and tells how many events went in each.
fn round(lab: &mut Lab, before: Millis) -> Vec<usize> {
    let (mut parts, mut after) = (Vec::new(), None);
    loop {
        let pruned = prune(lab, before, after);
        assert!(pruned.reached >= after);
        parts.push(pruned.events);
        if !pruned.more {
            return parts;
        }
        after = pruned.reached;
    }
}

fn is_kept(lab: &mut Lab, id: EventId) -> bool {
    let event = lab.read().event(id).unwrap();
    for record in event.iter().flat_map(|event| &event.deliveries) {
        assert!(lab.read().delivery(record.delivery.id).unwrap().is_some());
    }
    event.is_some()
}

fn what_is_over_goes_and_what_is_open_stays(lab: &mut Lab) {
    lab.write(put_company(
        COMPANY,
        kinds(&[Kind::Call, Kind::Correction, Kind::Job]),
    ));
    lab.endpoint("erp", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction]);
    });
    let delivered = lab.accept(call(1));
    lab.settle(delivered.deliveries[0].id);
    let exhausted = lab.accept(call(2));
    let id = exhausted.deliveries[0].id;
    lab.report(id, Outcome::Refused, Next::Retry(lab.now.plus(60_000)));
    lab.report(id, Outcome::Refused, Next::Exhausted);
    let pending = lab.accept(call(3));
    let waiting = lab.accept(correction(3, "B"));
    let unwanted = lab.accept(event(Kind::Inbound, 4, "unwanted"));
    assert!(unwanted.deliveries.is_empty());
    let homeless = lab.accept(event(Kind::Job, 5, "parked without an endpoint"));
    let stranger = lab.accept(NewEvent {
        company_id: COMPANY + 1,
        ..call(6)
    });
    lab.endpoint("off", |settings| {
        settings.callbacks = kinds(&[Kind::Inbound]);
        settings.enabled = false;
    });
    lab.write(put_company(COMPANY, kinds(&Kind::ALL)));
    let parked = lab.accept(event(Kind::Inbound, 7, "parked"));
    lab.write(put_endpoint("gone", |settings| {
        settings.callbacks = kinds(&[Kind::Job]);
    }));
    let cancelled = lab.accept(event(Kind::Job, 8, "cancelled"));
    lab.write(delete_endpoint("gone", true));
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [4]);
    for (accepted, kept) in [
        (&delivered, false),
        (&exhausted, false),
        (&unwanted, false),
        (&cancelled, false),
        (&pending, true),
        (&waiting, true),
        (&homeless, true),
        (&stranger, true),
        (&parked, true),
    ] {
        assert_eq!(is_kept(lab, accepted.event_id), kept, "{accepted:?}");
    }
    let gone = delivered.deliveries[0].id;
    assert!(lab.read().delivery(gone).unwrap().is_none());
    assert_eq!(lab.refused(Write::Resend(gone)), Refusal::NoDelivery);
}

fn an_event_goes_with_the_last_of_its_deliveries(lab: &mut Lab) {
    lab.company();
    lab.endpoint("a", |_| ());
    lab.endpoint("b", |_| ());
    let accepted = lab.accept(call(1));
    let [a, b] = [accepted.deliveries[0].id, accepted.deliveries[1].id];
    lab.settle(a);
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [0]);
    lab.settle(b);
    let again = lab.resend(a).deliveries[0].id;
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [0]);
    lab.settle(again);
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [1]);
    assert!(!is_kept(lab, accepted.event_id));
}

fn a_later_moment_decides(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let accepted = lab.accept(call(1));
    lab.pass(1000);
    let settled = lab.now;
    lab.settle(accepted.deliveries[0].id);
    lab.pass(DAY);
    assert_eq!(round(lab, settled), [0]);
    assert_eq!(round(lab, settled.plus(1)), [1]);
    // Without a delivery it is the acceptance.
    lab.write(put_company(COMPANY, kinds(&[])));
    let accepted = lab.now;
    lab.accept(call(2));
    lab.pass(DAY);
    assert_eq!(round(lab, accepted), [0]);
    assert_eq!(round(lab, accepted.plus(1)), [1]);
}

fn an_idempotency_key_goes_with_its_event(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let first = lab.accept(with_key(call(1), "k"));
    lab.settle(first.deliveries[0].id);
    let other = || Write::Accept(Box::new(with_key(correction(1, "B"), "k")));
    assert!(matches!(lab.write(other()), Written::Conflict { .. }));
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [1]);
    assert!(matches!(lab.write(other()), Written::Accepted(accepted) if !accepted.replayed));
}

/// B is parked, C was delivered, and now comes B again. Were C pruned, the new B would count as a repetition of the old
/// one, and the receiver would be left with C.
fn an_event_stays_behind_an_older_one_of_its_call(lab: &mut Lab) {
    lab.company();
    let b = lab.accept(correction(1, "B"));
    lab.endpoint("erp", |_| ());
    let c = lab.accept(correction(1, "C"));
    lab.settle(c.deliveries[0].id);
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [0]);
    let again = lab.accept(correction(1, "B"));
    assert!(!again.replayed);
    // The old one goes out, and all three may go in the order in which they came.
    lab.settle(again.deliveries[0].id);
    let late = lab.resend(b.deliveries[0].id);
    lab.settle(late.deliveries[0].id);
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [3]);
    assert!(!lab.accept(correction(1, "B")).replayed);
}

/// Accepts and settles as many calls.
fn settled(lab: &mut Lab, count: usize, body: &Bytes) -> Vec<EventId> {
    lab.company();
    lab.endpoint("erp", |_| ());
    let calls = 1..=i64::try_from(count).unwrap();
    calls
        .map(|id| {
            let body = if body.is_empty() {
                call(id).body
            } else {
                body.clone()
            };
            let accepted = lab.accept(NewEvent { body, ..call(id) });
            lab.settle(accepted.deliveries[0].id);
            accepted.event_id
        })
        .collect()
}

/// The rows of an event with one delivery that was sent once: event, body, delivery, attempt.
const ROWS: usize = 4;

fn each_part_removes_a_bounded_number_of_rows(lab: &mut Lab) {
    let most = PRUNE_ROWS / ROWS;
    let events = settled(lab, most + 5, &Bytes::new());
    lab.pass(DAY);
    let first = prune(lab, lab.now, None);
    assert_eq!(
        (first.events, first.reached, first.more),
        (most, Some(events[most - 1]), true)
    );
    let second = prune(lab, lab.now, first.reached);
    assert_eq!(
        (second.events, second.reached, second.more),
        (5, events.last().copied(), false)
    );
}

fn each_part_removes_bounded_bytes(lab: &mut Lab) {
    let body = Bytes::from(vec![b' '; PRUNE_BYTES / 3]);
    settled(lab, 7, &body);
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [3, 3, 1]);
    // One that is larger than a part may be goes alone.
    let large = Bytes::from(vec![b' '; PRUNE_BYTES + 1]);
    settled(lab, 2, &large);
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [1, 1]);
}

fn what_stays_is_looked_at_once_in_a_round(lab: &mut Lab) {
    let calls = 1..=i64::try_from(PRUNE_EVENTS + 3).unwrap();
    let parked: Vec<Write> = calls.map(|id| Write::Accept(Box::new(call(id)))).collect();
    lab.commit(&parked);
    lab.company();
    lab.endpoint("erp", |_| ());
    let over = lab.accept(call(-1));
    lab.settle(over.deliveries[0].id);
    lab.pass(DAY);
    let first = prune(lab, lab.now, None);
    assert_eq!((first.events, first.more), (0, true));
    let second = prune(lab, lab.now, first.reached);
    assert_eq!(
        (second.events, second.reached, second.more),
        (1, Some(over.event_id), false)
    );
    let end = prune(lab, lab.now, second.reached);
    assert_eq!((end.events, end.reached, end.more), (0, second.reached, false));
    let later = lab.accept(call(-2));
    lab.settle(later.deliveries[0].id);
    lab.pass(DAY);
    let third = prune(lab, lab.now, end.reached);
    assert_eq!(
        (third.events, third.reached, third.more),
        (1, Some(later.event_id), false)
    );
}

fn time_and_ids_go_on_after_everything_was_pruned(lab: &mut Lab) {
    let last = *settled(lab, 3, &Bytes::new()).last().unwrap();
    lab.pass(DAY);
    assert_eq!(round(lab, lab.now), [3]);
    lab.reopen();
    assert_eq!(lab.store().start().unwrap().newest, lab.now);
    // A clock that stands far behind gives no id twice.
    lab.now = Millis(lab.store().start().unwrap().newest.0);
    let next = lab.accept(call(1));
    assert!(!next.replayed && next.event_id > last);
}
