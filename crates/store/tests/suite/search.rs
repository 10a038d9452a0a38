//! Searching events and deliveries.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::limits::{COMMIT_WRITES, SEARCH_ROWS};
use ringback_core::settle::Next;
use ringback_core::store::{Filter, PageRequest, Write};
use ringback_core::time::Millis;

use crate::lab::{COMPANY, Lab, at, call, correction, delete_endpoint, event, kinds, on_every_store};

on_every_store! {
    each_condition_narrows_events,
    each_condition_narrows_deliveries,
    conditions_on_deliveries_must_hold_for_one,
    a_deleted_endpoint_is_found_by_its_name,
    pages_go_on_at_their_cursor,
    resends_are_found_newest_first,
    times_bound_by_acceptance,
    a_long_search_is_partial_and_goes_on,
    a_crowded_job_is_searched_to_its_end,
}

const ALL: PageRequest = PageRequest {
    limit: 1000,
    before: None,
};

fn events(lab: &mut Lab, filter: &Filter) -> Vec<EventId> {
    let page = lab.read().events(filter, &ALL).unwrap();
    assert_eq!((page.next, page.partial), (None, false));
    page.items.iter().map(|summary| summary.event.id).collect()
}

fn deliveries(lab: &mut Lab, filter: &Filter) -> Vec<DeliveryId> {
    let page = lab.read().deliveries(filter, &ALL).unwrap();
    assert_eq!((page.next, page.partial), (None, false));
    page.items.iter().map(|summary| summary.delivery.id).collect()
}

/// Events and what each has: two companies, calls with corrections and jobs, phones, states.
struct Town {
    call_7: EventId,
    correction_7: EventId,
    inbound_7: EventId,
    job_7: EventId,
    call_of_job: EventId,
    stranger: EventId,
}

fn town(lab: &mut Lab) -> Town {
    lab.company();
    lab.endpoint("erp", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction, Kind::Inbound]);
    });
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));
    let mut accept = |event: NewEvent| {
        lab.pass(10);
        lab.accept(event).event_id
    };
    let town = Town {
        call_7: accept(NewEvent {
            phone_hash: Some(-5),
            ..call(7)
        }),
        correction_7: accept(correction(7, "B")),
        inbound_7: accept(NewEvent {
            phone_hash: Some(-5),
            ..event(Kind::Inbound, 7, "in")
        }),
        job_7: accept(event(Kind::Job, 7, "done")),
        call_of_job: accept(NewEvent {
            call_job_id: Some(7),
            phone_hash: Some(6),
            ..call(8)
        }),
        stranger: accept(NewEvent {
            company_id: 9,
            phone_hash: Some(-5),
            ..call(7)
        }),
    };
    let of = |lab: &mut Lab, id| lab.read().event(id).unwrap().unwrap().deliveries[0].delivery.id;
    let id = of(lab, town.call_7);
    lab.report(id, Outcome::Refused, Next::Retry(at(99)));
    let id = of(lab, town.job_7);
    lab.settle(id);
    let id = of(lab, town.call_of_job);
    lab.report(id, Outcome::TimedOut, Next::Exhausted);
    town
}

/// Filters, and the names of what they let through, newest first.
#[expect(clippy::too_many_lines, reason = "the cases are one table")]
fn questions(town: &Town) -> Vec<(Filter, Vec<EventId>)> {
    let Town {
        call_7,
        correction_7,
        inbound_7,
        job_7,
        call_of_job,
        stranger,
    } = *town;
    let company_id = Some(COMPANY);
    let any = Filter::default;
    let ours = || Filter { company_id, ..any() };
    let all_ours = vec![call_of_job, job_7, inbound_7, correction_7, call_7];
    vec![
        (any(), [vec![stranger], all_ours.clone()].concat()),
        (ours(), all_ours),
        (
            Filter {
                company_id: Some(9),
                ..any()
            },
            vec![stranger],
        ),
        (
            Filter {
                company_id: Some(10),
                ..any()
            },
            vec![],
        ),
        (
            Filter {
                call_instance_id: Some(7),
                ..ours()
            },
            vec![inbound_7, correction_7, call_7],
        ),
        (
            Filter {
                call_instance_id: Some(7),
                ..any()
            },
            vec![stranger, inbound_7, correction_7, call_7],
        ),
        (
            Filter {
                call_instance_id: Some(7),
                kind: Some(Kind::Correction),
                ..ours()
            },
            vec![correction_7],
        ),
        (
            Filter {
                call_instance_id: Some(7),
                kind: Some(Kind::Job),
                ..ours()
            },
            vec![],
        ),
        (
            Filter {
                call_job_id: Some(7),
                ..ours()
            },
            vec![call_of_job, job_7],
        ),
        (
            Filter {
                call_job_id: Some(7),
                ..any()
            },
            vec![call_of_job, job_7],
        ),
        (
            Filter {
                call_job_id: Some(7),
                call_instance_id: Some(8),
                ..ours()
            },
            vec![call_of_job],
        ),
        (
            Filter {
                call_job_id: Some(8),
                ..ours()
            },
            vec![],
        ),
        (
            Filter {
                phone_hash: Some(-5),
                ..any()
            },
            vec![stranger, inbound_7, call_7],
        ),
        (
            Filter {
                phone_hash: Some(-5),
                ..ours()
            },
            vec![inbound_7, call_7],
        ),
        (
            Filter {
                phone_hash: Some(5),
                ..any()
            },
            vec![],
        ),
        (
            Filter {
                kind: Some(Kind::Call),
                ..any()
            },
            vec![stranger, call_of_job, call_7],
        ),
        (
            Filter {
                state: Some(State::Pending),
                ..any()
            },
            vec![inbound_7, correction_7, call_7],
        ),
        (
            Filter {
                state: Some(State::Parked),
                ..any()
            },
            vec![stranger],
        ),
        (
            Filter {
                state: Some(State::Parked),
                company_id: Some(9),
                ..any()
            },
            vec![stranger],
        ),
        (
            Filter {
                state: Some(State::Exhausted),
                ..ours()
            },
            vec![call_of_job],
        ),
        (
            Filter {
                state: Some(State::Cancelled),
                ..ours()
            },
            vec![],
        ),
        (
            Filter {
                outcome: Some(Outcome::Refused),
                ..any()
            },
            vec![call_7],
        ),
        (
            Filter {
                outcome: Some(Outcome::Acknowledged),
                ..ours()
            },
            vec![job_7],
        ),
        (
            Filter {
                endpoint: Some("jobs".to_owned()),
                ..any()
            },
            vec![job_7],
        ),
        (
            Filter {
                endpoint: Some("nobody".to_owned()),
                ..ours()
            },
            vec![],
        ),
        (
            Filter {
                from: Some(at(20)),
                to: Some(at(40)),
                ..any()
            },
            vec![inbound_7, correction_7],
        ),
        (
            Filter {
                from: Some(at(41)),
                ..ours()
            },
            vec![call_of_job],
        ),
        (
            Filter {
                to: Some(at(11)),
                ..ours()
            },
            vec![call_7],
        ),
    ]
}

fn each_condition_narrows_events(lab: &mut Lab) {
    let town = town(lab);
    for (filter, expected) in questions(&town) {
        assert_eq!(events(lab, &filter), expected, "{filter:?}");
    }
    let page = lab.read().events(&Filter::default(), &ALL).unwrap();
    let brief = &page.items[5].deliveries[0];
    assert_eq!(brief.state, State::Pending);
    assert_eq!(brief.endpoint.as_ref().unwrap().1, "erp");
}

/// Each event of the town has one delivery.
fn each_condition_narrows_deliveries(lab: &mut Lab) {
    let town = town(lab);
    for (filter, expected) in questions(&town) {
        let page = lab.read().deliveries(&filter, &ALL).unwrap();
        let found: Vec<EventId> = page.items.iter().map(|summary| summary.event.id).collect();
        assert_eq!(found, expected, "{filter:?}");
        assert!(
            page.items
                .iter()
                .all(|summary| summary.delivery.event_id == summary.event.id)
        );
        assert_eq!((page.next, page.partial), (None, false));
    }
}

fn conditions_on_deliveries_must_hold_for_one(lab: &mut Lab) {
    lab.company();
    lab.endpoint("a", |_| ());
    lab.endpoint("b", |_| ());
    let accepted = lab.accept(call(1));
    lab.settle(accepted.deliveries[0].id);
    for (endpoint, state, found) in [
        ("a", State::Delivered, true),
        ("b", State::Pending, true),
        ("a", State::Pending, false),
        ("b", State::Delivered, false),
    ] {
        let filter = Filter {
            endpoint: Some(endpoint.to_owned()),
            state: Some(state),
            ..Filter::default()
        };
        let events = events(lab, &filter);
        assert_eq!(events.len(), usize::from(found), "{endpoint} {state:?}");
        assert_eq!(deliveries(lab, &filter).len(), usize::from(found));
    }
}

fn a_deleted_endpoint_is_found_by_its_name(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.write(delete_endpoint("erp", true));
    let filter = Filter {
        company_id: Some(COMPANY),
        endpoint: Some("erp".to_owned()),
        state: Some(State::Cancelled),
        ..Filter::default()
    };
    assert_eq!(deliveries(lab, &filter), [id]);
}

fn pages_go_on_at_their_cursor(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    for id in 0..20 {
        lab.accept(if id % 2 == 0 {
            call(id)
        } else {
            correction(3, &id.to_string())
        });
    }
    let corrections = Filter {
        kind: Some(Kind::Correction),
        ..Filter::default()
    };
    let of_one_call = Filter {
        company_id: Some(COMPANY),
        call_instance_id: Some(3),
        ..Filter::default()
    };
    for filter in [Filter::default(), corrections, of_one_call] {
        let all = events(lab, &filter);
        let all_deliveries = deliveries(lab, &filter);
        for limit in [1, 3, 10, 20] {
            let mut request = PageRequest { limit, before: None };
            let mut found = Vec::new();
            let mut pages = 0;
            loop {
                let page = lab.read().events(&filter, &request).unwrap();
                assert!(page.items.len() == limit || page.next.is_none());
                found.extend(page.items.iter().map(|summary| summary.event.id));
                pages += 1;
                request.before = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            assert_eq!((found, pages), (all.clone(), all.len().div_ceil(limit)));

            let mut request = PageRequest { limit, before: None };
            let mut found = Vec::new();
            loop {
                let page = lab.read().deliveries(&filter, &request).unwrap();
                found.extend(page.items.iter().map(|summary| summary.delivery.id));
                request.before = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            assert_eq!(found, all_deliveries);
        }
    }
}

/// A resend is younger than deliveries of younger events.
fn resends_are_found_newest_first(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let old = lab.deliver(NewEvent {
        call_job_id: Some(5),
        phone_hash: Some(1),
        ..call(1)
    });
    let young = lab.deliver(NewEvent {
        call_job_id: Some(5),
        phone_hash: Some(1),
        ..call(2)
    });
    lab.settle(old);
    let resent = lab.resend(old).deliveries[0].id;
    let of_company = Filter {
        company_id: Some(COMPANY),
        ..Filter::default()
    };
    for filter in [
        Filter::default(),
        of_company.clone(),
        Filter {
            call_job_id: Some(5),
            ..of_company
        },
        Filter {
            phone_hash: Some(1),
            ..Filter::default()
        },
    ] {
        assert_eq!(deliveries(lab, &filter), [resent, young, old], "{filter:?}");
    }
}

fn times_bound_by_acceptance(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.settle(id);
    lab.pass(1000);
    let resent = lab.resend(id).deliveries[0].id;
    for (from, to, found) in [
        (Some(at(0)), Some(at(1)), true),
        (None, Some(at(0)), false),
        (Some(at(1)), None, false),
        (Some(Millis(i64::MIN)), Some(Millis(i64::MAX)), true),
        (Some(Millis(i64::MAX)), None, false),
        (None, Some(Millis(i64::MIN)), false),
    ] {
        for company_id in [None, Some(COMPANY)] {
            let filter = Filter {
                from,
                to,
                company_id,
                ..Filter::default()
            };
            let expected = if found { vec![resent, id] } else { vec![] };
            assert_eq!(deliveries(lab, &filter), expected, "{filter:?}");
            assert_eq!(events(lab, &filter).len(), usize::from(found), "{filter:?}");
        }
    }
}

/// Takes in `count` calls of a job, besides others that have none.
fn crowd(lab: &mut Lab, count: usize, job: impl Fn(i64) -> Option<i64>) {
    let ids: Vec<i64> = (1..=i64::try_from(count).unwrap()).collect();
    for part in ids.chunks(COMMIT_WRITES) {
        let writes: Vec<Write> = part
            .iter()
            .map(|id| NewEvent {
                call_job_id: job(*id),
                ..call(*id)
            })
            .map(|event| Write::Accept(Box::new(event)))
            .collect();
        lab.commit(&writes);
    }
}

fn a_long_search_is_partial_and_goes_on(lab: &mut Lab) {
    let oldest = lab.accept(correction(1, "B"));
    crowd(lab, SEARCH_ROWS + 5, |_| None);
    let filter = Filter {
        kind: Some(Kind::Correction),
        ..Filter::default()
    };
    let first = lab.read().events(&filter, &ALL).unwrap();
    assert!(first.items.is_empty() && first.partial);
    let rest = PageRequest {
        before: first.next,
        ..ALL
    };
    let second = lab.read().events(&filter, &rest).unwrap();
    assert_eq!((second.next, second.partial), (None, false));
    assert_eq!(second.items[0].event.id, oldest.event_id);

    let first = lab.read().deliveries(&filter, &ALL).unwrap();
    assert!(first.items.is_empty() && first.partial);
    let rest = PageRequest {
        before: first.next,
        ..ALL
    };
    let second = lab.read().deliveries(&filter, &rest).unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
}

/// More calls than are sorted in memory: their deliveries are found all the same, each once.
fn a_crowded_job_is_searched_to_its_end(lab: &mut Lab) {
    let count = SEARCH_ROWS / 10 + 50;
    crowd(lab, count, |id| (id % 50 != 0).then_some(5));
    let filter = Filter {
        company_id: Some(COMPANY),
        call_job_id: Some(5),
        ..Filter::default()
    };
    let mut request = PageRequest {
        limit: 500,
        before: None,
    };
    let mut found = Vec::new();
    loop {
        let page = lab.read().deliveries(&filter, &request).unwrap();
        found.extend(page.items.iter().map(|summary| summary.delivery.id));
        request.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert!(found.is_sorted_by(|a, b| a > b));
    assert_eq!(found.len(), count - count / 50);
}
