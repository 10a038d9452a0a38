//! What the lists of events and deliveries are searched by.

use axum::http::Uri;
use ringback_contract::kind::Kind;
use ringback_core::delivery::{Outcome, State};
use ringback_core::limits;
use ringback_core::store::{DeliverySummary, EventSummary, Filter, Page, PageRequest};
use ringback_core::time::Millis;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::cursor::{self, List};
use super::names::{KindName, OutcomeName, StateName};
use super::problem::{FieldError, Problem};
use super::query::Query;
use super::records::{DeliveryItem, EventItem};
use super::time::Time;
use super::waiting::Present;
use crate::service::Service;

/// At least one of `companyId`, `eventId`, `callInstanceId`, `callJobId` and `phone` must be named; a token for one company names
/// that. Every condition that is given must hold. For events, the conditions on deliveries ask for one delivery that meets them
/// all.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what Search reads")]
pub(crate) struct SearchParams {
    /// The company
    company_id: Option<i64>,
    /// The event
    #[param(example = "evt_1mzj8k2v00400")]
    event_id: Option<String>,
    /// The call, with its corrections; or the inbound call
    call_instance_id: Option<i64>,
    /// The job; or the job that a call belongs to
    call_job_id: Option<i64>,
    /// The customer's phone number, exactly as it was in the event
    phone: Option<String>,
    /// The kind of callback
    #[param(value_type = Option<KindName>)]
    kind: Option<String>,
    /// A delivery's state
    #[param(value_type = Option<StateName>)]
    state: Option<String>,
    /// What became of a delivery's last send
    #[param(value_type = Option<OutcomeName>)]
    outcome: Option<String>,
    /// The name of a delivery's endpoint
    endpoint: Option<String>,
    /// Accepted at this time or later, RFC 3339. Where the company alone is named and this is absent: 7 days before `to`, or now
    #[param(format = DateTime, example = "2026-01-12T00:00:00Z")]
    from: Option<String>,
    /// Accepted before this time, RFC 3339
    #[param(format = DateTime)]
    to: Option<String>,
    /// A delivery's last send began at this time or later, RFC 3339
    #[param(format = DateTime)]
    sent_from: Option<String>,
    /// A delivery's last send began before this time, RFC 3339
    #[param(format = DateTime)]
    sent_to: Option<String>,
    /// At most so many, 1 to 500
    #[param(minimum = 1, maximum = 500, example = 50)]
    limit: Option<usize>,
    /// The `nextCursor` of the page before
    cursor: Option<String>,
}

const PARAMS: [&str; 15] = [
    "companyId",
    "eventId",
    "callInstanceId",
    "callJobId",
    "phone",
    "kind",
    "state",
    "outcome",
    "endpoint",
    "from",
    "to",
    "sentFrom",
    "sentTo",
    "limit",
    "cursor",
];

/// The latest moment that ids can tell: 43 bits of milliseconds.
pub(super) const TIME_MOST: i64 = (1 << 43) - 1;

/// A search that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) filter: Filter,
    pub(crate) page: PageRequest,
    /// From when on is searched, where it was not asked for.
    pub(crate) since: Option<Millis>,
}

impl Search {
    /// What a request asks for, within what its caller may see.
    pub(crate) fn read(uri: &Uri, list: List, caller: &Caller, service: &Service) -> Result<Self, Problem> {
        let mut query = Query::read(uri, &PARAMS);
        let names = |names: &[&str]| names.join(", ");
        let (from, to) = query.span(["from", "to"]);
        let (sent_from, sent_to) = query.span(["sentFrom", "sentTo"]);
        let filter = Filter {
            company_id: query.integer("companyId"),
            event_id: query.take("eventId", "the id of an event", |text| text.parse().ok()),
            call_instance_id: query.integer("callInstanceId"),
            call_job_id: query.integer("callJobId"),
            phone_hash: query.take("phone", "a phone number", |phone| {
                (!phone.is_empty()).then(|| service.phone_hash(phone))
            }),
            kind: query.take("kind", &names(&Kind::ALL.map(Kind::name)), |text| {
                Kind::ALL.into_iter().find(|kind| kind.name() == text)
            }),
            state: query.take("state", &names(&State::ALL.map(State::name)), |text| {
                State::ALL.into_iter().find(|state| state.name() == text)
            }),
            outcome: query.take("outcome", &names(&Outcome::ALL.map(Outcome::name)), |text| {
                Outcome::ALL.into_iter().find(|outcome| outcome.name() == text)
            }),
            endpoint: query.take("endpoint", "the name of an endpoint", |name| {
                super::paths::is_endpoint_name(name).then(|| name.to_owned())
            }),
            from,
            to,
            sent_from: sent_from.map(|at| at.0),
            sent_to: sent_to.map(|at| at.0),
        };
        let page = PageRequest {
            limit: query.limit(),
            before: query.cursor(list),
        };
        query.finish()?;
        let search = Self {
            filter: Filter {
                company_id: caller.within(filter.company_id)?,
                ..filter
            },
            page,
            since: None,
        };
        search.bounded(service.time().now())
    }

    /// Only what narrows a search by an index bounds its work: a search names such a thing, or a company, and then a time.
    fn bounded(mut self, now: Millis) -> Result<Self, Problem> {
        let filter = &mut self.filter;
        let is_narrow = filter.event_id.is_some()
            || filter.call_instance_id.is_some()
            || filter.call_job_id.is_some()
            || filter.phone_hash.is_some();
        match (is_narrow, filter.company_id, filter.from) {
            (true, _, _) | (false, Some(_), Some(_)) => {}
            (false, Some(_), None) => {
                let since = filter.to.unwrap_or(now).minus(limits::SEARCH_BACK_MS);
                filter.from = Some(since);
                self.since = Some(since);
            }
            (false, None, _) => {
                let allowed = "companyId, eventId, callInstanceId, callJobId or phone: a search names at least one of them, \
                               and the rest only filters";
                return Err(Problem::invalid(vec![FieldError::missing("companyId", allowed)]));
            }
        }
        Ok(self)
    }
}

pub(super) const TIME: &str = "a time such as 2026-01-12T08:10:11Z or 2026-01-12T16:10:11+08:00";

pub(super) fn moment(text: &str) -> Option<Millis> {
    Time::parse(text).map(|time| Millis(time.0.clamp(0, TIME_MOST)))
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventList {
    /// The newest first.
    items: Vec<EventItem>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// True where the page is short because one request may look at no more: go on with the cursor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// From when on was searched, where the company alone was named: give `from` for what is older.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Time>,
}

impl EventList {
    pub(crate) fn of(page: Page<EventSummary>, since: Option<Millis>) -> Self {
        Self {
            items: page.items.into_iter().map(EventItem::of).collect(),
            next_cursor: page.next.map(|next| cursor::encode(List::Events, next)),
            partial: page.partial,
            since: since.map(|since| Time(since.0)),
        }
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryList {
    /// The newest first.
    items: Vec<DeliveryItem>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// True where the page is short because one request may look at no more: go on with the cursor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// From when on was searched, where the company alone was named: give `from` for what is older.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Time>,
}

impl DeliveryList {
    pub(crate) fn of(page: &Page<DeliverySummary>, since: Option<Millis>, present: &Present) -> Self {
        let items = page.items.iter();
        Self {
            items: items.map(|item| DeliveryItem::of(item, present)).collect(),
            next_cursor: page.next.map(|next| cursor::encode(List::Deliveries, next)),
            partial: page.partial,
            since: since.map(|since| Time(since.0)),
        }
    }
}
