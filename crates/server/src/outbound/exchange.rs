//! What is known after a send: the outcome, and what explains it.

mod stored;

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;
use http::header;
use jiff::fmt::rfc2822::DateTimeParser;

use super::address::AddressClass;
use super::outcome::Outcome;

/// How much of an answer's body an [`Exchange`] keeps, in bytes.
pub const BODY_START_LIMIT: usize = 4 * 1024;

/// One finished send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, where there was one, whatever happened after its head.
    pub status: Option<u16>,
    /// The address that was connected to.
    pub address: Option<SocketAddr>,
    /// The wall clock when the send began, in milliseconds since 1970.
    pub started_wall_ms: i64,
    /// How long it took, in milliseconds of boot time.
    pub duration_ms: u32,
    /// The start of the answer's body, at most [`BODY_START_LIMIT`] bytes of whatever the receiver sent.
    pub body_start: Bytes,
    /// When the receiver wants the next send, if it said so.
    pub retry_after: Option<RetryAfter>,
    /// What explains the outcome, where status and body do not.
    pub detail: Option<Detail>,
}

/// What a receiver asked for in `Retry-After`. Not yet within any bounds: that is the engine's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds after the answer. A number too large for the type is its largest.
    Seconds(u64),
    /// At this second since 1970.
    At(i64),
}

impl RetryAfter {
    /// Reads the header: an integer number of seconds or an HTTP date in the form that RFC 9110 prefers. Anything
    /// else is as if it were not there.
    pub(super) fn parse(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Seconds(text.parse().unwrap_or(u64::MAX)));
        }
        // RFC 2822 dates are a superset of the HTTP form; what matters is that its zone is GMT.
        let date = text.strip_suffix(" GMT")?;
        let date = DateTimeParser::new()
            .parse_timestamp(format!("{date} +0000"))
            .ok()?;
        Some(Self::At(date.as_second()))
    }

    /// How long to wait from `wall_ms` on, in milliseconds; 0 for a date that has passed. Never overflows.
    #[must_use]
    pub fn delay_ms(self, wall_ms: i64) -> u64 {
        match self {
            Self::Seconds(seconds) => seconds.saturating_mul(1_000),
            Self::At(second) => {
                u64::try_from(second.saturating_mul(1_000).saturating_sub(wall_ms)).unwrap_or(0)
            }
        }
    }
}

/// What explains an outcome. One line each, safe to show and to log: it contains nothing that the receiver wrote,
/// except for the host of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The address policy refused every address of the host.
    AddressBlocked(AddressClass),
    /// The name service does not know the host, or did not answer usefully.
    DnsFailed,
    /// The name service did not answer in time.
    DnsTimedOut,
    /// Nothing listens at the address.
    ConnectRefused,
    /// There is no way to the address.
    NoRoute,
    /// A connection could not be made, for another reason.
    ConnectFailed,
    /// No connection was made in time.
    ConnectTimedOut,
    /// The TLS handshake failed.
    Tls(TlsFault),
    /// The TLS handshake did not end in time.
    TlsTimedOut,
    /// The connection broke.
    Reset,
    /// The receiver closed the connection before its answer was complete.
    Closed,
    /// What came was not HTTP/1.
    Protocol,
    /// The head of the answer was too long, or interim answers did not end.
    HeadTooLong,
    /// The answer was not complete in time.
    AnswerTimedOut,
    /// The body was longer than the limit.
    BodyTooLong,
    /// A redirect, which is not followed; to which host, if it can be told.
    Redirect(Option<String>),
    /// No connection can be made from the source address that the installation sets.
    Bind,
    /// The egress proxy made no connection.
    Proxy(ProxyFault),
    /// There is no access token, which the endpoint's credentials need: nothing was sent to the endpoint.
    Token(TokenFault),
}

/// Why the egress proxy made no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// It could not be reached, or did not answer in HTTP.
    Unreachable,
    /// It made no connection in time.
    TimedOut,
    /// It answered with this status instead of making one.
    Refused(u16),
}

/// Why there is no access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// The exchange with the token address failed, as a send to a receiver can.
    Exchange(Box<Detail>),
    /// It was not over in time, or others waited for it in vain.
    TimedOut,
    /// The token address answered with another status than 2xx.
    Refused {
        /// The status.
        status: u16,
        /// The error code of RFC 6749, if it gave one.
        code: Option<&'static str>,
    },
    /// It answered 2xx, but without a bearer token that can be sent.
    Answer,
}

/// Why a TLS handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is for other names.
    NameMismatch,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate was not issued by an authority that is trusted here.
    UnknownIssuer,
    /// The certificate is an authority's, used as a server's: what `openssl req -x509` makes unless told otherwise.
    AuthorityAsServer,
    /// Another fault of the certificate.
    Certificate,
    /// The two sides have no version, cipher or protocol in common, or the receiver refused the handshake.
    Handshake,
    /// What came was not TLS.
    NotTls,
    /// The receiver asks for a client certificate, or does not accept the one that it was shown.
    ClientCertificate,
}

impl Detail {
    /// A stable name, for the API, the log and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddressBlocked(_) => "address-blocked",
            Self::DnsFailed => "dns-failed",
            Self::DnsTimedOut => "dns-timed-out",
            Self::ConnectRefused => "connect-refused",
            Self::NoRoute => "no-route",
            Self::ConnectFailed => "connect-failed",
            Self::ConnectTimedOut => "connect-timed-out",
            Self::Tls(fault) => fault.name(),
            Self::TlsTimedOut => "tls-timed-out",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::HeadTooLong => "head-too-long",
            Self::AnswerTimedOut => "answer-timed-out",
            Self::BodyTooLong => "body-too-long",
            Self::Redirect(_) => "redirect",
            Self::Bind => "bind-failed",
            Self::Proxy(fault) => fault.name(),
            Self::Token(fault) => fault.name(),
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressBlocked(class) => {
                return write!(
                    f,
                    "the host has a {class} address; RINGBACK_OUTBOUND_ALLOW can admit it"
                );
            }
            Self::DnsFailed => "the host name could not be resolved",
            Self::DnsTimedOut => "the host name was not resolved in time",
            Self::ConnectRefused => "nothing listens at the address: connection refused",
            Self::NoRoute => "the address cannot be reached: no route",
            Self::ConnectFailed => "no connection could be made",
            Self::ConnectTimedOut => "no connection was made in time",
            Self::Tls(fault) => return write!(f, "TLS: {}", fault.text()),
            Self::TlsTimedOut => "the TLS handshake did not end in time",
            Self::Reset => "the connection broke",
            Self::Closed => "the receiver closed the connection before its answer was complete",
            Self::Protocol => "the answer was not HTTP/1",
            Self::HeadTooLong => "the head of the answer was too long",
            Self::AnswerTimedOut => "the answer was not complete in time",
            Self::BodyTooLong => "the body of the answer was longer than 64 KiB",
            Self::Redirect(None) => "a redirect; redirects are not followed",
            Self::Redirect(Some(host)) => {
                return write!(f, "a redirect to {host}; redirects are not followed");
            }
            Self::Bind => "no connection can be made from the address of RINGBACK_OUTBOUND_BIND",
            Self::Proxy(ProxyFault::Unreachable) => {
                "the egress proxy of RINGBACK_OUTBOUND_PROXY cannot be reached"
            }
            Self::Proxy(ProxyFault::TimedOut) => {
                "the egress proxy of RINGBACK_OUTBOUND_PROXY made no connection in time"
            }
            Self::Proxy(ProxyFault::Refused(status)) => {
                return write!(
                    f,
                    "the egress proxy of RINGBACK_OUTBOUND_PROXY made no connection: status {status}"
                );
            }
            Self::Token(fault) => return write!(f, "no access token from the token address: {fault}"),
        })
    }
}

impl ProxyFault {
    const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "proxy-unreachable",
            Self::TimedOut => "proxy-timed-out",
            Self::Refused(_) => "proxy-refused",
        }
    }
}

impl TokenFault {
    const fn name(&self) -> &'static str {
        match self {
            Self::Exchange(_) => "token-exchange-failed",
            Self::TimedOut => "token-timed-out",
            Self::Refused { .. } => "token-refused",
            Self::Answer => "token-answer",
        }
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(detail) => detail.fmt(f),
            Self::TimedOut => f.write_str("it did not answer in time"),
            Self::Refused { status, code: None } => write!(f, "it answered with status {status}"),
            Self::Refused {
                status,
                code: Some(code),
            } => write!(f, "it answered with status {status}, {code}"),
            Self::Answer => f.write_str("its answer holds no bearer token"),
        }
    }
}

impl TlsFault {
    const fn name(self) -> &'static str {
        match self {
            Self::NameMismatch => "tls-name-mismatch",
            Self::Expired => "tls-expired",
            Self::NotYetValid => "tls-not-yet-valid",
            Self::UnknownIssuer => "tls-unknown-issuer",
            Self::AuthorityAsServer => "tls-authority-as-server",
            Self::Certificate => "tls-certificate",
            Self::Handshake => "tls-handshake",
            Self::NotTls => "not-tls",
            Self::ClientCertificate => "tls-client-certificate",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::NameMismatch => "the certificate is for other names",
            Self::Expired => "the certificate has expired",
            Self::NotYetValid => "the certificate is not valid yet",
            Self::UnknownIssuer => "the certificate's issuer is not trusted; tlsCa can add it",
            Self::AuthorityAsServer => "the certificate is an authority's, used as a server's",
            Self::Certificate => "the certificate is faulty",
            Self::Handshake => "the two sides could not agree",
            Self::NotTls => "the receiver does not speak TLS",
            Self::ClientCertificate => "the receiver asks for a client certificate that it accepts",
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<RetryAfter>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        assert_eq!(RetryAfter::parse(&headers), expected, "{value:?}");
    }

    #[test]
    fn retry_after_is_read_as_integers_and_http_dates_only() {
        use RetryAfter::{At, Seconds};
        check("0", Some(Seconds(0)));
        check("120", Some(Seconds(120)));
        check(" 120 ", Some(Seconds(120)));
        check("18446744073709551615", Some(Seconds(u64::MAX)));
        check("18446744073709551616", Some(Seconds(u64::MAX)));
        check(&"9".repeat(64), Some(Seconds(u64::MAX)));
        check(&"9".repeat(65), None);
        for hostile in [
            "", "-1", "+5", "1.5", "1e9", "inf", "NaN", "0x10", "5 s", "1,2", "٣", "soon",
        ] {
            check(hostile, None);
        }
        check("Thu, 24 Jan 2019 07:28:09 GMT", Some(At(1_548_314_889)));
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(At(0)));
        check("Fri, 31 Dec 9999 23:59:59 GMT", None);
        for hostile in [
            "Thu, 24 Jan 2019 07:28:09",
            "Thu, 24 Jan 2019 07:28:09 +0800",
            "Thu, 24 Jan 2019 07:28:09 PST",
            "Thu, 32 Jan 2019 07:28:09 GMT",
            "Thu, 24 Jan 99999 07:28:09 GMT",
            "Thu, 24 Jan 2019 07:28:99 GMT",
            " GMT",
            "GMT",
        ] {
            check(hostile, None);
        }
    }

    #[test]
    fn delays_never_overflow() {
        assert_eq!(RetryAfter::Seconds(u64::MAX).delay_ms(0), u64::MAX);
        assert_eq!(RetryAfter::Seconds(2).delay_ms(i64::MIN), 2_000);
        assert_eq!(RetryAfter::At(10).delay_ms(4_000), 6_000);
        assert_eq!(RetryAfter::At(10).delay_ms(11_000), 0);
        assert_eq!(RetryAfter::At(i64::MIN).delay_ms(i64::MAX), 0);
        assert_eq!(
            RetryAfter::At(i64::MAX).delay_ms(i64::MIN),
            u64::try_from(i64::MAX).unwrap()
        );
    }
}
