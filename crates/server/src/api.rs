//! The HTTP API: JSON in and out, bearer tokens, problems by RFC 9457, and its own description in OpenAPI 3.1.
//!
//! Handlers turn requests into writes and reads of the [`Service`](crate::service::Service) and its answers into JSON; they
//! decide nothing about delivery. An intake is answered only after its commit.

mod alert_channels;
mod alerts;
mod audit;
mod body;
mod caller;
mod calls;
mod companies;
mod cursor;
mod days;
mod deliveries;
mod endpoints;
mod events;
mod fields;
mod gate;
mod hint;
mod intake;
mod language;
mod log_level;
mod members;
mod names;
mod open_api;
mod openapi;
mod operations;
mod paths;
mod problem;
mod query;
mod reconciliation;
mod records;
mod replays;
mod search;
mod sentence;
mod serve;
mod shares;
mod state;
mod time;
mod tokens;
mod waiting;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use ringback_core::store::Written;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use hint::{Advice, advice};
pub use language::Language;
pub use openapi::document;
pub(crate) use paths::is_endpoint_name;
pub use reconciliation::{Day, DeliveriesOfKind, EventsOfKind, Reconciliation};
pub use serve::serve;
pub use state::ApiState;
pub(crate) use time::Time;

use problem::{Problem, Type};

/// The API over this state.
pub fn router(state: Arc<ApiState>) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&state), gate::gate))
        .with_state(state)
}

/// The templates of all routes, for [`crate::telemetry::Metrics::new`].
pub const ROUTES: [&str; 37] = [
    "/v1/companies",
    "/v1/companies/{companyId}",
    "/v1/companies/{companyId}/endpoints",
    "/v1/companies/{companyId}/endpoints/{name}",
    "/v1/companies/{companyId}/endpoints/{name}/test",
    "/v1/companies/{companyId}/endpoints/{name}/retry-now",
    "/v1/companies/{companyId}/endpoints/{name}/secret/rotate",
    "/v1/companies/{companyId}/alert-channels",
    "/v1/companies/{companyId}/alert-channels/{name}",
    "/v1/companies/{companyId}/alert-channels/{name}/test",
    "/v1/calls",
    "/v1/inbound-calls",
    "/v1/jobs",
    "/v1/calls/{callInstanceId}",
    "/v1/calls/{callInstanceId}/intent",
    "/v1/events",
    "/v1/events/{eventId}",
    "/v1/deliveries",
    "/v1/deliveries/{deliveryId}",
    "/v1/deliveries/{deliveryId}/resend",
    "/v1/reconciliation",
    "/v1/replays",
    "/v1/replays/{replayId}",
    "/v1/replays/{replayId}/pause",
    "/v1/replays/{replayId}/resume",
    "/v1/tokens",
    "/v1/tokens/{tokenId}",
    "/v1/audit",
    open_api::QUERY_UN_CALL_BACK,
    "/v1/alerts",
    "/v1/alert-channels",
    "/v1/alert-channels/{name}/test",
    "/v1/log-level",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/openapi.json",
];

fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(companies::list_companies))
        .routes(routes!(
            companies::put_company,
            companies::get_company,
            companies::delete_company
        ))
        .routes(routes!(endpoints::list_endpoints))
        .routes(routes!(
            endpoints::put_endpoint,
            endpoints::get_endpoint,
            endpoints::delete_endpoint
        ))
        .routes(routes!(endpoints::test_endpoint))
        .routes(routes!(endpoints::retry_now))
        .routes(routes!(endpoints::rotate_secret))
        .routes(routes!(alert_channels::list_company_alert_channels))
        .routes(routes!(
            alert_channels::put_company_alert_channel,
            alert_channels::get_company_alert_channel,
            alert_channels::delete_company_alert_channel
        ))
        .routes(routes!(alert_channels::test_company_alert_channel))
        .routes(routes!(intake::post_call))
        .routes(routes!(intake::post_inbound_call))
        .routes(routes!(intake::post_job))
        .routes(routes!(calls::get_call))
        .routes(routes!(intake::put_intent))
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::get_delivery))
        .routes(routes!(deliveries::resend_delivery))
        .routes(routes!(reconciliation::get_reconciliation))
        .routes(routes!(replays::post_replay, replays::list_replays))
        .routes(routes!(replays::get_replay, replays::delete_replay))
        .routes(routes!(replays::pause_replay))
        .routes(routes!(replays::resume_replay))
        .routes(routes!(tokens::post_token, tokens::list_tokens))
        .routes(routes!(tokens::delete_token))
        .routes(routes!(audit::list_audit))
        .routes(routes!(open_api::query_un_call_back))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(alerts::list_alert_channels))
        .routes(routes!(alerts::test_alert_channel))
        .routes(routes!(log_level::get_log_level, log_level::put_log_level))
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::openapi_json))
}

/// A problem unless the company is configured.
fn check_company(api: &ApiState, company_id: i64) -> Result<(), Problem> {
    match api.service.directory().company(company_id) {
        Some(company) if company.configured => Ok(()),
        Some(_) | None => Err(Problem::new(
            Type::NoCompany,
            "no such company, or nobody has configured it",
        )),
    }
}

/// The problem of an answer that is not the one hoped for: a refusal, or one that does not belong to the write.
fn unexpected(written: &Written) -> Problem {
    match written {
        Written::Refused(refusal) => (*refusal).into(),
        Written::Accepted(_)
        | Written::Conflict { .. }
        | Written::Recorded(_)
        | Written::Company { .. }
        | Written::CompanyDeleted { .. }
        | Written::Endpoint { .. }
        | Written::EndpointDeleted { .. }
        | Written::Swept(_)
        | Written::RetriedNow { .. }
        | Written::Resent(_)
        | Written::HoldsChecked { .. }
        | Written::Replay(_)
        | Written::ReplayStepped { .. }
        | Written::Pruned(_)
        | Written::AuditPruned(_)
        | Written::Token(_)
        | Written::Alerts
        | Written::ChangedOutside => {
            Problem::new(Type::Internal, "the store gave the answer to another write")
        }
    }
}
