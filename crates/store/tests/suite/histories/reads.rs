//! Reading both stores in every way; they agree.

use std::collections::BTreeSet;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::replay::ReplaySpec;
use ringback_core::store::{DueQuery, Filter, Page, PageRequest, ReconcileQuery};
use ringback_core::time::Millis;

use super::plan::{self, CALLS, COMPANIES, ENDPOINTS};
use crate::lab::{Lab, at};
use crate::reconcile;

/// One more than histories make endpoints, or nearly so; there is none with the number 0.
const ENDPOINT_NUMBERS: std::ops::Range<i64> = 0..20;

/// How to look at a store.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) reopens: bool,
    /// Whether each page of the judged store ends after its first row.
    pub(super) hasty: bool,
    /// Searches, with the items of their pages.
    searches: Vec<(Filter, usize)>,
    /// Replays that are foreseen.
    dry_runs: Vec<ReplaySpec>,
    /// Counts, each in parts of so many rows.
    counts: Vec<ReconcileQuery>,
    /// How deliveries that are due are read, but for the endpoint and the place.
    until: Millis,
    rows: usize,
    bytes: usize,
    /// Where counting stops.
    most: usize,
}

pub(super) fn look() -> impl Strategy<Value = Look> {
    let searches = prop::collection::vec((filter(), 1usize..12), 2..6);
    let dry_runs = prop::collection::vec(plan::replay_spec(select(&COMPANIES[..])), 0..3);
    let counts = prop::collection::vec(count(), 1..4);
    let until = prop_oneof![Just(Millis(i64::MAX)), time()];
    let due = (
        until,
        1usize..8,
        prop_oneof![Just(usize::MAX), 1usize..60],
        1usize..30,
    );
    (any::<bool>(), any::<bool>(), searches, dry_runs, counts, due).prop_map(
        |(reopens, hasty, searches, dry_runs, counts, (until, rows, bytes, most))| Look {
            reopens,
            hasty,
            searches,
            dry_runs,
            counts,
            until,
            rows,
            bytes,
            most,
        },
    )
}

fn time() -> impl Strategy<Value = Millis> {
    (0i64..9_000_000).prop_map(at)
}

/// Between two ids, some of them no bound of a moment.
fn count() -> impl Strategy<Value = ReconcileQuery> {
    let id = || (time(), 0i64..1 << 14).prop_map(|(time, more)| EventId::first_at(time).0 + more);
    let from = prop_oneof![Just(0), id()];
    let below = prop_oneof![Just(i64::MAX), id()];
    (select(&COMPANIES[..]), from, below, 1usize..30).prop_map(|(company_id, from, below, rows)| {
        ReconcileQuery {
            company_id,
            from,
            below,
            rows,
            spent_ms: 0,
        }
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let of_events = (
        option::weighted(0.3, select(&COMPANIES[..])),
        option::weighted(0.2, CALLS),
        option::weighted(0.2, 1i64..4),
        option::weighted(0.2, 0i64..3),
        option::weighted(0.2, select(&Kind::ALL[..])),
    );
    let of_deliveries = (
        option::weighted(0.3, select(&State::ALL[..])),
        option::weighted(0.2, select(&Outcome::ALL[..])),
        option::weighted(0.3, select(&ENDPOINTS[..]).prop_map(str::to_owned)),
    );
    let times = (option::weighted(0.2, time()), option::weighted(0.2, time()));
    // The lab's sends begin a millisecond after one another.
    let sent = (
        option::weighted(0.1, 1_547_280_573_000i64..1_547_280_573_006),
        option::weighted(0.1, 1_547_280_573_000i64..1_547_280_573_006),
    );
    (of_events, of_deliveries, times, sent).prop_map(
        |(
            (company_id, call_instance_id, call_job_id, phone_hash, kind),
            (state, outcome, endpoint),
            (from, to),
            (sent_from, sent_to),
        )| Filter {
            company_id,
            event_id: None,
            call_instance_id,
            call_job_id,
            phone_hash,
            kind,
            state,
            outcome,
            endpoint,
            from,
            to,
            sent_from,
            sent_to,
        },
    )
}

/// What a process learns at its start, searches, due pages and counts agree.
pub(super) fn agree(model: &mut Lab, judged: &mut Lab, look: &Look) -> TestCaseResult {
    starts_agree(model, judged)?;
    for (filter, limit) in &look.searches {
        events_agree(model, judged, filter, *limit)?;
        deliveries_agree(model, judged, filter, *limit)?;
    }
    for spec in &look.dry_runs {
        prop_assert_eq!(
            judged.read().dry_run(spec).unwrap(),
            model.read().dry_run(spec).unwrap()
        );
    }
    for query in &look.counts {
        let expected = reconcile::count(model, *query);
        reconcile::add_up(&expected);
        prop_assert_eq!(reconcile::count(judged, *query), expected);
    }
    pages_agree(
        3,
        |request| model.read().replays(None, request).unwrap(),
        |request| judged.read().replays(None, request).unwrap(),
    )?;
    for endpoint in ENDPOINT_NUMBERS.map(EndpointId) {
        due_pages_agree(model, judged, endpoint, look)?;
        prop_assert_eq!(
            judged.read().open(endpoint, look.most).unwrap(),
            model.read().open(endpoint, look.most).unwrap()
        );
    }
    Ok(())
}

/// All but the phone key, which each store makes for itself.
fn starts_agree(model: &mut Lab, judged: &mut Lab) -> TestCaseResult {
    let expected = model.store().start().unwrap();
    let found = judged.store().start().unwrap();
    prop_assert_eq!(found.newest, expected.newest);
    prop_assert_eq!(found.companies, expected.companies);
    prop_assert_eq!(found.endpoints, expected.endpoints);
    prop_assert_eq!(found.due, expected.due);
    prop_assert_eq!(found.hold_check, expected.hold_check);
    prop_assert_eq!(found.replays, expected.replays);
    prop_assert_eq!(found.tokens, expected.tokens);
    Ok(())
}

fn events_agree(model: &mut Lab, judged: &mut Lab, filter: &Filter, limit: usize) -> TestCaseResult {
    pages_agree(
        limit,
        |request| model.read().events(filter, request).unwrap(),
        |request| judged.read().events(filter, request).unwrap(),
    )
}

fn deliveries_agree(model: &mut Lab, judged: &mut Lab, filter: &Filter, limit: usize) -> TestCaseResult {
    pages_agree(
        limit,
        |request| model.read().deliveries(filter, request).unwrap(),
        |request| judged.read().deliveries(filter, request).unwrap(),
    )
}

/// Every page of a search agrees. A cursor is the store's own: it may lie anywhere from the last item to before the
/// next one, as the store walked. So each store goes on from the cursor that it gave.
fn pages_agree<T: std::fmt::Debug>(
    limit: usize,
    mut model: impl FnMut(&PageRequest) -> Page<T>,
    mut judged: impl FnMut(&PageRequest) -> Page<T>,
) -> TestCaseResult {
    let first = PageRequest { limit, before: None };
    let (mut of_model, mut of_judged) = (first, first);
    loop {
        let (expected, mut found) = (model(&of_model), judged(&of_judged));
        // A hasty page ends early: no history has so many rows that the model's would. One that is full when its time is
        // over does not know that it is the last.
        while found.next.is_some() && (found.partial || expected.next.is_none()) {
            let rest = judged(&PageRequest {
                limit: (limit - found.items.len()).max(1),
                before: found.next,
            });
            found.items.extend(rest.items);
            found.next = rest.next;
            found.partial = rest.partial;
        }
        same(&found.items, &expected.items)?;
        prop_assert_eq!(found.partial, expected.partial);
        prop_assert_eq!(found.next.is_some(), expected.next.is_some());
        of_model.before = expected.next;
        of_judged.before = found.next;
        if of_model.before.is_none() {
            return Ok(());
        }
    }
}

/// Reads on by (due, id) up to the end of what is due.
fn due_pages_agree(model: &mut Lab, judged: &mut Lab, endpoint: EndpointId, look: &Look) -> TestCaseResult {
    let mut query = DueQuery {
        endpoint,
        after: (Millis::ZERO, DeliveryId(0)),
        until: look.until,
        rows: look.rows,
        bytes: look.bytes,
    };
    loop {
        let expected = model.read().due(&query).unwrap();
        let found = judged.read().due(&query).unwrap();
        same(&found, &expected)?;
        let Some(last) = expected.work.last() else {
            return Ok(());
        };
        query.after = (last.due, last.id);
    }
}

/// Every event and delivery agrees, with all that belongs to it; so does the answer for ids that no store gave.
pub(super) fn by_id_agree(
    model: &mut Lab,
    judged: &mut Lab,
    events: &BTreeSet<EventId>,
    deliveries: &[DeliveryId],
) -> TestCaseResult {
    for id in events.iter().copied().chain([EventId(1)]) {
        same(
            &judged.read().event(id).unwrap(),
            &model.read().event(id).unwrap(),
        )?;
    }
    for id in deliveries.iter().copied().chain([DeliveryId(1)]) {
        same(
            &judged.read().delivery(id).unwrap(),
            &model.read().delivery(id).unwrap(),
        )?;
    }
    Ok(())
}

/// What is read holds no settings: its `Debug` says all of it.
fn same(found: &impl std::fmt::Debug, expected: &impl std::fmt::Debug) -> TestCaseResult {
    prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    Ok(())
}
