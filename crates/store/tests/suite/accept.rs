//! Taking in events: who gets a delivery, in which state, and what counts as a repetition.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Age, State};
use ringback_core::event::{IdempotencyKey, NewEvent};
use ringback_core::id::EventId;
use ringback_core::store::{Accepted, Filter, PageRequest, Write, Written};

use crate::lab::{COMPANY, Lab, T0, call, correction, event, kinds, on_every_store, put_company, with_key};

on_every_store! {
    every_fitting_endpoint_gets_a_delivery_by_name,
    a_disabled_endpoint_parks,
    an_unknown_company_is_discovered_and_parks,
    a_kind_without_endpoint_parks_without_one,
    an_unwanted_event_is_stored_without_deliveries,
    the_newest_content_of_an_entity_is_a_repetition,
    with_a_key_only_the_key_decides,
    keys_are_of_a_company_and_a_route,
    repetitions_in_one_batch_are_seen,
    ids_rise_even_when_the_clock_stands,
}

fn names(accepted: &Accepted) -> Vec<(Option<&str>, State)> {
    let deliveries = accepted.deliveries.iter();
    deliveries
        .map(|brief| {
            (
                brief.endpoint.as_ref().map(|(_, name)| name.as_str()),
                brief.state,
            )
        })
        .collect()
}

fn every_fitting_endpoint_gets_a_delivery_by_name(lab: &mut Lab) {
    lab.company();
    let b = lab.endpoint("b", |_| ());
    let a = lab.endpoint("a", |settings| settings.callbacks = kinds(&[Kind::Call]));
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));

    lab.pass(5);
    let accepted = lab.accept(call(1));
    assert_eq!(
        names(&accepted),
        [(Some("a"), State::Pending), (Some("b"), State::Pending)]
    );
    assert!(!accepted.replayed && accepted.discovered.is_none());
    assert!(accepted.deliveries.is_sorted_by_key(|brief| brief.id));
    assert!(accepted.event_id.0 < accepted.deliveries[0].id.0);
    assert_eq!(accepted.event_id.time(), T0.plus(5));

    let work = &accepted.work;
    assert_eq!(
        work.iter().map(|work| work.endpoint).collect::<Vec<_>>(),
        [a.id, b.id]
    );
    for (work, brief) in work.iter().zip(&accepted.deliveries) {
        assert_eq!((work.id, work.event_id), (brief.id, accepted.event_id));
        assert_eq!(
            (work.due, work.age, work.sends),
            (T0.plus(5), Age::starting(T0.plus(5)), 0)
        );
        assert_eq!(work.body, "call/1/call");
    }

    let stored = lab.read().event(accepted.event_id).unwrap().unwrap();
    assert_eq!(
        (stored.event.id, stored.event.body_bytes),
        (accepted.event_id, 11)
    );
    assert_eq!(stored.body, "call/1/call");
    assert_eq!(stored.event.accepted_wall_ms, 1_547_280_572_000);
    let first = &stored.deliveries[0];
    assert_eq!(first.endpoint_name.as_deref(), Some("a"));
    assert_eq!(
        (first.delivery.company_id, first.delivery.kind),
        (COMPANY, Kind::Call)
    );
    assert_eq!(first.delivery.schedule, a.settings.schedule);
    assert_eq!(lab.stands(work[0].id), (State::Pending, Some(5)));
}

fn a_disabled_endpoint_parks(lab: &mut Lab) {
    lab.company();
    lab.endpoint("off", |settings| settings.enabled = false);
    let accepted = lab.accept(call(1));
    assert_eq!(names(&accepted), [(Some("off"), State::Parked)]);
    assert!(accepted.work.is_empty());
    assert_eq!(lab.stands(accepted.deliveries[0].id), (State::Parked, None));
}

fn an_unknown_company_is_discovered_and_parks(lab: &mut Lab) {
    for (kind, discovers) in [(Kind::Job, true), (Kind::Call, false)] {
        let accepted = lab.accept(event(kind, 1, "x"));
        assert_eq!(names(&accepted), [(None, State::Parked)]);
        let discovered = accepted
            .discovered
            .map(|company| (company.company_id, company.configured));
        assert_eq!(discovered, discovers.then_some((COMPANY, false)));
    }
    let companies = lab.store().start().unwrap().companies;
    assert_eq!(companies.len(), 1);
    assert!(!companies[0].configured);
}

fn a_kind_without_endpoint_parks_without_one(lab: &mut Lab) {
    lab.company();
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));
    assert_eq!(names(&lab.accept(call(1))), [(None, State::Parked)]);
}

fn an_unwanted_event_is_stored_without_deliveries(lab: &mut Lab) {
    lab.write(put_company(COMPANY, kinds(&[Kind::Call, Kind::Job])));
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));
    let running = NewEvent {
        job_status: Some(1),
        ..event(Kind::Job, 535, "running")
    };
    for unwanted in [correction(1, "B"), running] {
        let accepted = lab.accept(unwanted);
        assert!(accepted.deliveries.is_empty() && accepted.work.is_empty());
        assert!(lab.read().event(accepted.event_id).unwrap().is_some());
    }
}

fn the_newest_content_of_an_entity_is_a_repetition(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let b = lab.accept(correction(2016, "B"));
    let again = lab.accept(correction(2016, "B"));
    assert_eq!((again.event_id, again.replayed), (b.event_id, true));
    assert_eq!(again.deliveries, b.deliveries);
    assert!(again.work.is_empty());

    // B → C → B are three corrections; another kind or company of the same id is another entity.
    let c = lab.accept(correction(2016, "C"));
    let b2 = lab.accept(correction(2016, "B"));
    let other_kind = lab.accept(event(Kind::Call, 2016, "B"));
    let other_company = lab.accept(NewEvent {
        company_id: 7,
        ..correction(2016, "B")
    });
    for new in [&c, &b2, &other_kind, &other_company] {
        assert!(!new.replayed);
    }

    // A repetition shows its deliveries as they are now.
    lab.settle(b.deliveries[0].id);
    lab.settle(c.deliveries[0].id);
    lab.settle(b2.deliveries[0].id);
    let again = lab.accept(correction(2016, "B"));
    assert_eq!(again.event_id, b2.event_id);
    assert_eq!(names(&again), [(Some("erp"), State::Delivered)]);
}

fn with_a_key_only_the_key_decides(lab: &mut Lab) {
    lab.company();
    let first = lab.accept(with_key(call(1), "k1"));
    let again = lab.accept(with_key(call(1), "k1"));
    assert_eq!((again.event_id, again.replayed), (first.event_id, true));
    assert!(!lab.accept(with_key(call(1), "k2")).replayed);
    for other in [
        event(Kind::Call, 1, "changed"),
        NewEvent {
            entity_id: 2,
            ..call(1)
        },
        NewEvent {
            kind: Kind::Inbound,
            ..call(1)
        },
    ] {
        match lab.write(Write::Accept(Box::new(with_key(other, "k1")))) {
            Written::Conflict { event_id } => assert_eq!(event_id, first.event_id),
            answer => panic!("{answer:?}"),
        }
    }
    // Without a key the newest content decides, whether it came with a key or not.
    assert!(lab.accept(call(1)).replayed);
    lab.reopen();
    assert!(lab.accept(with_key(call(1), "k1")).replayed);
}

fn keys_are_of_a_company_and_a_route(lab: &mut Lab) {
    let first = lab.accept(with_key(call(1), "k"));
    let other_route = NewEvent {
        idempotency: Some(IdempotencyKey {
            route: "/v1/jobs",
            key: "k".to_owned(),
        }),
        ..call(1)
    };
    let other_company = NewEvent {
        company_id: 7,
        ..with_key(call(1), "k")
    };
    for event in [other_route, other_company] {
        let accepted = lab.accept(event);
        assert!(!accepted.replayed && accepted.event_id != first.event_id);
    }
}

fn repetitions_in_one_batch_are_seen(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let batch = [
        call(1),
        call(1),
        with_key(call(2), "k"),
        with_key(call(2), "k"),
        with_key(call(3), "k"),
    ];
    let writes: Vec<Write> = batch.map(|event| Write::Accept(Box::new(event))).into();
    let answers: Vec<(Option<EventId>, bool)> = lab
        .commit(&writes)
        .into_iter()
        .map(|written| match written {
            Written::Accepted(accepted) => (Some(accepted.event_id), accepted.replayed),
            Written::Conflict { event_id } => (Some(event_id), true),
            _ => (None, false),
        })
        .collect();
    assert_eq!(answers[0].0, answers[1].0);
    assert_eq!(answers[2].0, answers[3].0);
    assert_eq!(answers[3].0, answers[4].0);
    let known: Vec<bool> = answers.iter().map(|(_, known)| *known).collect();
    assert_eq!(known, [false, true, false, true, true]);
    let request = PageRequest {
        limit: 10,
        before: None,
    };
    let stored = lab.read().events(&Filter::default(), &request).unwrap();
    assert_eq!(stored.items.len(), 2);
}

fn ids_rise_even_when_the_clock_stands(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let mut last = 0;
    for id in 0..20 {
        if id == 10 {
            lab.now.0 -= 60_000;
        }
        if id % 5 == 0 {
            lab.reopen();
        }
        let accepted = lab.accept(call(id));
        assert!(accepted.event_id.0 > last);
        last = accepted.deliveries[0].id.0;
        assert!(last > accepted.event_id.0);
    }
    assert_eq!(lab.store().start().unwrap().newest, EventId(last).time());
}
