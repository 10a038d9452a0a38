//! The channels for alerts, as the configuration sets them and as those of companies are made of it.

use std::collections::BTreeSet;
use std::fmt;

use ringback_core::alert::{Alert, Bounds, Severity};
use ringback_core::limits;

use crate::api::Language;

/// Everything about alerts that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// How long a channel gathers notices before it sends one message, in milliseconds.
    pub window_ms: u64,
    /// From when on something is worth an alert.
    pub bounds: Bounds,
    /// The mail server through which companies are told, and the channels of the installation that name none.
    pub mail: Option<MailServer>,
    /// The channels of the installation, each with a name of its own.
    pub channels: Vec<ChannelSettings>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            window_ms: limits::ALERT_WINDOW_MS,
            bounds: Bounds::default(),
            mail: None,
            channels: Vec::new(),
        }
    }
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Its name, in the form of endpoints' names.
    pub name: String,
    /// The language of its messages.
    pub language: Language,
    /// The mildest alerts that it gets.
    pub least: Severity,
    /// The companies whose alerts it gets, and those of the service not; `None` for everything.
    pub companies: Option<BTreeSet<i64>>,
    /// Where its messages go.
    pub destination: Destination,
}

impl ChannelSettings {
    /// Whether it gets this alert.
    pub(super) fn wants(&self, alert: &Alert) -> bool {
        let fits = match (&self.companies, alert.company_id) {
            (None, _) => true,
            (Some(companies), Some(company_id)) => companies.contains(&company_id),
            (Some(_), None) => false,
        };
        fits && alert.severity >= self.least
    }
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A program of the operator's: JSON, signed by the Standard Webhooks where there is a secret (`whsec_…`).
    Webhook {
        /// Where it listens.
        url: Hidden,
        /// What it is signed with.
        secret: Option<Hidden>,
    },
    /// A custom robot of a DingTalk group.
    DingTalk {
        /// Its webhook, with the access token.
        url: Hidden,
        /// Its secret (`SEC…`), when the robot asks for signatures.
        secret: Option<Hidden>,
    },
    /// A custom robot of a Feishu (Lark) group.
    Feishu {
        /// Its webhook.
        url: Hidden,
        /// Its secret, when the robot asks for signatures.
        secret: Option<Hidden>,
    },
    /// A robot of a WeCom group.
    WeCom {
        /// Its webhook, with the key.
        url: Hidden,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Its URL.
        url: Hidden,
    },
    /// Mail.
    Email(Box<EmailSettings>),
}

impl Destination {
    /// The kind, as the configuration names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::DingTalk { .. } => "dingtalk",
            Self::Feishu { .. } => "feishu",
            Self::WeCom { .. } => "wecom",
            Self::Slack { .. } => "slack",
            Self::Email(_) => "email",
        }
    }

    /// The least time between two messages, in milliseconds, by the vendors' published limits: DingTalk and WeCom 20 a
    /// minute, Feishu 100 a minute and 5 a second, Slack 1 a second.
    pub(super) const fn pause_ms(&self) -> u64 {
        match self {
            Self::Webhook { .. } => 0,
            Self::DingTalk { .. } | Self::WeCom { .. } => 3_100,
            Self::Feishu { .. } => 700,
            Self::Slack { .. } | Self::Email(_) => 1_100,
        }
    }

    /// How long the text of a message may be, in bytes of UTF-8: WeCom takes 2,048, the others take more than people
    /// read.
    pub(super) const fn text_bytes(&self) -> usize {
        match self {
            Self::WeCom { .. } => 2_048,
            Self::DingTalk { .. } | Self::Feishu { .. } | Self::Slack { .. } => 6_000,
            Self::Webhook { .. } | Self::Email(_) => 32_000,
        }
    }
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte (usually port 465).
    Tls,
    /// TLS after STARTTLS, which the server must offer (usually port 587).
    StartTls,
    /// None: for a relay on the own network. A password is not sent then.
    Plain,
}

impl MailSecurity {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Tls, Self::StartTls, Self::Plain];

    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::Plain => "plain",
        }
    }

    /// The port unless it is set.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::Plain => 25,
        }
    }
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: MailSecurity,
    /// The account, where the server asks for one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Hidden>,
    /// The sender's address.
    pub from: String,
}

/// A mail server, and whom it is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailSettings {
    /// The server.
    pub server: MailServer,
    /// The recipients' addresses.
    pub to: Vec<String>,
}

/// A text that is a secret, or holds one. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be used and never shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}
