//! What holds after any history, said a second time and without the store's own words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Delivery, State};
use ringback_core::endpoint::{Endpoint, Order};
use ringback_core::event::OrderKey;
use ringback_core::id::EndpointId;
use ringback_core::store::DueQuery;
use ringback_core::time::Millis;
use rusqlite::{Connection, OpenFlags};

use crate::lab::Lab;

pub(crate) fn check(lab: &mut Lab) {
    let start = lab.store().start().unwrap();
    let endpoints: BTreeMap<EndpointId, &Endpoint> = start
        .endpoints
        .iter()
        .map(|endpoint| (endpoint.id, &**endpoint))
        .collect();
    let deliveries: Vec<Delivery> = lab
        .all_deliveries()
        .into_iter()
        .map(|summary| summary.delivery)
        .collect();
    let ids: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    assert_eq!(ids.len(), deliveries.len());

    let mut open: BTreeMap<(EndpointId, OrderKey), Vec<&Delivery>> = BTreeMap::new();
    let mut earliest: BTreeMap<EndpointId, Millis> = BTreeMap::new();
    for delivery in &deliveries {
        check_one(delivery);
        assert!(delivery.id.time() <= start.newest);
        let Some(id) = delivery.endpoint else { continue };
        match endpoints.get(&id) {
            Some(endpoint) => check_fits(delivery, endpoint),
            None => assert!(delivery.state.is_settled(), "open at a deleted endpoint"),
        }
        if !delivery.state.is_settled() {
            open.entry((id, delivery.key)).or_default().push(delivery);
        }
        let sends = endpoints
            .get(&id)
            .is_some_and(|endpoint| endpoint.settings.enabled && !endpoint.deleted);
        if let (State::Pending, Some(due), true) = (delivery.state, delivery.due, sends) {
            let known = earliest.entry(id).or_insert(due);
            *known = due.min(*known);
        }
    }
    for ((id, _), of_key) in &open {
        let endpoint = endpoints[id];
        let sends = endpoint.settings.enabled && !endpoint.deleted && !endpoint.sweeping;
        let moves = of_key
            .iter()
            .any(|delivery| delivery.due.is_some() || delivery.hold.is_some());
        assert!(moves || !sends, "nothing lets these go: {of_key:?}");
    }
    let checks = deliveries.iter().filter_map(|delivery| delivery.hold);
    assert_eq!(start.hold_check, checks.map(|hold| hold.check).min());
    assert_eq!(start.due, earliest.into_iter().collect::<Vec<_>>());
    check_due_pages(lab, &endpoints, &deliveries);
}

fn check_one(delivery: &Delivery) {
    let due = delivery.due.is_some();
    let (may_be_due, settled, runs) = match delivery.state {
        State::Pending => (true, false, due),
        State::Parked => (true, false, false),
        State::Delivered | State::Exhausted | State::Cancelled => (false, true, false),
    };
    assert!(may_be_due || !due, "{delivery:?}");
    if let Some(hold) = delivery.hold {
        let may_be_held = (delivery.kind, delivery.state, due) == (Kind::Job, State::Pending, false);
        assert!(may_be_held && hold.check <= hold.until, "{delivery:?}");
    }
    assert_eq!(delivery.settled_at.is_some(), settled, "{delivery:?}");
    assert_eq!(delivery.age.since.is_some(), runs, "{delivery:?}");
    assert_eq!(
        delivery.last_outcome.is_some(),
        delivery.sends > 0,
        "{delivery:?}"
    );
    assert!(
        delivery.endpoint.is_some() || delivery.state == State::Parked,
        "{delivery:?}"
    );
}

/// What a sweep leaves behind.
fn check_fits(delivery: &Delivery, endpoint: &Endpoint) {
    if endpoint.sweeping {
        return;
    }
    let unfit = match (endpoint.deleted, endpoint.settings.enabled) {
        (true, _) => !delivery.state.is_settled(),
        (false, true) => {
            delivery.state == State::Parked
                || (delivery.hold.is_some() && endpoint.settings.order != Order::KeyHold)
        }
        (false, false) => delivery.state == State::Pending,
    };
    assert!(!unfit, "{delivery:?} at {endpoint:?}");
}

/// Reading on by (due, id), a few rows at a time, brings each pending delivery with a due time once.
fn check_due_pages(lab: &mut Lab, endpoints: &BTreeMap<EndpointId, &Endpoint>, deliveries: &[Delivery]) {
    for id in endpoints.keys() {
        let mut expected: Vec<_> = deliveries
            .iter()
            .filter(|delivery| delivery.endpoint == Some(*id) && delivery.state == State::Pending)
            .filter_map(|delivery| Some((delivery.due?, delivery.id)))
            .collect();
        expected.sort_unstable();
        let mut found = Vec::new();
        let mut query = DueQuery {
            endpoint: *id,
            after: (Millis::ZERO, ringback_core::id::DeliveryId(0)),
            until: Millis(i64::MAX),
            rows: 300,
            bytes: usize::MAX,
        };
        loop {
            let page = lab.read().due(&query).unwrap();
            found.extend(page.work.iter().map(|work| (work.due, work.id)));
            if page.next.is_none() {
                break;
            }
            query.after = *found.last().unwrap();
        }
        assert_eq!(found, expected);
    }
}

/// The database keeps its own constraints, references included.
pub(crate) fn check_file(dir: &Path) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(dir.join("ringback.db"), flags).unwrap();
    let integrity: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    let broken = connection
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .exists([])
        .unwrap();
    assert!(!broken, "a reference leads nowhere");
}
