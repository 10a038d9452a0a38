//! The OpenAPI 3.1 document: generated from the handlers and their types, with the callbacks under `webhooks`. A golden
//! file, `docs/openapi.json`, shows every change of the API in review.

mod webhooks;

use serde_json::{Value, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

/// The name of the security scheme.
const BEARER: &str = "bearer";

const DESCRIPTION: &str = "\
ringback takes in finished calls, job changes and intent corrections of a call platform and POSTs each to the address that \
the company configured, again and again by a schedule, until the receiver answers `success`.

* **Tokens.** Every request needs `Authorization: Bearer` and a token, except the health checks and this document.
* **Accepted means durable.** 202 is answered after the event and all its due work are on disk.
* **Errors** are problem details (RFC 9457). They name the field, the kind of value that was found and what is allowed, all \
of them at once, and never repeat a value.
* **Lists** are read page by page: give `nextCursor` back as `cursor`.
* **Times** are RFC 3339 in UTC with milliseconds; durations are written `500ms`, `90s`, `5m`, `1h30m`.
* **Callbacks** are described under `webhooks`.";

const TAGS: [(&str, &str); 11] = [
    ("intake", "What the call platform hands in."),
    ("calls", "A call as it stands, and whether it arrived."),
    (
        "events and deliveries",
        "What was taken in, where it went, and what became of it.",
    ),
    ("replays", "Sending once more what a filter finds."),
    ("companies", "Whose callbacks are delivered."),
    ("endpoints", "The callback addresses of a company."),
    ("tokens", "Who may use the API."),
    (
        "open API",
        "What integrators ask with signed requests, in the platform's own envelope.",
    ),
    (
        "alerts",
        "What is wrong, and the channels on which the operator and the companies are told of it.",
    ),
    ("audit", "Who changed what."),
    ("operations", "Health, metrics, and this document."),
];

/// The document without its paths, to which the routes add theirs.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("ringback")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let tags = TAGS.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    let nothing: [&str; 0] = [];
    OpenApiBuilder::new()
        .info(info)
        .components(Some(
            ComponentsBuilder::new().security_scheme(BEARER, bearer).build(),
        ))
        .security(Some([SecurityRequirement::new(BEARER, nothing)]))
        .tags(Some(tags))
        .webhooks(Some(webhooks::all()))
        .build()
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    // A document that cannot be written as JSON would be a mistake in these modules, which the golden test would show.
    let mut document = serde_json::to_value(super::routes().into_openapi()).unwrap_or(Value::Null);
    for operation in operations(&mut document) {
        tell_of_refusals(operation);
    }
    document
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter();
    paths
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|path| path.values_mut())
}

/// How every operation of its kind refuses a request: said here once, not at each of them.
fn tell_of_refusals(operation: &mut Value) {
    let open = operation["security"]
        .as_array()
        .is_some_and(|ways| ways.contains(&json!({})));
    if open {
        return;
    }
    let has_parameters = operation["parameters"]
        .as_array()
        .is_some_and(|parameters| !parameters.is_empty());
    let has_body = operation["requestBody"].is_object();
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for (status, description, said) in [
        ("401", "No valid token", true),
        ("403", "The token does not allow it", true),
        ("413", "The body is too long", has_body),
        ("415", "The content type is not taken here", has_body),
        ("422", "Every mistake, in `errors`", has_parameters || has_body),
        (
            "429",
            "The token makes too many requests; `Retry-After` says when to come again",
            true,
        ),
        (
            "503",
            "Not now: the store fails, is behind or shuts down; `Retry-After` says when to come again",
            true,
        ),
    ] {
        if said {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
            responses.entry(status).or_insert_with(
                || json!({ "description": description, "content": { "application/problem+json": problem } }),
            );
        }
    }
}

/// The whole document as the golden file has it: indented, its members sorted.
pub(super) fn text() -> String {
    format!("{:#}\n", document())
}

#[cfg(test)]
mod tests;
