//! The egress proxy of the installation: every connection, for http and https targets alike, is asked of it with CONNECT
//! (RFC 9110, section 9.3.6). It is asked for the very address that was judged, never for a name, so that the address
//! policy holds behind it as well.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use url::{Host, Url};

use super::exchange::ProxyFault;
use super::headers::USER_AGENT;
use super::lookup::{Lookups, Remembered};
use super::token::basic;
use crate::clock::Clock;

/// How long the head of the proxy's answer may be, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// An egress proxy. What it prints as holds no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: Host,
    port: u16,
    /// The value of `Proxy-Authorization`.
    credentials: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy of this URL: `http://`, perhaps a user name and a password, a host, perhaps a port (80), and nothing more.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "http")?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let host = url.host().filter(|_| is_bare)?.to_owned();
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (username, password) => {
                let (username, password) = (decoded(username)?, decoded(password.unwrap_or_default())?);
                if username.contains(':')
                    || [&username, &password]
                        .iter()
                        .any(|it| it.contains(char::is_control))
                {
                    return None;
                }
                Some(basic(&username, &password))
            }
        };
        Some(Self {
            host,
            port: url.port_or_known_default()?,
            credentials,
        })
    }

    /// Where it is.
    pub(super) fn place(&self) -> ProxyPlace {
        let literal = |address| ProxyPlace::Literal(SocketAddr::new(address, self.port));
        match &self.host {
            Host::Domain(name) => ProxyPlace::Name(Remembered::new(name.clone(), self.port)),
            Host::Ipv4(address) => literal(IpAddr::V4(*address)),
            Host::Ipv6(address) => literal(IpAddr::V6(*address)),
        }
    }

    fn request(&self, address: SocketAddr) -> Option<Request<Empty<Bytes>>> {
        // An IPv6 address is printed in brackets, which is the form of an authority.
        let authority = address.to_string();
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = authority.parse::<Uri>().ok()?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::try_from(authority).ok()?);
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.extend(
            self.credentials
                .clone()
                .map(|value| (header::PROXY_AUTHORIZATION, value)),
        );
        Some(request)
    }
}

/// Where a proxy is.
#[derive(Debug)]
pub(super) enum ProxyPlace {
    Literal(SocketAddr),
    Name(Remembered),
}

impl ProxyPlace {
    /// Its addresses, in the order in which they are to be tried; `None` where there are none.
    pub(super) async fn addresses(&self, lookups: &Lookups, clock: &dyn Clock) -> Option<Vec<SocketAddr>> {
        match self {
            Self::Literal(address) => Some(vec![*address]),
            Self::Name(name) => name.get(lookups, clock).await,
        }
    }
}

/// Asks the proxy at the other end of `stream` for a connection to `address`, which is then what the stream is.
pub(super) async fn tunnel(
    proxy: &Proxy,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<TcpStream, ProxyFault> {
    let request = proxy.request(address).ok_or(ProxyFault::Unreachable)?;
    let (mut requests, mut connection) = http1::Builder::new()
        .max_buf_size(HEAD_LIMIT)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| ProxyFault::Unreachable)?;
    let mut answer = pin!(requests.send_request(request));
    let mut has_ended = false;
    let response = poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        if !has_ended && connection.poll_without_shutdown(cx).is_ready() {
            has_ended = true;
        }
        answer.as_mut().poll(cx)
    })
    .await
    .map_err(|_| ProxyFault::Unreachable)?;
    if !response.status().is_success() {
        return Err(ProxyFault::Refused(response.status().as_u16()));
    }
    if !has_ended {
        // After a 2xx to CONNECT nothing more is read as HTTP, so this is over at once.
        poll_fn(|cx| connection.poll_without_shutdown(cx))
            .await
            .map_err(|_| ProxyFault::Unreachable)?;
    }
    let parts = connection.into_parts();
    // The side that was called never speaks first, in TLS as in HTTP.
    if !parts.read_buf.is_empty() {
        return Err(ProxyFault::Unreachable);
    }
    Ok(parts.io.into_inner())
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The URL, what the proxy prints as, and the user name and password in Base64.
    #[track_caller]
    fn check(text: &str, expected: Option<(&str, Option<&str>)>) {
        let proxy = Proxy::parse(text);
        let found = proxy.as_ref().map(|proxy| {
            let credentials = proxy.credentials.as_ref();
            let credentials =
                credentials.map(|value| value.to_str().unwrap().strip_prefix("Basic ").unwrap());
            (proxy.to_string(), credentials.map(str::to_owned))
        });
        let expected = expected.map(|(text, credentials)| (text.to_owned(), credentials.map(str::to_owned)));
        assert_eq!(found, expected, "{text}");
        assert!(!format!("{proxy:?}").contains("hidden"));
    }

    #[test]
    fn urls_of_proxies() {
        check(
            "http://proxy.example:3128",
            Some(("http://proxy.example:3128", None)),
        );
        check("http://proxy.example", Some(("http://proxy.example:80", None)));
        check("http://[::1]:3128/", Some(("http://[::1]:3128", None)));
        check(
            "http://u:p%40ss%2B@127.0.0.1:8080",
            Some(("http://127.0.0.1:8080", Some("dTpwQHNzKw=="))),
        );
        check(
            "http://u:hidden@127.0.0.1",
            Some(("http://127.0.0.1:80", Some("dTpoaWRkZW4="))),
        );
        for wrong in [
            "",
            "proxy.example:3128",
            "https://proxy.example:3128",
            "socks5://proxy.example",
            "http://proxy.example/path",
            "http://proxy.example/?q",
            "http://u%3Av:p@proxy.example",
            "http://u:%0a@proxy.example",
        ] {
            check(wrong, None);
        }
    }
}
