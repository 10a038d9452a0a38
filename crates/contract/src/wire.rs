//! What holds for the exchange of every send: content types and time limits (contract, section 2).

use serde::{Deserialize, Serialize};

/// The time for connecting, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 5_000;
/// The time for the whole exchange, in milliseconds, unless the endpoint says otherwise.
pub const TIMEOUT_MS: u64 = 15_000;
/// The shortest time that an endpoint may set for the whole exchange, in milliseconds.
pub const TIMEOUT_MIN_MS: u64 = 1_000;
/// The longest time that an endpoint may set for the whole exchange, in milliseconds.
pub const TIMEOUT_MAX_MS: u64 = 60_000;

/// The content type of an endpoint's callbacks; the body is the same JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentType {
    /// JSON.
    #[default]
    Json,
    /// Plain text, for receivers that answer 415 to JSON.
    Text,
}

impl ContentType {
    /// Both types.
    pub const ALL: [Self; 2] = [Self::Json, Self::Text];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }

    /// The type of this [`ContentType::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The value of the header `content-type`.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Text => "text/plain;charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for it in ContentType::ALL {
            assert_eq!(ContentType::from_name(it.name()), Some(it));
            assert_eq!(serde_json::to_string(&it).unwrap(), format!("\"{}\"", it.name()));
            assert!(it.header().ends_with(";charset=utf-8"));
        }
        assert_eq!(ContentType::from_name("JSON"), None);
    }
}
