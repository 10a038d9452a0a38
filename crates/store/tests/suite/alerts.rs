//! Alerts: what a start gives back of them, and the oldest delivery of an endpoint.

use ringback_core::alert::{Alert, Condition, Detail, Ending, Named, Oldest, Severity};
use ringback_core::delivery::Outcome;
use ringback_core::id::EndpointId;
use ringback_core::limits::{ALERT_ROWS, ALERTS_KEPT};
use ringback_core::settle::Next;
use ringback_core::store::{Write, Written};

use crate::lab::{COMPANY, Lab, T0, call, on_every_store, report};

on_every_store! {
    alerts_survive_a_restart_to_the_last_field,
    old_alerts_are_forgotten_and_open_ones_never,
    the_oldest_delivery_is_the_one_whose_age_began_first,
    an_age_that_stands_is_not_looked_at,
}

fn alert(id: i64) -> Alert {
    Alert {
        id,
        condition: Condition::EndpointFailing,
        company_id: Some(COMPANY),
        endpoint: Some(Named {
            id: EndpointId(7),
            name: "erp".to_owned(),
        }),
        severity: Severity::Critical,
        level: 4,
        since: T0,
        count: 3,
        uncounted: 2,
        detail: Detail::Failing {
            percent: Some(75),
            oldest_ms: Some(64_800_000),
            max_age_ms: Some(86_400_000),
            unacknowledged_ms: None,
        },
        notices: 5,
        noticed: Some(T0.plus(1)),
        told: true,
        ended: None,
    }
}

fn put(lab: &mut Lab, alerts: Vec<Alert>) {
    assert!(matches!(lab.write(Write::PutAlerts(alerts)), Written::Alerts));
}

fn alerts_survive_a_restart_to_the_last_field(lab: &mut Lab) {
    let open = alert(1);
    let ended = Alert {
        ended: Some((T0.plus(9), Ending::NothingPending)),
        detail: Detail::Store {
            fault: "the disk is full".to_owned(),
        },
        ..alert(2)
    };
    put(lab, vec![alert(2), open.clone()]);
    put(lab, vec![ended.clone()]);
    lab.reopen();
    assert_eq!(lab.store().start().unwrap().alerts, [open, ended]);
}

fn old_alerts_are_forgotten_and_open_ones_never(lab: &mut Lab) {
    let ended = |id| Alert {
        ended: Some((T0.plus(9), Ending::Recovered)),
        ..alert(id)
    };
    put(lab, vec![alert(1)]);
    let all: Vec<Alert> = (2..ALERTS_KEPT as i64 + 7).map(ended).collect();
    for part in all.chunks(ALERT_ROWS) {
        put(lab, part.to_vec());
    }
    let kept = lab.store().start().unwrap().alerts;
    assert_eq!(kept.len(), ALERTS_KEPT + 1);
    assert_eq!((kept[0].id, kept[1].id), (1, 7));
}

/// What [`Reader::oldest`](ringback_core::store::Reader::oldest) says of an endpoint.
fn oldest(lab: &mut Lab, endpoint: EndpointId) -> Option<u64> {
    let now = lab.now;
    let found = lab.read().oldest(now, &[EndpointId(999), endpoint]).unwrap();
    assert_eq!((found.len(), found[0]), (2, None));
    found[1].map(|Oldest { used_ms, max_age_ms }| {
        assert_eq!(max_age_ms, 24 * 60 * 60 * 1000);
        used_ms
    })
}

fn the_oldest_delivery_is_the_one_whose_age_began_first(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    assert_eq!(oldest(lab, erp), None);
    let first = lab.accept(call(1)).deliveries[0].id;
    lab.pass(1_000);
    let second = lab.accept(call(2)).deliveries[0].id;
    lab.pass(1_000);
    // Never sent: the one that was due first.
    assert_eq!(oldest(lab, erp), Some(2_000));
    // Sent, and due again long after the other.
    let later = lab.now.plus(60_000);
    lab.record(report(first, 1, Outcome::Refused, Next::Retry(later)));
    lab.pass(1_000);
    assert_eq!(oldest(lab, erp), Some(3_000));
    // The first settles; the second was never sent.
    lab.record(report(first, 2, Outcome::Acknowledged, Next::Delivered));
    assert_eq!(oldest(lab, erp), Some(2_000));
    lab.record(report(second, 1, Outcome::Refused, Next::Retry(later)));
    let third = lab.accept(call(3)).deliveries[0].id;
    lab.pass(5_000);
    assert_eq!(oldest(lab, erp), Some(7_000));
    lab.record(report(second, 2, Outcome::Refused, Next::Exhausted));
    assert_eq!(oldest(lab, erp), Some(5_000));
    lab.record(report(third, 1, Outcome::Acknowledged, Next::Delivered));
    assert_eq!(oldest(lab, erp), None);
}

/// Parked time does not count, and what waits for the head of its key has no age yet.
fn an_age_that_stands_is_not_looked_at(lab: &mut Lab) {
    lab.company();
    let erp = lab.endpoint("erp", |_| ()).id;
    let head = lab.accept(call(1)).deliveries[0].id;
    lab.pass(1_000);
    let again = lab.now.plus(500);
    lab.record(report(head, 1, Outcome::Refused, Next::Retry(again)));
    lab.pass(1_000);
    lab.endpoint("erp", |settings| settings.enabled = false);
    lab.pass(60_000);
    assert_eq!(oldest(lab, erp), None);
    lab.endpoint("erp", |_| ());
    lab.pass(3_000);
    assert_eq!(oldest(lab, erp), Some(5_000));
}
