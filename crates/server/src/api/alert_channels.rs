//! The channels for alerts that a company sets itself. They are told of the alerts of that company and of no others; those
//! of the operator are in the configuration.

mod input;
mod view;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_core::alert::Channel;
use ringback_core::audit::Action;
use ringback_core::company::Company;
use ringback_core::limits::ALERT_CHANNELS_PER_COMPANY;
use ringback_core::store::{Write, Written};

pub(crate) use input::ChannelInput;
pub(crate) use view::{CompanyChannelList, CompanyChannelView};

use super::alerts::{AlertTest, tested};
use super::audit;
use super::body::{self, json, no_content};
use super::caller::Caller;
use super::paths::{CompanyPath, ENDPOINT_NAME, EndpointPath, is_endpoint_name};
use super::problem::{FieldError, Problem, ProblemSchema, Type};
use super::state::ApiState;
use super::unexpected;
use crate::alerts::find;

/// The company, which must be configured.
fn company_of(api: &ApiState, company_id: i64) -> Result<Arc<Company>, Problem> {
    super::check_company(api, company_id)?;
    let company = api.service.directory().company(company_id);
    company.ok_or_else(|| Problem::new(Type::NoCompany, "no such company, or nobody has configured it"))
}

fn no_channel() -> Problem {
    Problem::new(
        Type::NoAlertChannel,
        "the company has no channel for alerts of this name",
    )
}

/// Stores the company with other channels.
async fn store(
    api: &ApiState,
    company: &Company,
    alert_channels: Vec<Channel>,
    note: audit::Note,
    caller: &Caller,
) -> Result<(), Problem> {
    let company = Company {
        alert_channels,
        ..company.clone()
    };
    let note = note.of_company(company.company_id);
    let write = Write::PutCompany(Box::new(company)).audited(note.by(caller, api));
    match api.service.write(write).await? {
        Written::Company { .. } => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// Make or replace a channel of a company.
///
/// It is told of the alerts of this company. Its address and its secret are never shown.
#[utoipa::path(
    put,
    path = "/v1/companies/{companyId}/alert-channels/{name}",
    tag = "alerts",
    operation_id = "putCompanyAlertChannel",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "1 to 64 characters of a-z, A-Z, 0-9, point, underscore and hyphen", example = "oncall"),
    ),
    request_body(content = ChannelInput, example = json!({"kind": "dingtalk", "url": "https://oapi.dingtalk.com/robot/send?access_token=…", "language": "zh"})),
    responses(
        (status = 200, description = "Replaced", body = CompanyChannelView),
        (status = 201, description = "Made", body = CompanyChannelView),
        (status = 404, description = "The company is not configured", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "The company has 10 channels", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake, in `errors`", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_company_alert_channel(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    EndpointPath { company_id, name }: EndpointPath,
    request: Request,
) -> Result<Response, Problem> {
    if !is_endpoint_name(&name) {
        let error = FieldError::wrong("name", "another text", ENDPOINT_NAME);
        return Err(Problem::invalid(vec![error]));
    }
    let bytes = body::configuration(&api, request).await?;
    let _change = api.changes.lock().await;
    let company = company_of(&api, company_id)?;
    let present = find(&company.alert_channels, &name);
    let can_mail = api.alerts.can_mail_companies();
    let channel = input::apply(&bytes, &name, present, can_mail, &api.outbound)?;
    if present.is_none() && company.alert_channels.len() >= ALERT_CHANNELS_PER_COMPANY {
        return Err(Problem::new(
            Type::TooManyAlertChannels,
            format!("a company has at most {ALERT_CHANNELS_PER_COMPANY} channels for alerts"),
        ));
    }
    let change = audit::alert_channel(present, Some(&channel));
    let note = audit::Note::new(Action::AlertChannelPut, name).change(change);
    let status = if present.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut channels = others(&company, &channel.name);
    let place = channels.partition_point(|other| other.name < channel.name);
    channels.insert(place, channel.clone());
    store(&api, &company, channels, note, &caller).await?;
    Ok(json(status, &CompanyChannelView::of(company_id, &channel)))
}

/// The company's channels but for the one of this name, by name.
fn others(company: &Company, name: &str) -> Vec<Channel> {
    let channels = company.alert_channels.iter();
    channels.filter(|channel| channel.name != name).cloned().collect()
}

/// A channel of a company.
#[utoipa::path(
    get,
    path = "/v1/companies/{companyId}/alert-channels/{name}",
    tag = "alerts",
    operation_id = "getCompanyAlertChannel",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The channel", example = "oncall"),
    ),
    responses(
        (status = 200, description = "The channel, without its address and its secret", body = CompanyChannelView),
        (status = 404, description = "There is no such channel", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_company_alert_channel(
    State(api): State<Arc<ApiState>>,
    EndpointPath { company_id, name }: EndpointPath,
) -> Result<Response, Problem> {
    let company = company_of(&api, company_id)?;
    let channel = find(&company.alert_channels, &name).ok_or_else(no_channel)?;
    Ok(json(StatusCode::OK, &CompanyChannelView::of(company_id, channel)))
}

/// The channels of a company.
#[utoipa::path(
    get,
    path = "/v1/companies/{companyId}/alert-channels",
    tag = "alerts",
    operation_id = "listCompanyAlertChannels",
    params(("companyId" = i64, Path, description = "The company", example = 151)),
    responses(
        (status = 200, description = "All of them", body = CompanyChannelList),
        (status = 404, description = "There is no such company", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_company_alert_channels(
    State(api): State<Arc<ApiState>>,
    CompanyPath(company_id): CompanyPath,
) -> Result<Response, Problem> {
    let company = company_of(&api, company_id)?;
    Ok(json(StatusCode::OK, &CompanyChannelList::of(&company)))
}

/// Delete a channel of a company.
///
/// What waits for it is no longer told on it.
#[utoipa::path(
    delete,
    path = "/v1/companies/{companyId}/alert-channels/{name}",
    tag = "alerts",
    operation_id = "deleteCompanyAlertChannel",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The channel", example = "oncall"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "There is no such channel", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_company_alert_channel(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    EndpointPath { company_id, name }: EndpointPath,
) -> Result<Response, Problem> {
    let _change = api.changes.lock().await;
    let company = company_of(&api, company_id)?;
    let present = find(&company.alert_channels, &name).ok_or_else(no_channel)?;
    let change = audit::alert_channel(Some(present), None);
    let channels = others(&company, &name);
    let note = audit::Note::new(Action::AlertChannelDelete, name).change(change);
    store(&api, &company, channels, note, &caller).await?;
    Ok(no_content())
}

/// Send a sample alert on a channel of a company, now, and say what came back.
#[utoipa::path(
    post,
    path = "/v1/companies/{companyId}/alert-channels/{name}/test",
    tag = "alerts",
    operation_id = "testCompanyAlertChannel",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The channel", example = "oncall"),
    ),
    responses(
        (status = 200, description = "What became of it: `delivered` says whether the channel took it", body = AlertTest),
        (status = 404, description = "There is no such channel", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 429, description = "Another message is on its way on this channel", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn test_company_alert_channel(
    State(api): State<Arc<ApiState>>,
    EndpointPath { company_id, name }: EndpointPath,
) -> Result<Response, Problem> {
    company_of(&api, company_id)?;
    tested(api.alerts.test(Some(company_id), &name).await, no_channel)
}
