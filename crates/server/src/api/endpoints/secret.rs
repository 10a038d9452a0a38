//! Rotation of an endpoint's signing secret, with an overlap in which both sign.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use ringback_core::audit::Action;
use ringback_core::endpoint::SigningSecret;
use ringback_core::limits::SECRET_OVERLAP_MS;
use ringback_core::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::audit;
use super::super::body::json;
use super::super::caller::Caller;
use super::super::paths::EndpointPath;
use super::super::problem::{Problem, ProblemSchema};
use super::super::state::ApiState;
use super::super::time::Time;
use super::input::{current, new_secret};
use super::{find, note, put};

/// Secrets that sign at once. Who rotates more often within the overlap loses the oldest early.
const SECRETS_MOST: usize = 5;

/// A rotated secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedSecret {
    /// The new secret, shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
    /// Until when the secret before it signs as well.
    previous_until: Time,
}

/// Rotate an endpoint's signing secret.
///
/// For 24 hours every send carries a signature by each, so that the receiver can change over in between.
#[utoipa::path(
    post,
    path = "/v1/companies/{companyId}/endpoints/{name}/secret/rotate",
    tag = "endpoints",
    operation_id = "rotateSecret",
    params(
        ("companyId" = i64, Path, description = "The company", example = 151),
        ("name" = String, Path, description = "The endpoint", example = "erp"),
    ),
    responses(
        (status = 200, description = "The new secret", body = RotatedSecret),
        (status = 404, description = "There is no such endpoint", body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rotate_secret(
    State(api): State<Arc<ApiState>>,
    caller: Caller,
    path: EndpointPath,
) -> Result<Response, Problem> {
    let _change = api.changes.lock().await;
    let endpoint = find(&api, &path)?;
    let now = api.service.time().now();
    let until = now.plus(SECRET_OVERLAP_MS);
    let secret = new_secret();
    let mut settings = endpoint.settings.clone();
    settings.secrets = rotated(settings.secrets, secret.clone(), now, until);
    let change = audit::endpoint(Some(&endpoint.settings), Some(&settings));
    let note = note(Action::SecretRotate, path.company_id, &path.name).change(change);
    put(&api, path.company_id, path.name, settings, note.by(&caller, &api)).await?;
    let answer = RotatedSecret {
        secret,
        previous_until: Time(until.0),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The secrets with a new one in front; the current one signs until `until`, and those that no longer sign are gone.
fn rotated(secrets: Vec<SigningSecret>, new: String, now: Millis, until: Millis) -> Vec<SigningSecret> {
    let previous = secrets.into_iter().map(|secret| SigningSecret {
        until: Some(secret.until.unwrap_or(until)),
        ..secret
    });
    std::iter::once(current(new))
        .chain(previous.filter(|secret| secret.until.is_some_and(|until| until > now)))
        .take(SECRETS_MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Secrets as (text, until), before and after a rotation to `new` at 100 with an overlap until 200.
    #[track_caller]
    fn check(before: &[(&str, Option<i64>)], after: &[(&str, Option<i64>)]) {
        let secrets = |list: &[(&str, Option<i64>)]| {
            list.iter()
                .map(|(secret, until)| SigningSecret {
                    secret: (*secret).to_owned(),
                    until: until.map(Millis),
                })
                .collect::<Vec<_>>()
        };
        let found = rotated(secrets(before), "new".to_owned(), Millis(100), Millis(200));
        assert!(found == secrets(after), "{before:?}: {found:?}");
    }

    #[test]
    fn the_current_secret_goes_on_signing_for_the_overlap() {
        check(&[], &[("new", None)]);
        check(&[("a", None)], &[("new", None), ("a", Some(200))]);
        check(
            &[("b", None), ("a", Some(150))],
            &[("new", None), ("b", Some(200)), ("a", Some(150))],
        );
        check(
            &[("b", None), ("a", Some(100))],
            &[("new", None), ("b", Some(200))],
        );
        check(
            &[
                ("e", None),
                ("d", Some(150)),
                ("c", Some(150)),
                ("b", Some(150)),
                ("a", Some(150)),
            ],
            &[
                ("new", None),
                ("e", Some(200)),
                ("d", Some(150)),
                ("c", Some(150)),
                ("b", Some(150)),
            ],
        );
    }
}
