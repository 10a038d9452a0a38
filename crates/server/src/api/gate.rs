//! What every request passes: it needs a token that allows it, except on the open routes, and it is counted.

use std::sync::Arc;

use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;

use ringback_core::token::Permission;
use tokio::sync::OwnedSemaphorePermit;

use super::caller::{self, Caller, Peer};
use super::intake;
use super::problem::{Problem, Type};
use super::state::ApiState;

/// Routes that need no token.
pub(super) const OPEN: [&str; 4] = [
    "/healthz",
    "/readyz",
    "/v1/openapi.json",
    // Its requests are signed.
    super::open_api::QUERY_UN_CALL_BACK,
];
const METRICS: &str = "/metrics";

/// Lets a request through, or answers 401 or 403; and counts it. A path that matches no route is answered 404 without a token:
/// what there is can be read in the open description anyway.
pub(crate) async fn gate(
    State(api): State<Arc<ApiState>>,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let method = request.method().clone();
    let is_open = route.is_none_or(|route| OPEN.contains(&route) || (route == METRICS && api.metrics_open()));
    let admitted = match route.filter(|_| !is_open) {
        None => Ok(None),
        Some(route) => admit(&api, route, params.ok().as_ref(), &request)
            .inspect_err(|problem| count_refused(&api, &request, route, problem))
            .map(Some),
    };
    let response = match admitted {
        Ok(caller) => {
            let _share = match (&caller, route) {
                (Some(caller), Some(route)) => share(&api, caller, &method, route).await,
                _ => None,
            };
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let status = response.status().as_u16();
    tracing::debug!(%method, route, status, "answered");
    api.metrics.http_request(route, status);
    response
}

/// The place of a request that only one company can make, among those of the company.
async fn share(
    api: &ApiState,
    caller: &Caller,
    method: &Method,
    route: &str,
) -> Option<OwnedSemaphorePermit> {
    let company_id = caller.company_id()?;
    match caller::permission(method, route)? {
        Permission::Read | Permission::Repair => api.shares.enter(company_id).await,
        Permission::Intake | Permission::Endpoints | Permission::Operate => None,
    }
}

/// Counts what is refused here among the events that were not taken in. A batch counts once: nobody has read it.
fn count_refused(api: &ApiState, request: &Request, route: &str, problem: &Problem) {
    if caller::permission(request.method(), route) == Some(Permission::Intake) {
        api.metrics.refused(intake::reason(problem.kind)).inc();
    }
}

/// Whose request it is, if that one may use the route, and for the company in its path.
fn admit(
    api: &ApiState,
    route: &str,
    params: Option<&RawPathParams>,
    request: &Request,
) -> Result<Caller, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let caller = api.caller(request.headers())?.at(peer);
    api.check_rate(&caller)?;
    // A method that the route does not take is answered 405 by the router, whatever the token allows.
    if caller::takes(request.method(), route) {
        caller.check(caller::permission(request.method(), route).unwrap_or(Permission::Operate))?;
    }
    let company_id = params
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == "companyId")
        // What is no number is refused by the handler.
        .and_then(|(_, value)| value.parse().ok());
    if let Some(company_id) = company_id {
        caller.check_company(company_id)?;
    }
    if route == METRICS && caller.company_id().is_some() {
        return Err(Problem::new(
            Type::Forbidden,
            "the metrics are about all companies, and the token is for one",
        ));
    }
    Ok(caller)
}
