//! What a send looks like on the wire (contract, section 2).

use ringback_server::outbound::{ContentType, Outcome, TargetProblem, TargetSettings, UrlProblem, headers};

use crate::rig::{Rig, SUCCESS, message};

/// Sends one message with these settings; the head and the body that arrive.
async fn sent(rig: &Rig, settings: TargetSettings<'_>, body: &'static str) -> (String, Vec<u8>) {
    let target = rig.outbound.target(settings).unwrap();
    let posting = rig.post_message(&target, message(body));
    let mut peer = rig.accept().await;
    let request = peer.request().await;
    peer.write(SUCCESS).await;
    assert_eq!(posting.await.unwrap().outcome, Outcome::Acknowledged);
    request
}

#[tokio::test]
async fn a_send_is_exactly_this() {
    let rig = Rig::new().await;
    let body = r#"{"resultMsg":"成功"}"#;
    let (head, arrived) = sent(&rig, TargetSettings::new(&rig.url), body).await;
    let expected = [
        "POST /callback HTTP/1.1".to_owned(),
        format!("host: {}", rig.address),
        format!("user-agent: ringback/{}", env!("CARGO_PKG_VERSION")),
        "accept-encoding: identity".to_owned(),
        "content-type: application/json;charset=utf-8".to_owned(),
        format!("content-length: {}", body.len()),
        "webhook-id: evt_1".to_owned(),
        "webhook-timestamp: 1767225600".to_owned(),
        "webhook-signature: v1,c2ln".to_owned(),
        "ringback-send: 1".to_owned(),
    ];
    assert_eq!(head, format!("{}\r\n\r\n", expected.join("\r\n")));
    assert_eq!(arrived, body.as_bytes());
}

#[tokio::test]
async fn settings_change_the_head_as_they_say() {
    let rig = Rig::new().await;
    let mut settings = TargetSettings::new(&rig.url);
    settings.content_type = ContentType::Text;
    settings.headers = headers::parse([("Authorization", "Bearer x"), ("X-Name", "客户")]).unwrap();
    let (head, _) = sent(&rig, settings, "{}").await;
    assert!(
        head.contains("\r\ncontent-type: text/plain;charset=utf-8\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nauthorization: Bearer x\r\n"), "{head}");
    assert!(head.contains("\r\nx-name: 客户\r\n"), "{head}");
    assert_eq!(head.matches("content-type").count(), 1);
}

#[tokio::test]
async fn an_empty_body_has_its_length_too() {
    let rig = Rig::new().await;
    let (head, body) = sent(&rig, TargetSettings::new(&rig.url), "").await;
    assert!(head.contains("\r\ncontent-length: 0\r\n"), "{head}");
    assert!(body.is_empty());
}

#[tokio::test]
async fn path_and_query_are_sent_as_they_are() {
    let rig = Rig::new().await;
    for (given, sent_as) in [
        ("", "/"),
        ("/", "/"),
        ("?a=b", "/?a=b"),
        ("//double//", "//double//"),
        ("/a/../b/./c", "/b/c"),
        (
            "/a%2Fb;c=d?x=%E5%AE%A2&y='z'|",
            "/a%2Fb;c=d?x=%E5%AE%A2&y=%27z%27|",
        ),
        ("/客户 名", "/%E5%AE%A2%E6%88%B7%20%E5%90%8D"),
        ("/{id}/[1]|\"<>`^?{id}", "/%7Bid%7D/[1]|%22%3C%3E%60^?{id}"),
    ] {
        let url = format!("http://{}{given}", rig.address);
        let (head, _) = sent(&rig, TargetSettings::new(&url), "{}").await;
        assert_eq!(
            head.lines().next(),
            Some(&*format!("POST {sent_as} HTTP/1.1")),
            "{given}"
        );
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    let rig = Rig::new().await;
    let good = TargetSettings::new("https://example.com/callback");
    assert!(rig.outbound.check(good.clone()).is_ok());
    let check = |settings: TargetSettings<'_>, field: &str, text: &str| {
        let problem = rig.outbound.check(settings).unwrap_err();
        assert_eq!((problem.field(), &*problem.to_string()), (field, text));
    };
    let url = |url| TargetSettings { url, ..good.clone() };
    check(url(""), "url", "url: not an absolute URL");
    check(url("/callback"), "url", "url: not an absolute URL");
    check(
        url("ftp://example.com/"),
        "url",
        "url: the scheme must be http or https",
    );
    check(
        url("https://-..example/"),
        "url",
        "url: the host is not a valid name",
    );
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    check(url(&long), "url", "url: longer than 2048 bytes");
    let blocked = "url: 10.0.0.1 is a private address; RINGBACK_OUTBOUND_ALLOW can admit it";
    check(url("https://10.0.0.1/"), "url", blocked);
    for timeout_ms in [0, 999, 60_001] {
        check(
            TargetSettings {
                timeout_ms,
                ..good.clone()
            },
            "timeout",
            "timeout: must be between 1 s and 60 s",
        );
    }
    let pem = |tls_ca| TargetSettings {
        tls_ca: Some(tls_ca),
        ..good.clone()
    };
    check(
        pem("x"),
        "tlsCa",
        "tlsCa: no certificate found: a PEM text with CERTIFICATE sections is needed",
    );
    let broken = "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n";
    check(pem(broken), "tlsCa", "tlsCa: section 1 is not well-formed PEM");
    let foreign = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    check(
        pem(foreign),
        "tlsCa",
        "tlsCa: certificate 1 cannot be read as an authority's",
    );
    let long = "x".repeat(300_000);
    check(pem(&long), "tlsCa", "tlsCa: longer than 262144 bytes");
    let host = vec![("host".parse().unwrap(), "x".parse().unwrap())];
    let headers = TargetSettings {
        headers: host,
        ..good.clone()
    };
    check(
        headers,
        "headers",
        "headers: header host is set by ringback and cannot be changed",
    );
}

#[tokio::test]
async fn a_target_outside_the_policy_can_be_made_but_not_taken_in() {
    let rig = Rig::new().await;
    let settings = TargetSettings::new("http://10.0.0.1/");
    assert!(rig.outbound.target(settings.clone()).is_ok());
    let refused = rig.outbound.check(settings).unwrap_err();
    assert!(matches!(refused, TargetProblem::Url(UrlProblem::Address(_))));
}
