//! What operations need: health, readiness, metrics, and the description of the API.

use std::sync::{Arc, LazyLock};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::json;
use super::openapi;
use super::state::ApiState;
use crate::telemetry::metrics;

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version that runs.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Whether the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready` or `not-ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// One sentence for each thing that is wrong.
    problems: Vec<String>,
}

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    operation_id = "healthz",
    security(()),
    responses((status = 200, description = "It does", body = Alive))
)]
pub(crate) async fn healthz() -> Response {
    let alive = Alive {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    };
    json(StatusCode::OK, &alive)
}

/// Whether the service can do its work.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    operation_id = "readyz",
    security(()),
    responses(
        (status = 200, description = "It can", body = Ready),
        (status = 503, description = "It cannot; the problems say why", body = Ready),
    )
)]
pub(crate) async fn readyz(State(api): State<Arc<ApiState>>) -> Response {
    let problems = api.service.health().problems;
    let (code, status) = if problems.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not-ready")
    };
    json(code, &Ready { status, problems })
}

/// The metrics, in the OpenMetrics text form.
///
/// Whether they need a token is a setting.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    operation_id = "metrics",
    security((), ("bearer" = [])),
    responses((status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(api): State<Arc<ApiState>>) -> Response {
    api.service.gauge(&api.metrics);
    of_type(Body::from(api.metrics.encode()), metrics::CONTENT_TYPE)
}

/// This document.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "operations",
    operation_id = "openapi",
    security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document", body = serde_json::Value))
)]
pub(crate) async fn openapi_json() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi::text()));
    of_type(Body::from(TEXT.clone()), "application/json")
}

fn of_type(body: Body, content_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
