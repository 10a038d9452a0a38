//! What every request passes: it needs a token, except on the open routes, and it is counted.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Problem, Type};
use super::state::ApiState;

/// Routes that need no token.
const OPEN: [&str; 3] = ["/healthz", "/readyz", "/v1/openapi.json"];
const METRICS: &str = "/metrics";

/// Lets a request through, or answers 401; and counts it. A path that matches no route is answered 404 without a token:
/// what there is can be read in the open description anyway.
pub(crate) async fn gate(State(api): State<Arc<ApiState>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let is_open = route.is_none_or(|route| OPEN.contains(&route) || (route == METRICS && api.metrics_open()));
    let response = if is_open || api.authorizes(request.headers()) {
        next.run(request).await
    } else {
        Problem::new(
            Type::Unauthorized,
            "send the header Authorization: Bearer and a token",
        )
        .into_response()
    };
    api.metrics.http_request(route, response.status().as_u16());
    response
}
