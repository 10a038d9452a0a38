//! Bearer tokens. A token's text is shown once; only its SHA-256 is stored.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ringback_core::store::{Token, Write, Written};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::body::{self, json, no_content};
use super::fields::{Fields, text};
use super::paths::TokenPath;
use super::problem::{Problem, ProblemSchema, Type};
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
#[schema(as = TokenSettings)]
#[expect(dead_code, reason = "it only describes what post_token reads")]
pub(crate) struct TokenInput {
    /// A name for people, at most 100 characters.
    #[schema(example = "call platform")]
    name: String,
}

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
    /// When it was made.
    created_at: Time,
    /// The token itself, once: in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl TokenView {
    fn of(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            created_at: Time(token.created_wall_ms),
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
/// It may do everything that the API offers. Its text is shown in this answer only.
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
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::configuration(&api, request).await?;
    let mut fields = Fields::of_body(&bytes, &["name"])?;
    let name = fields.require("name", "a text of 1 to 100 characters", |value| {
        text(value, NAME_CHARACTERS)
    });
    fields.finish()?;
    let secret = random::token();
    let token = Token {
        id: format!("tok_{}", &random::token()[..ID_DIGITS]),
        name: name.unwrap_or_default(),
        hash: Sha256::digest(secret.as_bytes()).into(),
        created_wall_ms: api.clock.wall_ms(),
    };
    let view = TokenView {
        token: Some(secret),
        ..TokenView::of(&token)
    };
    match api.service.write(Write::AddToken(Box::new(token))).await? {
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
        items: tokens.iter().map(|token| TokenView::of(token)).collect(),
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
    TokenPath(id): TokenPath,
) -> Result<Response, Problem> {
    match api.service.write(Write::RevokeToken(id)).await? {
        Written::Token(true) => Ok(no_content()),
        Written::Token(false) => Err(Problem::new(Type::NoToken, "no token has this id")),
        other => Err(unexpected(&other)),
    }
}
