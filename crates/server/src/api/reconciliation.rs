//! The daily reconciliation: what was taken in, and what became of it, by day, kind and endpoint (delivery rules,
//! *Reconciliation*).

mod view;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use ringback_core::id::EventId;
use ringback_core::limits::{PAGE_MS, RECONCILE_DAYS, RECONCILE_DAYS_DEFAULT, RECONCILE_ROWS};
use ringback_core::store::{Reader, ReconcileQuery, StoreError};
use ringback_core::time::Millis;
use utoipa::ToSchema;

use self::view::ReconciliationParams;
pub use self::view::{Day, DeliveriesOfKind, EventsOfKind, Reconciliation};
use super::body::json;
use super::caller::Caller;
use super::cursor::{self, List};
use super::days;
use super::problem::{FieldError, Problem, ProblemSchema, TO_BEFORE_FROM};
use super::query::Query;
use super::search::TIME_MOST;
use super::state::ApiState;
use super::time::Time;
use crate::clock::Clock;

/// Where an answer as CSV says that there is more: its body has no place for it.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("ringback-next-cursor");

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = ReconciliationFormat, rename_all = "lowercase")]
pub(crate) enum Format {
    /// An object.
    Json,
    /// A header, and a row for each sum.
    Csv,
}

impl Format {
    /// CSV where a request accepts that, and does not speak of JSON.
    fn accepted(headers: &HeaderMap) -> Self {
        let ranges = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim());
        let ranges: Vec<&str> = ranges.collect();
        let names = |media: &str| ranges.iter().any(|range| range.eq_ignore_ascii_case(media));
        if names("text/csv") && !names("application/json") {
            Self::Csv
        } else {
            Self::Json
        }
    }
}

/// The daily reconciliation of a company.
///
/// By day: events by kind, `accepted` = `withDeliveries` + `unwanted`; deliveries by kind and endpoint, `created` = `delivered` +
/// `pending` + `exhausted` + `parked` + `cancelled`, as they stand now. An event counts on the day on which it was accepted, a
/// delivery on the day on which it was made. Deliveries that repeat another – by a resend or a replay – are counted apart, in
/// `resends`. Endpoints go by their names, also deleted ones; `endpoint` is null for what has none. What was removed after the
/// retention is not counted. An answer counts 5,000 rows, and for 50 ms, at most; then it says `partial`, and the next page goes
/// on in the middle of a day: add up the pages. As CSV, a row for each sum, and the header `ringback-next-cursor` where there is more.
#[utoipa::path(
    get,
    path = "/v1/reconciliation",
    tag = "events and deliveries",
    operation_id = "getReconciliation",
    params(ReconciliationParams),
    responses(
        (
            status = 200, description = "The days, or as many as could be counted",
            content((Reconciliation = "application/json"), (String = "text/csv")),
            headers(("ringback-next-cursor" = Option<String>, description = "With CSV: where the next page begins")),
        ),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_reconciliation(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let today = Timestamp::from_millisecond(api.service.time().now().0)
        .unwrap_or(Timestamp::MAX)
        .to_zoned(api.zone.clone())
        .date();
    let mut query = Query::read(request.uri(), &["companyId", "from", "to", "format", "cursor"]);
    let company_id = query.integer("companyId");
    let days = Days::read(&mut query, today);
    let from = query.cursor(List::Reconciliation);
    let format = query.take("format", "json or csv", |text| match text {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        _ => None,
    });
    query.finish()?;
    let company_id = caller.within(company_id)?.ok_or_else(|| {
        let allowed = "an integer: the company to reconcile with";
        Problem::invalid(vec![FieldError::missing("companyId", allowed)])
    })?;
    let asked = Asked {
        company_id,
        days,
        from,
        zone: api.zone.clone(),
    };
    let clock = Arc::clone(&api.clock);
    // The semaphore is never closed.
    let _turn = api.counts.acquire().await.ok();
    let read = move |reader: &mut dyn Reader| count(reader, &*clock, &asked);
    let counted = api.service.read(read).await?;
    Ok(
        match format.unwrap_or_else(|| Format::accepted(request.headers())) {
            Format::Json => json(StatusCode::OK, &counted),
            Format::Csv => csv(&counted),
        },
    )
}

fn csv(counted: &Reconciliation) -> Response {
    let mut response = Response::new(Body::from(counted.csv()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    // A cursor is plain characters.
    if let Some(cursor) = counted.next_cursor()
        && let Ok(value) = HeaderValue::from_str(cursor)
    {
        headers.insert(NEXT_CURSOR, value);
    }
    response
}

/// The days of a reconciliation, first and last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Days {
    first: Date,
    last: Date,
}

const DATE: &str = "a date such as 2026-01-12";

impl Days {
    /// What a request asks for; mistakes are the query's.
    fn read(query: &mut Query, today: Date) -> Self {
        let first = query.take("from", DATE, days::date);
        let last = query.take("to", DATE, days::date).unwrap_or(today);
        let default = Span::new().days(RECONCILE_DAYS_DEFAULT - 1);
        let first = first.unwrap_or_else(|| last.saturating_sub(default));
        let days = days::number(first, last);
        if days < 1 {
            query.refuse(FieldError::other("to", TO_BEFORE_FROM));
        } else if days > RECONCILE_DAYS {
            let detail =
                format!("is {days} days from from, both included; at most {RECONCILE_DAYS} are allowed");
            query.refuse(FieldError::other("to", detail));
        }
        Self { first, last }
    }

    fn each(self) -> impl Iterator<Item = Date> {
        self.first
            .series(Span::new().days(1))
            .take_while(move |day| *day <= self.last)
    }
}

/// What an answer counts.
struct Asked {
    company_id: i64,
    days: Days,
    /// Where the page before ended.
    from: Option<i64>,
    zone: TimeZone,
}

/// Counts day by day, in reads that share the rows and the time of one page: the first of them counts a row at least, if
/// there is one.
fn count(reader: &mut dyn Reader, clock: &dyn Clock, asked: &Asked) -> Result<Reconciliation, StoreError> {
    let zone = asked.zone.iana_name().unwrap_or("UTC");
    let days = asked.days;
    let mut counted = Reconciliation::new(asked.company_id, (days.first, days.last), zone);
    let (mut left, mut spent_ms) = (RECONCILE_ROWS, 0);
    let begin_us = clock.boot_us();
    for date in days.each() {
        let Some((begin, below)) = ids(date, &asked.zone) else {
            continue;
        };
        let mut from = begin.max(asked.from.unwrap_or(begin));
        // A day without rows is told all the same, but not one that the pages before have told.
        while from < below {
            if left == 0 || spent_ms >= PAGE_MS {
                counted.goes_on_at(cursor::encode(List::Reconciliation, from));
                return Ok(counted);
            }
            let part = reader.reconcile(&ReconcileQuery {
                company_id: asked.company_id,
                from,
                below,
                rows: left,
                spent_ms,
            })?;
            let was_slow = part.next.is_some() && part.looked < left;
            left = if was_slow {
                0
            } else {
                left.saturating_sub(part.looked)
            };
            let past_us = clock.boot_us().saturating_sub(begin_us);
            spent_ms = u64::try_from(past_us / 1_000).unwrap_or_default();
            from = part.next.unwrap_or(below);
            counted.add(Day::of(date, part));
        }
    }
    Ok(counted)
}

/// The first id of a day and that of the next one; `None` at the end of the calendar.
fn ids(date: Date, zone: &TimeZone) -> Option<(i64, i64)> {
    let (begin, end) = days::bounds(date, zone)?;
    let first = |time: Time| EventId::first_at(Millis(time.0.clamp(0, TIME_MOST))).0;
    Some((first(begin), first(end)))
}

#[cfg(test)]
mod tests;
