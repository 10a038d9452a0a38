//! Which days are asked for, in which form, and how pages add up.

use axum::http::Uri;

use super::*;

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
    use ringback_contract::kind::Kind;
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
