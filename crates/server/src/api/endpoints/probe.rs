//! The test of an endpoint: the seed's sample, sent once, with what came back.

mod verdict;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use ringback_contract::intake;
use ringback_contract::kind::Kind;
use ringback_contract::samples;
use ringback_core::delivery::Outcome;
use ringback_core::endpoint::Settings;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::body::json;
use super::super::intake::stamp_of;
use super::super::language::Language;
use super::super::names::{KindName, OutcomeName};
use super::super::paths::EndpointPath;
use super::super::problem::{Problem, ProblemSchema, Type};
use super::super::query::Query;
use super::super::state::ApiState;
use super::find;
use crate::outbound::Exchange;

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointTest {
    /// Which sample was sent.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// What became of it.
    #[schema(value_type = OutcomeName)]
    outcome: Outcome,
    /// The HTTP status, where there was an answer.
    #[schema(example = 200)]
    status: Option<u16>,
    /// How long the exchange took.
    #[schema(example = 38)]
    duration_ms: u32,
    /// The address that was connected to.
    #[schema(example = "203.0.113.7:443")]
    address: Option<String>,
    /// The beginning of the answer's body, up to 4 KiB; bytes that are no UTF-8 are replaced.
    #[schema(example = "success")]
    body_start: String,
    /// One sentence: would a callback arrive?
    #[schema(example = "The receiver acknowledged with status 200: callbacks arrive.")]
    verdict: String,
    /// What to do, where it would not.
    hint: Option<String>,
}

/// Send a sample callback to an endpoint, once.
///
/// It is a sample of the first kind that the endpoint takes, or of `kind`, with the endpoint's headers and signature. It is
/// no event: nothing is stored, and nothing is repeated. It is sent to a disabled endpoint as well.
#[utoipa::path(
    post,
    path = "/v1/companies/{companyId}/endpoints/{name}/test",
    tag = "endpoints",
    operation_id = "testEndpoint",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The endpoint", example = "erp"),
        ("kind" = Option<KindName>, Query, description = "Which sample: call, correction or job"),
        ("Accept-Language" = Option<String>, Header, description = "zh or en; en where neither is asked for"),
    ),
    responses(
        (status = 200, description = "What came back, whatever it was", body = EndpointTest),
        (status = 404, description = "There is no such endpoint", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn test_endpoint(
    State(api): State<Arc<ApiState>>,
    path: EndpointPath,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["kind"]);
    let asked = query.take("kind", "call, correction, job", |text| {
        SAMPLES
            .into_iter()
            .map(|(kind, _)| kind)
            .find(|kind| kind.name() == text)
    });
    query.finish()?;
    let language = Language::of(request.headers());
    let endpoint = find(&api, &path)?;
    let (kind, sample) = sample_for(&endpoint.settings, asked);
    let company = api.service.directory().company(path.company_id);
    let stamp = stamp_of(company.as_deref(), &api.zone, api.clock.wall_ms());
    let body = Bytes::from(intake::parse(kind, sample.as_bytes())?.render(&stamp));
    // The semaphore is never closed; a test without its permit would do no harm.
    let _permit = api.tests.acquire().await.ok();
    let exchange = api.service.test(&endpoint, body).await.map_err(|problem| {
        let detail = format!("the endpoint's settings cannot be used any more: {problem}");
        Problem::new(Type::EndpointUnusable, detail)
    })?;
    let answer = EndpointTest::of(kind, &exchange, &endpoint.settings, language);
    Ok(json(StatusCode::OK, &answer))
}

/// The samples there are. An inbound call result has none of its own.
const SAMPLES: [(Kind, &str); 3] = [
    (Kind::Call, samples::CALL),
    (Kind::Correction, samples::CORRECTION),
    (Kind::Job, samples::JOB),
];

fn sample_for(settings: &Settings, asked: Option<Kind>) -> (Kind, &'static str) {
    SAMPLES
        .into_iter()
        .find(|(kind, _)| asked.map_or(settings.callbacks.has(*kind), |asked| asked == *kind))
        .unwrap_or((Kind::Call, samples::CALL))
}

impl EndpointTest {
    fn of(kind: Kind, exchange: &Exchange, settings: &Settings, language: Language) -> Self {
        Self {
            kind,
            outcome: exchange.outcome,
            status: exchange.status,
            duration_ms: exchange.duration_ms,
            address: exchange.address.map(|address| address.to_string()),
            body_start: String::from_utf8_lossy(&exchange.body_start).into_owned(),
            verdict: verdict::verdict(exchange, language),
            hint: verdict::hint(exchange, settings.ack_rule, language),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_of_a_kind_that_the_endpoint_takes() {
        for (callbacks, asked, expected) in [
            (&[Kind::Job][..], None, Kind::Job),
            (&[Kind::Call, Kind::Job], None, Kind::Call),
            (&[Kind::Correction], None, Kind::Correction),
            (&[Kind::Inbound], None, Kind::Call),
            (&[], None, Kind::Call),
            (&[Kind::Call], Some(Kind::Job), Kind::Job),
        ] {
            let body =
                serde_json::json!({"url": "http://receiver.example/", "callbacks": callbacks}).to_string();
            let settings = super::super::input::testing::apply(&body, None).unwrap().settings;
            assert_eq!(sample_for(&settings, asked).0, expected, "{callbacks:?}");
        }
    }
}
