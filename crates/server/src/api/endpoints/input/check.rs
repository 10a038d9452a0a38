//! What is checked of settings as a whole, after each member was read by itself.

use ringback_contract::duration;
use ringback_core::endpoint::Settings;

use super::super::super::fields::Fields;
use super::super::super::problem::FieldError;
use crate::outbound::{Outbound, TargetSettings, headers};

/// A quiet that is longer than the limit would never be waited for.
pub(super) fn hold(settings: &Settings, fields: &mut Fields) {
    if settings.hold_quiet_ms > settings.hold_limit_ms && !fields.is_wrong("holdLimit") {
        let (quiet, limit) = (
            duration::format(settings.hold_quiet_ms),
            duration::format(settings.hold_limit_ms),
        );
        let detail = format!("is {quiet}, which is longer than holdLimit, {limit}");
        fields.note(FieldError::other("holdQuiet", detail));
    }
}

/// What only the outbound client knows: which URLs, headers and certificates can be used.
pub(super) fn with_outbound(settings: &Settings, fields: &mut Fields, outbound: &Outbound) {
    if !fields.is_wrong("url")
        && let Err(problem) = outbound.check(TargetSettings::new(&settings.url))
    {
        fields.note(field_error(problem.field(), &problem.to_string()));
    }
    let texts = settings
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let headers = match headers::parse(texts) {
        Ok(headers) => headers,
        Err(problem) => {
            fields.note(FieldError::other("headers", problem.to_string()));
            Vec::new()
        }
    };
    // Each by itself, so that a mistake in one does not hide the others'.
    let fitting = TargetSettings::new("https://example.com/");
    let parts = [
        TargetSettings {
            tls_ca: settings.tls_ca.as_deref(),
            ..fitting.clone()
        },
        TargetSettings {
            headers,
            credentials: settings.credentials.as_ref(),
            ..fitting.clone()
        },
        TargetSettings {
            client_certificate: settings.client_certificate.as_ref(),
            ..fitting
        },
    ];
    for part in parts {
        if let Err(problem) = outbound.check(part)
            && !fields.has_errors_in(problem.field())
        {
            fields.note(field_error(problem.field(), &problem.to_string()));
        }
    }
}

/// The client's words without the field's name, which the problem tells apart.
fn field_error(field: &str, text: &str) -> FieldError {
    let words = text.strip_prefix(field).and_then(|rest| rest.strip_prefix(": "));
    FieldError::other(field, words.unwrap_or(text))
}
