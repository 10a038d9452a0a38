//! Every case of a hint, as data.

use std::collections::BTreeSet;

use Outcome::{Blocked, NotAcknowledged, Refused, TimedOut, Unreachable};

use super::*;
use crate::outbound::AddressClass;

const FACTS: Facts<'static> = Facts {
    outcome: NotAcknowledged,
    status: Some(200),
    detail: None,
    body: b"",
    encoding: None,
    location: None,
    is_https: false,
    ack_rule: AckRule::Success,
    content_type: ContentType::Json,
};

/// Collects the codes that cases lead to, so that none is left out.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// The hint of these facts has this code, and its English sentence holds this text.
    #[track_caller]
    fn check(&mut self, facts: Facts<'_>, code: &str, part: &str) {
        let hint = hint(&facts).unwrap();
        assert_eq!(hint.code, code, "{facts:?}");
        let (english, chinese) = (hint.text(Language::English), hint.text(Language::Chinese));
        assert!(english.contains(part), "{facts:?}: {english}");
        assert!(english.ends_with('.') && chinese.ends_with('。'), "{hint:?}");
        assert!(!english.contains("{}") && !chinese.contains("{}"), "{hint:?}");
        self.0.insert(hint.code);
    }

    #[track_caller]
    fn answer(&mut self, body: &[u8], code: &str, part: &str) {
        self.check(Facts { body, ..FACTS }, code, part);
    }

    #[track_caller]
    fn status(&mut self, status: u16, code: &str, part: &str) {
        let facts = Facts {
            outcome: Refused,
            status: Some(status),
            ..FACTS
        };
        self.check(facts, code, part);
    }

    #[track_caller]
    fn detail(&mut self, outcome: Outcome, detail: &Detail, code: &str, part: &str) {
        let facts = Facts {
            outcome,
            status: None,
            detail: Some(detail),
            ..FACTS
        };
        self.check(facts, code, part);
    }
}

fn answers(seen: &mut Seen) {
    seen.answer(
        b"<html><body>SUCCESS</body></html>",
        "success-in-html",
        "HTML page",
    );
    seen.answer(b"<!DOCTYPE html><title>Login</title>", "html", "login");
    seen.answer(br#"{"success":true}"#, "json-success-member", "resultMsg");
    seen.answer(br#"{"code":200}"#, "code-without-success", "success-or-code");
    seen.answer(
        br#"{"code":"200","resultMsg":"ok"}"#,
        "code-without-success",
        "success-or-code",
    );
    seen.answer(
        br#"{"code":500,"resultMsg":"success"}"#,
        "json-other-code",
        "not 200",
    );
    seen.answer(
        br#"{"code":1,"resultMsg":"no"}"#,
        "json-other-result-msg",
        "not success",
    );
    seen.answer(br#"{"msg":"ok"}"#, "json-without-result-msg", "resultMsg");
    seen.answer(br#"{"code":200"#, "odd-json", "JSON");
    seen.answer(b"", "empty-body", "empty");
    seen.answer(b" \r\n", "empty-body", "empty");
    seen.answer(b"fail", "fail", "again");
    seen.answer(b"ok", "other-text", "exactly success");
    seen.answer(b"unsuccessful", "other-text", "exactly success");
    seen.answer(b"\xff\xfes\0u\0c\0c\0e\0s\0s\0", "utf-16", "UTF-8");
    seen.answer(b"\xfe\xff\0s\0u\0c\0c\0e\0s\0s", "utf-16", "UTF-8");
    seen.answer(b"s\0u\0c\0c\0e\0s\0s\0", "utf-16", "UTF-8");
    seen.answer(b"\0s\0u\0c\0c\0e\0s\0s", "utf-16", "UTF-8");
    seen.answer(b"\x1f\x8b\x08\0\0", "compressed", "Accept-Encoding");
    let long = format!("{{\"data\":\"{}", "x".repeat(BODY_START_LIMIT));
    seen.answer(&long.as_bytes()[..BODY_START_LIMIT], "long-answer", "4 KiB");
    for (encoding, code) in [("gzip", "compressed"), ("br", "compressed"), ("Identity", "fail")] {
        let facts = Facts {
            encoding: Some(encoding),
            body: b"fail",
            ..FACTS
        };
        seen.check(facts, code, "");
    }
    let too_long = Facts {
        detail: Some(&Detail::BodyTooLong),
        ..FACTS
    };
    seen.check(too_long, "body-too-long", "64 KiB");
    // Under the other rule the code is not what is missing.
    let with_code = Facts {
        ack_rule: AckRule::SuccessOrCode,
        body: br#"{"code":1}"#,
        ..FACTS
    };
    seen.check(with_code, "json-without-result-msg", "resultMsg");
}

fn statuses(seen: &mut Seen) {
    for (status, code, part) in [
        (300, "redirect", "not followed"),
        (400, "bad-request", "status 400"),
        (422, "bad-request", "status 422"),
        (401, "unauthorized", "signing secret"),
        (403, "unauthorized", "credentials"),
        (404, "not-found", "path"),
        (405, "method-not-allowed", "POST"),
        (413, "too-large", "1 MiB"),
        (415, "unsupported-media-type", "contentType to text"),
        (418, "refused", "418"),
        (429, "too-many-requests", "rateLimit"),
        (500, "server-error", "status 500"),
        (502, "server-error", "status 502"),
    ] {
        seen.status(status, code, part);
    }
    let refused = Facts {
        outcome: Refused,
        ..FACTS
    };
    let redirect = Detail::Redirect(Some("sso.example".to_owned()));
    let to_login = Facts {
        status: Some(302),
        detail: Some(&redirect),
        location: Some("https://sso.example/login"),
        ..refused
    };
    seen.check(
        to_login,
        "redirect",
        "to https://sso.example/login, perhaps a login",
    );
    let text = Facts {
        status: Some(415),
        content_type: ContentType::Text,
        ..refused
    };
    seen.check(text, "unsupported-media-type", "contentType to json");
    let nginx = Facts {
        status: Some(400),
        body: b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
        ..refused
    };
    seen.check(nginx, "http-on-tls-port", "https://");
}

fn connections(seen: &mut Seen) {
    let private = Detail::AddressBlocked(AddressClass::Private);
    seen.detail(Blocked, &private, "address-blocked", "RINGBACK_OUTBOUND_ALLOW");
    for (detail, code, part) in [
        (Detail::DnsFailed, "dns-failed", "slip"),
        (Detail::ConnectRefused, "connect-refused", "port"),
        (Detail::NoRoute, "unreachable", "firewalls"),
        (Detail::ConnectFailed, "unreachable", "firewalls"),
        (Detail::Reset, "closed", "https://"),
        (Detail::Closed, "closed", "https://"),
        (Detail::Protocol, "http-on-tls-port", "https://"),
        (Detail::HeadTooLong, "head-too-long", "64 KiB"),
        (Detail::Bind, "bind-failed", "RINGBACK_OUTBOUND_BIND"),
        (
            Detail::Proxy(ProxyFault::Unreachable),
            "proxy-unreachable",
            "RINGBACK_OUTBOUND_PROXY",
        ),
        (
            Detail::Proxy(ProxyFault::Refused(407)),
            "proxy-refused",
            "status 407",
        ),
        (
            Detail::Token(TokenFault::Exchange(Box::new(Detail::DnsFailed))),
            "token-unreachable",
            "tokenUrl",
        ),
    ] {
        seen.detail(Unreachable, &detail, code, part);
    }
    for (detail, code, part) in [
        (Detail::DnsTimedOut, "dns-timed-out", "name servers"),
        (Detail::ConnectTimedOut, "connect-timed-out", "check-config"),
        (Detail::TlsTimedOut, "tls-timed-out", "speaks TLS"),
        (Detail::AnswerTimedOut, "answer-timed-out", "timeout"),
        (
            Detail::Proxy(ProxyFault::TimedOut),
            "proxy-unreachable",
            "RINGBACK_OUTBOUND_PROXY",
        ),
        (
            Detail::Token(TokenFault::TimedOut),
            "token-unreachable",
            "tokenUrl",
        ),
    ] {
        seen.detail(TimedOut, &detail, code, part);
    }
    for (fault, code, part) in [
        (
            TokenFault::Refused {
                status: 401,
                code: Some("invalid_client"),
            },
            "token-refused",
            "clientSecret",
        ),
        (TokenFault::Answer, "token-answer", "bearer"),
    ] {
        seen.detail(Refused, &Detail::Token(fault), code, part);
    }
}

fn handshakes(seen: &mut Seen) {
    for (detail, code, part) in [
        (Detail::Tls(TlsFault::NameMismatch), "tls-name-mismatch", "names"),
        (Detail::Tls(TlsFault::Expired), "tls-expired", "renewed"),
        (Detail::Tls(TlsFault::NotYetValid), "tls-not-yet-valid", "clock"),
        (
            Detail::Tls(TlsFault::UnknownIssuer),
            "tls-unknown-issuer",
            "tlsCa",
        ),
        (
            Detail::Tls(TlsFault::AuthorityAsServer),
            "tls-authority-as-server",
            "CA:FALSE",
        ),
        (Detail::Tls(TlsFault::Certificate), "tls-certificate", "faulty"),
        (Detail::Tls(TlsFault::Handshake), "tls-handshake", "TLS 1.2"),
        (Detail::Tls(TlsFault::NotTls), "tls-on-http-port", "http://"),
        (
            Detail::Tls(TlsFault::ClientCertificate),
            "tls-client-certificate",
            "clientCertificate",
        ),
    ] {
        seen.detail(Unreachable, &detail, code, part);
    }
}

fn the_rest(seen: &mut Seen) {
    let unreachable = Facts {
        outcome: Unreachable,
        ..FACTS
    };
    // A head has come, and then no more: a chunk that broke off.
    for detail in [Detail::Closed, Detail::Reset, Detail::Protocol] {
        let broken = Facts {
            detail: Some(&detail),
            ..unreachable
        };
        seen.check(broken, "broken-off", "chunks");
    }
    let odd = Facts {
        status: None,
        detail: Some(&Detail::Protocol),
        is_https: true,
        ..unreachable
    };
    seen.check(odd, "not-http", "web server");
    // Where nothing is known but the outcome.
    for (outcome, code) in [
        (Unreachable, "unreachable"),
        (TimedOut, "answer-timed-out"),
        (Blocked, "blocked"),
        (Refused, "unreachable"),
    ] {
        let bare = Facts {
            outcome,
            status: None,
            ..FACTS
        };
        seen.check(bare, code, "");
    }
}

#[test]
fn every_case_has_its_hint() {
    let mut seen = Seen::default();
    answers(&mut seen);
    statuses(&mut seen);
    connections(&mut seen);
    handshakes(&mut seen);
    the_rest(&mut seen);
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(all.difference(&seen.0).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn an_acknowledgement_needs_no_hint() {
    let facts = Facts {
        outcome: Outcome::Acknowledged,
        body: b"success",
        ..FACTS
    };
    assert_eq!(hint(&facts), None);
}
