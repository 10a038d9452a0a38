//! Hints for callers without a service: what the API says of a send, for the workbench's reports.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use ringback_contract::ack::AckRule;
use ringback_core::endpoint::ContentType;

use super::{Facts, hint};
use crate::api::language::Language;
use crate::outbound::Exchange;

/// What to do about a send that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What it is about: a name that does not change.
    pub code: &'static str,
    /// In English.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
}

/// What to do about a send, by the answer's headers where they are known; `None` after an acknowledgement.
#[must_use]
pub fn advice(
    exchange: &Exchange,
    headers: &HeaderMap,
    is_https: bool,
    ack_rule: AckRule,
    content_type: ContentType,
) -> Option<Advice> {
    let encoding = headers.get(CONTENT_ENCODING);
    let found = hint(&Facts {
        outcome: exchange.outcome,
        status: exchange.status,
        detail: exchange.detail.as_ref(),
        body: &exchange.body_start,
        encoding: encoding.and_then(|encoding| encoding.to_str().ok()),
        location: None,
        is_https,
        ack_rule,
        content_type,
    })?;
    Some(Advice {
        code: found.code,
        english: found.text(Language::English).to_owned(),
        chinese: found.text(Language::Chinese).to_owned(),
    })
}
