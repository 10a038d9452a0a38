//! Companies: whose callbacks are delivered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::kind::Kind;
use ringback_core::audit::Action;
use ringback_core::company::{Company, Kinds};
use ringback_core::store::{Write, Written};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::audit;
use super::body::{self, json, no_content};
use super::caller::Caller;
use super::cursor::{self, List};
use super::fields::{Fields, Given, text};
use super::names::{DateTimeFormName, KindName};
use super::paths::CompanyPath;
use super::problem::{FieldError, Problem, ProblemSchema, Type, kind_of};
use super::query::Query;
use super::state::ApiState;
use super::unexpected;

/// A company as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Company)]
pub(crate) struct CompanyView {
    /// The platform's number of the company.
    #[schema(example = 151)]
    company_id: i64,
    /// A name for people.
    name: Option<String>,
    /// True for a company that is only known from its events: they are parked until it is configured.
    unconfigured: bool,
    /// The callback kinds that are on.
    #[schema(value_type = Vec<KindName>, example = json!(["call", "correction", "inbound"]))]
    callbacks: Kinds,
    /// The key that names the company in signatures.
    app_key: Option<String>,
    /// Whether there is an `appSecret`. It is never shown.
    has_app_secret: bool,
    /// Whether `sign` is computed.
    sign: bool,
    /// The form of `dateTime`.
    #[schema(value_type = DateTimeFormName)]
    date_time_form: DateTimeForm,
}

impl CompanyView {
    pub(super) fn of(company: &Company) -> Self {
        Self {
            company_id: company.company_id,
            name: company.name.clone(),
            unconfigured: !company.configured,
            callbacks: company.callbacks,
            app_key: company.app_key.clone(),
            has_app_secret: company.app_secret.is_some(),
            sign: company.sign,
            date_time_form: company.date_time_form,
        }
    }
}

/// A page of companies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompanyList {
    /// By number.
    items: Vec<CompanyView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// The settings of a company. A PUT replaces all of them: what is absent becomes its default. `callbacks` and `appSecret`
/// are kept where they are absent; null makes the one default and removes the other.
#[derive(Debug, Default, PartialEq, ToSchema)]
#[schema(as = CompanySettings, rename_all = "camelCase")]
pub(crate) struct CompanyInput {
    /// A name for people, at most 200 characters.
    #[schema(value_type = Option<String>)]
    name: Given<String>,
    /// The callback kinds that are on. Default: call, correction and inbound. An endpoint that takes jobs switches job on.
    #[schema(value_type = Option<Vec<KindName>>, example = json!(["call", "correction", "inbound"]))]
    callbacks: Given<Kinds>,
    /// The key that names the company in signatures.
    #[schema(value_type = Option<String>)]
    app_key: Given<String>,
    /// The secret of `sign`. Never shown again.
    #[schema(value_type = Option<String>, write_only)]
    app_secret: Given<String>,
    /// Whether `sign` is computed; it needs `appKey` and `appSecret`. Default: false.
    #[schema(value_type = Option<bool>)]
    sign: Given<bool>,
    /// The form of `dateTime`. Default: rfc1123.
    #[schema(value_type = Option<DateTimeFormName>)]
    date_time_form: Given<DateTimeForm>,
}

const MEMBERS: [&str; 6] = ["name", "callbacks", "appKey", "appSecret", "sign", "dateTimeForm"];
const NAME_CHARACTERS: usize = 200;

/// The words for a list of kinds.
const KINDS: &str = "a list of call, correction, inbound, job";

/// Reads a list of kinds.
pub(super) fn kinds(value: &Value, field: &str) -> Result<Kinds, Vec<FieldError>> {
    let Some(names) = value.as_array() else {
        return Err(vec![FieldError::wrong(field, kind_of(value), KINDS)]);
    };
    let (mut kinds, mut errors) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let text = name.as_str();
        match Kind::ALL.into_iter().find(|kind| Some(kind.name()) == text) {
            Some(kind) => kinds.push(kind),
            // One is enough to learn from: a list may be long.
            None if !errors.is_empty() => {}
            None => {
                let found = if text.is_some() {
                    "another text"
                } else {
                    kind_of(name)
                };
                let field = format!("{field}[{at}]");
                errors.push(FieldError::wrong(&field, found, "call, correction, inbound, job"));
            }
        }
    }
    if errors.is_empty() {
        Ok(kinds.into_iter().collect())
    } else {
        Err(errors)
    }
}

impl CompanyInput {
    /// Reads a PUT's body and applies it to the company as it is.
    fn apply(body: &[u8], present: &Company) -> Result<Company, Problem> {
        let mut fields = Fields::of_body(body, &MEMBERS)?;
        let words = "a text of 1 to 200 characters";
        let input = Self {
            name: fields.take("name", words, |value| text(value, NAME_CHARACTERS)),
            callbacks: fields.take_or("callbacks", kinds),
            app_key: fields.take("appKey", words, |value| text(value, NAME_CHARACTERS)),
            app_secret: fields.take("appSecret", words, |value| text(value, NAME_CHARACTERS)),
            sign: fields.take("sign", "true or false", Value::as_bool),
            date_time_form: fields.take("dateTimeForm", "rfc1123 or seed", |value| {
                DateTimeForm::from_name(value.as_str()?)
            }),
        };
        let company = Company {
            company_id: present.company_id,
            configured: true,
            name: input.name.value(),
            callbacks: input.callbacks.or_keep(present.callbacks, Kinds::COMPANY_DEFAULT),
            app_key: input.app_key.value(),
            app_secret: input
                .app_secret
                .map(Some)
                .or_keep(present.app_secret.clone(), None),
            sign: input.sign.or(false),
            date_time_form: input.date_time_form.or(DateTimeForm::default()),
            alert_channels: present.alert_channels.clone(),
        };
        if company.sign {
            for (name, is_there) in [
                ("appKey", company.app_key.is_some()),
                ("appSecret", company.app_secret.is_some()),
            ] {
                if !is_there && !fields.is_wrong(name) {
                    fields.note(FieldError::missing(name, "a text, since sign is true"));
                }
            }
        }
        fields.finish().map(|()| company)
    }
}

/// Make or replace a company.
#[utoipa::path(
    put,
    path = "/v1/companies/{companyId}",
    tag = "companies",
    operation_id = "putCompany",
    params(("companyId" = i64, Path, description = "The platform's number of the company", example = 151)),
    request_body(content = CompanyInput, example = json!({"name": "示例公司", "callbacks": ["call", "correction"]})),
    responses(
        (status = 200, description = "Replaced", body = CompanyView),
        (status = 201, description = "Made; what was parked for the unknown company stays parked until it is resent", body = CompanyView),
        (status = "4XX", description = "See the problem", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_company(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    CompanyPath(company_id): CompanyPath,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::configuration(&api, request).await?;
    let _change = api.changes.lock().await;
    let present = api.service.directory().company(company_id);
    let present = present
        .as_deref()
        .cloned()
        .unwrap_or_else(|| Company::unconfigured(company_id));
    let company = CompanyInput::apply(&bytes, &present)?;
    let before = Some(&present).filter(|present| present.configured);
    let entry = audit::Note::new(Action::CompanyPut, company_id.to_string())
        .of_company(company_id)
        .change(audit::company(before, Some(&company)))
        .by(&caller, &api);
    let write = Write::PutCompany(Box::new(company)).audited(entry);
    match api.service.write(write).await? {
        Written::Company { company, created } => {
            let status = if created {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            Ok(json(status, &CompanyView::of(&company)))
        }
        other => Err(unexpected(&other)),
    }
}

/// A company.
#[utoipa::path(
    get,
    path = "/v1/companies/{companyId}",
    tag = "companies",
    operation_id = "getCompany",
    params(("companyId" = i64, Path, description = "The platform's number of the company", example = 151)),
    responses(
        (status = 200, description = "The company", body = CompanyView),
        (status = 404, description = "There is no such company", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_company(
    State(api): State<Arc<ApiState>>,
    CompanyPath(company_id): CompanyPath,
) -> Result<Response, Problem> {
    let company = api.service.directory().company(company_id);
    let company = company.ok_or_else(|| Problem::new(Type::NoCompany, "no company has this number"))?;
    Ok(json(StatusCode::OK, &CompanyView::of(&company)))
}

/// Forget a company's settings.
///
/// It must have no endpoints. A company that has events stays listed as unconfigured.
#[utoipa::path(
    delete,
    path = "/v1/companies/{companyId}",
    tag = "companies",
    operation_id = "deleteCompany",
    params(("companyId" = i64, Path, description = "The platform's number of the company", example = 151)),
    responses(
        (status = 204, description = "Forgotten"),
        (status = 404, description = "There is no such company", body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, description = "It still has endpoints", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_company(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    CompanyPath(company_id): CompanyPath,
) -> Result<Response, Problem> {
    let _change = api.changes.lock().await;
    let present = api.service.directory().company(company_id);
    let entry = audit::Note::new(Action::CompanyDelete, company_id.to_string())
        .of_company(company_id)
        .change(audit::company(present.as_deref(), None))
        .by(&caller, &api);
    let write = Write::DeleteCompany(company_id).audited(entry);
    match api.service.write(write).await? {
        Written::CompanyDeleted { .. } => Ok(no_content()),
        other => Err(unexpected(&other)),
    }
}

/// Companies by number.
///
/// Also those that are only known from their events: `unconfigured`.
#[utoipa::path(
    get,
    path = "/v1/companies",
    tag = "companies",
    operation_id = "listCompanies",
    params(
        ("unconfigured" = Option<bool>, Query, description = "Only those that are, or are not, configured"),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 500", example = 50),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of companies", body = CompanyList),
        (status = 422, description = "A parameter is wrong", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_companies(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["unconfigured", "limit", "cursor"]);
    let unconfigured = query.take("unconfigured", "true or false", |text| text.parse::<bool>().ok());
    let limit = query.limit();
    let after = query.cursor(List::Companies);
    query.finish()?;
    let mut companies = api.service.directory().companies().into_iter().filter(|company| {
        caller.sees(company.company_id)
            && after.is_none_or(|after| company.company_id > after)
            && unconfigured.is_none_or(|unconfigured| company.configured != unconfigured)
    });
    let items: Vec<_> = companies
        .by_ref()
        .take(limit)
        .map(|company| CompanyView::of(&company))
        .collect();
    let last = items.last().map(|company| company.company_id);
    let next_cursor = last
        .filter(|_| companies.next().is_some())
        .map(|last| cursor::encode(List::Companies, last));
    Ok(json(StatusCode::OK, &CompanyList { items, next_cursor }))
}

#[cfg(test)]
mod tests;
