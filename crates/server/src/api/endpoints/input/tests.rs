//! Reading an endpoint's settings, case by case.

use ringback_contract::kind::Kind;
use ringback_contract::schedule::Preset;
use ringback_core::time::Millis;
use serde_json::json;

use super::testing::apply;
use super::*;

const URL: &str = "https://192.88.98.1/callback";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn settings(body: &Value) -> Settings {
    apply(&body.to_string(), None).unwrap().settings
}

/// The mistakes of a body, each as `field: detail`.
#[track_caller]
fn check_mistakes(body: &str, expected: &[&str]) {
    let problem = apply(body, None).unwrap_err();
    let found: Vec<String> = problem
        .errors
        .iter()
        .map(|e| format!("{}: {}", e.field, e.detail))
        .collect();
    assert_eq!(found, expected, "{body}");
}

/// One member with a wrong value, beside a good URL.
#[track_caller]
fn check_mistake(member: &str, value: &str, expected: &str) {
    check_mistakes(&format!(r#"{{"url":"{URL}","{member}":{value}}}"#), &[expected]);
}

#[test]
fn the_least_body_gets_the_defaults() {
    let applied = apply(&json!({"url": URL}).to_string(), None).unwrap();
    let settings = applied.settings;
    assert_eq!(settings.url, URL);
    assert_eq!(settings.callbacks, Kinds::COMPANY_DEFAULT);
    assert!(settings.enabled);
    assert_eq!(settings.ack_rule, AckRule::Success);
    assert_eq!(*settings.schedule, Schedule::preset(Preset::Seed));
    assert_eq!(
        (settings.jitter, settings.timeout_ms, settings.max_in_flight),
        (0.0, 15_000, 32)
    );
    assert_eq!(settings.content_type, ContentType::Json);
    assert_eq!((settings.profile, settings.order), (Profile::V1, Order::Key));
    assert_eq!((settings.hold_quiet_ms, settings.hold_limit_ms), (5_000, 600_000));
    assert_eq!((settings.rate_limit, settings.breaker), (None, Breaker::On));
    assert_eq!(settings.job_statuses, [2, 4, 5, 9, 10]);
    assert!(settings.headers.is_empty());
    assert_eq!(settings.tls_ca, None);
    assert_eq!(applied.made_secret.as_deref(), Some(&*settings.secrets[0].secret));
    assert!(Secret::parse(&settings.secrets[0].secret).is_ok());
}

/// What goes with v2 are defaults: what is said wins.
#[test]
fn a_profile_has_its_own_defaults() {
    for (profile, said, ack_rule, preset) in [
        ("v1", json!({}), AckRule::Success, Preset::Seed),
        ("v2", json!({}), AckRule::SuccessOrCode, Preset::V2),
        (
            "v2",
            json!({"ackRule": null, "schedule": null}),
            AckRule::SuccessOrCode,
            Preset::V2,
        ),
        ("v2", json!({"ackRule": "success"}), AckRule::Success, Preset::V2),
        (
            "v2",
            json!({"schedule": "seed"}),
            AckRule::SuccessOrCode,
            Preset::Seed,
        ),
        (
            "v1",
            json!({"ackRule": "status", "schedule": "v2"}),
            AckRule::Status,
            Preset::V2,
        ),
    ] {
        let mut body = said.clone();
        body["url"] = json!(URL);
        body["profile"] = json!(profile);
        let settings = settings(&body);
        assert_eq!(
            (settings.ack_rule, &*settings.schedule),
            (ack_rule, &Schedule::preset(preset)),
            "{profile} {said}"
        );
    }
}

/// Whatever the client would send is the default's member with a null.
#[test]
fn null_is_the_default() {
    let mut body = json!({"url": URL, "secret": SECRET});
    let least = settings(&body);
    for member in MEMBERS
        .into_iter()
        .filter(|member| !["url", "secret"].contains(member))
    {
        body[member] = Value::Null;
    }
    assert!(settings(&body) == least);
}

#[test]
fn every_member_is_taken() {
    let settings = settings(&json!({
        "url": URL, "callbacks": ["job", "call"], "enabled": false, "ackRule": "success-or-code",
        "schedule": {"gaps": ["1s", "2s"], "maxAge": "24h"}, "jitter": 0.5, "timeout": "1m", "contentType": "text",
        "profile": "v1", "order": "key-hold", "holdQuiet": "0s", "holdLimit": "24h", "maxInFlight": 1, "rateLimit": {"perSecond": 2.5}, "breaker": "off",
        "jobStatuses": [10, 2, 2], "headers": {"X-Key": "k"}, "secret": SECRET, "tlsCa": null,
    }));
    assert_eq!(settings.callbacks, Kinds::from_iter([Kind::Call, Kind::Job]));
    assert!(!settings.enabled);
    assert_eq!(settings.ack_rule, AckRule::SuccessOrCode);
    assert_eq!(
        *settings.schedule,
        Schedule::custom(vec![1000, 2000], 86_400_000).unwrap()
    );
    assert_eq!(
        (settings.jitter, settings.timeout_ms, settings.max_in_flight),
        (0.5, 60_000, 1)
    );
    assert_eq!(
        (settings.content_type, settings.order),
        (ContentType::Text, Order::KeyHold)
    );
    assert_eq!((settings.hold_quiet_ms, settings.hold_limit_ms), (0, 86_400_000));
    assert_eq!(settings.breaker, Breaker::Off);
    assert_eq!(
        settings.rate_limit,
        Some(RateLimit {
            per_second: 2.5,
            burst: 3
        })
    );
    assert_eq!(settings.job_statuses, [2, 10]);
    assert_eq!(
        settings.headers,
        BTreeMap::from([("X-Key".to_owned(), "k".to_owned())])
    );
    assert!(settings.secrets == [current(SECRET.to_owned())]);
}

/// A member, a wrong value of it as JSON, and what is said about it.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "callbacks",
        r#"["call", "calls", 7]"#,
        "callbacks[1]: is another text; allowed is call, correction, inbound, job",
    ),
    (
        "callbacks",
        "[7]",
        "callbacks[0]: is a number; allowed is call, correction, inbound, job",
    ),
    (
        "callbacks",
        r#""call""#,
        "callbacks: is a string; allowed is a list of call, correction, inbound, job",
    ),
    (
        "enabled",
        r#""yes""#,
        "enabled: is a string; allowed is true or false",
    ),
    (
        "ackRule",
        r#""ok""#,
        "ackRule: is a string; allowed is success, success-or-code, status",
    ),
    (
        "ackRule",
        "1",
        "ackRule: is a number; allowed is success, success-or-code, status",
    ),
    (
        "schedule",
        r#"{"gaps": ["1ms"], "maxAge": "1h"}"#,
        "schedule: gaps[0]: is 1ms; allowed are 500ms to 24h",
    ),
    (
        "schedule",
        r#"{"gaps": [], "maxAge": "31d"}"#,
        "schedule: maxAge: is 744h; allowed are 1ms to 720h (30 d)",
    ),
    ("schedule", r#"{"gaps": []}"#, "schedule: missing field `maxAge`"),
    (
        "jitter",
        "1.1",
        "jitter: is a number out of range; allowed is a number from 0 to 1",
    ),
    (
        "jitter",
        "-0.1",
        "jitter: is a number out of range; allowed is a number from 0 to 1",
    ),
    (
        "timeout",
        "15",
        "timeout: is a number; allowed is a duration from 1s to 60s, such as \"15s\"",
    ),
    (
        "timeout",
        r#""999ms""#,
        "timeout: is a string; allowed is a duration from 1s to 60s, such as \"15s\"",
    ),
    (
        "timeout",
        r#""61s""#,
        "timeout: is a string; allowed is a duration from 1s to 60s, such as \"15s\"",
    ),
    (
        "contentType",
        r#""application/json""#,
        "contentType: is a string; allowed is json, text",
    ),
    ("profile", r#""v3""#, "profile: is a string; allowed is v1, v2"),
    (
        "order",
        r#""fifo""#,
        "order: is a string; allowed is none, key, key-hold",
    ),
    (
        "holdQuiet",
        r#""301s""#,
        "holdQuiet: is a string; allowed is a duration from 0s to 5m, such as \"5s\"",
    ),
    (
        "holdQuiet",
        "5",
        "holdQuiet: is a number; allowed is a duration from 0s to 5m, such as \"5s\"",
    ),
    (
        "holdLimit",
        r#""999ms""#,
        "holdLimit: is a string; allowed is a duration from 1s to 24h, such as \"10m\"",
    ),
    (
        "holdLimit",
        r#""24h1ms""#,
        "holdLimit: is a string; allowed is a duration from 1s to 24h, such as \"10m\"",
    ),
    (
        "holdLimit",
        r#""4s""#,
        "holdQuiet: is 5s, which is longer than holdLimit, 4s",
    ),
    (
        "maxInFlight",
        "0",
        "maxInFlight: is a number out of range; allowed is an integer from 1 to 1024",
    ),
    (
        "maxInFlight",
        "1025",
        "maxInFlight: is a number out of range; allowed is an integer from 1 to 1024",
    ),
    (
        "rateLimit",
        "10",
        "rateLimit: is a number; allowed is an object such as {\"perSecond\": 10, \"burst\": 20}, or null",
    ),
    (
        "rateLimit",
        r#"{"perSecond": 0}"#,
        "rateLimit.perSecond: is a number out of range; allowed is a number from 0.01 to 10000",
    ),
    (
        "rateLimit",
        r#"{"burst": 1}"#,
        "rateLimit.perSecond: is missing; there must be a number from 0.01 to 10000",
    ),
    (
        "rateLimit",
        r#"{"perSecond": 1, "burst": 0}"#,
        "rateLimit.burst: is a number out of range; allowed is an integer from 1 to 10000",
    ),
    (
        "rateLimit",
        r#"{"perSecond": 1, "per": 1}"#,
        "rateLimit.per: is an unknown member; allowed are perSecond, burst",
    ),
    ("breaker", "true", "breaker: is a boolean; allowed is on, off"),
    (
        "jobStatuses",
        r#"["2"]"#,
        "jobStatuses: is an array; allowed is a list of up to 64 integers",
    ),
    (
        "headers",
        "[]",
        "headers: is an array; allowed is an object of header names and texts; null keeps a header's value",
    ),
    (
        "headers",
        r#"{"X": 1}"#,
        "headers: is a number as the value of a header; allowed is an object of header names and texts; null keeps a header's value",
    ),
    (
        "headers",
        r#"{"X": null}"#,
        "headers: has a null for a header that has no value yet; allowed is a text",
    ),
    (
        "headers",
        r#"{"Webhook-Id": "hidden"}"#,
        "headers: header webhook-id is set by ringback and cannot be changed",
    ),
    (
        "secret",
        r#""hidden""#,
        "secret: is no signing secret: it must begin with whsec_",
    ),
    (
        "secret",
        "7",
        "secret: is a number; allowed is whsec_ and the Base64 of 24 to 64 bytes",
    ),
    (
        "tlsCa",
        "7",
        "tlsCa: is a number; allowed is a text of up to 64 KiB: certificates in PEM",
    ),
    (
        "urls",
        "[]",
        "urls: is an unknown member; allowed are url, callbacks, enabled, ackRule, schedule, jitter, timeout, contentType, profile, order, holdQuiet, holdLimit, maxInFlight, rateLimit, breaker, jobStatuses, headers, secret, tlsCa, credentials, clientCertificate",
    ),
];

#[test]
fn a_mistake_names_the_kind_that_was_found_and_what_is_allowed() {
    for (member, value, expected) in MISTAKES {
        check_mistake(member, value, expected);
    }
}

#[test]
fn urls_are_checked_by_the_outbound_client() {
    for (url, expected) in [
        (
            json!("ftp://example.com/"),
            "url: the scheme must be http or https",
        ),
        (json!("example.com"), "url: not an absolute URL"),
        (
            json!("http://user:hidden@example.com/"),
            "url: the URL must not contain credentials; use a header",
        ),
        (
            json!("http://127.0.0.1:8080/"),
            "url: 127.0.0.1 is a loopback address; RINGBACK_OUTBOUND_ALLOW can admit it",
        ),
        (
            json!("http://[::ffff:10.0.0.1]/"),
            "url: ::ffff:10.0.0.1 is a private address; RINGBACK_OUTBOUND_ALLOW can admit it",
        ),
        (json!(7), "url: is a number; allowed is an http or https URL"),
        (json!(null), "url: is null; allowed is an http or https URL"),
    ] {
        check_mistakes(&json!({"url": url}).to_string(), &[expected]);
    }
    check_mistakes("{}", &["url: is missing; there must be an http or https URL"]);
    assert_eq!(
        settings(&json!({"url": "http://receiver.example/path?q=1"})).url,
        "http://receiver.example/path?q=1"
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    check_mistakes(
        r#"{"timeout": 15, "order": "first", "extra": 1, "enabled": "no", "tlsCa": "not a certificate"}"#,
        &[
            "extra: is an unknown member; allowed are url, callbacks, enabled, ackRule, schedule, jitter, timeout, contentType, profile, order, holdQuiet, holdLimit, maxInFlight, rateLimit, breaker, jobStatuses, headers, secret, tlsCa, credentials, clientCertificate",
            "url: is missing; there must be an http or https URL",
            "enabled: is a string; allowed is true or false",
            "timeout: is a number; allowed is a duration from 1s to 60s, such as \"15s\"",
            "order: is a string; allowed is none, key, key-hold",
            "tlsCa: no certificate found: a PEM text with CERTIFICATE sections is needed",
        ],
    );
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for (body, expected) in [
        ("", ": is not one JSON object: line 1, column 0"),
        ("{\"url\":", ": is not one JSON object: line 1, column 7"),
        ("[]", ": is not a JSON object whose members each come once"),
        (
            "{\"url\":\"http://a/\",\"url\":\"http://b/\"}",
            ": is not a JSON object whose members each come once",
        ),
        ("{} {}", ": is not one JSON object: line 1, column 4"),
    ] {
        check_mistakes(body, &[expected]);
    }
}

/// What a PUT makes of the secrets that there are.
#[test]
fn secrets_are_kept_unless_the_body_says_otherwise() {
    let old = SigningSecret {
        secret: SECRET.to_owned(),
        until: Some(Millis(9)),
    };
    let mut present = settings(&json!({"url": URL}));
    present.secrets.push(old);
    let put = |secret: Option<Value>| {
        let mut body = json!({"url": URL});
        if let Some(secret) = secret {
            body["secret"] = secret;
        }
        apply(&body.to_string(), Some(&present)).unwrap()
    };
    let kept = put(None);
    assert!(kept.settings.secrets == present.secrets && kept.made_secret.is_none());
    let made = put(Some(Value::Null));
    assert_eq!(made.settings.secrets.len(), 1);
    assert!(made.made_secret.is_some() && made.settings.secrets[0] != present.secrets[0]);
    let given = put(Some(json!(SECRET)));
    assert!(given.settings.secrets == [current(SECRET.to_owned())] && given.made_secret.is_none());
}

#[test]
fn a_null_keeps_a_headers_value() {
    let present = settings(&json!({"url": URL, "headers": {"Authorization": "Bearer k", "X-Old": "o"}}));
    let body = json!({"url": URL, "headers": {"authorization": null, "X-New": "n"}}).to_string();
    let headers = apply(&body, Some(&present)).unwrap().settings.headers;
    let expected = [("X-New", "n"), ("authorization", "Bearer k")];
    assert_eq!(
        headers,
        expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into()
    );
}
