//! When a callback counts as acknowledged: the three rules, applied to the status and the body of an answer
//! (contract, section 2), and the reason in words when it does not.
//!
//! Nothing is searched for in a body: it says `success` as a whole, or it does not.

mod reason;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownName;
use crate::json::{Document, Node, Object};

pub use reason::AckFailure;

/// How much of an answer's body is read, in bytes. A longer body is not acknowledged, except under
/// [`AckRule::Status`].
pub const BODY_LIMIT: usize = 64 * 1024;

/// The rule by which an endpoint's answer counts as an acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckRule {
    /// The body is `success`, or a JSON object whose `resultMsg` is and whose `code`, if there, is 200.
    #[default]
    Success,
    /// As [`AckRule::Success`], or a JSON object whose `code` is 200.
    SuccessOrCode,
    /// Any 2xx status, decided on the head alone.
    Status,
}

impl AckRule {
    /// Every rule, in the order of the contract's table.
    pub const ALL: [Self; 3] = [Self::Success, Self::SuccessOrCode, Self::Status];

    /// The name in the API and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::SuccessOrCode => "success-or-code",
            Self::Status => "status",
        }
    }

    /// The rule of this [`AckRule::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// Whether an answer acknowledges. `body` is `None` where the body was longer than [`BODY_LIMIT`].
    #[must_use]
    pub fn acknowledges(self, status: u16, body: Option<&[u8]>) -> bool {
        self.judge(status, body).is_ok()
    }

    /// Whether an answer acknowledges, and if not, why. `body` is `None` where the body was longer than
    /// [`BODY_LIMIT`].
    ///
    /// # Errors
    /// The first reason, the status before the body.
    pub fn judge(self, status: u16, body: Option<&[u8]>) -> Result<(), AckFailure> {
        match status {
            200..=299 => {}
            300..=399 => return Err(AckFailure::Redirect { status }),
            415 => return Err(AckFailure::UnsupportedMediaType),
            _ => return Err(AckFailure::Refused { status }),
        }
        if self == Self::Status {
            return Ok(());
        }
        let body = body
            .filter(|body| body.len() <= BODY_LIMIT)
            .ok_or(AckFailure::BodyTooLong)?;
        let body = trim(body);
        if says_success(body) {
            return Ok(());
        }
        match read_object(body) {
            Some(Ok(object)) => self.judge_object(&object),
            Some(Err(())) => Err(AckFailure::OddJson),
            None => Err(reason::of_text(body)),
        }
    }

    fn judge_object(self, object: &Object<'_>) -> Result<(), AckFailure> {
        let code = object.get("code");
        let code_is_200 = code.is_some_and(is_200);
        if self == Self::SuccessOrCode && code_is_200 {
            return Ok(());
        }
        match object.get("resultMsg") {
            Some(Node::Text(text)) if says_success(trim(text.as_str().as_bytes())) => {
                if code.is_none() || code_is_200 {
                    Ok(())
                } else {
                    Err(AckFailure::JsonOtherCode)
                }
            }
            Some(_) => Err(AckFailure::JsonOtherResultMsg),
            None if object.get("success") == Some(&Node::Boolean(true)) => Err(AckFailure::JsonSuccessMember),
            None => Err(AckFailure::JsonWithoutResultMsg),
        }
    }
}

impl fmt::Display for AckRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for AckRule {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::from_name(name).ok_or(UnknownName {
            what: "ack rule",
            allowed: "success, success-or-code, status",
        })
    }
}

/// Takes white space and a byte order mark off.
fn trim(body: &[u8]) -> &[u8] {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let body = body.trim_ascii();
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii()
}

/// Whether a trimmed text is `success`, perhaps in one pair of JSON quotes.
fn says_success(body: &[u8]) -> bool {
    let unquoted = match body {
        [b'"', inner @ .., b'"'] => inner.trim_ascii(),
        _ => body,
    };
    unquoted.eq_ignore_ascii_case(b"success")
}

/// The code as a number written `200`, or a string of it.
fn is_200(code: &Node<'_>) -> bool {
    match code {
        Node::Number(text) => *text == "200",
        Node::Text(text) => text.as_str() == "200",
        Node::Null | Node::Boolean(_) | Node::Array(_) | Node::Object(_) => false,
    }
}

/// The body as a JSON object: `None` if it does not begin like one, an error if it cannot be read as one beyond
/// doubt (no JSON, duplicate members, too deep).
fn read_object(body: &[u8]) -> Option<Result<Object<'_>, ()>> {
    let read = || Document::read(body).and_then(|document| document.object(Document::ALL));
    body.starts_with(b"{").then(|| read().map_err(|_| ()))
}

#[cfg(test)]
mod tests;
