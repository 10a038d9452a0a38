//! A target: one version of an endpoint's settings, parsed once, with the idle connections to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body_util::Full;
use ringback_contract::ack::AckRule;
use rustls::pki_types::ServerName;
use url::{Position, Url};

use super::client::Message;
use super::connect::{Host, Place};
use super::connection::Outgoing;
use super::headers::{self, HeaderProblem};
use super::policy::{self, UrlProblem};
use super::pool::Pool;
use super::tls::{CaProblem, Trust};

/// The shortest and the longest limit of a whole exchange, in milliseconds.
pub const TIMEOUT_MS: std::ops::RangeInclusive<u32> = 1_000..=60_000;

/// The limit of a whole exchange where nothing else is set, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: u32 = 15_000;

/// How long a URL may be, in bytes.
pub const URL_LIMIT: usize = 2_048;

pub use ringback_core::endpoint::ContentType;

/// The value of the `Content-Type` header.
const fn header_value(content_type: ContentType) -> HeaderValue {
    HeaderValue::from_static(match content_type {
        ContentType::Json => "application/json;charset=utf-8",
        ContentType::Text => "text/plain;charset=utf-8",
    })
}

/// What a target is made from.
#[derive(Clone, Debug)]
pub struct TargetSettings<'a> {
    /// http or https, without credentials and fragment, at most [`URL_LIMIT`] bytes.
    pub url: &'a str,
    /// Authorities to trust besides the public ones and those of the installation: a PEM text.
    pub tls_ca: Option<&'a str>,
    /// Headers of every send besides ringback's own: see [`headers::parse`].
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What the body is called.
    pub content_type: ContentType,
    /// The limit of the whole exchange: see [`TIMEOUT_MS`].
    pub timeout_ms: u32,
    /// When an answer acknowledges.
    pub ack_rule: AckRule,
}

impl<'a> TargetSettings<'a> {
    /// The defaults for `url`.
    #[must_use]
    pub fn new(url: &'a str) -> Self {
        Self {
            url,
            tls_ca: None,
            headers: Vec::new(),
            content_type: ContentType::default(),
            timeout_ms: DEFAULT_TIMEOUT_MS,
            ack_rule: AckRule::default(),
        }
    }
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetProblem {
    /// The URL.
    #[error("url: {0}")]
    Url(UrlProblem),
    /// The URL is longer than [`URL_LIMIT`].
    #[error("url: longer than {URL_LIMIT} bytes")]
    UrlTooLong,
    /// The endpoint's own authorities.
    #[error("tlsCa: {0}")]
    TlsCa(CaProblem),
    /// The endpoint's headers.
    #[error("headers: {0}")]
    Header(HeaderProblem),
    /// The limit of the exchange.
    #[error("timeout: must be between 1 s and 60 s")]
    Timeout,
}

impl TargetProblem {
    /// The field of the endpoint's settings that must be changed.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::UrlTooLong => "url",
            Self::TlsCa(_) => "tlsCa",
            Self::Header(_) => "headers",
            Self::Timeout => "timeout",
        }
    }
}

/// One version of an endpoint's settings, ready to be sent to. Dropping it closes its idle connections.
pub struct Target {
    pub(super) place: Place,
    pub(super) pool: Arc<Pool>,
    pub(super) timeout: Duration,
    pub(super) ack_rule: AckRule,
    /// For the host of a relative redirect.
    pub(super) url: Url,
    uri: Uri,
    headers: HeaderMap,
}

/// Parses the URL of an endpoint and checks its form, not its host.
pub(super) fn parse_url(text: &str) -> Result<Url, TargetProblem> {
    if text.len() > URL_LIMIT {
        return Err(TargetProblem::UrlTooLong);
    }
    let url = Url::parse(text).map_err(|_| TargetProblem::Url(UrlProblem::NotAUrl))?;
    policy::check_form(&url).map_err(TargetProblem::Url)?;
    Ok(url)
}

impl Target {
    pub(super) fn new(
        settings: TargetSettings<'_>,
        trust: &Trust,
        pool: Arc<Pool>,
    ) -> Result<Self, TargetProblem> {
        let url = parse_url(settings.url)?;
        if !TIMEOUT_MS.contains(&settings.timeout_ms) {
            return Err(TargetProblem::Timeout);
        }
        headers::check(&settings.headers).map_err(TargetProblem::Header)?;
        let place = place(&url, settings.tls_ca, trust)?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
        let path = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery]);
        let (Ok(host), Ok(path)) = (host, path) else {
            return Err(TargetProblem::Url(UrlProblem::Host));
        };
        Ok(Self {
            place,
            pool,
            timeout: Duration::from_millis(u64::from(settings.timeout_ms)),
            ack_rule: settings.ack_rule,
            url,
            uri: Uri::from(path),
            headers: headers::base(host, header_value(settings.content_type), settings.headers),
        })
    }

    /// The request of one send.
    pub(super) fn request(&self, message: Message) -> Outgoing {
        let (headers, body) = headers::complete(&self.headers, message);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

fn place(url: &Url, ca: Option<&str>, trust: &Trust) -> Result<Place, TargetProblem> {
    // A PEM text that cannot be used is an error even where the URL makes no use of it: it will when that changes.
    let config = trust.config(ca).map_err(TargetProblem::TlsCa)?;
    let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(TargetProblem::Url(UrlProblem::NoHost));
    };
    let host = policy::literal(url).map_or_else(|| Host::Name(name.to_owned()), Host::Literal);
    let tls = if url.scheme() == "https" {
        let name = match &host {
            Host::Literal(address) => ServerName::from(*address),
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|_| TargetProblem::Url(UrlProblem::Host))?
            }
        };
        Some((config, name))
    } else {
        None
    };
    Ok(Place::new(host, port, tls))
}

impl fmt::Debug for Target {
    /// Shows no headers and no path: either may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.place.host)
            .field("port", &self.place.port)
            .finish_non_exhaustive()
    }
}
