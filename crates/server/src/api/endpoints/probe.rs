//! The test of an endpoint: the seed's sample, sent once, with what came back.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use ringback_contract::intake::{self, Stamp};
use ringback_contract::kind::Kind;
use ringback_contract::samples;
use ringback_core::endpoint::Settings;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::body::json;
use super::super::intake::stamp_of;
use super::super::names::{KindName, OutcomeName};
use super::super::paths::EndpointPath;
use super::super::problem::{Problem, ProblemSchema, Type};
use super::super::query::Query;
use super::super::state::ApiState;
use super::find;
use crate::outbound::{Exchange, Outcome};
use crate::random;

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointTest {
    /// Which sample was sent.
    #[schema(value_type = KindName)]
    kind: Kind,
    /// The `webhook-id` that it was sent with.
    #[schema(example = "test_6e2f9c1d8a3b4c5d")]
    webhook_id: String,
    /// What became of it.
    #[schema(value_type = OutcomeName)]
    outcome: &'static str,
    /// The HTTP status, where there was an answer.
    #[schema(example = 200)]
    status: Option<u16>,
    /// How long the exchange took.
    duration_ms: u32,
    /// The address that was connected to.
    #[schema(example = "203.0.113.7:443")]
    address: Option<String>,
    /// The beginning of the answer's body.
    #[schema(example = "success")]
    body_start: String,
    /// One sentence: would a callback arrive?
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
    let endpoint = find(&api, &path)?;
    let settings = &endpoint.settings;
    let (kind, sample) = sample_for(settings, asked);
    let company = api.service.directory().company(path.company_id);
    let now_ms = api.clock.wall_ms();
    let body = render(kind, sample, &stamp_of(company.as_deref(), &api.zone, now_ms))?;
    let webhook_id = format!("test_{}", &random::token()[..16]);
    // The semaphore is never closed; a test without its permit would do no harm.
    let _permit = api.tests.acquire().await.ok();
    let exchange = api
        .service
        .test(&endpoint, &webhook_id, body)
        .await
        .map_err(|problem| unusable(&problem))?;
    Ok(json(StatusCode::OK, &answer(kind, webhook_id, &exchange)))
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

fn render(kind: Kind, sample: &str, stamp: &Stamp<'_>) -> Result<Bytes, Problem> {
    let intake = intake::parse(kind, sample.as_bytes())?;
    Ok(Bytes::from(intake.render(stamp)))
}

fn unusable(problem: &impl std::fmt::Display) -> Problem {
    Problem::new(
        Type::Internal,
        format!("the endpoint's settings cannot be used: {problem}"),
    )
}

fn answer(kind: Kind, webhook_id: String, exchange: &Exchange) -> EndpointTest {
    let detail = exchange.detail.as_ref().map(ToString::to_string);
    EndpointTest {
        kind,
        webhook_id,
        outcome: exchange.outcome.name(),
        status: exchange.status,
        duration_ms: exchange.duration_ms,
        address: exchange.address.map(|address| address.to_string()),
        body_start: String::from_utf8_lossy(&exchange.body_start).into_owned(),
        verdict: verdict(exchange.outcome, exchange.status, detail.as_deref()),
        hint: hint(exchange.outcome, exchange.status).map(str::to_owned),
    }
}

fn verdict(outcome: Outcome, status: Option<u16>, detail: Option<&str>) -> String {
    let status = status.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"));
    let because = detail.map_or_else(String::new, |detail| format!(": {detail}"));
    match outcome {
        Outcome::Acknowledged => format!("The receiver acknowledged with {status}: callbacks arrive."),
        Outcome::NotAcknowledged => format!(
            "The receiver answered with {status}, but not with what acknowledges: a callback would be sent again{because}."
        ),
        Outcome::Refused => {
            format!("The receiver refused with {status}: a callback would be sent again{because}.")
        }
        Outcome::Unreachable => format!("The receiver did not answer{because}."),
        Outcome::TimedOut => format!("The receiver did not answer in time{because}."),
        Outcome::Blocked => format!("The address policy does not allow this address{because}."),
    }
}

fn hint(outcome: Outcome, status: Option<u16>) -> Option<&'static str> {
    Some(match (outcome, status) {
        (Outcome::Acknowledged, _) => return None,
        (Outcome::NotAcknowledged, _) => {
            "answer with the text success as the body, or choose another ackRule: success-or-code, status"
        }
        (Outcome::Refused, Some(415)) => "set contentType to text: some receivers do not take JSON",
        (Outcome::Refused, Some(401 | 403)) => "add the header that the receiver asks for to headers",
        (Outcome::Refused, Some(404 | 405)) => "check the path of the URL, and that it takes POST",
        (Outcome::Refused, Some(300..=399)) => {
            "set the URL to where the redirect leads: redirects are not followed"
        }
        (Outcome::Refused, _) => "look into the receiver's log; bodyStart has the beginning of its answer",
        (Outcome::Unreachable, _) => {
            "check host and port of the URL, and that a firewall lets this machine through"
        }
        (Outcome::TimedOut, _) => "let the receiver answer first and work then, or raise timeout",
        (Outcome::Blocked, _) => {
            "add the address's range to RINGBACK_OUTBOUND_ALLOW (outbound_allow) if it is meant"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_verdict_and_a_hint() {
        for outcome in Outcome::ALL {
            for status in [
                None,
                Some(200),
                Some(302),
                Some(401),
                Some(404),
                Some(415),
                Some(500),
            ] {
                let verdict = verdict(outcome, status, Some("why"));
                assert!(verdict.ends_with('.'), "{verdict}");
                assert_eq!(hint(outcome, status).is_none(), outcome == Outcome::Acknowledged);
            }
        }
        assert_eq!(
            verdict(Outcome::Unreachable, None, Some("the connection broke")),
            "The receiver did not answer: the connection broke."
        );
    }

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
