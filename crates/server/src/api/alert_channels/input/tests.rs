//! Reading a channel's settings, case by case.

use std::sync::Arc;

use super::*;
use crate::clock::test::TestClock;
use crate::outbound::{AddressPolicy, Options};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn read(body: &str, present: Option<&Channel>, can_mail: bool) -> Result<Channel, Vec<String>> {
    let outbound = Outbound::new(Options {
        policy: AddressPolicy::new(Vec::new()),
        ..Options::new(Arc::new(TestClock::new()) as _)
    })
    .unwrap();
    apply(body.as_bytes(), "oncall", present, can_mail, &outbound).map_err(|problem| {
        let errors = problem.errors.iter();
        errors.map(|e| format!("{}: {}", e.field, e.detail)).collect()
    })
}

#[track_caller]
fn check_mistakes(body: &str, expected: &[&str]) {
    assert_eq!(read(body, None, false).unwrap_err(), expected, "{body}");
}

fn dingtalk(url: &str, secret: Option<&str>) -> Channel {
    Channel {
        name: "oncall".to_owned(),
        language: Language::English,
        severity: Severity::Warning,
        destination: Destination::DingTalk {
            url: url.to_owned(),
            secret: secret.map(str::to_owned),
        },
    }
}

#[test]
fn what_is_absent_is_the_default() {
    let slack = read(
        r#"{"kind": "slack", "url": "https://hooks.slack.com/x"}"#,
        None,
        false,
    )
    .unwrap();
    let expected = Channel {
        destination: Destination::Slack {
            url: "https://hooks.slack.com/x".to_owned(),
        },
        ..dingtalk("", None)
    };
    assert_eq!(slack, expected);
    let body = r#"{"kind": "email", "to": ["a@example.com"], "language": "zh", "severity": "critical"}"#;
    let mail = read(body, None, true).unwrap();
    assert_eq!(
        (mail.language, mail.severity, mail.destination.to().len()),
        (Language::Chinese, Severity::Critical, 1)
    );
}

#[test]
fn url_and_secret_are_kept_while_the_kind_is_the_same() {
    let present = dingtalk("https://a.example/?t=0", Some("SEC0"));
    for (body, expected) in [
        (r#"{"kind": "dingtalk"}"#, present.clone()),
        (
            r#"{"kind": "dingtalk", "secret": null}"#,
            dingtalk("https://a.example/?t=0", None),
        ),
        (
            r#"{"kind": "dingtalk", "url": "https://b.example/"}"#,
            dingtalk("https://b.example/", Some("SEC0")),
        ),
    ] {
        assert_eq!(read(body, Some(&present), false).unwrap(), expected, "{body}");
    }
    // Of another kind nothing is kept: the address and the secret were not meant for it.
    let mistakes = read(r#"{"kind": "feishu"}"#, Some(&present), false).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    let url = r#"{"kind": "feishu", "url": "https://c.example/"}"#;
    assert_eq!(
        read(url, Some(&present), false).unwrap().destination.secret(),
        None
    );
}

#[test]
fn every_mistake_is_named() {
    let url = "url: is missing; there must be an http or https URL of at most 2048 bytes";
    let kinds = "webhook, dingtalk, feishu, wecom, slack or email";
    check_mistakes("{}", &[&format!("kind: is missing; there must be {kinds}")]);
    check_mistakes(
        r#"{"kind": "pigeon", "language": "de", "severity": 7, "to": [], "extra": 1}"#,
        &[
            "extra: is an unknown member; allowed are kind, url, secret, to, language, severity",
            &format!("kind: is a string; allowed is {kinds}"),
            "to: is an array; allowed is a list of 1 to 10 mail addresses",
            "language: is a string; allowed is zh or en",
            "severity: is a number; allowed is warning or critical",
        ],
    );
    check_mistakes(r#"{"kind": "wecom"}"#, &[url]);
    check_mistakes(
        r#"{"kind": "wecom", "url": "https://a.example/", "secret": "s", "to": ["a@example.com"]}"#,
        &[
            "to: is nothing that a channel of the kind wecom has",
            "secret: is nothing that a channel of the kind wecom has",
        ],
    );
    check_mistakes(
        r#"{"kind": "webhook", "url": "https://a.example/", "secret": "hidden"}"#,
        &["secret: is another text; allowed is whsec_ and the Base64 of 24 to 64 bytes"],
    );
    check_mistakes(
        r#"{"kind": "email", "url": "https://a.example/"}"#,
        &[
            "url: is nothing that a channel of the kind email has",
            "kind: is email, but the operator has set no mail server for it (alerts.mail)",
            "to: is missing; there must be a list of 1 to 10 mail addresses",
        ],
    );
    let webhook = format!(r#"{{"kind": "webhook", "url": "https://a.example/", "secret": "{SECRET}"}}"#);
    assert_eq!(
        read(&webhook, None, false).unwrap().destination.secret(),
        Some(SECRET)
    );
}

#[test]
fn the_address_policy_of_endpoints_holds() {
    for (url, expected) in [
        ("http://127.0.0.1/x", "loopback"),
        ("http://169.254.169.254/latest", "link-local"),
        ("ftp://a.example/", "http"),
        ("https://user:hidden@a.example/", "credentials"),
    ] {
        let body = format!(r#"{{"kind": "webhook", "url": "{url}"}}"#);
        let mistakes = read(&body, None, false).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{url}: {mistakes:?}");
        assert!(mistakes[0].starts_with("url: "), "{mistakes:?}");
        assert!(mistakes[0].contains(expected), "{mistakes:?}");
        assert!(!mistakes[0].contains("hidden"), "{mistakes:?}");
    }
}

#[test]
fn recipients_are_addresses_and_not_many() {
    let body = |to: &[String]| serde_json::json!({"kind": "email", "to": to}).to_string();
    let many: Vec<String> = (0..11).map(|at| format!("a{at}@example.com")).collect();
    assert!(read(&body(&many[..10]), None, true).is_ok());
    for wrong in [&many[..], &["nobody".to_owned()][..]] {
        let mistakes = read(&body(wrong), None, true).unwrap_err();
        assert_eq!(
            mistakes,
            ["to: is an array; allowed is a list of 1 to 10 mail addresses"]
        );
    }
}
