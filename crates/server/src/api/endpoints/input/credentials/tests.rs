//! Credentials and client certificates of a PUT, case by case.

use ringback_core::endpoint::Settings;
use serde_json::json;

use super::super::testing::apply;
use super::*;

fn body(credentials: &Value) -> String {
    json!({"url": "https://receiver.example/", "credentials": credentials}).to_string()
}

#[track_caller]
fn settings(credentials: &Value, present: Option<&Settings>) -> Settings {
    apply(&body(credentials), present).unwrap().settings
}

/// The mistakes of credentials, each as `field: detail`.
#[track_caller]
fn check(body: &str, present: Option<&Settings>, expected: &[&str]) {
    let errors = apply(body, present).unwrap_err().errors;
    let found: Vec<_> = errors
        .iter()
        .map(|error| format!("{}: {}", error.field, error.detail))
        .collect();
    assert_eq!(found, expected, "{body}");
    assert!(!format!("{errors:?}").contains("hidden"), "{errors:?}");
}

#[test]
fn secrets_that_are_absent_are_kept() {
    for (given, again) in [
        (
            json!({"type": "basic", "username": "u", "password": "p"}),
            json!({"type": "basic", "username": "u"}),
        ),
        (json!({"type": "bearer", "token": "t"}), json!({"type": "bearer"})),
        (
            json!({"type": "oauth2", "tokenUrl": "https://id.example/token", "clientId": "c", "clientSecret": "s",
                   "scope": "x", "audience": "y", "auth": "body"}),
            json!({"type": "oauth2", "tokenUrl": "https://id.example/token", "clientId": "c", "clientSecret": null,
                   "scope": "x", "audience": "y", "auth": "body"}),
        ),
    ] {
        let first = settings(&given, None);
        let stored = serde_json::to_value(first.credentials.as_ref().unwrap()).unwrap();
        assert_eq!(stored, given);
        assert!(settings(&again, Some(&first)).credentials == first.credentials);
        let absent = r#"{"url": "https://receiver.example/"}"#;
        assert!(apply(absent, Some(&first)).unwrap().settings.credentials == first.credentials);
        assert!(settings(&Value::Null, Some(&first)).credentials.is_none());
    }
}

#[test]
fn secrets_of_another_type_are_not_kept() {
    let bearer = settings(&json!({"type": "bearer", "token": "t"}), None);
    for (given, expected) in [
        (json!({"type": "basic", "username": "u"}), "credentials.password"),
        (
            json!({"type": "oauth2", "tokenUrl": "https://id.example/token", "clientId": "c"}),
            "credentials.clientSecret",
        ),
    ] {
        let expected = format!("{expected}: is missing; there must be a text of up to 8 KiB");
        check(&body(&given), Some(&bearer), &[&expected]);
    }
    let missing = "credentials.token: is missing; there must be a text of up to 8 KiB";
    check(&body(&json!({"type": "bearer"})), None, &[missing]);
}

/// A certificate and its key.
fn made() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new([]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn again(field: &str, address: &str) -> String {
    format!(
        "{field}: must be given again: {address} names another scheme, host or port, and what is kept would be sent there"
    )
}

#[test]
fn secrets_are_not_kept_for_another_server() {
    let (certificate, key) = made();
    let oauth2 = |token_url: &str| json!({"type": "oauth2", "tokenUrl": token_url, "clientId": "c"});
    let mut with_secret = oauth2("https://id.example/token");
    with_secret["clientSecret"] = json!("hidden");
    for (given, shown, field) in [
        (
            json!({"type": "basic", "username": "u", "password": "hidden"}),
            json!({"type": "basic", "username": "u"}),
            "credentials.password",
        ),
        (
            json!({"type": "bearer", "token": "hidden"}),
            json!({"type": "bearer"}),
            "credentials.token",
        ),
        (
            with_secret.clone(),
            oauth2("https://id.example/token"),
            "credentials.clientSecret",
        ),
    ] {
        let first = json!({
            "url": "https://receiver.example/a", "credentials": given, "headers": {"x-key": "hidden"},
            "clientCertificate": {"certificate": certificate, "key": key},
        });
        let present = apply(&first.to_string(), None).unwrap().settings;
        for moved in [
            "http://receiver.example/a",
            "https://receiver.example:444/a",
            "https://other.example/a",
        ] {
            let expected = [
                &again("headers.x-key", "url"),
                &again(field, "url"),
                &again("clientCertificate.key", "url"),
            ];
            let expected = expected.map(String::as_str);
            let body = json!({"url": moved, "headers": {"X-Key": null}}).to_string();
            check(
                &body,
                Some(&present),
                &expected
                    .map(|text| text.replace("x-key", "X-Key"))
                    .each_ref()
                    .map(String::as_str),
            );
            let body = json!({"url": moved, "headers": {"x-key": null}, "credentials": shown, "clientCertificate": {}});
            check(&body.to_string(), Some(&present), &expected);
            // What is given, or removed, goes; the signing secret is never sent.
            let mut body = first.clone();
            body["url"] = json!(moved);
            let applied = apply(&body.to_string(), Some(&present)).unwrap();
            assert!(applied.made_secret.is_none());
            let body = json!({"url": moved, "credentials": null, "clientCertificate": null});
            apply(&body.to_string(), Some(&present)).unwrap();
        }
        let body = json!({"url": "https://RECEIVER.example:443/b", "headers": {"x-key": null}}).to_string();
        assert!(apply(&body, Some(&present)).unwrap().settings.headers == present.headers);
    }
    let present = settings(&with_secret, None);
    let expected = again("credentials.clientSecret", "tokenUrl");
    check(
        &body(&oauth2("https://other.example/token")),
        Some(&present),
        &[&expected],
    );
    settings(&oauth2("https://id.example/other"), Some(&present));
}

#[test]
fn mistakes_name_the_field() {
    let long = "x".repeat(CREDENTIAL_SECRET_BYTES + 1);
    for (given, expected) in [
        (
            json!("hidden"),
            &[
                "credentials: is a string; allowed is an object whose type is basic, bearer or oauth2, or null",
            ][..],
        ),
        (
            json!({"token": "hidden"}),
            &["credentials.type: is missing; there must be basic, bearer, oauth2"],
        ),
        (
            json!({"type": "digest"}),
            &["credentials.type: is a string; allowed is basic, bearer, oauth2"],
        ),
        (
            json!({"type": "bearer", "token": "hidden", "username": "u"}),
            &["credentials.username: is an unknown member; allowed are type, token"],
        ),
        (
            json!({"type": "bearer", "token": long}),
            &["credentials.token: is a string; allowed is a text of up to 8 KiB"],
        ),
        (
            json!({"type": "bearer", "token": "hid den\n"}),
            &["credentials.token: must be visible ASCII characters without spaces"],
        ),
        (
            json!({"type": "basic", "username": "u:v", "password": "hidden"}),
            &["credentials.username: must have no colon and no control characters"],
        ),
        (
            json!({"type": "basic", "username": "u", "password": "hidden\r\nx: y"}),
            &["credentials.password: must have no control characters"],
        ),
        (
            json!({"type": "oauth2", "clientSecret": "hidden"}),
            &[
                "credentials.tokenUrl: is missing; there must be an http or https URL",
                "credentials.clientId: is missing; there must be a text of up to 1024 bytes",
            ],
        ),
        (
            json!({"type": "oauth2", "tokenUrl": "ftp://id.example", "clientId": "c", "clientSecret": "hidden"}),
            &["credentials.tokenUrl: the scheme must be http or https"],
        ),
        (
            json!({"type": "oauth2", "tokenUrl": "https://10.0.0.1/", "clientId": "c", "clientSecret": "hidden"}),
            &["credentials.tokenUrl: 10.0.0.1 is a private address; RINGBACK_OUTBOUND_ALLOW can admit it"],
        ),
        (
            json!({"type": "oauth2", "tokenUrl": "https://id.example", "clientId": "c", "clientSecret": "hidden", "auth": "jwt"}),
            &["credentials.auth: is a string; allowed is basic, body"],
        ),
    ] {
        check(&body(&given), None, expected);
    }
}

#[test]
fn a_header_cannot_be_set_twice() {
    let collision = json!({
        "url": "https://receiver.example/", "headers": {"authorization": "hidden"},
        "credentials": {"type": "bearer", "token": "hidden"},
    });
    let expected = "headers: header authorization is set by the credentials";
    check(&collision.to_string(), None, &[expected]);
    // With credentials that are kept it is the same.
    let present = settings(&json!({"type": "bearer", "token": "t"}), None);
    let mut kept = collision.clone();
    kept.as_object_mut().unwrap().remove("credentials");
    check(&kept.to_string(), Some(&present), &[expected]);
    apply(&kept.to_string(), None).unwrap();
}

#[test]
fn a_client_certificate_is_kept_replaced_and_removed() {
    let ((certificate, key), (other, other_key)) = (made(), made());
    let body =
        |given: &Value| json!({"url": "https://receiver.example/", "clientCertificate": given}).to_string();
    let both = json!({"certificate": certificate, "key": key});
    let first = apply(&body(&both), None).unwrap().settings;
    let stored = serde_json::to_value(first.client_certificate.as_ref().unwrap()).unwrap();
    assert_eq!(stored, both);
    // As a GET shows it.
    let shown = json!({"subject": "CN=x", "expiresAt": "2027-01-01T00:00:00.000Z"});
    let again = apply(&body(&shown), Some(&first)).unwrap().settings;
    assert!(again.client_certificate == first.client_certificate);
    let removed = apply(&body(&Value::Null), Some(&first)).unwrap().settings;
    assert!(removed.client_certificate.is_none());
    let replaced = json!({"certificate": other, "key": other_key});
    apply(&body(&replaced), Some(&first)).unwrap();
    let does_not_fit = "clientCertificate.key: the key does not belong to the first certificate";
    check(
        &body(&json!({"certificate": other})),
        Some(&first),
        &[does_not_fit],
    );
    let no_key = "clientCertificate.key: is missing; there must be a text of up to 64 KiB in PEM";
    check(&body(&json!({"certificate": other})), None, &[no_key]);
    check(
        &body(&json!({"certificate": "hidden", "key": key})),
        None,
        &[
            "clientCertificate.certificate: no certificate found: a PEM text with CERTIFICATE sections is needed, the client's own first",
        ],
    );
    check(
        &body(&json!("hidden")),
        None,
        &["clientCertificate: is a string; allowed is an object with certificate and key, or null"],
    );
}
