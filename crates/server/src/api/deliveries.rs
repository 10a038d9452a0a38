//! Deliveries: search, one with its timeline, and sending one again.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use http::StatusCode;
use ringback_core::audit::Action;
use ringback_core::id::EventId;
use ringback_core::store::{Write, Written};
use serde::Serialize;
use utoipa::ToSchema;

use super::audit;
use super::body::json;
use super::caller::Caller;
use super::cursor::List;
use super::hint::Hints;
use super::intake::AcceptedDelivery;
use super::language;
use super::paths::DeliveryPath;
use super::problem::{Problem, ProblemSchema, Type};
use super::records::FullDelivery;
use super::search::{DeliveryList, Search, SearchParams};
use super::sentence::{Speaker, spoken};
use super::state::ApiState;
use super::unexpected;
use super::waiting::Present;

/// Deliveries, newest first.
#[utoipa::path(
    get,
    path = "/v1/deliveries",
    tag = "events and deliveries",
    operation_id = "listDeliveries",
    params(SearchParams),
    responses(
        (status = 200, description = "A page of deliveries", body = DeliveryList),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_deliveries(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let search = Search::read(request.uri(), List::Deliveries, &caller, &api.service)?;
    let since = search.since;
    let page = api
        .service
        .read(move |reader| reader.deliveries(&search.filter, &search.page))
        .await?;
    let present = Present::of(&api.service, page.items.iter().map(|item| &item.delivery)).await;
    Ok(json(StatusCode::OK, &DeliveryList::of(&page, since, &present)))
}

/// A delivery with its timeline: what was sent when, what came back, what happens next and when.
#[utoipa::path(
    get,
    path = "/v1/deliveries/{deliveryId}",
    tag = "events and deliveries",
    operation_id = "getDelivery",
    params(
        ("deliveryId" = String, Path, description = "The delivery", example = "dlv_1mzj8k2v00g00"),
        ("Accept-Language" = Option<String>, Header, description = "zh or en; en where neither is asked for"),
    ),
    responses(
        (status = 200, description = "The delivery", body = FullDelivery),
        (status = 404, description = "There is no such delivery", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_delivery(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    DeliveryPath(id): DeliveryPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = api
        .service
        .read(move |reader| {
            let Some(record) = reader.delivery(id)? else {
                return Ok(None);
            };
            let event = reader.event(record.delivery.event_id)?;
            Ok(event.map(|event| (record, event.event)))
        })
        .await?;
    let found = found.filter(|(record, _)| caller.sees(record.delivery.company_id));
    let (record, event) = found.ok_or_else(no_delivery)?;
    let present = Present::of(&api.service, std::iter::once(&record.delivery)).await;
    let language = language::of(&headers);
    let speaker = Speaker {
        language,
        zone: &api.zone,
        present: &present,
    };
    let hints = Hints::of(api.service.directory(), record.delivery.company_id, language);
    let view = FullDelivery::of(&record, &event, speaker, &hints);
    Ok(spoken(json(StatusCode::OK, &view), language))
}

/// What a resend made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resent {
    /// The event; its `webhook-id` and its bytes are the same as before.
    #[schema(value_type = String, example = "evt_1mzj8k2v00400")]
    event_id: EventId,
    /// The deliveries that go out because of it. A parked delivery becomes pending itself; otherwise the first is new.
    deliveries: Vec<AcceptedDelivery>,
}

/// Send a delivery once more.
///
/// It makes a new delivery with the full schedule, behind what is open of the same call or job. A parked delivery becomes
/// pending itself; one without endpoint goes to every endpoint that fits now.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{deliveryId}/resend",
    tag = "events and deliveries",
    operation_id = "resendDelivery",
    params(("deliveryId" = String, Path, description = "The delivery", example = "dlv_1mzj8k2v00g00")),
    responses(
        (status = 202, description = "It goes out again", body = Resent),
        (status = 404, description = "There is no such delivery", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "No endpoint fits, the endpoint is disabled, or resends and replays have made a hundred deliveries of the event", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resend_delivery(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    DeliveryPath(id): DeliveryPath,
) -> Result<Response, Problem> {
    let found = api.service.read(move |reader| reader.delivery(id)).await?;
    let found = found
        .filter(|record| caller.sees(record.delivery.company_id))
        .ok_or_else(no_delivery)?;
    let entry = audit::Note::new(Action::Resend, id.to_string())
        .of_company(found.delivery.company_id)
        .change((Some(audit::delivery(&found)), None))
        .by(&caller, &api);
    match api.service.write(Write::Resend(id).audited(entry)).await? {
        Written::Resent(resent) => {
            let answer = Resent {
                event_id: resent.event_id,
                deliveries: resent.deliveries.into_iter().map(AcceptedDelivery::of).collect(),
            };
            Ok(json(StatusCode::ACCEPTED, &answer))
        }
        other => Err(unexpected(&other)),
    }
}

fn no_delivery() -> Problem {
    Problem::new(Type::NoDelivery, "no delivery has this id")
}
