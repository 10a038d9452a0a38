//! When a callback counts as acknowledged: the three rules, applied to the status and the body of an answer.

use serde::{Deserialize, Serialize};

/// How much of an answer's body is read, in bytes. A longer body is not acknowledged, except under
/// [`AckRule::Status`].
pub const BODY_LIMIT: usize = 64 * 1024;

/// The rule by which an endpoint's answer counts as an acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckRule {
    /// The body is `success`, or a JSON object whose `resultMsg` is.
    #[default]
    Success,
    /// As [`AckRule::Success`], or a JSON object whose `code` is 200.
    SuccessOrCode,
    /// Any 2xx status, decided on the head alone.
    Status,
}

impl AckRule {
    /// Whether an answer acknowledges. `body` is `None` where the body was longer than [`BODY_LIMIT`].
    #[must_use]
    pub fn acknowledges(self, status: u16, body: Option<&[u8]>) -> bool {
        (200..300).contains(&status)
            && match self {
                Self::Status => true,
                Self::Success | Self::SuccessOrCode => body == Some(b"success"),
            }
    }
}
