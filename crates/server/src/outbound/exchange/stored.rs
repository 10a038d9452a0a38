//! A detail read back from its text: the store keeps of a send the sentence alone. A text that an earlier version wrote in
//! other words is none; whoever asks does without.

use super::{Detail, ProxyFault, TlsFault, TokenFault};
use crate::outbound::address::AddressClass;

/// Those without anything in them.
const PLAIN: [Detail; 18] = [
    Detail::DnsFailed,
    Detail::DnsTimedOut,
    Detail::ConnectRefused,
    Detail::NoRoute,
    Detail::ConnectFailed,
    Detail::ConnectTimedOut,
    Detail::TlsTimedOut,
    Detail::Reset,
    Detail::Closed,
    Detail::Protocol,
    Detail::HeadTooLong,
    Detail::AnswerTimedOut,
    Detail::BodyTooLong,
    Detail::Bind,
    Detail::Proxy(ProxyFault::Unreachable),
    Detail::Proxy(ProxyFault::TimedOut),
    Detail::Token(TokenFault::TimedOut),
    Detail::Token(TokenFault::Answer),
];

const TLS: [TlsFault; 9] = [
    TlsFault::NameMismatch,
    TlsFault::Expired,
    TlsFault::NotYetValid,
    TlsFault::UnknownIssuer,
    TlsFault::AuthorityAsServer,
    TlsFault::Certificate,
    TlsFault::Handshake,
    TlsFault::NotTls,
    TlsFault::ClientCertificate,
];

impl Detail {
    /// The detail of this text. Of what stands in a gap, statuses are read, and error codes and hosts are left out.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let number = |before: &str| -> Option<u16> {
            let rest = text.strip_prefix(before)?;
            rest.split(',').next()?.parse().ok()
        };
        let classes = AddressClass::ALL.into_iter().map(Self::AddressBlocked);
        let exact = PLAIN
            .into_iter()
            .chain(TLS.map(Self::Tls))
            .chain(classes)
            .find(|detail| detail.to_string() == text);
        if exact.is_some() {
            return exact;
        }
        if let Some(status) =
            number("the egress proxy of RINGBACK_OUTBOUND_PROXY made no connection: status ")
        {
            return Some(Self::Proxy(ProxyFault::Refused(status)));
        }
        if let Some(status) = number("no access token from the token address: it answered with status ") {
            return Some(Self::Token(TokenFault::Refused { status, code: None }));
        }
        if let Some(inner) = text.strip_prefix("no access token from the token address: ") {
            let inner = Box::new(Self::of_text(inner)?);
            return Some(Self::Token(TokenFault::Exchange(inner)));
        }
        text.starts_with("a redirect").then_some(Self::Redirect(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read back from the text of a detail.
    #[track_caller]
    fn check(detail: &Detail, expected: &Detail) {
        assert_eq!(Detail::of_text(&detail.to_string()).as_ref(), Some(expected));
    }

    #[test]
    fn a_detail_is_read_back_from_its_text() {
        for detail in PLAIN
            .into_iter()
            .chain(TLS.map(Detail::Tls))
            .chain(AddressClass::ALL.map(Detail::AddressBlocked))
        {
            check(&detail, &detail);
        }
        let refused = Detail::Proxy(ProxyFault::Refused(407));
        check(&refused, &refused);
        let token = |code| Detail::Token(TokenFault::Refused { status: 401, code });
        check(&token(None), &token(None));
        check(&token(Some("invalid_client")), &token(None));
        let unreachable = Detail::Token(TokenFault::Exchange(Box::new(Detail::ConnectRefused)));
        check(&unreachable, &unreachable);
        check(&Detail::Redirect(None), &Detail::Redirect(None));
        let to_host = Detail::Redirect(Some("sso.example".to_owned()));
        check(&to_host, &Detail::Redirect(None));
    }

    #[test]
    fn another_text_is_none() {
        for text in [
            "",
            "headers: at most 32 headers are allowed",
            "no access token from the token address: x",
        ] {
            assert_eq!(Detail::of_text(text), None, "{text}");
        }
    }
}
