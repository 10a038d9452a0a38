//! A channel on which a company is told of its own alerts. The company sets it over the API; the operator's channels are in
//! the configuration. The serialised form is that of the store; the API shows none of the secrets, and no value of these
//! types shows one in its debug output.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Severity;
use crate::language::Language;

/// A company's channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Its name among those of the company, in the form of endpoints' names.
    pub name: String,
    /// The language of its messages.
    pub language: Language,
    /// The mildest alerts that it gets.
    pub severity: Severity,
    /// Where its messages go.
    pub destination: Destination,
}

/// Where messages go. A robot's address has its key in it, so that each address is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Destination {
    /// A program: JSON, signed by the Standard Webhooks where there is a secret.
    Webhook {
        /// Where it listens.
        url: String,
        /// What it is signed with, `whsec_…`.
        #[serde(default)]
        secret: Option<String>,
    },
    /// A custom robot of a DingTalk group.
    DingTalk {
        /// Its webhook.
        url: String,
        /// Its secret, when the robot asks for signatures.
        #[serde(default)]
        secret: Option<String>,
    },
    /// A custom robot of a Feishu (Lark) group.
    Feishu {
        /// Its webhook.
        url: String,
        /// Its secret, when the robot asks for signatures.
        #[serde(default)]
        secret: Option<String>,
    },
    /// A robot of a WeCom group.
    WeCom {
        /// Its webhook.
        url: String,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Its URL.
        url: String,
    },
    /// Mail, through the operator's mail server.
    Email {
        /// The recipients' addresses.
        to: Vec<String>,
    },
}

impl Destination {
    /// The kinds, as the API names them.
    pub const KINDS: [&str; 6] = ["webhook", "dingtalk", "feishu", "wecom", "slack", "email"];

    /// The kind, as the API names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::DingTalk { .. } => "dingtalk",
            Self::Feishu { .. } => "feishu",
            Self::WeCom { .. } => "wecom",
            Self::Slack { .. } => "slack",
            Self::Email { .. } => "email",
        }
    }

    /// Where it POSTs to; `None` for mail.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Webhook { url, .. }
            | Self::DingTalk { url, .. }
            | Self::Feishu { url, .. }
            | Self::WeCom { url }
            | Self::Slack { url } => Some(url),
            Self::Email { .. } => None,
        }
    }

    /// What its messages are signed with.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Webhook { secret, .. } | Self::DingTalk { secret, .. } | Self::Feishu { secret, .. } => {
                secret.as_deref()
            }
            Self::WeCom { .. } | Self::Slack { .. } | Self::Email { .. } => None,
        }
    }

    /// The recipients of mail; nobody for the others.
    #[must_use]
    pub fn to(&self) -> &[String] {
        match self {
            Self::Email { to } => to,
            Self::Webhook { .. }
            | Self::DingTalk { .. }
            | Self::Feishu { .. }
            | Self::WeCom { .. }
            | Self::Slack { .. } => &[],
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name_in_the_store_and_hides_its_secrets() {
        let (url, secret) = ("https://hooks.example.com/k0".to_owned(), Some("s0".to_owned()));
        let every = [
            Destination::Webhook {
                url: url.clone(),
                secret: secret.clone(),
            },
            Destination::DingTalk {
                url: url.clone(),
                secret: secret.clone(),
            },
            Destination::Feishu {
                url: url.clone(),
                secret,
            },
            Destination::WeCom { url: url.clone() },
            Destination::Slack { url },
            Destination::Email {
                to: vec!["a@example.com".to_owned()],
            },
        ];
        for (destination, kind) in every.into_iter().zip(Destination::KINDS) {
            let stored = serde_json::to_value(&destination).unwrap();
            assert_eq!((destination.kind(), &stored["kind"]), (kind, &kind.into()));
            let debug = format!("{destination:?}");
            assert!(!debug.contains("k0") && !debug.contains("s0"), "{debug}");
            assert_eq!(
                serde_json::from_value::<Destination>(stored).unwrap(),
                destination
            );
        }
    }
}
