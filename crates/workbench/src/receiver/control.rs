//! The control surface of a running receiver, under `/_control/`, for programs on the same machine unless others are let in:
//!
//! | | |
//! |---|---|
//! | `GET /_control/answer` | the plan in force: `{"answer": "success"}` |
//! | `PUT /_control/answer` | another one: `{"answer": "fail*3,success"}` |
//! | `GET /_control/received` | the last callbacks, one JSON line each; `?body` adds the bodies as texts |
//! | `DELETE /_control/received` | forgets them |

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

use super::Shared;
use super::plan::Plan;
use super::respond::{AnswerBody, whole};

/// The path under which all of it is.
pub(super) const PREFIX: &str = "/_control/";

/// The longest body of a request, in bytes.
const BODY_MAX: usize = 16 * 1024;
const JSON: &str = "application/json";
const TEXT: &str = "text/plain;charset=utf-8";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerSetting {
    answer: String,
}

/// What other machines are told, unless they were let in.
pub(super) fn refuse() -> Response<AnswerBody> {
    problem(
        StatusCode::FORBIDDEN,
        "this is for programs on the receiver's own machine, unless it was started with --open-control",
    )
}

pub(super) async fn handle(shared: &Shared, request: Request<Incoming>) -> Response<AnswerBody> {
    let resource = request
        .uri()
        .path()
        .strip_prefix(PREFIX)
        .unwrap_or_default()
        .to_owned();
    match (request.method(), resource.as_str()) {
        (&Method::GET, "answer") => plan_in_force(shared),
        (&Method::PUT, "answer") => replace_plan(shared, request).await,
        (&Method::GET, "received") => received(shared, request.uri().query() == Some("body")),
        (&Method::DELETE, "received") => {
            shared.forget();
            whole(StatusCode::NO_CONTENT, TEXT, Bytes::new())
        }
        (_, "answer" | "received") => problem(
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not one of the resource",
        ),
        _ => problem(
            StatusCode::NOT_FOUND,
            "there are /_control/answer and /_control/received",
        ),
    }
}

fn problem(status: StatusCode, why: &str) -> Response<AnswerBody> {
    whole(status, TEXT, Bytes::from(format!("{why}\n")))
}

fn plan_in_force(shared: &Shared) -> Response<AnswerBody> {
    let setting = serde_json::json!({ "answer": shared.plan().to_string() });
    whole(StatusCode::OK, JSON, Bytes::from(format!("{setting}\n")))
}

async fn replace_plan(shared: &Shared, request: Request<Incoming>) -> Response<AnswerBody> {
    let Ok(body) = Limited::new(request.into_body(), BODY_MAX).collect().await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 KiB");
    };
    let Ok(setting) = serde_json::from_slice::<AnswerSetting>(&body.to_bytes()) else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            r#"the body must be {"answer": "…"} and nothing else"#,
        );
    };
    match setting.answer.parse::<Plan>() {
        Ok(plan) => {
            shared.replace_plan(plan);
            plan_in_force(shared)
        }
        Err(invalid) => problem(StatusCode::UNPROCESSABLE_ENTITY, &invalid.to_string()),
    }
}

fn received(shared: &Shared, with_body: bool) -> Response<AnswerBody> {
    let mut lines = String::new();
    for received in shared.received() {
        let Ok(line) = received.to_json(with_body) else {
            return problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "a record cannot be written as JSON",
            );
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    whole(StatusCode::OK, "application/x-ndjson", Bytes::from(lines))
}
