//! The reconciliation: what was accepted and made, and what became of it.

use std::collections::BTreeMap;

use ringback_contract::kind::Kind;
use ringback_core::delivery::Outcome;
use ringback_core::id::EventId;
use ringback_core::settle::Next;
use ringback_core::store::{DeliveryGroup, DeliveryTally, EventTally, ReconcileQuery, Reconciled};
use ringback_core::time::Millis;

use crate::lab::{
    COMPANY, Lab, T0, at, call, correction, delete_endpoint, event, kinds, on_every_store, put_company,
};

on_every_store!(
    each_state_is_counted_by_kind_and_endpoint,
    unwanted_events_are_told_apart,
    repetitions_are_counted_apart_and_on_their_own_day,
    an_event_and_its_deliveries_on_both_sides_of_a_border_are_counted_once,
    parts_add_up,
    an_endpoint_that_was_made_again_is_one_with_its_namesake,
);

/// Everything of these ids, read in parts.
pub(crate) fn count(lab: &mut Lab, mut query: ReconcileQuery) -> Reconciled {
    let mut whole = Reconciled::default();
    loop {
        let part = lab.read().reconcile(&query).unwrap();
        for (kind, tally) in part.events {
            let sum = whole.events.entry(kind).or_default();
            sum.accepted += tally.accepted;
            sum.with_deliveries += tally.with_deliveries;
            sum.unwanted += tally.unwanted;
        }
        for (sums, tallies) in [
            (&mut whole.deliveries, part.deliveries),
            (&mut whole.resends, part.resends),
        ] {
            for (group, tally) in tallies {
                sums.entry(group).or_default().merge(tally);
            }
        }
        whole.looked += part.looked;
        let Some(next) = part.next else { return whole };
        assert!(next > query.from, "a part goes on where it began");
        query.from = next;
    }
}

/// What the delivery rules promise of every count.
pub(crate) fn add_up(counted: &Reconciled) {
    for tally in counted.events.values() {
        assert_eq!(tally.accepted, tally.with_deliveries + tally.unwanted);
    }
    for tally in counted.deliveries.values().chain(counted.resends.values()) {
        let states = tally.delivered + tally.pending + tally.exhausted + tally.parked + tally.cancelled;
        assert_eq!(tally.created, states);
    }
}

fn between(from: Millis, to: Millis) -> ReconcileQuery {
    ReconcileQuery {
        company_id: COMPANY,
        from: EventId::first_at(from).0,
        below: EventId::first_at(to).0,
        rows: 1000,
        spent_ms: 0,
    }
}

/// What is to be counted when nothing is left out.
pub(crate) fn everything() -> ReconcileQuery {
    between(T0, at(1_000_000))
}

fn all(lab: &mut Lab) -> Reconciled {
    let counted = count(lab, everything());
    add_up(&counted);
    counted
}

/// A tally of deliveries, in the order of its members.
fn tally([delivered, pending, exhausted, parked, cancelled]: [u64; 5]) -> DeliveryTally {
    DeliveryTally {
        created: delivered + pending + exhausted + parked + cancelled,
        delivered,
        pending,
        exhausted,
        parked,
        cancelled,
    }
}

fn groups(of: &[(Kind, Option<&str>, [u64; 5])]) -> BTreeMap<DeliveryGroup, DeliveryTally> {
    of.iter()
        .map(|(kind, name, counts)| ((*kind, name.map(str::to_owned)), tally(*counts)))
        .collect()
}

fn each_state_is_counted_by_kind_and_endpoint(lab: &mut Lab) {
    lab.company();
    lab.accept(call(1));
    lab.endpoint("erp", |settings| settings.callbacks = kinds(&[Kind::Call]));
    lab.endpoint("crm", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction]);
    });
    for (id, outcome, next) in [
        (2, Outcome::Acknowledged, Some(Next::Delivered)),
        (3, Outcome::Refused, Some(Next::Exhausted)),
        (4, Outcome::Refused, Some(Next::Retry(at(500)))),
        (5, Outcome::Refused, None),
    ] {
        let accepted = lab.accept(call(id));
        let erp = accepted
            .deliveries
            .iter()
            .find(|brief| brief.endpoint.as_ref().is_some_and(|(_, name)| name == "erp"))
            .unwrap();
        if let Some(next) = next {
            lab.report(erp.id, outcome, next);
        }
    }
    lab.accept(correction(2, "B"));
    let calls = EventTally {
        accepted: 5,
        with_deliveries: 5,
        unwanted: 0,
    };
    let corrections = EventTally {
        accepted: 1,
        with_deliveries: 1,
        unwanted: 0,
    };
    let expected = Reconciled {
        events: BTreeMap::from([(Kind::Call, calls), (Kind::Correction, corrections)]),
        deliveries: groups(&[
            (Kind::Call, None, [0, 0, 0, 1, 0]),
            (Kind::Call, Some("crm"), [0, 4, 0, 0, 0]),
            (Kind::Call, Some("erp"), [1, 2, 1, 0, 0]),
            (Kind::Correction, Some("crm"), [0, 1, 0, 0, 0]),
        ]),
        resends: BTreeMap::new(),
        looked: 6 + 10,
        next: None,
    };
    assert_eq!(all(lab), expected);

    lab.endpoint("crm", |settings| settings.enabled = false);
    lab.write(delete_endpoint("erp", true));
    let expected = groups(&[
        (Kind::Call, None, [0, 0, 0, 1, 0]),
        (Kind::Call, Some("crm"), [0, 0, 0, 4, 0]),
        (Kind::Call, Some("erp"), [1, 0, 1, 0, 2]),
        (Kind::Correction, Some("crm"), [0, 0, 0, 1, 0]),
    ]);
    assert_eq!(all(lab).deliveries, expected);

    let other = ReconcileQuery {
        company_id: COMPANY + 1,
        ..between(T0, at(1_000_000))
    };
    assert_eq!(count(lab, other), Reconciled::default());
}

fn unwanted_events_are_told_apart(lab: &mut Lab) {
    lab.write(put_company(COMPANY, kinds(&[Kind::Call])));
    lab.endpoint("erp", |settings| settings.callbacks = kinds(&[Kind::Call]));
    for event in [
        call(1),
        correction(1, "B"),
        event(Kind::Job, 5, "done"),
        correction(2, "C"),
    ] {
        lab.accept(event);
    }
    let tallies = all(lab).events;
    let found: Vec<_> = tallies
        .iter()
        .map(|(kind, tally)| (*kind, tally.accepted, tally.with_deliveries, tally.unwanted))
        .collect();
    assert_eq!(
        found,
        [
            (Kind::Call, 1, 1, 0),
            (Kind::Correction, 2, 0, 2),
            (Kind::Job, 1, 0, 1)
        ]
    );
}

fn repetitions_are_counted_apart_and_on_their_own_day(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| {});
    let first = lab.deliver(call(1));
    lab.settle(first);
    lab.pass(10_000);
    let again = lab.resend(first).deliveries[0].id;
    lab.pass(10_000);
    lab.settle(again);
    // With another event between, SQLite finds it in another way.
    let other = lab.deliver(correction(9, "B"));
    lab.settle(other);
    lab.resend(again);
    let (yesterday, today) = (between(T0, at(10_000)), between(at(10_000), at(30_000)));
    let delivered = groups(&[(Kind::Call, Some("erp"), [1, 0, 0, 0, 0])]);
    let counted = count(lab, yesterday);
    assert_eq!((&counted.deliveries, counted.resends.len()), (&delivered, 0));
    let counted = count(lab, today);
    let resends = groups(&[(Kind::Call, Some("erp"), [1, 1, 0, 0, 0])]);
    let corrections = groups(&[(Kind::Correction, Some("erp"), [1, 0, 0, 0, 0])]);
    assert_eq!((counted.resends, counted.deliveries), (resends, corrections));
    assert_eq!(counted.events.keys().collect::<Vec<_>>(), [&Kind::Correction]);
}

/// Ids run ahead of the clock under load, so that the first of a day may lie between an event and its deliveries.
fn an_event_and_its_deliveries_on_both_sides_of_a_border_are_counted_once(lab: &mut Lab) {
    lab.company();
    for name in ["a", "b", "c"] {
        lab.endpoint(name, |_| {});
    }
    let ids: Vec<i64> = (0..3)
        .flat_map(|id| {
            let accepted = lab.accept(call(id));
            let deliveries = accepted.deliveries.iter().map(|brief| brief.id.0);
            [accepted.event_id.0]
                .into_iter()
                .chain(deliveries)
                .collect::<Vec<_>>()
        })
        .collect();
    let whole = all(lab);
    assert_eq!(whole.looked, ids.len());
    for (nth, border) in ids.iter().enumerate() {
        let query = between(T0, at(1_000_000));
        let before = count(
            lab,
            ReconcileQuery {
                below: *border,
                ..query
            },
        );
        let after = count(
            lab,
            ReconcileQuery {
                from: *border,
                ..query
            },
        );
        assert_eq!((before.looked, after.looked), (nth, ids.len() - nth), "{border}");
    }
}

fn parts_add_up(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| {});
    for id in 0..20 {
        let delivery = lab.deliver(call(id));
        lab.settle(delivery);
        if id % 3 == 0 {
            lab.resend(delivery);
        }
    }
    let query = between(T0, at(1_000_000));
    let whole = lab.read().reconcile(&query).unwrap();
    assert_eq!((whole.looked, whole.next), (47, None));
    for rows in [0, 1, 2, 5, 46, 47, 48] {
        let parts = count(lab, ReconcileQuery { rows, ..query });
        assert_eq!(parts, whole, "{rows}");
    }
    let part = lab
        .read()
        .reconcile(&ReconcileQuery { rows: 5, ..query })
        .unwrap();
    assert!(part.looked == 5 && part.next.is_some(), "{part:?}");
}

fn an_endpoint_that_was_made_again_is_one_with_its_namesake(lab: &mut Lab) {
    lab.company();
    for id in 0..2 {
        lab.endpoint("erp", |_| {});
        lab.accept(call(id));
        lab.write(delete_endpoint("erp", true));
    }
    let expected = groups(&[(Kind::Call, Some("erp"), [0, 0, 0, 0, 2])]);
    assert_eq!(all(lab).deliveries, expected);
}
