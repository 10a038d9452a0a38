//! Pages that end because their time is over: whoever follows the cursors gets what one long page would have shown.

use std::time::Duration;

use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};
use ringback_core::event::NewEvent;
use ringback_core::settle::Next;
use ringback_core::store::{Filter, Page, PageRequest, Reader, ReconcileQuery};

use crate::lab::{COMPANY, Lab, at, call, correction, event, kinds};
use crate::reconcile;

/// Calls, corrections and jobs of two companies, at two endpoints each, with resends between them.
fn crowd(lab: &mut Lab) {
    lab.company();
    for name in ["erp", "crm"] {
        lab.endpoint(name, |settings| {
            settings.callbacks = kinds(&[Kind::Call, Kind::Correction]);
        });
    }
    for id in 0..24 {
        lab.pass(10);
        let event = match id % 6 {
            4 => correction(id - 1, "B"),
            5 => event(Kind::Job, id, "done"),
            _ => call(id % 9),
        };
        let accepted = lab.accept(NewEvent {
            company_id: if id % 8 == 7 { 9 } else { COMPANY },
            phone_hash: (id % 3 == 0).then_some(5),
            call_job_id: event.call_job_id.or((id % 4 == 1).then_some(7)),
            ..event
        });
        for (nth, brief) in accepted.deliveries.iter().enumerate() {
            if brief.endpoint.is_some() && nth as i64 == id % 2 {
                lab.report(brief.id, Outcome::Refused, Next::Exhausted);
                lab.resend(brief.id);
            }
        }
    }
}

/// One after the other, in turn: pages that have all the time, and pages that have none.
struct Readers {
    turn: usize,
    readers: [Box<dyn Reader>; 2],
}

impl Readers {
    fn next(&mut self) -> &mut dyn Reader {
        self.turn += 1;
        &mut *self.readers[self.turn % 2]
    }
}

fn filters() -> Vec<Filter> {
    let all = Filter::default;
    let of_company = || Filter {
        company_id: Some(COMPANY),
        ..all()
    };
    vec![
        all(),
        of_company(),
        Filter {
            state: Some(State::Exhausted),
            ..of_company()
        },
        Filter {
            outcome: Some(Outcome::Refused),
            endpoint: Some("erp".to_owned()),
            ..of_company()
        },
        Filter {
            kind: Some(Kind::Inbound),
            ..of_company()
        },
        Filter {
            call_job_id: Some(7),
            ..of_company()
        },
        Filter {
            call_job_id: Some(7),
            ..all()
        },
        Filter {
            call_instance_id: Some(3),
            ..all()
        },
        Filter {
            phone_hash: Some(5),
            from: Some(at(50)),
            ..all()
        },
    ]
}

/// Follows the cursors to their end; each page makes way.
fn follow<T>(limit: usize, mut read: impl FnMut(&PageRequest) -> Page<T>) -> Vec<T> {
    let mut request = PageRequest { limit, before: None };
    let mut items = Vec::new();
    loop {
        let page = read(&request);
        assert!(page.items.len() <= limit);
        items.extend(page.items);
        let Some(next) = page.next else { return items };
        assert!(request.before.is_none_or(|before| next < before));
        request.before = Some(next);
    }
}

#[test]
fn what_pages_show_does_not_depend_on_where_they_end() {
    let mut lab = Lab::sqlite();
    crowd(&mut lab);
    let patient = lab.store().reader().unwrap();
    lab.set_page_time(Duration::ZERO);
    let hasty = lab.store().reader().unwrap();
    let mut mixed = Readers {
        turn: 0,
        readers: [patient, hasty],
    };
    for filter in filters() {
        let long = PageRequest {
            limit: 1000,
            before: None,
        };
        let patient = &mut mixed.readers[0];
        let (events, deliveries) = (
            patient.events(&filter, &long).unwrap(),
            patient.deliveries(&filter, &long).unwrap(),
        );
        assert_eq!((events.next, deliveries.next), (None, None));
        for limit in [1, 2, 3, 1000] {
            let case = format!("{limit} to a page, {filter:?}");
            let events: Vec<_> = events.items.iter().map(|item| item.event.id).collect();
            let deliveries: Vec<_> = deliveries.items.iter().map(|item| item.delivery.id).collect();
            let found = follow(limit, |page| lab.read().events(&filter, page).unwrap());
            let found: Vec<_> = found.iter().map(|item| item.event.id).collect();
            assert_eq!(found, events, "{case}");
            let found = follow(limit, |page| lab.read().deliveries(&filter, page).unwrap());
            let found: Vec<_> = found.iter().map(|item| item.delivery.id).collect();
            assert_eq!(found, deliveries, "{case}");
            let found = follow(limit, |page| mixed.next().deliveries(&filter, page).unwrap());
            let found: Vec<_> = found.iter().map(|item| item.delivery.id).collect();
            assert_eq!(found, deliveries, "{case}, some of them hasty");
        }
    }
}

#[test]
fn a_hasty_page_looks_at_one_row_and_a_hasty_count_counts_one() {
    let mut lab = Lab::sqlite();
    crowd(&mut lab);
    let whole = reconcile::count(&mut lab, reconcile::everything());
    assert!(whole.looked > 50, "{whole:?}");
    lab.set_page_time(Duration::from_secs(3600));
    let no_time = ReconcileQuery {
        spent_ms: 3_600_000,
        ..reconcile::everything()
    };
    let part = lab.read().reconcile(&no_time).unwrap();
    assert_eq!((part.looked, part.next.is_some()), (1, true));
    assert_eq!(
        reconcile::count(&mut lab, no_time),
        whole,
        "earlier parts used its time"
    );

    lab.set_page_time(Duration::ZERO);
    let part = lab.read().reconcile(&reconcile::everything()).unwrap();
    assert_eq!((part.looked, part.next.is_some()), (1, true));
    assert_eq!(reconcile::count(&mut lab, reconcile::everything()), whole);
    let none = Filter {
        kind: Some(Kind::Inbound),
        ..Filter::default()
    };
    let first = PageRequest {
        limit: 10,
        before: None,
    };
    let page = lab.read().events(&none, &first).unwrap();
    assert_eq!((page.items.len(), page.partial), (0, true));
    let page = lab.read().events(&Filter::default(), &first).unwrap();
    assert_eq!((page.items.len(), page.partial), (1, true));
    let page = lab.read().deliveries(&Filter::default(), &first).unwrap();
    assert_eq!((page.items.len(), page.partial), (1, true));
}
