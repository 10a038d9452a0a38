//! Endpoints: the callback addresses of a company, with all their settings.

mod input;
mod probe;
mod secret;
mod view;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_core::audit::{Action, Entry};
use ringback_core::endpoint::{Endpoint, Settings};
use ringback_core::store::{Refusal, Write, Written};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use input::EndpointInput;
pub(crate) use probe::{__path_test_endpoint, Tested, test_endpoint};
pub(crate) use secret::{__path_rotate_secret, rotate_secret};
pub(crate) use view::{EndpointList, EndpointView};

use super::audit;
use super::body::{self, json, no_content};
use super::caller::Caller;
use super::paths::{CompanyPath, ENDPOINT_NAME, EndpointPath, is_endpoint_name};
use super::problem::{FieldError, Problem, ProblemSchema, Type};
use super::query::Query;
use super::state::ApiState;
use super::{check_company, unexpected};
use view::COUNT_MOST;

/// Make or replace an endpoint.
///
/// A new endpoint gets a signing secret unless it brings one; it is shown once, in this answer.
#[utoipa::path(
    put,
    path = "/v1/companies/{companyId}/endpoints/{name}",
    tag = "endpoints",
    operation_id = "putEndpoint",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "1 to 64 characters of a-z, A-Z, 0-9, point, underscore and hyphen", example = "erp"),
    ),
    request_body(content = EndpointInput, example = json!({"url": "https://crm.example.com/callback", "callbacks": ["call", "correction"]})),
    responses(
        (status = 200, description = "Replaced", body = EndpointView),
        (status = 201, description = "Made; `secret` is shown this once", body = EndpointView),
        (status = 404, description = "The company is not configured", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "The company has 100 endpoints", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake, in `errors`", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_endpoint(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    EndpointPath { company_id, name }: EndpointPath,
    request: Request,
) -> Result<Response, Problem> {
    if !is_endpoint_name(&name) {
        return Err(Problem::invalid(vec![FieldError::wrong(
            "name",
            "another text",
            ENDPOINT_NAME,
        )]));
    }
    let bytes = body::configuration(&api, request).await?;
    let _change = api.changes.lock().await;
    let present = api.service.directory().endpoint(company_id, &name);
    let present = present.as_ref().map(|endpoint| &endpoint.settings);
    let applied = input::apply(&bytes, present, &api.outbound)?;
    let offers_retry = present.is_some_and(|present| reaches_otherwise(present, &applied.settings));
    let change = audit::endpoint(present, Some(&applied.settings));
    let note = note(Action::EndpointPut, company_id, &name).change(change);
    let (endpoint, created) = put(&api, company_id, name, applied.settings, note.by(&caller, &api)).await?;
    let view = EndpointView::of(&endpoint).with_secret(applied.made_secret);
    let view = if offers_retry {
        view.offering_retry_now()
    } else {
        view
    };
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(json(status, &view))
}

/// Whether a change may let through what failed before.
fn reaches_otherwise(before: &Settings, after: &Settings) -> bool {
    before.url != after.url
        || before.headers != after.headers
        || before.secrets != after.secrets
        || before.tls_ca != after.tls_ca
        || before.credentials != after.credentials
        || before.client_certificate != after.client_certificate
}

async fn put(
    api: &ApiState,
    company_id: i64,
    name: String,
    settings: Settings,
    entry: Entry,
) -> Result<(Arc<Endpoint>, bool), Problem> {
    let write = Write::PutEndpoint {
        company_id,
        name,
        settings: Box::new(settings),
    };
    match api.service.write(write.audited(entry)).await? {
        Written::Endpoint {
            endpoint, created, ..
        } => Ok((endpoint, created)),
        other => Err(unexpected(&other)),
    }
}

/// What the audit log tells of an endpoint.
fn note(action: Action, company_id: i64, name: &str) -> audit::Note {
    audit::Note::new(action, name.to_owned()).of_company(company_id)
}

/// The endpoint of a path, or 404.
fn find(api: &ApiState, path: &EndpointPath) -> Result<Arc<Endpoint>, Problem> {
    let directory = api.service.directory();
    if let Some(endpoint) = directory.endpoint(path.company_id, &path.name) {
        return Ok(endpoint);
    }
    check_company(api, path.company_id)?;
    Err(Problem::new(
        Type::NoEndpoint,
        "the company has no endpoint of this name",
    ))
}

/// An endpoint.
#[utoipa::path(
    get,
    path = "/v1/companies/{companyId}/endpoints/{name}",
    tag = "endpoints",
    operation_id = "getEndpoint",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The endpoint", example = "erp"),
    ),
    responses(
        (status = 200, description = "The endpoint, with the numbers of its open deliveries", body = EndpointView),
        (status = 404, description = "There is no such endpoint", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_endpoint(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    path: EndpointPath,
) -> Result<Response, Problem> {
    let endpoint = find(&api, &path)?;
    let id = endpoint.id;
    let open = api
        .service
        .read(move |reader| reader.open(id, COUNT_MOST))
        .await?;
    Ok(json(
        StatusCode::OK,
        &EndpointView::of(&endpoint).for_caller(&caller).with_open(open),
    ))
}

/// A company's endpoints by name.
#[utoipa::path(
    get,
    path = "/v1/companies/{companyId}/endpoints",
    tag = "endpoints",
    operation_id = "listEndpoints",
    params(("companyId" = i64, Path, description = "The company", example = 151)),
    responses(
        (status = 200, description = "All endpoints of the company", body = EndpointList),
        (status = 404, description = "There is no such company", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_endpoints(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    CompanyPath(company_id): CompanyPath,
) -> Result<Response, Problem> {
    check_company(&api, company_id)?;
    let endpoints = api.service.directory().endpoints(company_id);
    let list = EndpointList {
        items: endpoints
            .iter()
            .map(|endpoint| EndpointView::of(endpoint).for_caller(&caller))
            .collect(),
        next_cursor: None,
    };
    Ok(json(StatusCode::OK, &list))
}

/// Delete an endpoint.
///
/// One with open deliveries is deleted only with `cancelOpen=true`, which cancels them.
#[utoipa::path(
    delete,
    path = "/v1/companies/{companyId}/endpoints/{name}",
    tag = "endpoints",
    operation_id = "deleteEndpoint",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The endpoint", example = "erp"),
        ("cancelOpen" = Option<bool>, Query, description = "Cancel what is pending or parked. Default: false"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "There is no such endpoint", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "It has open deliveries", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_endpoint(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    path: EndpointPath,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["cancelOpen"]);
    let cancel_open = query.flag("cancelOpen");
    query.finish()?;
    let _change = api.changes.lock().await;
    let endpoint = find(&api, &path)?;
    let entry = note(Action::EndpointDelete, path.company_id, &path.name)
        .change(audit::endpoint(Some(&endpoint.settings), None))
        .by(&caller, &api);
    let write = Write::DeleteEndpoint {
        company_id: path.company_id,
        name: path.name,
        cancel_open,
    };
    match api.service.write(write.audited(entry)).await? {
        Written::EndpointDeleted { .. } => Ok(no_content()),
        other => Err(unexpected(&other)),
    }
}

/// What a retry-now did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetriedNow {
    /// Deliveries that were made due. What waits for an earlier event of its call or job goes on waiting.
    #[schema(example = 12)]
    retried: usize,
}

/// Make an endpoint's pending deliveries due now.
///
/// It also closes the endpoint's breaker. The deliveries go out paced by the endpoint's limits.
#[utoipa::path(
    post,
    path = "/v1/companies/{companyId}/endpoints/{name}/retry-now",
    tag = "endpoints",
    operation_id = "retryNow",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The endpoint", example = "erp"),
    ),
    responses(
        (status = 200, description = "How many", body = RetriedNow),
        (status = 404, description = "There is no such endpoint", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn retry_now(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    path: EndpointPath,
) -> Result<Response, Problem> {
    let endpoint = find(&api, &path)?;
    if !endpoint.settings.enabled {
        return Err(Refusal::Disabled.into());
    }
    let entry = note(Action::RetryNow, path.company_id, &path.name).by(&caller, &api);
    let retried = api.service.retry_now(endpoint.id, entry).await?;
    Ok(json(StatusCode::OK, &RetriedNow { retried }))
}
