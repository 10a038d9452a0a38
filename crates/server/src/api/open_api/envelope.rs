//! The platform's envelope: how a request went is in its `code`, not in the HTTP status.

use axum::response::Response;
use http::StatusCode;
use ringback_contract::sign::{EnvelopeCode, RequestProblem};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::body::json;
use super::UnCallBackPage;
use crate::random;

/// What a request was answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UnCallBackAnswer)]
pub(crate) struct Envelope {
    /// 200, 401, 403, 404, 408, 412 or 500.
    #[schema(example = 200)]
    code: u16,
    /// What was asked for; null unless `code` is 200.
    data: Option<UnCallBackPage>,
    /// How it went, in words.
    #[schema(example = "成功")]
    result_msg: String,
    /// Always null.
    error_stack_trace: Option<String>,
    /// Names this answer.
    #[schema(example = "0f8fad5bd9cb469fa16570867728950e")]
    request_id: String,
}

/// Why a request was not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: EnvelopeCode,
    /// In words; it never repeats a value of the request.
    detail: String,
}

impl Fault {
    pub(super) fn new(code: EnvelopeCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// A parameter is missing or wrong.
    pub(super) fn parameter(name: &str, what: &str, allowed: &str) -> Self {
        let detail = format!("{name}: {what}; there must be {allowed}");
        Self::new(EnvelopeCode::BadParameter, detail)
    }

    pub(super) fn unavailable() -> Self {
        Self::new(EnvelopeCode::Failed, "not now: repeat the request")
    }

    fn message(&self) -> String {
        format!("{} ({})", self.code.zh(), self.detail)
    }
}

impl From<RequestProblem> for Fault {
    fn from(problem: RequestProblem) -> Self {
        Self::new(problem.code(), problem.to_string())
    }
}

impl Envelope {
    /// The answer; a success may have a message of its own.
    pub(super) fn answer(result: Result<(UnCallBackPage, Option<String>), Fault>) -> Response {
        let (code, data, result_msg) = match result {
            Ok((data, note)) => (
                EnvelopeCode::Ok,
                Some(data),
                note.unwrap_or_else(|| EnvelopeCode::Ok.zh().to_owned()),
            ),
            Err(fault) => (fault.code, None, fault.message()),
        };
        let envelope = Self {
            code: code.number(),
            data,
            result_msg,
            error_stack_trace: None,
            request_id: random::token()[..REQUEST_ID_DIGITS].to_owned(),
        };
        json(StatusCode::OK, &envelope)
    }
}

/// Hexadecimal digits of a request's id.
const REQUEST_ID_DIGITS: usize = 32;
