//! What to do about a send that was not acknowledged: a code that does not change, for scripts, and a sentence in English
//! or Chinese. A pure function of what is known after the send; the sentences are in `hint/codes.rs`, the cases of the
//! tests are data.
//!
//! A hint may search an answer for a word; whether it acknowledges is decided by the ack rule alone.

mod advice;
mod attempts;
mod codes;

use ringback_contract::ack::{AckFailure, AckRule};
use ringback_core::delivery::Outcome;
use ringback_core::endpoint::ContentType;
use serde::Serialize;
use utoipa::ToSchema;

use super::language::Language;
use crate::outbound::exchange::BODY_START_LIMIT;
use crate::outbound::{Detail, ProxyFault, TlsFault, TokenFault};
pub use advice::{Advice, advice};
pub(crate) use attempts::Hints;
use codes::Code;

/// What is known after a send, as far as a hint depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) detail: Option<&'a Detail>,
    /// The beginning of the answer's body.
    pub(crate) body: &'a [u8],
    /// The answer's `Content-Encoding`, where it is known.
    pub(crate) encoding: Option<&'a str>,
    /// Where a redirect leads to, without query, where it is known.
    pub(crate) location: Option<&'a str>,
    /// Whether the endpoint's URL is https.
    pub(crate) is_https: bool,
    pub(crate) ack_rule: AckRule,
    pub(crate) content_type: ContentType,
}

/// A code and its sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) code: &'static str,
    english: String,
    chinese: String,
}

impl Hint {
    pub(crate) fn text(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }

    fn of(code: Code) -> Self {
        Self::with(code, "")
    }

    /// The sentences of a code with something in their gap.
    fn with(code: Code, what: &str) -> Self {
        Self {
            code: code.name(),
            english: code.english().replace("{}", what),
            chinese: code.chinese().replace("{}", what),
        }
    }
}

impl From<AckFailure> for Hint {
    fn from(failure: AckFailure) -> Self {
        Self {
            code: failure.name(),
            english: failure.en(),
            chinese: failure.zh(),
        }
    }
}

/// What to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hint)]
pub(crate) struct HintView {
    /// What it is about: a name that does not change.
    #[schema(example = "code-without-success")]
    code: String,
    /// One or two sentences, in Chinese or English.
    #[schema(example = "The body is empty. Answer with the text success.")]
    text: String,
}

impl HintView {
    pub(crate) fn of(hint: &Hint, language: Language) -> Self {
        Self {
            code: hint.code.to_owned(),
            text: hint.text(language).to_owned(),
        }
    }
}

/// What to do; `None` after an acknowledgement.
pub(crate) fn hint(facts: &Facts<'_>) -> Option<Hint> {
    if facts.outcome == Outcome::Acknowledged {
        return None;
    }
    Some(match (facts.detail, facts.outcome) {
        // A redirect is told by its status.
        (Some(Detail::Redirect(_)) | None, Outcome::Refused) => of_status(facts),
        (Some(Detail::BodyTooLong) | None, Outcome::NotAcknowledged) => of_answer(facts),
        (Some(detail), _) => of_detail(detail, facts),
        (None, Outcome::TimedOut) => Hint::of(Code::AnswerTimedOut),
        (None, Outcome::Blocked) => Hint::of(Code::Blocked),
        (None, _) => Hint::of(Code::Unreachable),
    })
}

/// The answer was whole, or too long, and did not acknowledge.
fn of_answer(facts: &Facts<'_>) -> Hint {
    let body = facts.body;
    if matches!(facts.detail, Some(Detail::BodyTooLong)) {
        return AckFailure::BodyTooLong.into();
    }
    let is_encoded = facts
        .encoding
        .is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    // The first bytes of gzip (RFC 1952).
    if is_encoded || body.starts_with(&[0x1f, 0x8b]) {
        return Hint::of(Code::Compressed);
    }
    if is_utf16(body) {
        return Hint::of(Code::Utf16);
    }
    let is_cut = body.len() >= BODY_START_LIMIT;
    let failure = facts
        .ack_rule
        .judge(facts.status.unwrap_or(200), Some(body))
        .err();
    match failure {
        None | Some(AckFailure::OddJson) if is_cut => Hint::of(Code::LongAnswer),
        Some(AckFailure::Html) if has_success(body) => Hint::of(Code::SuccessInHtml),
        Some(failure) if AckRule::SuccessOrCode.acknowledges(200, Some(body)) => match failure {
            AckFailure::JsonOtherCode => failure.into(),
            _ => Hint::of(Code::SuccessMissing),
        },
        Some(failure) => failure.into(),
        None => AckFailure::OtherText.into(),
    }
}

/// A byte order mark of UTF-16, or text of which every second byte is zero.
fn is_utf16(body: &[u8]) -> bool {
    let zeros = |from: usize| {
        let mut bytes = body.iter().take(14).skip(from).step_by(2);
        body.len() >= 4 && bytes.all(|byte| *byte == 0)
    };
    body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) || zeros(0) || zeros(1)
}

fn has_success(body: &[u8]) -> bool {
    contains(body, b"success")
}

fn contains(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}

/// The status refused.
fn of_status(facts: &Facts<'_>) -> Hint {
    let Some(status) = facts.status else {
        return Hint::of(Code::Unreachable);
    };
    match status {
        300..=399 => match facts.location {
            Some(location) => Hint::with(Code::RedirectTo, location),
            None => AckFailure::Redirect { status }.into(),
        },
        // nginx and those made from it.
        400 if contains(facts.body, b"plain http request was sent to https port") => {
            Hint::of(Code::HttpOnTlsPort)
        }
        400 | 422 => Hint::with(Code::BadRequest, &status.to_string()),
        401 | 403 => Hint::with(Code::Unauthorized, &status.to_string()),
        404 | 410 => Hint::with(Code::NotFound, &status.to_string()),
        405 => Hint::of(Code::MethodNotAllowed),
        413 => Hint::of(Code::TooLarge),
        415 => match facts.content_type {
            ContentType::Json => AckFailure::UnsupportedMediaType.into(),
            ContentType::Text => Hint::of(Code::TextNotTaken),
        },
        429 => Hint::of(Code::TooManyRequests),
        500..=599 => Hint::with(Code::ServerError, &status.to_string()),
        _ => AckFailure::Refused { status }.into(),
    }
}

/// What the outbound client explains.
fn of_detail(detail: &Detail, facts: &Facts<'_>) -> Hint {
    let has_status = facts.status.is_some();
    Hint::of(match detail {
        Detail::AddressBlocked(class) => return Hint::with(Code::AddressBlocked, class.name()),
        Detail::DnsFailed => Code::DnsFailed,
        Detail::DnsTimedOut => Code::DnsTimedOut,
        Detail::ConnectRefused => Code::ConnectRefused,
        Detail::NoRoute | Detail::ConnectFailed => Code::Unreachable,
        Detail::ConnectTimedOut => Code::ConnectTimedOut,
        Detail::Tls(fault) => of_tls(*fault),
        Detail::TlsTimedOut => Code::TlsTimedOut,
        Detail::Reset | Detail::Closed | Detail::Protocol if has_status => Code::BrokenOff,
        Detail::Reset | Detail::Closed => Code::Closed,
        Detail::Protocol if facts.is_https => Code::NotHttp,
        Detail::Protocol => Code::HttpOnTlsPort,
        Detail::HeadTooLong => Code::HeadTooLong,
        Detail::AnswerTimedOut => Code::AnswerTimedOut,
        Detail::BodyTooLong => return AckFailure::BodyTooLong.into(),
        Detail::Redirect(_) => return of_status(facts),
        Detail::Bind => Code::Bind,
        Detail::Proxy(ProxyFault::Unreachable | ProxyFault::TimedOut) => Code::Proxy,
        Detail::Proxy(ProxyFault::Refused(status)) => {
            return Hint::with(Code::ProxyRefused, &status.to_string());
        }
        Detail::Token(TokenFault::Exchange(_) | TokenFault::TimedOut) => Code::TokenAddress,
        Detail::Token(TokenFault::Refused { .. }) => Code::TokenRefused,
        Detail::Token(TokenFault::Answer) => Code::TokenAnswer,
    })
}

const fn of_tls(fault: TlsFault) -> Code {
    match fault {
        TlsFault::NameMismatch => Code::TlsNameMismatch,
        TlsFault::Expired => Code::TlsExpired,
        TlsFault::NotYetValid => Code::TlsNotYetValid,
        TlsFault::UnknownIssuer => Code::TlsUnknownIssuer,
        TlsFault::AuthorityAsServer => Code::TlsAuthorityAsServer,
        TlsFault::Certificate => Code::TlsCertificate,
        TlsFault::Handshake => Code::TlsHandshake,
        TlsFault::NotTls => Code::TlsOnHttpPort,
        TlsFault::ClientCertificate => Code::TlsClientCertificate,
    }
}

#[cfg(test)]
mod tests;
