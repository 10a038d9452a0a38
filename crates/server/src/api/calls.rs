//! A call as it stands, and whether it arrived.

mod arrival;
mod named;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_contract::intake::{current_call, current_call_called_back};
use ringback_contract::kind::Kind;
use ringback_core::delivery::Delivery;
use ringback_core::store::{EventRecord, Filter, PageRequest, Reader, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

pub(crate) use arrival::Arrival;
pub(crate) use named::{NamedValue, result_value};

use super::body::json;
use super::caller::Caller;
use super::language;
use super::names::KindName;
use super::paths::CallPath;
use super::problem::{Problem, ProblemSchema, Type};
use super::query::Query;
use super::records::EventHead;
use super::sentence::{Speaker, spoken};
use super::state::ApiState;
use super::waiting::Present;

/// Corrections that are read of one call. Only the newest decides how the call stands.
const CORRECTIONS_MOST: usize = 50;

/// A call as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Call)]
pub(crate) struct CallView {
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// The call; for an inbound call its inboundInstanceId.
    #[schema(example = 1)]
    call_instance_id: i64,
    /// `call` or `inbound`.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// The event that brought the call; null where only corrections of it are known.
    event: Option<EventHead>,
    /// 1 once every endpoint that the call goes to has acknowledged it, else 0.
    #[schema(example = 1)]
    callbacked: u8,
    /// The call's `data.data` with its corrections applied, in the order of its members; null where only corrections are
    /// known.
    #[schema(value_type = Option<Object>)]
    call: Option<Box<RawValue>>,
    /// What the numbers in `call` mean, by their path.
    #[schema(example = json!({"sceneInstance.finishStatus": {"value": 0, "zh": "已接通", "en": "answered"}}))]
    names: BTreeMap<String, NamedValue>,
    /// The corrections of the call, the oldest first; at most the newest 50.
    corrections: Vec<CorrectionView>,
    /// For each endpoint, whether it has the call and its corrections.
    arrivals: Vec<Arrival>,
}

/// An intent correction of a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Correction)]
pub(crate) struct CorrectionView {
    #[serde(flatten)]
    event: EventHead,
    /// The customer intent level (客户意向等级) that it sets.
    #[schema(example = "B")]
    result_value: String,
}

/// The events of a call.
#[derive(Debug)]
struct Found {
    call: Option<EventRecord>,
    /// The oldest first.
    corrections: Vec<EventRecord>,
}

/// A call as it stands, and whether it arrived.
///
/// The sentences are in Chinese or English, by `Accept-Language`.
#[utoipa::path(
    get,
    path = "/v1/calls/{callInstanceId}",
    tag = "calls",
    operation_id = "getCall",
    params(
        ("callInstanceId" = i64, Path, description = "The call; an inbound call's inboundInstanceId is looked up where no call has this number", example = 1),
        ("companyId" = i64, Query, description = "The company", example = 151),
        ("Accept-Language" = Option<String>, Header, description = "zh or en; en where neither is asked for"),
    ),
    responses(
        (status = 200, description = "The call", body = CallView),
        (status = 404, description = "There is no such call", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_call(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    CallPath(call_instance_id): CallPath,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["companyId"]);
    let company_id = query.require("companyId", "an integer", |text| text.parse::<i64>().ok());
    query.finish()?;
    let company_id = company_id.unwrap_or_default();
    caller.check_company(company_id)?;
    let language = language::of(request.headers());
    let found = api
        .service
        .read(move |reader| find(reader, company_id, call_instance_id))
        .await?;
    if found.call.is_none() && found.corrections.is_empty() {
        return Err(Problem::new(
            Type::NoCall,
            "no event of the company tells of this call",
        ));
    }
    let present = Present::of(&api.service, found.deliveries()).await;
    let speaker = Speaker {
        language,
        zone: &api.zone,
        present: &present,
    };
    let view = CallView::of(company_id, call_instance_id, &found, speaker)?;
    Ok(spoken(json(StatusCode::OK, &view), language))
}

fn find(reader: &mut dyn Reader, company_id: i64, call_instance_id: i64) -> Result<Found, StoreError> {
    let mut newest = |kind: Kind, limit: usize| -> Result<Vec<EventRecord>, StoreError> {
        let filter = Filter {
            company_id: Some(company_id),
            call_instance_id: Some(call_instance_id),
            kind: Some(kind),
            ..Filter::default()
        };
        let mut records = Vec::new();
        let mut request = PageRequest { limit, before: None };
        loop {
            // A page may end before its time; none of the call's events may be left out because of that.
            let page = reader.events(&filter, &request)?;
            for summary in &page.items {
                records.extend(reader.event(summary.event.id)?);
            }
            request.limit = request.limit.saturating_sub(page.items.len());
            request.before = page.next;
            if request.limit == 0 || page.next.is_none() {
                return Ok(records);
            }
        }
    };
    let mut corrections = newest(Kind::Correction, CORRECTIONS_MOST)?;
    corrections.reverse();
    let mut call = newest(Kind::Call, 1)?.pop();
    if call.is_none() && corrections.is_empty() {
        call = newest(Kind::Inbound, 1)?.pop();
    }
    Ok(Found { call, corrections })
}

impl Found {
    fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        let events = self.call.iter().chain(&self.corrections);
        events.flat_map(|event| event.deliveries.iter().map(|record| &record.delivery))
    }
}

impl CallView {
    fn of(
        company_id: i64,
        call_instance_id: i64,
        found: &Found,
        speaker: Speaker<'_>,
    ) -> Result<Self, Problem> {
        let unreadable = || Problem::new(Type::Internal, "a stored body of the call cannot be read");
        let callbacked = found
            .call
            .as_ref()
            .is_some_and(|call| arrival::is_callbacked(&call.deliveries));
        let bodies: Vec<&[u8]> = found.corrections.iter().map(|record| &*record.body).collect();
        let (call, names) = match &found.call {
            None => (None, BTreeMap::new()),
            Some(record) => {
                let current = if callbacked {
                    current_call_called_back
                } else {
                    current_call
                };
                let text = current(&record.body, &bodies).map_err(|_| unreadable())?;
                let names = named::names(&text).ok_or_else(unreadable)?;
                let call = RawValue::from_string(text).map_err(|_| unreadable())?;
                (Some(call), names)
            }
        };
        let corrections = found.corrections.iter().map(|record| {
            Some(CorrectionView {
                event: EventHead::of(&record.event),
                result_value: result_value(&record.body)?,
            })
        });
        let events: Vec<&EventRecord> = found.call.iter().chain(&found.corrections).collect();
        Ok(Self {
            company_id,
            call_instance_id,
            kind: found.call.as_ref().map_or(Kind::Call, |call| call.event.kind),
            event: found.call.as_ref().map(|call| EventHead::of(&call.event)),
            callbacked: callbacked.into(),
            call,
            names,
            corrections: corrections.collect::<Option<_>>().ok_or_else(unreadable)?,
            arrivals: arrival::arrivals(&events, speaker),
        })
    }
}
