//! Searching events and deliveries.

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, EventId};
use ringback_core::limits::{COMMIT_WRITES, SEARCH_COMPANIES, SEARCH_ROWS};
use ringback_core::settle::Next;
use ringback_core::store::{Filter, Page, PageRequest, Write};
use ringback_core::time::Millis;

use crate::lab::{
    COMPANY, Lab, at, attempt, call, correction, delete_endpoint, event, kinds, on_every_store,
};

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
    a_number_is_found_in_however_many_companies,
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

/// The events of [`town`], by letter.
type Town = Vec<(char, EventId)>;

/// Two companies, calls with a correction and of a job, phones, states. Each event has one delivery.
fn town(lab: &mut Lab) -> Town {
    lab.company();
    lab.endpoint("erp", |settings| {
        settings.callbacks = kinds(&[Kind::Call, Kind::Correction, Kind::Inbound]);
    });
    lab.endpoint("jobs", |settings| settings.callbacks = kinds(&[Kind::Job]));
    let mut town = Town::new();
    for (letter, company_id, phone_hash, call_job_id, event) in [
        ('c', COMPANY, Some(-5), None, call(7)),
        ('k', COMPANY, None, None, correction(7, "B")),
        ('i', COMPANY, Some(-5), None, event(Kind::Inbound, 7, "in")),
        ('j', COMPANY, None, None, event(Kind::Job, 7, "done")),
        ('o', COMPANY, Some(6), Some(7), call(8)),
        ('s', 9, Some(-5), None, call(7)),
    ] {
        lab.pass(10);
        let accepted = lab.accept(NewEvent {
            company_id,
            phone_hash,
            call_job_id,
            ..event
        });
        let id = accepted.deliveries[0].id;
        town.push((letter, accepted.event_id));
        let fate = match letter {
            'c' => Some((Outcome::Refused, Next::Retry(at(99)))),
            'j' => Some((Outcome::Acknowledged, Next::Delivered)),
            'o' => Some((Outcome::TimedOut, Next::Exhausted)),
            _ => None,
        };
        if let Some((outcome, next)) = fate {
            lab.report(id, outcome, next);
        }
    }
    town
}

/// Conditions, and the letters of what they let through, newest first.
const QUESTIONS: &[(&str, &str)] = &[
    ("", "sojikc"),
    ("company=151", "ojikc"),
    ("company=9", "s"),
    ("company=10", ""),
    ("company=151 call=7", "ikc"),
    ("call=7", "sikc"),
    ("company=151 call=7 kind=correction", "k"),
    ("company=151 call=7 kind=job", ""),
    ("company=151 job=7", "oj"),
    ("job=7", "oj"),
    ("company=151 job=7 call=8", "o"),
    ("company=151 job=8", ""),
    ("phone=-5", "sic"),
    ("company=151 phone=-5", "ic"),
    ("phone=5", ""),
    ("kind=call", "soc"),
    ("state=pending", "ikc"),
    ("state=parked", "s"),
    ("company=9 state=parked", "s"),
    ("company=151 state=exhausted", "o"),
    ("company=151 state=cancelled", ""),
    ("outcome=refused", "c"),
    ("company=151 outcome=acknowledged", "j"),
    ("endpoint=jobs", "j"),
    ("company=151 endpoint=nobody", ""),
    ("from=20 to=40", "ik"),
    ("company=151 from=41", "o"),
    ("company=151 to=11", "c"),
    ("event=c", "c"),
    ("event=c company=9", ""),
    ("event=o kind=job", ""),
    ("sent-from=1", "ojc"),
    ("sent-from=2", ""),
    ("company=151 sent-to=2 state=exhausted", "o"),
    ("company=151 sent-to=1", ""),
];

fn filter(town: &Town, conditions: &str) -> Filter {
    let mut filter = Filter::default();
    for condition in conditions.split_whitespace() {
        let (name, value) = condition.split_once('=').unwrap();
        let number = || Some(value.parse().unwrap());
        match name {
            "company" => filter.company_id = number(),
            "call" => filter.call_instance_id = number(),
            "job" => filter.call_job_id = number(),
            "phone" => filter.phone_hash = number(),
            "kind" => filter.kind = Kind::ALL.into_iter().find(|kind| kind.name() == value),
            "state" => filter.state = State::ALL.into_iter().find(|state| state.name() == value),
            "outcome" => filter.outcome = Outcome::ALL.into_iter().find(|outcome| outcome.name() == value),
            "endpoint" => filter.endpoint = Some(value.to_owned()),
            "from" => filter.from = number().map(at),
            "to" => filter.to = number().map(at),
            "event" => {
                let known = town.iter().find(|(letter, _)| value.starts_with(*letter));
                filter.event_id = known.map(|(_, id)| *id);
            }
            "sent-from" => filter.sent_from = number().map(sent_at),
            "sent-to" => filter.sent_to = number().map(sent_at),
            _ => panic!("{name}"),
        }
    }
    filter
}

/// When the lab's n-th send of a delivery begins, by the wall clock.
fn sent_at(n: i64) -> i64 {
    attempt(u32::try_from(n).unwrap(), Outcome::Refused).started_wall_ms
}

fn letters(town: &Town, found: &[EventId]) -> String {
    let letter = |id: &EventId| town.iter().find(|(_, known)| known == id).unwrap().0;
    found.iter().map(letter).collect()
}

fn each_condition_narrows_events(lab: &mut Lab) {
    let town = town(lab);
    for (conditions, expected) in QUESTIONS {
        let found = events(lab, &filter(&town, conditions));
        assert_eq!(letters(&town, &found), *expected, "{conditions}");
    }
    let page = lab.read().events(&Filter::default(), &ALL).unwrap();
    let brief = &page.items[5].deliveries[0];
    assert_eq!(brief.state, State::Pending);
    assert_eq!(brief.endpoint.as_ref().unwrap().1, "erp");
}

fn each_condition_narrows_deliveries(lab: &mut Lab) {
    let town = town(lab);
    for (conditions, expected) in QUESTIONS {
        let page = lab.read().deliveries(&filter(&town, conditions), &ALL).unwrap();
        let found: Vec<EventId> = page.items.iter().map(|summary| summary.event.id).collect();
        assert_eq!(letters(&town, &found), *expected, "{conditions}");
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
    let events = to_the_end(|request| lab.read().events(&filter, request).unwrap());
    assert_eq!(events.event.id, oldest.event_id);
    let deliveries = to_the_end(|request| lab.read().deliveries(&filter, request).unwrap());
    assert_eq!(deliveries.event.id, oldest.event_id);
}

/// The only item of a search, on the last of its pages. Those before are empty and say that they are partial: there is one
/// at least, since there are more rows than a page looks at, and more where a page ended because it took long.
fn to_the_end<T: std::fmt::Debug>(mut search: impl FnMut(&PageRequest) -> Page<T>) -> T {
    let (mut request, mut pages) = (ALL, 0);
    loop {
        let mut page = search(&request);
        pages += 1;
        if page.next.is_none() {
            assert!(
                pages > 1 && !page.partial && page.items.len() == 1,
                "{pages} {page:?}"
            );
            return page.items.remove(0);
        }
        assert!(page.partial && page.items.is_empty(), "{page:?}");
        request.before = page.next;
    }
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

/// In each company a call 7, in every other one of the job 7, and a call 8.
fn a_number_is_found_in_however_many_companies(lab: &mut Lab) {
    let (mut calls, mut of_job) = (Vec::new(), Vec::new());
    let companies = [i64::MIN, -1, 0, i64::MAX].into_iter().chain(1000..);
    for company_id in companies.take(SEARCH_COMPANIES + 2) {
        let is_of_job = company_id % 2 == 0;
        let accepted = lab.accept(NewEvent {
            company_id,
            call_job_id: is_of_job.then_some(7),
            ..call(7)
        });
        lab.accept(NewEvent {
            company_id,
            ..call(8)
        });
        calls.insert(0, accepted.event_id);
        if is_of_job {
            of_job.insert(0, accepted.event_id);
        }
        let of_number = |call_instance_id, call_job_id| Filter {
            call_instance_id,
            call_job_id,
            ..Filter::default()
        };
        assert_eq!(events(lab, &of_number(Some(7), None)), calls);
        assert_eq!(events(lab, &of_number(None, Some(7))), of_job);
    }
}
