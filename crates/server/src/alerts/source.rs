//! Where the settings of a channel are: in the configuration, where they stay, or with a company, which may change or delete
//! them while messages wait. So they are asked for at each send.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use ringback_core::alert;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::settings::{ChannelSettings, Destination, EmailSettings, Hidden, MailServer};
use crate::service::Service;

/// Where they are.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// In the configuration.
    Configuration(ChannelSettings),
    /// With a company.
    Company(OfCompany),
}

/// A channel of a company.
#[derive(Clone, Debug)]
pub(super) struct OfCompany {
    pub(super) service: Service,
    pub(super) company_id: i64,
    pub(super) name: String,
    /// The operator's mail server.
    pub(super) mail: Option<MailServer>,
    /// Places for messages that are under way, of all companies together.
    pub(super) places: Arc<Semaphore>,
}

/// Why there is nothing to send with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The company has deleted it.
    Channel,
    /// It is for mail, and the operator has set no mail server.
    MailServer,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "the channel was deleted",
            Self::MailServer => "the operator has set no mail server (alerts.mail)",
        })
    }
}

impl Source {
    /// The name of the channel, for the log.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Configuration(settings) => &settings.name,
            Self::Company(of) => &of.name,
        }
    }

    /// The company whose channel it is; `None` for the operator's.
    pub(super) const fn company_id(&self) -> Option<i64> {
        match self {
            Self::Configuration(_) => None,
            Self::Company(of) => Some(of.company_id),
        }
    }

    /// The settings as they are now.
    pub(super) fn settings(&self) -> Result<ChannelSettings, Missing> {
        match self {
            Self::Configuration(settings) => Ok(settings.clone()),
            Self::Company(of) => of.settings(),
        }
    }

    /// A place for one message. The operator's channels wait for none.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        match self {
            Self::Configuration(_) => None,
            // The semaphore is never closed; a message without its permit would do no harm.
            Self::Company(of) => of.places.acquire().await.ok(),
        }
    }
}

impl OfCompany {
    fn settings(&self) -> Result<ChannelSettings, Missing> {
        let company = self.service.directory().company(self.company_id);
        let channel = company
            .as_ref()
            .and_then(|company| find(&company.alert_channels, &self.name))
            .ok_or(Missing::Channel)?;
        Ok(ChannelSettings {
            name: channel.name.clone(),
            language: channel.language,
            least: channel.severity,
            companies: Some(BTreeSet::from([self.company_id])),
            destination: destination(&channel.destination, self.mail.as_ref())?,
        })
    }
}

/// The channel of this name.
pub(crate) fn find<'a>(channels: &'a [alert::Channel], name: &str) -> Option<&'a alert::Channel> {
    channels.iter().find(|channel| channel.name == name)
}

fn destination(of: &alert::Destination, mail: Option<&MailServer>) -> Result<Destination, Missing> {
    let hidden = |text: &String| Hidden::new(text.clone());
    Ok(match of {
        alert::Destination::Webhook { url, secret } => Destination::Webhook {
            url: hidden(url),
            secret: secret.as_ref().map(hidden),
        },
        alert::Destination::DingTalk { url, secret } => Destination::DingTalk {
            url: hidden(url),
            secret: secret.as_ref().map(hidden),
        },
        alert::Destination::Feishu { url, secret } => Destination::Feishu {
            url: hidden(url),
            secret: secret.as_ref().map(hidden),
        },
        alert::Destination::WeCom { url } => Destination::WeCom { url: hidden(url) },
        alert::Destination::Slack { url } => Destination::Slack { url: hidden(url) },
        alert::Destination::Email { to } => Destination::Email(Box::new(EmailSettings {
            server: mail.ok_or(Missing::MailServer)?.clone(),
            to: to.clone(),
        })),
    })
}
