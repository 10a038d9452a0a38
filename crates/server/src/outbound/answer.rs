//! What has come back so far, and the verdict on it.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http::header;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use ringback_contract::ack::{AckRule, BODY_LIMIT};
use url::Url;

use super::classify;
use super::connect::Phase;
use super::connection::Connection;
use super::exchange::{BODY_START_LIMIT, Detail, ProxyFault, RetryAfter, TokenFault};
use super::outcome::Outcome;

/// An outcome and what explains it.
pub(super) type Verdict = (Outcome, Option<Detail>);

/// What is known of an exchange while it goes on. It outlives the exchange when a time-out cuts that short.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) phase: Phase,
    pub(super) address: Option<SocketAddr>,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<RetryAfter>,
    /// The headers of the answer, where somebody asks for them.
    pub(super) headers: Option<Box<HeaderMap>>,
    /// The verdict, where the head has settled it.
    by_head: Option<Verdict>,
    body: Body,
}

impl Seen {
    /// Nothing yet, and the headers of the answer are asked for.
    pub(super) fn with_headers() -> Self {
        Self {
            headers: Some(Box::default()),
            ..Self::default()
        }
    }

    /// The exchange begins anew: what has come back is forgotten.
    pub(super) fn reset(&mut self) {
        *self = Self {
            headers: self.headers.take(),
            ..Self::default()
        };
    }

    /// The head of the answer has come.
    pub(super) fn head(&mut self, response: &Response<Incoming>, rule: AckRule, url: &Url) {
        let status = response.status();
        self.status = Some(status.as_u16());
        self.retry_after = RetryAfter::parse(response.headers());
        if let Some(headers) = &mut self.headers {
            **headers = response.headers().clone();
        }
        self.by_head = if status.is_redirection() {
            Some((
                Outcome::Refused,
                Some(Detail::Redirect(redirect_host(response.headers(), url))),
            ))
        } else if !status.is_success() {
            Some((Outcome::Refused, None))
        } else {
            match rule {
                AckRule::Status => Some((Outcome::Acknowledged, None)),
                AckRule::Success | AckRule::SuccessOrCode => None,
            }
        };
    }

    /// Reads the body up to its limit. Whether it was read to its end, without which the connection cannot be
    /// used again; and the verdict.
    pub(super) async fn body(
        &mut self,
        connection: &mut Connection,
        mut body: Incoming,
        rule: AckRule,
    ) -> (bool, Verdict) {
        while let Some(frame) = connection.frame(&mut body).await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return (false, self.verdict(Some(classify::http_error(&error)), rule)),
            };
            // Trailers are of no interest.
            let Ok(data) = frame.into_data() else { continue };
            if !self.body.push(data) {
                return (false, self.verdict(Some(Detail::BodyTooLong), rule));
            }
        }
        (true, self.verdict(None, rule))
    }

    /// The verdict after the body, or after the failure that ended it.
    fn verdict(&mut self, failure: Option<Detail>, rule: AckRule) -> Verdict {
        if let Some(verdict) = self.by_head.take() {
            return verdict;
        }
        match failure {
            Some(Detail::BodyTooLong) => (Outcome::NotAcknowledged, Some(Detail::BodyTooLong)),
            Some(failure) => (Outcome::Unreachable, Some(failure)),
            None if rule.acknowledges(self.status.unwrap_or(0), Some(self.body.bytes())) => {
                (Outcome::Acknowledged, None)
            }
            None => (Outcome::NotAcknowledged, None),
        }
    }

    /// The verdict when the time is up.
    pub(super) fn timed_out(&mut self) -> Verdict {
        if let Some(verdict) = self.by_head.take() {
            return verdict;
        }
        let detail = match self.phase {
            Phase::Token => Detail::Token(TokenFault::TimedOut),
            Phase::Lookup => Detail::DnsTimedOut,
            Phase::Proxy => Detail::Proxy(ProxyFault::TimedOut),
            Phase::Connect => Detail::ConnectTimedOut,
            Phase::Tls => Detail::TlsTimedOut,
            Phase::Answer => Detail::AnswerTimedOut,
        };
        (Outcome::TimedOut, Some(detail))
    }

    /// What has come of the body.
    pub(super) fn body_bytes(&self) -> &[u8] {
        self.body.bytes()
    }

    /// The start of what has come of the body, copied, so that no read buffer is kept for its sake.
    pub(super) fn body_start(&self) -> Bytes {
        let bytes = self.body.bytes();
        Bytes::copy_from_slice(&bytes[..bytes.len().min(BODY_START_LIMIT)])
    }
}

/// The body of an answer, at most [`BODY_LIMIT`] bytes of it. Nearly all come in one piece, which is not copied.
#[derive(Debug, Default)]
enum Body {
    #[default]
    Empty,
    One(Bytes),
    Many(BytesMut),
}

impl Body {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes,
        }
    }

    /// Adds a piece. False if it goes beyond the limit; what fits is kept.
    fn push(&mut self, mut data: Bytes) -> bool {
        let room = BODY_LIMIT - self.bytes().len();
        let fits = data.len() <= room;
        data.truncate(room);
        *self = match std::mem::take(self) {
            Self::Empty => Self::One(data),
            Self::One(first) => {
                let mut all = BytesMut::from(&first[..]);
                all.extend_from_slice(&data);
                Self::Many(all)
            }
            Self::Many(mut all) => {
                all.extend_from_slice(&data);
                Self::Many(all)
            }
        };
        fits
    }
}

/// The host that a redirect leads to.
fn redirect_host(headers: &HeaderMap, url: &Url) -> Option<String> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let host = url.join(location).ok()?.host_str()?.to_owned();
    // No longer than a name can be.
    (host.len() <= 255).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_up_to_the_limit() {
        let mut body = Body::default();
        assert!(body.push(Bytes::from(vec![1; BODY_LIMIT - 1])));
        assert!(body.push(Bytes::from(vec![2; 1])));
        assert_eq!(body.bytes().len(), BODY_LIMIT);
        assert!(!body.push(Bytes::from(vec![3; 1])));
        assert_eq!(
            (body.bytes().len(), body.bytes()[BODY_LIMIT - 1]),
            (BODY_LIMIT, 2)
        );
    }
}
