//! A target: one version of an endpoint's settings, parsed once, with the idle connections to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body_util::Full;
use ringback_contract::ack::AckRule;
use ringback_core::credentials::{ClientCertificate, Credentials};
use rustls::pki_types::ServerName;
use url::{Position, Url};

use super::connect::{Host, Place};
use super::connection::Outgoing;
use super::credentials::{self, CredentialsProblem};
use super::headers::{self, HeaderProblem};
use super::identity::{IdentityProblem, Part};
use super::lookup::Lookups;
use super::options::Message;
use super::policy::{self, UrlProblem};
use super::pool::Pool;
use super::tls::{CaProblem, Trust};
use super::token::Tokens;

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
    /// What goes into `Authorization`, which `headers` then cannot have.
    pub credentials: Option<&'a Credentials>,
    /// The certificate that is shown where the receiver asks for one, and the token address.
    pub client_certificate: Option<&'a ClientCertificate>,
    /// The company whose endpoint it is: lookups of names are bounded for each.
    pub company_id: Option<i64>,
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
            credentials: None,
            client_certificate: None,
            company_id: None,
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
    /// The endpoint's credentials.
    #[error("{}: {_0}", _0.field())]
    Credentials(CredentialsProblem),
    /// Both headers and credentials have an `Authorization`.
    #[error("headers: header authorization is set by the credentials")]
    Authorization,
    /// The endpoint's client certificate.
    #[error("{}: {_0}", part_field(_0.part()))]
    ClientCertificate(IdentityProblem),
}

const fn part_field(part: Part) -> &'static str {
    match part {
        Part::Certificate => "clientCertificate.certificate",
        Part::Key => "clientCertificate.key",
    }
}

impl TargetProblem {
    /// The field of the endpoint's settings that must be changed.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::UrlTooLong => "url",
            Self::TlsCa(_) => "tlsCa",
            Self::Header(_) | Self::Authorization => "headers",
            Self::Timeout => "timeout",
            Self::Credentials(problem) => problem.field(),
            Self::ClientCertificate(problem) => part_field(problem.part()),
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
    /// Where each send needs a token that is fetched.
    pub(super) tokens: Option<Box<Tokens>>,
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
        lookups: &Lookups,
        new_pool: &dyn Fn() -> Arc<Pool>,
    ) -> Result<Self, TargetProblem> {
        let url = parse_url(settings.url)?;
        if !TIMEOUT_MS.contains(&settings.timeout_ms) {
            return Err(TargetProblem::Timeout);
        }
        headers::check(&settings.headers).map_err(TargetProblem::Header)?;
        let authorization = authorization(&settings)?;
        let tokens = tokens(&settings, trust, lookups, new_pool)?;
        let place = place(&url, &settings, trust, lookups)?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
        let path = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery]);
        let (Ok(host), Ok(path)) = (host, path) else {
            return Err(TargetProblem::Url(UrlProblem::Host));
        };
        let mut headers = headers::base(host, header_value(settings.content_type), settings.headers);
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        Ok(Self {
            place,
            pool: new_pool(),
            timeout: Duration::from_millis(u64::from(settings.timeout_ms)),
            ack_rule: settings.ack_rule,
            url,
            tokens,
            uri: Uri::from(path),
            headers,
        })
    }

    /// Puts other headers in the place of all but `Host`: the target is then sent to by [`Target::request_with`].
    pub(super) fn replace_headers(&mut self, headers: HeaderMap) {
        let host = self.headers.remove(header::HOST);
        self.headers = headers;
        self.headers.extend(host.map(|host| (header::HOST, host)));
    }

    /// A request with the headers that there are.
    pub(super) fn request_with(&self, body: Bytes) -> Outgoing {
        self.complete(self.headers.clone(), body)
    }

    /// The request of one send.
    pub(super) fn request(&self, message: Message) -> Outgoing {
        let (headers, body) = headers::complete(&self.headers, message);
        self.complete(headers, body)
    }

    fn complete(&self, headers: HeaderMap, body: Bytes) -> Outgoing {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// The `Authorization` of every send, where it does not have to be fetched.
fn authorization(settings: &TargetSettings<'_>) -> Result<Option<HeaderValue>, TargetProblem> {
    let Some(given) = settings.credentials else {
        return Ok(None);
    };
    if settings
        .headers
        .iter()
        .any(|(name, _)| name == header::AUTHORIZATION)
    {
        return Err(TargetProblem::Authorization);
    }
    credentials::authorization(given).map_err(TargetProblem::Credentials)
}

/// Where the tokens come from, if the credentials are of that kind. The token address has the endpoint's authorities,
/// client certificate and limit.
fn tokens(
    settings: &TargetSettings<'_>,
    trust: &Trust,
    lookups: &Lookups,
    new_pool: &dyn Fn() -> Arc<Pool>,
) -> Result<Option<Box<Tokens>>, TargetProblem> {
    let Some(Credentials::OAuth2(oauth2)) = settings.credentials else {
        return Ok(None);
    };
    let address = TargetSettings {
        tls_ca: settings.tls_ca,
        client_certificate: settings.client_certificate,
        timeout_ms: settings.timeout_ms,
        company_id: settings.company_id,
        ..TargetSettings::new(&oauth2.token_url)
    };
    let target = Target::new(address, trust, lookups, new_pool).map_err(of_token_url)?;
    Ok(Some(Box::new(Tokens::new(target, oauth2))))
}

/// What is wrong with the URL of a token address, said of its own field.
pub(super) fn of_token_url(problem: TargetProblem) -> TargetProblem {
    match problem {
        TargetProblem::Url(problem) => TargetProblem::Credentials(CredentialsProblem::TokenUrl(problem)),
        TargetProblem::UrlTooLong => TargetProblem::Credentials(CredentialsProblem::TokenUrlTooLong),
        other => other,
    }
}

fn place(
    url: &Url,
    settings: &TargetSettings<'_>,
    trust: &Trust,
    lookups: &Lookups,
) -> Result<Place, TargetProblem> {
    // A PEM text that cannot be used is an error even where the URL makes no use of it: it will when that changes.
    let config = trust.config(settings.tls_ca, settings.client_certificate)?;
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
    Ok(Place::new(host, port, tls, lookups.target(settings.company_id)))
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
