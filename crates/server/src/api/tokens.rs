//! Bearer tokens. A token's text is shown once; only its SHA-256 is stored.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_core::audit::Action;
use ringback_core::limits::API_RATE_MOST;
use ringback_core::store::{Write, Written};
use ringback_core::token::{Scope, Token};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::audit;
use super::body::{self, json, no_content};
use super::caller::Caller;
use super::fields::{Fields, text};
use super::names::ScopeName;
use super::paths::TokenPath;
use super::problem::{FieldError, Problem, ProblemSchema, Type};
use super::state::ApiState;
use super::time::Time;
use super::unexpected;
use crate::random;

/// Characters of a token's name.
const NAME_CHARACTERS: usize = 100;
/// Hexadecimal digits of a token's id.
const ID_DIGITS: usize = 16;

/// A token to make.
#[derive(ToSchema)]
#[schema(as = TokenSettings, rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what post_token reads")]
pub(crate) struct TokenInput {
    /// A name for people, at most 100 characters.
    #[schema(example = "call platform")]
    name: String,
    /// What it allows. Default: operator.
    #[schema(value_type = Option<ScopeName>)]
    scope: Option<Scope>,
    /// The company that it is for: needed for tenant, refused for operator; null and absent are all companies.
    company_id: Option<i64>,
    /// When it stops to be valid, RFC 3339, in the future; null and absent are never.
    expires_at: Option<Time>,
    /// How many requests per second it may make, and at once, 1 to 1000000; null and absent are as many as the configuration
    /// says.
    rate_limit: Option<u32>,
}

const MEMBERS: [&str; 5] = ["name", "scope", "companyId", "expiresAt", "rateLimit"];

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(crate) struct TokenView {
    /// Its id.
    #[schema(example = "tok_6e2f9c1d8a3b4c5d")]
    id: String,
    /// Its name.
    #[schema(example = "call platform")]
    name: String,
    /// What it allows.
    #[schema(value_type = ScopeName)]
    scope: Scope,
    /// The company that it is for; null for all.
    company_id: Option<i64>,
    /// When it was made.
    created_at: Time,
    /// From when it is refused; null for never.
    expires_at: Option<Time>,
    /// When it was last used; null before its first use.
    last_used_at: Option<Time>,
    /// How many requests per second it may make; null for as many as the configuration says.
    #[schema(example = 50)]
    rate_limit: Option<u32>,
    /// The token itself, once: in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl TokenView {
    fn of(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            scope: token.scope,
            company_id: token.company_id,
            created_at: Time(token.created_wall_ms),
            expires_at: token.expires_wall_ms.map(Time),
            last_used_at: token.last_used_wall_ms.map(Time),
            rate_limit: token.rate_limit,
            token: None,
        }
    }
}

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenList {
    /// The oldest first.
    items: Vec<TokenView>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

/// Make a token.
///
/// Its text is shown in this answer only. By its scope it may: `operator` everything; `intake` hand over events;
/// `tenant` read and repair what concerns its company, and change its endpoints; `read-only` read. A token for one company
/// sees nothing of the others: lists and searches are about its own, and what belongs to others is not found.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "tokens",
    operation_id = "postToken",
    request_body(content = TokenInput),
    responses(
        (status = 201, description = "Made; `token` is shown this once", body = TokenView),
        (status = "4XX", description = "See the problem", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_token(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::configuration(&api, request).await?;
    let mut fields = Fields::of_body(&bytes, &MEMBERS)?;
    let name = fields.require("name", "a text of 1 to 100 characters", |value| {
        text(value, NAME_CHARACTERS)
    });
    let scopes = Scope::ALL.map(Scope::name).join(", ");
    let scope = fields.take("scope", &scopes, |value| {
        let name = value.as_str()?;
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    });
    let scope = scope.or(Scope::Operator);
    let company_id = fields.take("companyId", "an integer", Value::as_i64).value();
    if !fields.is_wrong("companyId") && !fields.is_wrong("scope") {
        match (scope.needs_company(), company_id) {
            (Some(true), None) => {
                fields.note(FieldError::missing(
                    "companyId",
                    "an integer, since the scope is tenant",
                ));
            }
            (Some(false), Some(_)) => {
                let detail = "does not go with the scope operator, which is for all companies";
                fields.note(FieldError::other("companyId", detail));
            }
            _ => {}
        }
    }
    let now_ms = api.clock.wall_ms();
    let expires = fields.take(
        "expiresAt",
        "a time to come, such as 2027-01-31T00:00:00Z",
        |value| Time::parse(value.as_str()?).filter(|time| time.0 > now_ms),
    );
    let rate_limit = fields.take("rateLimit", "an integer from 1 to 1000000", |value| {
        let per_second = u32::try_from(value.as_u64()?).ok()?;
        (1..=API_RATE_MOST).contains(&per_second).then_some(per_second)
    });
    fields.finish()?;
    let secret = random::token();
    let token = Token {
        id: format!("tok_{}", &random::token()[..ID_DIGITS]),
        name: name.unwrap_or_default(),
        hash: Sha256::digest(secret.as_bytes()).into(),
        scope,
        company_id,
        created_wall_ms: now_ms,
        expires_wall_ms: expires.value().map(|time| time.0),
        last_used_wall_ms: None,
        rate_limit: rate_limit.value(),
    };
    let view = TokenView {
        token: Some(secret),
        ..TokenView::of(&token)
    };
    let entry = note(Action::TokenMake, &token)
        .change((None, Some(audit::token(&token))))
        .by(&caller, &api);
    let write = Write::AddToken(Box::new(token)).audited(entry);
    match api.service.write(write).await? {
        Written::Token(_) => Ok(json(StatusCode::CREATED, &view)),
        other => Err(unexpected(&other)),
    }
}

/// All tokens, without their texts.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    operation_id = "listTokens",
    responses((status = 200, description = "All tokens", body = TokenList))
)]
pub(crate) async fn list_tokens(State(api): State<Arc<ApiState>>) -> Response {
    let tokens = api.service.directory().tokens();
    let list = TokenList {
        items: tokens
            .iter()
            .map(|known| TokenView {
                last_used_at: known.last_used().map(Time),
                ..TokenView::of(&known.token)
            })
            .collect(),
        next_cursor: None,
    };
    json(StatusCode::OK, &list)
}

/// Revoke a token. The operator's token of the configuration is not among them.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{tokenId}",
    tag = "tokens",
    operation_id = "deleteToken",
    params(("tokenId" = String, Path, description = "The token's id", example = "tok_6e2f9c1d8a3b4c5d")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "There is no such token", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_token(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    TokenPath(id): TokenPath,
) -> Result<Response, Problem> {
    let no_token = || Problem::new(Type::NoToken, "no token has this id");
    let tokens = api.service.directory().tokens();
    let known = tokens
        .iter()
        .find(|known| known.token.id == id)
        .ok_or_else(no_token)?;
    let entry = note(Action::TokenRevoke, &known.token)
        .change((Some(audit::token(&known.token)), None))
        .by(&caller, &api);
    match api.service.write(Write::RevokeToken(id).audited(entry)).await? {
        Written::Token(true) => Ok(no_content()),
        Written::Token(false) => Err(no_token()),
        other => Err(unexpected(&other)),
    }
}

/// What the audit log tells of a token.
fn note(action: Action, token: &Token) -> audit::Note {
    let note = audit::Note::new(action, token.id.clone());
    match token.company_id {
        Some(company_id) => note.of_company(company_id),
        None => note,
    }
}
