//! Events: search, and one with all that happened to it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use http::StatusCode;

use super::body::json;
use super::caller::Caller;
use super::cursor::List;
use super::hint::Hints;
use super::language;
use super::paths::EventPath;
use super::problem::{Problem, ProblemSchema, Type};
use super::records::EventView;
use super::search::{EventList, Search, SearchParams};
use super::sentence::{Speaker, spoken};
use super::state::ApiState;
use super::waiting::Present;

/// Events, newest first.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events and deliveries",
    operation_id = "listEvents",
    params(SearchParams),
    responses(
        (status = 200, description = "A page of events", body = EventList),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_events(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let search = Search::read(request.uri(), List::Events, &caller, &api.service)?;
    let since = search.since;
    let page = api
        .service
        .read(move |reader| reader.events(&search.filter, &search.page))
        .await?;
    Ok(json(StatusCode::OK, &EventList::of(page, since)))
}

/// An event with its body, its deliveries and their sends.
#[utoipa::path(
    get,
    path = "/v1/events/{eventId}",
    tag = "events and deliveries",
    operation_id = "getEvent",
    params(
        ("eventId" = String, Path, description = "The event", example = "evt_1mzj8k2v00400"),
        ("Accept-Language" = Option<String>, Header, description = "zh or en; en where neither is asked for"),
    ),
    responses(
        (status = 200, description = "The event", body = EventView),
        (status = 404, description = "There is no such event", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_event(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    EventPath(id): EventPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = api.service.read(move |reader| reader.event(id)).await?;
    let record = record.filter(|record| caller.sees(record.event.company_id));
    let record = record.ok_or_else(|| Problem::new(Type::NoEvent, "no event has this id"))?;
    let deliveries = record.deliveries.iter().map(|delivery| &delivery.delivery);
    let present = Present::of(&api.service, deliveries).await;
    let language = language::of(&headers);
    let speaker = Speaker {
        language,
        zone: &api.zone,
        present: &present,
    };
    let hints = Hints::of(api.service.directory(), record.event.company_id, language);
    let company = api.service.directory().company(record.event.company_id);
    let is_on = company.map(|company| company.callbacks.has(record.event.kind));
    let view = EventView::of(&record, speaker, &hints, is_on)
        .ok_or_else(|| Problem::new(Type::Internal, "the stored body of the event is not JSON"))?;
    Ok(spoken(json(StatusCode::OK, &view), language))
}
