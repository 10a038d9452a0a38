//! What the audit log tells, and that nothing else gets into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_contract::ack::AckRule;
use ringback_core::company::Kinds;
use ringback_core::credentials::Credentials;
use ringback_core::endpoint::{Breaker, ContentType, Order, Profile, SigningSecret};
use ringback_core::time::Millis;

use super::*;

fn settings(url: &str, header: &str, secret: &str) -> Settings {
    Settings {
        url: url.to_owned(),
        callbacks: Kinds::COMPANY_DEFAULT,
        enabled: true,
        ack_rule: AckRule::Success,
        schedule: Arc::default(),
        jitter: 0.0,
        timeout_ms: 15_000,
        content_type: ContentType::Json,
        profile: Profile::V1,
        order: Order::Key,
        hold_quiet_ms: 5_000,
        hold_limit_ms: 600_000,
        max_in_flight: 32,
        rate_limit: None,
        breaker: Breaker::On,
        job_statuses: Vec::new(),
        headers: BTreeMap::from([("Authorization".to_owned(), header.to_owned())]),
        secrets: vec![
            SigningSecret {
                secret: secret.to_owned(),
                until: None,
            },
            SigningSecret {
                secret: "whsec_hushhush".to_owned(),
                until: Some(Millis(1_790_000_000_000)),
            },
        ],
        tls_ca: Some("hushhush".to_owned()),
        credentials: Some(Credentials::Bearer {
            token: header.to_owned(),
        }),
        client_certificate: None,
    }
}

#[test]
fn of_the_secrets_of_an_endpoint_it_tells_only_whether_they_are_set_or_changed() {
    let plain = "https://erp.example/callback";
    let with_query = "https://hushhush:hushhush@erp.example/callback?token=hushhush#hushhush";
    let before = settings(with_query, "hushhush", "whsec_hushhush1");
    for (after, url_query, header, secret) in [
        (before.clone(), json!("set"), "set", "set"),
        (
            settings(plain, "hushhush", "whsec_hushhush1"),
            Value::Null,
            "set",
            "set",
        ),
        (
            settings(
                "https://erp.example/callback?token=hushhush2",
                "hushhush2",
                "whsec_hushhush2",
            ),
            json!("changed"),
            "changed",
            "changed",
        ),
    ] {
        let (old, new) = endpoint(Some(&before), Some(&after));
        let (old, new) = (old.unwrap(), new.unwrap());
        assert_eq!(
            (&old["url"], &old["urlQuery"], &old["secret"]),
            (&json!(plain), &json!("set"), &json!("set"))
        );
        assert_eq!(
            (&new["url"], &new["urlQuery"], &new["secret"], &new["headers"]),
            (
                &json!(plain),
                &url_query,
                &json!(secret),
                &json!({"Authorization": header})
            )
        );
        assert_eq!(new["tlsCa"], "set");
        assert_eq!(new["credentials"], json!({"type": "bearer"}));
        assert_eq!(new["credentialsSecret"], header);
        assert!(!format!("{old}{new}").contains("hush"), "{old} {new}");
    }
    assert_eq!(endpoint(Some(&before), None).1, None);
}

#[test]
fn of_a_company_it_tells_everything_but_the_secret() {
    let company_with = |app_secret: Option<&str>| Company {
        configured: true,
        app_key: Some("key".to_owned()),
        app_secret: app_secret.map(str::to_owned),
        ..Company::unconfigured(151)
    };
    for (before, after, expected) in [
        (None, None, (Value::Null, Value::Null)),
        (None, Some("hush"), (Value::Null, json!("set"))),
        (Some("hush"), Some("hush"), (json!("set"), json!("set"))),
        (Some("hush"), Some("hush2"), (json!("set"), json!("changed"))),
        (Some("hush"), None, (json!("set"), Value::Null)),
    ] {
        let (before, after) = company(Some(&company_with(before)), Some(&company_with(after)));
        let (before, after) = (before.unwrap(), after.unwrap());
        assert_eq!(
            (before["appSecret"].clone(), after["appSecret"].clone()),
            expected
        );
        assert_eq!(after["appKey"], "key");
        assert!(!format!("{before}{after}").contains("hush"));
    }
    assert_eq!(company(None, None), (None, None));
}

#[test]
fn of_a_channel_it_tells_the_host_and_whether_the_rest_changed() {
    let channel = |key: &str, secret: Option<&str>| Channel {
        name: "oncall".to_owned(),
        language: ringback_core::language::Language::English,
        severity: ringback_core::alert::Severity::Warning,
        destination: Destination::DingTalk {
            url: format!("https://oapi.dingtalk.com/robot/send?access_token={key}"),
            secret: secret.map(str::to_owned),
        },
    };
    for (before, after, url, secret) in [
        (None, channel("hush", Some("hush")), "set", json!("set")),
        (
            Some(channel("hush", Some("hush"))),
            channel("hush", Some("hush")),
            "set",
            json!("set"),
        ),
        (
            Some(channel("hush", Some("hush"))),
            channel("hush2", Some("hush2")),
            "changed",
            json!("changed"),
        ),
        (
            Some(channel("hush", Some("hush"))),
            channel("hush", None),
            "set",
            Value::Null,
        ),
    ] {
        let (old, new) = alert_channel(before.as_ref(), Some(&after));
        assert_eq!(old.is_some(), before.is_some());
        let new = new.unwrap();
        let expected = json!({
            "kind": "dingtalk", "language": "en", "severity": "warning", "address": "https://oapi.dingtalk.com/…",
            "to": null, "url": url, "secret": secret,
        });
        assert_eq!(new, expected);
        assert!(!format!("{old:?}{new}").contains("hush"));
    }
    assert_eq!(alert_channel(Some(&channel("hush", None)), None).1, None);
}
