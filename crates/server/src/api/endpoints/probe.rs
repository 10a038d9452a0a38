//! The test of an endpoint: a sample, sent once, with what came back.

mod report;
mod verdict;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use ringback_contract::intake;
use ringback_contract::kind::Kind;
use ringback_contract::samples;
use ringback_core::endpoint::{FixedProfile, Settings};
use ringback_core::id::EndpointId;
use utoipa::ToSchema;

use super::super::body::{self, Media, json};
use super::super::fields::Fields;
use super::super::intake::stamp_of;
use super::super::language;
use super::super::names::KindName;
use super::super::paths::EndpointPath;
use super::super::problem::{Problem, ProblemSchema, Type};
use super::super::query::Query;
use super::super::state::ApiState;
use super::find;
use report::EndpointTest;

/// What a test may say.
#[derive(ToSchema)]
#[schema(as = EndpointTestSettings)]
#[expect(dead_code, reason = "it only describes what is read by hand")]
pub(crate) struct TestInput {
    /// Which sample is sent: call, correction, inbound or job. Default: the first of them that the endpoint takes.
    #[schema(value_type = Option<KindName>)]
    kind: Option<Kind>,
}

/// Send a sample callback to an endpoint, once.
///
/// It is a sample of the first kind that the endpoint takes, or of `kind`, with the endpoint's headers, credentials and
/// signature. It is no event: nothing is stored, nothing is repeated, and it does not count among the sends. It is sent to
/// a disabled endpoint as well. An endpoint has one test at a time.
#[utoipa::path(
    post,
    path = "/v1/companies/{companyId}/endpoints/{name}/test",
    tag = "endpoints",
    operation_id = "testEndpoint",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The endpoint", example = "erp"),
        ("kind" = Option<KindName>, Query, description = "As `kind` in the body"),
        ("Accept-Language" = Option<String>, Header, description = "zh or en; en where neither is asked for"),
    ),
    request_body(content = Option<TestInput>, description = "Need not be there", example = json!({"kind": "call"})),
    responses(
        (status = 200, description = "What came back, whatever it was", body = EndpointTest),
        (status = 404, description = "There is no such endpoint", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint's settings cannot be used any more", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, description = "There is no such kind", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 429, description = "A test of this endpoint is under way", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn test_endpoint(
    State(api): State<Arc<ApiState>>,
    path: EndpointPath,
    request: Request,
) -> Result<Response, Problem> {
    let language = language::of(request.headers());
    let endpoint = find(&api, &path)?;
    let asked = asked_kind(&api, request).await?;
    let _place = api.tested.enter(endpoint.id).ok_or_else(|| Problem {
        retry_after_s: Some(1),
        ..Problem::new(
            Type::TestUnderWay,
            "an endpoint has one test at a time: repeat the request when it is over",
        )
    })?;
    let (kind, sample) = sample_for(&endpoint.settings, asked);
    let company = api.service.directory().company(path.company_id);
    let stamp = stamp_of(company.as_deref(), &api.zone, api.clock.wall_ms());
    let v1 = Bytes::from(intake::parse(kind, sample.as_bytes())?.render(&stamp));
    let body = FixedProfile::from(endpoint.settings.profile).render(&v1)?;
    // The semaphore is never closed; a test without its permit would do no harm.
    let _permit = api.tests.acquire().await.ok();
    let probe = api.service.test(&endpoint, body.clone()).await;
    let probe = probe.map_err(|problem| {
        let detail = format!("the endpoint's settings cannot be used any more: {problem}");
        Problem::new(Type::EndpointUnusable, detail)
    })?;
    api.metrics.tests(probe.exchange.outcome).inc();
    let answer = EndpointTest::of(kind, &body, &probe, &endpoint.settings, language);
    Ok(json(StatusCode::OK, &answer))
}

/// The kind that a request asks for, in its query or its body.
async fn asked_kind(api: &ApiState, request: Request) -> Result<Option<Kind>, Problem> {
    const KINDS: &str = "call, correction, inbound, job";
    let of_name = |name: &str| {
        let mut kinds = SAMPLES.into_iter().map(|(kind, _)| kind);
        kinds.find(|kind| kind.name() == name)
    };
    let mut query = Query::read(request.uri(), &["kind"]);
    let in_query = query.take("kind", KINDS, of_name);
    query.finish()?;
    let is_json = body::media(request.headers()) == Some(Media::Json);
    let bytes = body::read(api, request, body::CONFIGURATION_BYTES).await?;
    if bytes.is_empty() {
        return Ok(in_query);
    }
    if !is_json {
        return Err(body::unsupported_media(&[Media::Json]));
    }
    let mut fields = Fields::of_body(&bytes, &["kind"])?;
    let in_body = fields.take("kind", KINDS, |value| of_name(value.as_str()?));
    fields.finish()?;
    Ok(in_body.value().or(in_query))
}

/// The endpoints that are tested now.
#[derive(Debug, Default)]
pub(crate) struct Tested(Mutex<HashSet<EndpointId>>);

/// The place of one test; given back when it is dropped.
struct Place<'a> {
    tested: &'a Tested,
    endpoint: EndpointId,
}

impl Tested {
    /// A place, unless the endpoint has a test already.
    fn enter(&self, endpoint: EndpointId) -> Option<Place<'_>> {
        let is_free = self.endpoints().insert(endpoint);
        // Made only then: dropping a place gives it back.
        is_free.then(|| Place {
            tested: self,
            endpoint,
        })
    }

    fn endpoints(&self) -> MutexGuard<'_, HashSet<EndpointId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.tested.endpoints().remove(&self.endpoint);
    }
}

/// The samples, one of each kind.
const SAMPLES: [(Kind, &str); 4] = [
    (Kind::Call, samples::CALL),
    (Kind::Correction, samples::CORRECTION),
    (Kind::Inbound, samples::INBOUND),
    (Kind::Job, samples::JOB),
];

fn sample_for(settings: &Settings, asked: Option<Kind>) -> (Kind, &'static str) {
    SAMPLES
        .into_iter()
        .find(|(kind, _)| asked.map_or(settings.callbacks.has(*kind), |asked| asked == *kind))
        .unwrap_or((Kind::Call, samples::CALL))
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
            (&[Kind::Inbound], None, Kind::Inbound),
            (&[], None, Kind::Call),
            (&[Kind::Call], Some(Kind::Inbound), Kind::Inbound),
            (&[Kind::Call], Some(Kind::Job), Kind::Job),
        ] {
            let body =
                serde_json::json!({"url": "http://receiver.example/", "callbacks": callbacks}).to_string();
            let settings = super::super::input::testing::apply(&body, None).unwrap().settings;
            assert_eq!(sample_for(&settings, asked).0, expected, "{callbacks:?}");
        }
    }
}
