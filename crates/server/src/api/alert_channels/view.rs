//! A company's channel for alerts as the API shows it. Of its address only scheme and host are shown, since the keys of
//! robots stand in the rest.

use ringback_core::alert::Channel;
use ringback_core::company::Company;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

/// A channel of a company. Its address and its secret are not shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CompanyAlertChannel)]
pub(crate) struct CompanyChannelView {
    /// The company.
    #[schema(example = 151)]
    company_id: i64,
    /// Its name.
    #[schema(example = "oncall")]
    name: String,
    /// `webhook`, `dingtalk`, `feishu`, `wecom`, `slack` or `email`.
    #[schema(example = "dingtalk")]
    kind: &'static str,
    /// The language of its messages: `zh` or `en`.
    #[schema(example = "zh")]
    language: &'static str,
    /// The mildest alerts that it gets: `warning` or `critical`.
    #[schema(example = "warning")]
    severity: &'static str,
    /// Where its messages go, up to the host; null for mail.
    #[schema(example = "https://oapi.dingtalk.com/…")]
    address: Option<String>,
    /// Whether it has a secret.
    has_secret: bool,
    /// Whom mail goes to; null for the others.
    to: Option<Vec<String>>,
}

impl CompanyChannelView {
    pub(crate) fn of(company_id: i64, channel: &Channel) -> Self {
        let destination = &channel.destination;
        let to = destination.to();
        Self {
            company_id,
            name: channel.name.clone(),
            kind: destination.kind(),
            language: channel.language.tag(),
            severity: channel.severity.name(),
            address: destination.url().map(address),
            has_secret: destination.secret().is_some(),
            to: (!to.is_empty()).then(|| to.to_vec()),
        }
    }
}

/// Scheme, host and port.
fn address(url: &str) -> String {
    // What is stored was a URL when it was taken in.
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    format!("{}/…", origin.unwrap_or_default())
}

/// The channels of a company.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CompanyAlertChannelList)]
pub(crate) struct CompanyChannelList {
    /// By name.
    items: Vec<CompanyChannelView>,
    /// Always null: there is one page.
    next_cursor: Option<String>,
}

impl CompanyChannelList {
    pub(crate) fn of(company: &Company) -> Self {
        let channels = company.alert_channels.iter();
        Self {
            items: channels
                .map(|channel| CompanyChannelView::of(company.company_id, channel))
                .collect(),
            next_cursor: None,
        }
    }
}
