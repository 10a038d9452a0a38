//! Intake: finished calls, job changes and intent corrections come in, and are durable before they are answered.
//!
//! A request costs one parse, one render and one write. Repetitions are recognised inside the commit; here they only get
//! their status.

mod answer;
mod batch;
mod idempotency;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::tz::TimeZone;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::intake::{self, Intake, Signing, Stamp};
use ringback_contract::kind::Kind;
use ringback_core::audit::{Action, Entry};
use ringback_core::company::Company;
use ringback_core::event::{IdempotencyKey, NewEvent};
use ringback_core::limits;
use ringback_core::store::{Write, Written};

pub(crate) use answer::{Accepted, AcceptedDelivery, BatchLine};

use super::audit;
use super::body::{self, Media, json, media, unsupported_media};
use super::caller::Caller;
use super::calls::result_value;
use super::paths::CallPath;
use super::problem::{Problem, ProblemSchema, Type};
use super::state::ApiState;
use super::unexpected;
use crate::service::Unavailable;
use crate::telemetry::metrics::Refused;
use crate::trace;

/// A route that takes events in.
#[derive(Clone, Copy, Debug)]
struct Route {
    /// Its template: the scope of idempotency keys.
    template: &'static str,
    /// What it takes.
    kind: Kind,
    /// The content types that it takes.
    media: &'static [Media],
}

const CALLS: Route = Route {
    template: "/v1/calls",
    kind: Kind::Call,
    media: &[Media::Json, Media::Ndjson],
};
const INBOUND_CALLS: Route = Route {
    template: "/v1/inbound-calls",
    kind: Kind::Inbound,
    media: &[Media::Json, Media::Ndjson],
};
const JOBS: Route = Route {
    template: "/v1/jobs",
    kind: Kind::Job,
    media: &[Media::Json, Media::Ndjson],
};
const INTENT: Route = Route {
    template: "/v1/calls/{callInstanceId}/intent",
    kind: Kind::Correction,
    media: &[Media::Json],
};

/// Take in a finished call.
///
/// The body is the `data.data` of a call-result callback, or the whole envelope. It is durable before it is answered. With
/// `application/x-ndjson` every line is an event of its own, and gets an answer line of its own; empty lines are passed over.
#[utoipa::path(
    post,
    path = "/v1/calls",
    tag = "intake",
    operation_id = "postCall",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters. The same key with the same content is answered with the first event, with other content it is a 409. Line i of a batch has KEY/i")),
    request_body(
        content(
            (serde_json::Value = "application/json", example = json!({"sceneInstance": {"callInstanceId": 1, "companyId": 151, "callJobId": 1, "customerTelephone": "137xxxxxxxx", "status": 2, "finishStatus": 0, "duration": 35, "startTime": "2019-01-12 16:09:32", "endTime": "2019-01-12 16:10:11"}, "taskResult": [], "phoneLog": null, "jobFinished": false})),
            (String = "application/x-ndjson", example = "{\"sceneInstance\":{\"callInstanceId\":1,\"companyId\":151}}\n{\"sceneInstance\":{\"callInstanceId\":2,\"companyId\":151}}\n"),
        ),
        description = "A finished call, or one per line; up to 1 MiB per event and 16 MiB per batch",
    ),
    responses(
        (status = 202, description = "Taken in, and durable", body = Accepted),
        (status = 200, description = "A repetition: the answer of the first event with `replayed` true. For a batch: one line per line", content((Accepted = "application/json"), (BatchLine = "application/x-ndjson"))),
        (status = 409, description = "The idempotency key was used for other content", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, description = "Not a finished call as the contract describes it", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see `Retry-After`. Repeat the request", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_call(State(api): State<Arc<ApiState>>, request: Request) -> Response {
    serve(&api, CALLS, request, |body| intake::parse(Kind::Call, body)).await
}

/// Take in a finished inbound call.
///
/// As for calls, with `inboundInstanceId` in the place of `callInstanceId`.
#[utoipa::path(
    post,
    path = "/v1/inbound-calls",
    tag = "intake",
    operation_id = "postInboundCall",
    params(("Idempotency-Key" = Option<String>, Header, description = "As for calls")),
    request_body(
        content(
            (serde_json::Value = "application/json", example = json!({"sceneInstance": {"inboundInstanceId": 7, "companyId": 151, "customerTelephone": "137xxxxxxxx", "status": 2, "transferStatus": 0}, "taskResult": [], "phoneLog": null})),
            (String = "application/x-ndjson"),
        ),
        description = "A finished inbound call, or one per line",
    ),
    responses(
        (status = 202, description = "Taken in, and durable", body = Accepted),
        (status = 200, description = "A repetition, or the answers to a batch", content((Accepted = "application/json"), (BatchLine = "application/x-ndjson"))),
        (status = "4XX", description = "As for calls", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see `Retry-After`", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_inbound_call(State(api): State<Arc<ApiState>>, request: Request) -> Response {
    serve(&api, INBOUND_CALLS, request, |body| {
        intake::parse(Kind::Inbound, body)
    })
    .await
}

/// Take in a job with its new status.
#[utoipa::path(
    post,
    path = "/v1/jobs",
    tag = "intake",
    operation_id = "postJob",
    params(("Idempotency-Key" = Option<String>, Header, description = "As for calls")),
    request_body(
        content(
            (serde_json::Value = "application/json", example = json!({"callJobId": 535, "companyId": 243, "jobName": "测试-问题学习", "status": 2})),
            (String = "application/x-ndjson"),
        ),
        description = "A job's information, or one per line",
    ),
    responses(
        (status = 202, description = "Taken in, and durable", body = Accepted),
        (status = 200, description = "A repetition, or the answers to a batch", content((Accepted = "application/json"), (BatchLine = "application/x-ndjson"))),
        (status = "4XX", description = "As for calls", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see `Retry-After`", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_job(State(api): State<Arc<ApiState>>, request: Request) -> Response {
    serve(&api, JOBS, request, |body| intake::parse(Kind::Job, body)).await
}

/// Correct the customer intent level (客户意向等级) of a call.
///
/// The call need not be known. The same level again, with nothing in between, is a repetition.
#[utoipa::path(
    put,
    path = "/v1/calls/{callInstanceId}/intent",
    tag = "intake",
    operation_id = "putIntent",
    params(
        ("callInstanceId" = i64, Path, description = "The call", example = 2016),
        ("Idempotency-Key" = Option<String>, Header, description = "As for calls"),
    ),
    request_body(content = serde_json::Value, description = "The company and the level, or the whole envelope of the sample", example = json!({"companyId": 241, "resultValue": "B"})),
    responses(
        (status = 202, description = "Taken in, and durable", body = Accepted),
        (status = 200, description = "A repetition", body = Accepted),
        (status = "4XX", description = "As for calls", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see `Retry-After`", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_intent(
    State(api): State<Arc<ApiState>>,
    CallPath(call_instance_id): CallPath,
    request: Request,
) -> Response {
    let parse = move |body: &[u8]| intake::parse_correction(call_instance_id, body);
    serve(&api, INTENT, request, parse).await
}

async fn serve<P>(api: &ApiState, route: Route, request: Request, parse: P) -> Response
where
    P: Fn(&[u8]) -> Result<Intake, intake::Invalid>,
{
    let tracer = api.service.tracer();
    let mut trace = tracer.intake(request.headers(), route.template, route.kind);
    let response = match take_in(api, route, request, parse, trace.as_deref_mut()).await {
        Ok(response) => response,
        Err(problem) => {
            api.metrics.refused(reason(problem.kind)).inc();
            problem.into_response()
        }
    };
    if let Some(trace) = trace {
        trace.end(response.status());
    }
    response
}

async fn take_in<P>(
    api: &ApiState,
    route: Route,
    request: Request,
    parse: P,
    mut trace: Option<&mut trace::Intake>,
) -> Result<Response, Problem>
where
    P: Fn(&[u8]) -> Result<Intake, intake::Invalid>,
{
    let media = media(request.headers())
        .filter(|media| route.media.contains(media))
        .ok_or_else(|| unsupported_media(route.media))?;
    let key = key_of(request.headers())?;
    let caller = request.extensions().get::<Caller>().cloned();
    let caller = caller.ok_or_else(|| Problem::new(Type::Internal, "the request did not pass the gate"))?;
    match media {
        Media::Json => {
            let body = body::read(api, request, limits::EVENT_BYTES).await?;
            let event = event(api, &caller, route, key, &parse(&body)?)?;
            if let Some(trace) = trace.as_deref_mut() {
                trace.of_company(event.company_id);
            }
            let entry = correction(api, &caller, &event);
            let write = Write::Accept(Box::new(event));
            let write = match entry {
                Some(entry) => write.audited(entry),
                None => write,
            };
            let written = api.service.write_traced(write, trace.as_deref()).await;
            let accepted = accepted(api, route.kind, written)?;
            if let Some(trace) = trace {
                trace.accepted(accepted.event_id, accepted.replayed);
            }
            Ok(json(status_of(&accepted), &accepted))
        }
        Media::Ndjson => {
            let body = body::read(api, request, limits::BATCH_BYTES).await?;
            batch::take_in(
                api,
                &caller,
                route,
                key.as_deref(),
                &body,
                parse,
                trace.as_deref(),
            )
            .await
        }
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    idempotency::key(headers).map_err(|error| Problem::invalid(vec![error]))
}

/// The event of a parsed intake, rendered by its company's settings as they are now.
fn event(
    api: &ApiState,
    caller: &Caller,
    route: Route,
    key: Option<String>,
    intake: &Intake,
) -> Result<NewEvent, Problem> {
    caller.check_company(intake.company_id())?;
    let accepted_wall_ms = api.clock.wall_ms();
    let company = api.service.directory().company(intake.company_id());
    let body = intake.render(&stamp_of(company.as_deref(), &api.zone, accepted_wall_ms));
    if body.len() > limits::EVENT_BYTES {
        let detail = format!(
            "the callback's body would have more than {} bytes",
            limits::EVENT_BYTES
        );
        return Err(Problem::new(Type::TooLarge, detail));
    }
    Ok(NewEvent {
        company_id: intake.company_id(),
        kind: route.kind,
        entity_id: intake.entity_id(),
        call_job_id: intake.call_job_id(),
        job_status: intake.job_status(),
        phone_hash: intake
            .phone()
            .filter(|phone| !phone.is_empty())
            .map(|phone| api.service.phone_hash(phone)),
        digest: intake.digest(),
        body: Bytes::from(body),
        accepted_wall_ms,
        idempotency: key.map(|key| IdempotencyKey {
            route: route.template,
            key,
        }),
    })
}

/// What the audit log tells of an intent correction; nothing of other events. How the call stood before is not looked up.
fn correction(api: &ApiState, caller: &Caller, event: &NewEvent) -> Option<Entry> {
    if event.kind != Kind::Correction {
        return None;
    }
    let level = result_value(&event.body)?;
    let note = audit::Note::new(Action::IntentCorrect, event.entity_id.to_string())
        .of_company(event.company_id)
        .change((None, Some(audit::correction(&level))));
    Some(note.by(caller, api))
}

/// What a rendering depends on besides the intake. A company that nobody has configured has the defaults.
pub(super) fn stamp_of<'a>(company: Option<&'a Company>, zone: &'a TimeZone, accepted_ms: i64) -> Stamp<'a> {
    let signing = company.filter(|company| company.sign).and_then(|company| {
        Some(Signing {
            app_key: company.app_key.as_deref()?,
            app_secret: company.app_secret.as_deref()?,
        })
    });
    Stamp {
        accepted_ms,
        zone,
        form: company.map_or_else(DateTimeForm::default, |company| company.date_time_form),
        signing,
    }
}

/// What the committer said, counted.
fn accepted(api: &ApiState, kind: Kind, written: Result<Written, Unavailable>) -> Result<Accepted, Problem> {
    match written? {
        Written::Accepted(accepted) => {
            let counter = if accepted.replayed {
                api.metrics.replayed(kind)
            } else {
                api.metrics.accepted(kind)
            };
            counter.inc();
            Ok(Accepted::of(accepted))
        }
        Written::Conflict { event_id } => Err(Problem::new(
            Type::IdempotencyConflict,
            format!("the key came first with other content, as event {event_id}: use a new key for it"),
        )),
        other => Err(unexpected(&other)),
    }
}

const fn status_of(accepted: &Accepted) -> StatusCode {
    if accepted.replayed {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    }
}

/// The reason by which a refusal is counted.
pub(super) const fn reason(kind: Type) -> Refused {
    match kind {
        Type::TooLarge => Refused::TooLarge,
        Type::UnsupportedMedia => Refused::ContentType,
        Type::IdempotencyConflict => Refused::Conflict,
        Type::DiskNearlyFull => Refused::DiskNearlyFull,
        Type::Behind | Type::StoreFailed | Type::ShuttingDown | Type::Internal => Refused::Unavailable,
        Type::Unauthorized => Refused::Unauthorized,
        Type::Forbidden => Refused::Forbidden,
        Type::TooManyRequests => Refused::RateLimited,
        Type::Invalid
        | Type::BrokenBody
        | Type::BodyTimeout
        | Type::NoRoute
        | Type::NoCompany
        | Type::NoEndpoint
        | Type::NoEvent
        | Type::NoDelivery
        | Type::NoCall
        | Type::NoToken
        | Type::NoAlertChannel
        | Type::MethodNotAllowed
        | Type::HasEndpoints
        | Type::HasOpenDeliveries
        | Type::EndpointDisabled
        | Type::EndpointUnusable
        | Type::NoEndpointFits
        | Type::ResentTooOften
        | Type::TooManyEndpoints
        | Type::TooManyAlertChannels
        | Type::NoReplay
        | Type::TestUnderWay
        | Type::TooManyReplays
        | Type::ReplayEnded => Refused::Invalid,
    }
}
