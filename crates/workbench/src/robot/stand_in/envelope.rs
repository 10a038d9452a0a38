//! The platform's envelope: how a request went is in its `code`, not in the HTTP status.

use bytes::Bytes;
use ringback_contract::sign::{EnvelopeCode, RequestProblem};
use serde_json::{Value, json};

/// Why a request was not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: EnvelopeCode,
    /// In words; it never repeats a value of the request.
    pub(super) detail: String,
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
}

impl From<RequestProblem> for Fault {
    fn from(problem: RequestProblem) -> Self {
        Self::new(problem.code(), problem.to_string())
    }
}

/// The answer's body.
pub(super) fn body(result: Result<Value, Fault>, request_id: &str) -> Bytes {
    let (code, data, message) = match result {
        Ok(data) => (EnvelopeCode::Ok, data, EnvelopeCode::Ok.zh().to_owned()),
        Err(fault) => {
            let message = format!("{} ({})", fault.code.zh(), fault.detail);
            (fault.code, Value::Null, message)
        }
    };
    let envelope = json!({
        "code": code.number(),
        "data": data,
        "resultMsg": message,
        "errorStackTrace": null,
        "requestId": request_id,
    });
    envelope.to_string().into()
}
