//! Which days are asked for, in which form, and how pages add up.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::Uri;
use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::event::NewEvent;
use ringback_core::store::{Store as _, Write};
use ringback_store::memory::Memory;

use super::*;
use crate::clock::Sleep;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn days_are_those_that_are_asked_for_within_their_limit() {
    for (query, expected) in [
        ("", Some(("2026-01-06", "2026-01-12"))),
        ("to=2026-01-03", Some(("2025-12-28", "2026-01-03"))),
        ("from=2026-01-12", Some(("2026-01-12", "2026-01-12"))),
        (
            "from=2026-01-01&to=2026-01-31",
            Some(("2026-01-01", "2026-01-31")),
        ),
        ("from=2026-01-01&to=2026-02-01", None),
        ("from=2026-01-02&to=2026-01-01", None),
        ("from=2026-01-13", None),
        ("from=20260112", None),
        ("to=2026-02-30", None),
        ("from=-009999-01-01", None),
    ] {
        let uri: Uri = format!("/v1/reconciliation?{query}").parse().unwrap();
        let mut read = Query::read(&uri, &["from", "to"]);
        let days = Days::read(&mut read, date("2026-01-12"));
        let found = read.finish().ok().map(|()| (days.first, days.last));
        let expected = expected.map(|(first, last)| (date(first), date(last)));
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn each_day_has_the_length_that_it_has_in_the_zone() {
    const HOUR: i64 = 60 * 60 * 1000;
    for (zone, day, hours) in [
        ("Asia/Shanghai", "2026-01-12", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
    ] {
        let zone = TimeZone::get(zone).unwrap();
        let (from, below) = ids(date(day), &zone).unwrap();
        let ms = EventId(below).time().0 - EventId(from).time().0;
        assert_eq!(ms, hours * HOUR, "{day}");
        let (next, _) = ids(date(day).tomorrow().unwrap(), &zone).unwrap();
        assert_eq!(below, next);
    }
    assert_eq!(ids(date("9999-12-31"), &TimeZone::UTC), None);
    assert_eq!(ids(date("1969-12-31"), &TimeZone::UTC), Some((0, 0)));
}

#[test]
fn the_form_is_that_which_is_accepted() {
    for (accept, expected) in [
        (None, Format::Json),
        (Some("*/*"), Format::Json),
        (Some("text/csv"), Format::Csv),
        (Some("text/html, TEXT/CSV;q=0.9, */*;q=0.1"), Format::Csv),
        (Some("text/csv, application/json"), Format::Json),
        (Some("text/plain"), Format::Json),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        assert_eq!(Format::accepted(&headers), expected, "{accept:?}");
    }
}

#[test]
fn pages_add_up_also_in_the_middle_of_a_day() {
    use ringback_core::delivery::State;
    use ringback_core::store::Reconciled;

    let part = |kinds: &[Kind], endpoint: Option<&str>, state: State| {
        let mut part = Reconciled::default();
        for kind in kinds {
            part.events.entry(*kind).or_default().add(true);
            let group = (*kind, endpoint.map(str::to_owned));
            part.deliveries.entry(group.clone()).or_default().add(state);
            part.resends.entry(group).or_default().add(State::Parked);
        }
        part
    };
    let days = (date("2026-01-11"), date("2026-01-12"));
    let page = || Reconciliation::new(151, days, "UTC");
    let mut first = page();
    first.add(Day::of(days.0, part(&[Kind::Job], Some("erp"), State::Delivered)));
    first.goes_on_at("more".to_owned());
    let mut second = page();
    let both = [Kind::Call, Kind::Job];
    second.add(Day::of(days.0, part(&both, Some("erp"), State::Pending)));
    second.add(Day::of(days.1, part(&[Kind::Call], None, State::Cancelled)));
    first.add_page(second);
    assert_eq!(first.next_cursor(), None);
    let expected = "\
date,of,kind,endpoint,accepted,withDeliveries,unwanted,created,delivered,pending,exhausted,parked,cancelled\r
2026-01-11,events,call,,1,1,0,,,,,,\r
2026-01-11,events,job,,2,2,0,,,,,,\r
2026-01-11,deliveries,call,erp,,,,1,0,1,0,0,0\r
2026-01-11,deliveries,job,erp,,,,2,1,1,0,0,0\r
2026-01-11,resends,call,erp,,,,1,0,0,0,1,0\r
2026-01-11,resends,job,erp,,,,2,0,0,0,2,0\r
2026-01-12,events,call,,1,1,0,,,,,,\r
2026-01-12,deliveries,call,,,,,1,0,0,0,0,1\r
2026-01-12,resends,call,,,,,1,0,0,0,1,0\r
";
    assert_eq!(first.csv(), expected);
}

/// A clock that goes on by some time whenever it is asked.
#[derive(Debug)]
struct Ticking {
    us: i64,
    now_us: AtomicI64,
}

impl Clock for Ticking {
    fn wall_ms(&self) -> i64 {
        0
    }

    fn boot_us(&self) -> i64 {
        self.now_us.fetch_add(self.us, Ordering::Relaxed)
    }

    fn sleep_until(&self, _: i64) -> Sleep<'_> {
        Box::pin(std::future::pending())
    }
}

/// The pages of a reconciliation, added up, and how many they are, when each day takes so long.
fn count_to_the_end(reader: &mut dyn Reader, day_ms: i64) -> (String, usize) {
    let clock = Ticking {
        us: day_ms * 1000,
        now_us: AtomicI64::new(0),
    };
    let mut asked = Asked {
        company_id: 151,
        days: Days {
            first: date("2026-01-02"),
            last: date("2026-01-11"),
        },
        from: None,
        zone: TimeZone::UTC,
    };
    let (mut whole, mut pages): (Option<Reconciliation>, usize) = (None, 0);
    loop {
        let page = count(reader, &clock, &asked).unwrap();
        pages += 1;
        let next = page.next_cursor().map(str::to_owned);
        match &mut whole {
            Some(whole) => whole.add_page(page),
            None => whole = Some(page),
        }
        let Some(next) = next else {
            return (whole.unwrap().csv(), pages);
        };
        let from = cursor::decode(List::Reconciliation, &next).unwrap();
        assert!(asked.from.is_none_or(|before| from > before));
        asked.from = Some(from);
    }
}

#[test]
fn the_days_of_an_answer_share_its_time() {
    let mut store = Memory::new([7; 32]);
    for day in [3, 4, 4, 9, 11] {
        let now: Timestamp = format!("2026-01-{day:02}T08:00:00Z").parse().unwrap();
        let event = NewEvent {
            company_id: 151,
            kind: Kind::Call,
            entity_id: day,
            call_job_id: None,
            job_status: None,
            phone_hash: None,
            digest: [0; 32],
            body: Bytes::from_static(b"{}"),
            accepted_wall_ms: 0,
            idempotency: None,
        };
        let write = Write::Accept(Box::new(event));
        store.commit(Millis(now.as_millisecond()), &[write]).unwrap();
    }
    let mut reader = store.reader().unwrap();
    let (whole, pages) = count_to_the_end(&mut *reader, 0);
    assert_eq!((whole.lines().count(), pages), (1 + 2 * 4, 1), "{whole}");
    for (day_ms, expected) in [(1, 1), (4, 1), (5, 1), (10, 2), (30, 5), (50, 10), (1000, 10)] {
        assert_eq!(
            count_to_the_end(&mut *reader, day_ms),
            (whole.clone(), expected),
            "{day_ms} ms"
        );
    }
}
