//! Replays by filter: what they send once more, what they skip, and that steps neither lose nor repeat anything.

use ringback_contract::kind::Kind;
use ringback_core::company::Kinds;
use ringback_core::delivery::{Outcome, State};
use ringback_core::endpoint::Settings;
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, ReplayId};
use ringback_core::limits::{REPLAY_ROWS, REPLAYS_KEPT, REPLAYS_OPEN, RESENDS_PER_EVENT};
use ringback_core::replay::{
    DryRun, Replay, ReplayChange, ReplayCounts, ReplayFilter, ReplaySpec, ReplayState,
};
use ringback_core::settle::Next;
use ringback_core::store::{PageRequest, Refusal, Write, Written};

use crate::lab::{
    COMPANY, Lab, at, call, correction, delete_endpoint, event, kinds, on_every_store, put_company,
};

on_every_store! {
    what_failed_is_sent_once_more,
    a_parked_delivery_becomes_pending_itself,
    an_event_without_endpoint_goes_to_every_endpoint_that_fits,
    unwanted_events_go_out_for_the_first_time,
    the_filter_decides,
    what_is_outdated_is_skipped_unless_it_is_included,
    what_was_sent_again_later_is_skipped,
    failures_are_counted_by_reason,
    what_was_sent_again_too_often_is_left,
    the_order_of_a_key_is_that_of_its_events,
    steps_go_on_where_the_last_one_stopped,
    a_replay_looks_at_nothing_that_came_after_it,
    pausing_resuming_and_cancelling,
    the_number_of_replays_is_bounded,
    a_step_looks_at_a_bounded_number,
    a_dry_run_of_much_is_partial,
}

/// What did not arrive, of every kind.
fn spec(change: impl FnOnce(&mut ReplaySpec)) -> ReplaySpec {
    let mut spec = ReplaySpec {
        filter: ReplayFilter {
            company_id: COMPANY,
            kinds: Kinds::from_iter(Kind::ALL),
            states: vec![State::Exhausted, State::Parked],
            unwanted: false,
            endpoint: None,
            outcome: None,
            call_instance_id: None,
            call_job_id: None,
            from: None,
            to: None,
        },
        per_second: 100,
        include_outdated: false,
    };
    change(&mut spec);
    spec
}

fn made(written: Written) -> Replay {
    match written {
        Written::Replay(replay) => replay,
        other => panic!("{other:?}"),
    }
}

fn make(lab: &mut Lab, spec: &ReplaySpec) -> Replay {
    made(lab.write(Write::MakeReplay(Box::new(spec.clone()))))
}

/// Takes a step, and says how many deliveries go out.
fn step(lab: &mut Lab, replay: ReplayId, most: usize) -> (Replay, u64) {
    match lab.write(Write::StepReplay { replay, most }) {
        Written::ReplayStepped {
            replay, made, due, ..
        } => {
            for (_, at) in due {
                assert!(at <= lab.now);
            }
            (replay, made)
        }
        other => panic!("{other:?}"),
    }
}

/// Foresees and runs a replay to its end; what was foreseen came true.
fn run(lab: &mut Lab, spec: &ReplaySpec) -> ReplayCounts {
    let foreseen = lab.read().dry_run(spec).unwrap();
    let id = make(lab, spec).id;
    let (replay, _) = step(lab, id, usize::MAX);
    assert_eq!(
        (replay.state, replay.ended_at),
        (ReplayState::Done, Some(lab.now))
    );
    let partial = false;
    let counts = replay.counts;
    assert_eq!(foreseen, DryRun { counts, partial });
    assert_eq!(lab.read().replay(id).unwrap(), Some(replay));
    counts
}

/// Counts with these in place of zeros: matched, made, outdated, resent, disabled, none fits.
fn counts(looked_at: u64, others: [u64; 6]) -> ReplayCounts {
    let [
        matched,
        made,
        skipped_outdated,
        skipped_resent,
        failed_disabled,
        failed_none_fits,
    ] = others;
    ReplayCounts {
        looked_at,
        matched,
        made,
        skipped_outdated,
        skipped_resent,
        failed_disabled,
        failed_none_fits,
        failed_resent_too_often: 0,
    }
}

fn what_was_sent_again_too_often_is_left(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let mut id = lab.deliver(call(1));
    exhaust(lab, id);
    for _ in 0..RESENDS_PER_EVENT {
        id = lab.resend(id).deliveries[0].id;
        exhaust(lab, id);
    }
    let other = lab.deliver(call(2));
    exhaust(lab, other);
    let all = RESENDS_PER_EVENT as u64;
    let expected = ReplayCounts {
        failed_resent_too_often: 1,
        ..counts(all + 2, [all + 2, 1, 0, all, 0, 0])
    };
    let spec = spec(|_| ());
    assert_eq!(lab.read().dry_run(&spec).unwrap().counts, expected);
    let id = make(lab, &spec).id;
    let (replay, _) = step(lab, id, usize::MAX);
    assert_eq!(replay.state, ReplayState::Running);
    let (replay, _) = step(lab, id, usize::MAX);
    assert_eq!((replay.state, replay.counts), (ReplayState::Done, expected));
}

fn exhaust(lab: &mut Lab, id: DeliveryId) {
    lab.report(id, Outcome::Refused, Next::Exhausted);
}

/// The deliveries of an event that was delivered once, as endpoint number, state and what they repeat.
fn of_event(lab: &mut Lab, first: DeliveryId) -> Vec<(Option<i64>, State, Option<DeliveryId>)> {
    let event = lab.delivery(first).event_id;
    let record = lab.read().event(event).unwrap().unwrap();
    let deliveries = record.deliveries.iter().map(|record| &record.delivery);
    deliveries
        .map(|delivery| {
            let endpoint = delivery.endpoint.map(|id| id.0);
            (endpoint, delivery.state, delivery.resend_of)
        })
        .collect()
}

fn what_failed_is_sent_once_more(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let failed = lab.deliver(call(1));
    exhaust(lab, failed);
    let arrived = lab.deliver(call(2));
    lab.settle(arrived);
    lab.deliver(call(3));
    lab.pass(1_000);
    assert_eq!(run(lab, &spec(|_| ())), counts(1, [1, 1, 0, 0, 0, 0]));
    assert_eq!(
        of_event(lab, failed),
        [
            (Some(1), State::Exhausted, None),
            (Some(1), State::Pending, Some(failed))
        ]
    );
    assert_eq!(of_event(lab, arrived), [(Some(1), State::Delivered, None)]);
    let newest = lab.all_deliveries().remove(0).delivery;
    assert_eq!((newest.due, newest.sends), (Some(lab.now), 0));
}

fn a_parked_delivery_becomes_pending_itself(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |settings| settings.enabled = false);
    let parked = lab.deliver(call(1));
    assert_eq!(run(lab, &spec(|_| ())), counts(1, [1, 0, 0, 0, 1, 0]));
    lab.endpoint("erp", |_| ());
    assert_eq!(lab.stands(parked), (State::Pending, Some(0)));
    assert_eq!(run(lab, &spec(|_| ())), counts(0, [0; 6]));
}

fn an_event_without_endpoint_goes_to_every_endpoint_that_fits(lab: &mut Lab) {
    let homeless = lab.deliver(call(1));
    let none = spec(|_| ());
    assert_eq!(lab.refused(Write::MakeReplay(Box::new(none))), Refusal::NoCompany);
    lab.company();
    assert_eq!(run(lab, &spec(|_| ())), counts(1, [1, 0, 0, 0, 0, 1]));
    lab.endpoint("b", |_| ());
    lab.endpoint("a", |_| ());
    lab.endpoint("c", |settings| settings.callbacks = kinds(&[Kind::Job]));
    assert_eq!(run(lab, &spec(|_| ())), counts(1, [1, 2, 0, 0, 0, 0]));
    assert_eq!(
        of_event(lab, homeless),
        [
            (Some(2), State::Pending, None),
            (Some(1), State::Pending, Some(homeless))
        ]
    );
}

fn unwanted_events_go_out_for_the_first_time(lab: &mut Lab) {
    lab.write(put_company(COMPANY, kinds(&[Kind::Call])));
    lab.endpoint("erp", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction]);
    });
    let unwanted = lab.accept(correction(1, "B"));
    assert!(unwanted.deliveries.is_empty());
    let other = lab.deliver(call(2));
    lab.settle(other);
    let unwanted_only = |spec: &mut ReplaySpec| {
        spec.filter.states = Vec::new();
        spec.filter.unwanted = true;
    };
    assert_eq!(run(lab, &spec(unwanted_only)), counts(2, [1, 1, 0, 0, 0, 0]));
    let record = lab.read().event(unwanted.event_id).unwrap().unwrap();
    let delivery = &record.deliveries[0].delivery;
    assert_eq!(
        (delivery.state, delivery.due, delivery.resend_of),
        (State::Pending, Some(lab.now), None)
    );
    // It is not unwanted any more.
    assert_eq!(run(lab, &spec(unwanted_only)), counts(2, [0; 6]));
    lab.accept(event(Kind::Inbound, 5, "x"));
    assert_eq!(run(lab, &spec(unwanted_only)), counts(3, [1, 0, 0, 0, 0, 1]));
}

/// Which of some deliveries a dry run of this filter meets.
fn check_filter(lab: &mut Lab, change: impl FnOnce(&mut ReplayFilter), expected: u64) {
    let spec = spec(|spec| change(&mut spec.filter));
    let found = lab.read().dry_run(&spec).unwrap();
    assert_eq!(
        (found.counts.matched, found.partial),
        (expected, false),
        "{spec:?}"
    );
}

fn the_filter_decides(lab: &mut Lab) {
    lab.company();
    let both = |settings: &mut Settings| settings.callbacks = kinds(&[Kind::Call, Kind::Job]);
    lab.endpoint("a", both);
    lab.endpoint("b", both);
    for (ms, new) in [
        (0, call(1)),
        (
            1_000,
            NewEvent {
                call_job_id: Some(7),
                ..call(2)
            },
        ),
        (
            1_000,
            NewEvent {
                call_job_id: Some(7),
                ..event(Kind::Job, 7, "x")
            },
        ),
    ] {
        lab.pass(ms);
        let accepted = lab.accept(new);
        exhaust(lab, accepted.deliveries[0].id);
        lab.report(accepted.deliveries[1].id, Outcome::Unreachable, Next::Exhausted);
    }
    let arrived = lab.accept(call(3));
    lab.settle(arrived.deliveries[0].id);
    lab.write(put_company(COMPANY + 1, kinds(&Kind::ALL)));

    check_filter(lab, |_| (), 6);
    check_filter(lab, |filter| filter.company_id += 1, 0);
    check_filter(lab, |filter| filter.kinds = kinds(&[Kind::Job]), 2);
    check_filter(
        lab,
        |filter| filter.kinds = kinds(&[Kind::Call, Kind::Correction]),
        4,
    );
    check_filter(lab, |filter| filter.endpoint = Some("a".to_owned()), 3);
    check_filter(lab, |filter| filter.endpoint = Some("c".to_owned()), 0);
    check_filter(lab, |filter| filter.outcome = Some(Outcome::Unreachable), 3);
    check_filter(lab, |filter| filter.call_instance_id = Some(2), 2);
    check_filter(lab, |filter| filter.call_job_id = Some(7), 4);
    check_filter(lab, |filter| filter.from = Some(at(1_000)), 4);
    check_filter(lab, |filter| filter.to = Some(at(1_000)), 2);
    check_filter(lab, |filter| filter.to = Some(at(0)), 0);
    check_filter(lab, |filter| filter.states = vec![State::Parked], 0);
    check_filter(lab, |filter| filter.states = vec![State::Delivered], 1);
    check_filter(
        lab,
        |filter| filter.states = vec![State::Delivered, State::Exhausted],
        7,
    );
    check_filter(
        lab,
        |filter| {
            filter.states = vec![State::Delivered, State::Exhausted];
            filter.from = Some(at(1_000));
            filter.to = Some(at(2_000));
        },
        2,
    );
    // The name of an endpoint that was deleted meanwhile.
    lab.write(delete_endpoint("b", true));
    check_filter(lab, |filter| filter.endpoint = Some("b".to_owned()), 3);
}

fn what_is_outdated_is_skipped_unless_it_is_included(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let b = lab.deliver(correction(1, "B"));
    exhaust(lab, b);
    let c = lab.deliver(correction(1, "C"));
    lab.settle(c);
    let job = lab.deliver(event(Kind::Job, 5, "x"));
    exhaust(lab, job);
    let call_id = lab.deliver(call(1));
    exhaust(lab, call_id);
    let newer = lab.deliver(event(Kind::Call, 1, "again"));
    lab.settle(newer);
    // The correction only: nothing newer of the job was delivered, and calls are never outdated.
    assert_eq!(run(lab, &spec(|_| ())), counts(3, [3, 2, 1, 0, 0, 0]));
    let included = spec(|spec| {
        spec.include_outdated = true;
        spec.filter.kinds = kinds(&[Kind::Correction]);
    });
    assert_eq!(run(lab, &included), counts(3, [1, 1, 0, 0, 0, 0]));
    assert_eq!(of_event(lab, b).len(), 2);
    assert_eq!(of_event(lab, job).len(), 2);
}

fn what_was_sent_again_later_is_skipped(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let first = lab.deliver(call(1));
    exhaust(lab, first);
    let second = lab.resend(first).deliveries[0].id;
    assert_eq!(run(lab, &spec(|_| ())), counts(1, [1, 0, 0, 1, 0, 0]));
    exhaust(lab, second);
    assert_eq!(run(lab, &spec(|_| ())), counts(2, [2, 1, 0, 1, 0, 0]));
    assert_eq!(of_event(lab, first)[2].2, Some(second));
}

fn failures_are_counted_by_reason(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    for id in 1..=3 {
        let delivery = lab.deliver(call(id));
        exhaust(lab, delivery);
    }
    lab.endpoint("erp", |settings| settings.enabled = false);
    assert_eq!(run(lab, &spec(|_| ())), counts(3, [3, 0, 0, 0, 3, 0]));
    lab.write(delete_endpoint("erp", true));
    assert_eq!(run(lab, &spec(|_| ())), counts(3, [3, 0, 0, 0, 0, 3]));
    lab.endpoint("other", |_| ());
    assert_eq!(run(lab, &spec(|_| ())), counts(3, [3, 3, 0, 0, 0, 0]));
}

fn the_order_of_a_key_is_that_of_its_events(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let (b, c) = (lab.deliver(correction(1, "B")), lab.deliver(correction(1, "C")));
    exhaust(lab, b);
    exhaust(lab, c);
    assert_eq!(run(lab, &spec(|_| ())), counts(2, [2, 2, 0, 0, 0, 0]));
    let again: Vec<_> = lab.all_deliveries()[..2]
        .iter()
        .map(|summary| (summary.delivery.resend_of, summary.delivery.due))
        .collect();
    assert_eq!(again, [(Some(c), None), (Some(b), Some(lab.now))]);
}

/// Exhausts a call to each of `ids`.
fn failed_calls(lab: &mut Lab, ids: std::ops::RangeInclusive<i64>) {
    for id in ids {
        let delivery = lab.deliver(call(id));
        exhaust(lab, delivery);
    }
}

fn steps_go_on_where_the_last_one_stopped(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    failed_calls(lab, 1..=5);
    let id = make(lab, &spec(|_| ())).id;
    assert_eq!(lab.store().start().unwrap().replays.len(), 1);
    let mut all = 0;
    for (most, made, state) in [
        (2, 2, ReplayState::Running),
        (2, 2, ReplayState::Running),
        (1, 1, ReplayState::Done),
        (9, 0, ReplayState::Done),
    ] {
        lab.reopen();
        let (replay, found) = step(lab, id, most);
        all += made;
        assert_eq!((replay.state, found, replay.counts.made), (state, made, all));
        assert_eq!(lab.read().replay(id).unwrap(), Some(replay));
    }
    let mut repeated: Vec<_> = lab
        .all_deliveries()
        .iter()
        .filter_map(|summary| summary.delivery.resend_of)
        .collect();
    repeated.dedup();
    assert_eq!(repeated.len(), 5);
    assert!(lab.store().start().unwrap().replays.is_empty());
}

fn a_replay_looks_at_nothing_that_came_after_it(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    failed_calls(lab, 1..=1);
    let everything = spec(|spec| spec.filter.states = vec![State::Exhausted, State::Delivered]);
    let ids = [spec(|_| ()), everything].map(|spec| make(lab, &spec).id);
    failed_calls(lab, 2..=3);
    for (id, made) in ids.into_iter().zip([1, 0]) {
        let (replay, found) = step(lab, id, usize::MAX);
        assert_eq!((replay.state, found), (ReplayState::Done, made));
        // It meets what it sent itself no more than what was taken in since.
        assert!(replay.counts.matched == 1, "{replay:?}");
    }
}

fn pausing_resuming_and_cancelling(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    failed_calls(lab, 1..=3);
    let id = make(lab, &spec(|_| ())).id;
    let change = |lab: &mut Lab, change| made(lab.write(Write::ChangeReplay(id, change))).state;
    assert_eq!(step(lab, id, 1).1, 1);
    assert_eq!(change(lab, ReplayChange::Pause), ReplayState::Paused);
    assert_eq!(step(lab, id, 9).1, 0);
    assert!(lab.store().start().unwrap().replays.is_empty());
    assert_eq!(change(lab, ReplayChange::Resume), ReplayState::Running);
    assert_eq!(step(lab, id, 1).1, 1);
    lab.pass(5);
    assert_eq!(change(lab, ReplayChange::Cancel), ReplayState::Cancelled);
    assert_eq!(change(lab, ReplayChange::Resume), ReplayState::Cancelled);
    let (replay, made) = step(lab, id, 9);
    assert_eq!((made, replay.counts.made, replay.ended_at), (0, 2, Some(lab.now)));
    for write in [
        Write::ChangeReplay(ReplayId(1), ReplayChange::Pause),
        Write::StepReplay {
            replay: ReplayId(1),
            most: 1,
        },
    ] {
        assert_eq!(lab.refused(write), Refusal::NoReplay);
    }
}

fn the_number_of_replays_is_bounded(lab: &mut Lab) {
    lab.company();
    let ids: Vec<ReplayId> = (0..REPLAYS_OPEN).map(|_| make(lab, &spec(|_| ())).id).collect();
    lab.write(Write::ChangeReplay(ids[0], ReplayChange::Pause));
    let one_more = Write::MakeReplay(Box::new(spec(|_| ())));
    assert_eq!(lab.refused(one_more), Refusal::TooManyReplays);
    let cancel = |ids: &[ReplayId]| -> Vec<Write> {
        let writes = ids
            .iter()
            .map(|id| Write::ChangeReplay(*id, ReplayChange::Cancel));
        writes.collect()
    };
    lab.commit(&cancel(&ids));
    for _ in 0..=REPLAYS_KEPT / REPLAYS_OPEN {
        let more = vec![Write::MakeReplay(Box::new(spec(|_| ()))); REPLAYS_OPEN];
        let ids: Vec<ReplayId> = lab
            .commit(&more)
            .into_iter()
            .map(|written| made(written).id)
            .collect();
        lab.commit(&cancel(&ids));
    }
    make(lab, &spec(|_| ()));
    let request = PageRequest {
        limit: 2 * REPLAYS_KEPT,
        before: None,
    };
    assert!(
        lab.read()
            .replays(Some(COMPANY + 1), &request)
            .unwrap()
            .items
            .is_empty()
    );
    let kept = lab.read().replays(Some(COMPANY), &request).unwrap();
    assert_eq!((kept.items.len(), kept.next), (REPLAYS_KEPT + 1, None));
    assert!(kept.items.is_sorted_by(|a, b| a.id > b.id));
}

fn a_step_looks_at_a_bounded_number(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let rows = i64::try_from(REPLAY_ROWS).unwrap();
    for id in 1..=rows {
        let delivery = lab.deliver(call(id));
        lab.settle(delivery);
    }
    failed_calls(lab, rows + 1..=rows + 1);
    let cancelled = spec(|spec| spec.filter.states = vec![State::Cancelled]);
    let id = make(lab, &cancelled).id;
    let (replay, _) = step(lab, id, 9);
    assert_eq!(
        (replay.state, replay.counts.looked_at),
        (ReplayState::Running, REPLAY_ROWS as u64)
    );
    let (replay, _) = step(lab, id, 9);
    assert_eq!(
        (replay.state, replay.counts),
        (ReplayState::Done, counts(REPLAY_ROWS as u64 + 1, [0; 6]))
    );
}

fn a_dry_run_of_much_is_partial(lab: &mut Lab) {
    use ringback_core::limits::DRY_RUN_ROWS;
    lab.write(put_company(COMPANY, kinds(&[Kind::Call])));
    let events = i64::try_from(DRY_RUN_ROWS).unwrap() + 1;
    let writes: Vec<Write> = (1..=events)
        .map(|id| Write::Accept(Box::new(correction(id, "B"))))
        .collect();
    lab.commit(&writes);
    let unwanted = spec(|spec| spec.filter.unwanted = true);
    let found = lab.read().dry_run(&unwanted).unwrap();
    assert!(found.partial);
    // It ends earlier where a read has taken long.
    assert!(
        (1..=DRY_RUN_ROWS as u64).contains(&found.counts.looked_at),
        "{found:?}"
    );
    assert_eq!(found.counts.matched, found.counts.looked_at);
}
