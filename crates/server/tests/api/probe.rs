//! The test of an endpoint.

use axum::body::Body;
use http::Method;
use ringback_contract::samples;
use serde_json::{Value, json};

use crate::app::{JSON, TestApp};

const PATH: &str = "/v1/companies/151/endpoints/erp";

async fn app() -> TestApp {
    let app = TestApp::start();
    app.put("/v1/companies/151", json!({})).await.expect(201);
    app
}

#[tokio::test]
async fn a_test_sends_the_sample_and_tells_what_came_back() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let path = format!("{PATH}/test");
    for (query, headers, answer, outcome, verdict, sample) in [
        (
            "",
            [],
            "success",
            "acknowledged",
            "The receiver acknowledged with status 200: callbacks arrive.",
            samples::CALL,
        ),
        (
            "?kind=job",
            [],
            "fail",
            "not-acknowledged",
            "The receiver answered with status 200, but not with what acknowledges: a callback would be sent again.",
            samples::JOB,
        ),
    ]
        as [(&str, [(&str, &str); 0], &'static str, &str, &str, &str); 2]
    {
        let path = format!("{path}{query}");
        let request = app.request(Method::POST, &path, &headers, Body::empty());
        let answering = async {
            let received = receiver.next().await;
            received.answer.send(answer).unwrap();
            received.body
        };
        let (tested, body) = tokio::join!(request, answering);
        let tested = tested.expect(200);
        assert_eq!(
            (&tested["outcome"], &tested["verdict"]),
            (&json!(outcome), &json!(verdict))
        );
        assert_eq!(
            (&tested["status"], &tested["bodyStart"]),
            (&json!(200), &json!(answer))
        );
        assert_eq!(tested["hint"].is_null(), answer == "success");
        let mut expected: Value = serde_json::from_str(sample).unwrap();
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        expected["data"]["data"]["dateTime"] = Value::Null;
        body["data"]["data"]["dateTime"] = Value::Null;
        assert_eq!(body, expected);
    }
    assert_eq!(
        app.get("/v1/events?companyId=151").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_test_of_an_address_where_nobody_listens() {
    let app = app().await;
    app.put(PATH, json!({"url": "http://127.0.0.1:1/"}))
        .await
        .expect(201);
    let path = format!("{PATH}/test");
    let headers = [("accept-language", "zh-CN")];
    let tested = app
        .request(Method::POST, &path, &headers, Body::empty())
        .await
        .expect(200);
    assert_eq!(
        (&tested["outcome"], &tested["status"]),
        (&json!("unreachable"), &Value::Null)
    );
    assert!(
        tested["verdict"].as_str().unwrap().starts_with("无法连接接收方"),
        "{tested}"
    );
    assert_eq!(tested["hint"]["code"], "connect-refused");
    assert!(
        tested["hint"]["text"].as_str().unwrap().contains("连接被拒绝"),
        "{tested}"
    );
}

/// What was sent is shown whole, but for what may be a secret.
#[tokio::test]
async fn a_test_shows_what_was_sent_without_secrets() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let settings = json!({
        "url": receiver.url, "enabled": false, "headers": {"X-Key": "hidden"},
        "credentials": {"type": "basic", "username": "ringback", "password": "hidden"},
    });
    app.put(PATH, settings).await.expect(200);
    let shown = app.get(PATH).await.expect(200);
    assert_eq!(
        shown["credentials"],
        json!({"type": "basic", "username": "ringback"})
    );
    let path = format!("{PATH}/test");
    let request = app.request(Method::POST, &path, &JSON, r#"{"kind": "correction"}"#);
    let answering = async {
        let received = receiver.next().await;
        received.answer.send("{\"code\":200}").unwrap();
        (received.webhook_id, received.body)
    };
    let (tested, (webhook_id, body)) = tokio::join!(request, answering);
    let tested = tested.expect(200);
    assert!(!tested.to_string().contains("hidden"), "{tested}");
    let sent = &tested["request"];
    assert_eq!(sent["url"], receiver.url);
    assert_eq!(sent["body"].as_str().unwrap().as_bytes(), body);
    for (name, value) in [
        ("authorization", "…"),
        ("x-key", "…"),
        ("content-type", "application/json;charset=utf-8"),
        ("webhook-id", webhook_id.as_str()),
        ("ringback-send", "1"),
    ] {
        assert_eq!(sent["headers"][name], value, "{name}");
    }
    assert_eq!(tested["kind"], "correction");
    assert_eq!(tested["responseHeaders"]["content-length"], "12");
    assert_eq!(tested["hint"]["code"], "code-without-success");
    let metrics = app.get("/metrics").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(
        metrics.contains("ringback_endpoint_tests_total{outcome=\"not-acknowledged\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("ringback_sends_total{outcome=\"not-acknowledged\"} 0"),
        "{metrics}"
    );
}

#[tokio::test]
async fn an_endpoint_has_one_test_at_a_time() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let path = format!("{PATH}/test");
    let first = app.request(Method::POST, &path, &[], Body::empty());
    let meanwhile = async {
        let received = receiver.next().await;
        let second = app.request(Method::POST, &path, &[], Body::empty()).await;
        assert_eq!(second.header("retry-after"), Some("1"));
        assert_eq!(second.problem(429), "test-under-way");
        received.answer.send("success").unwrap();
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    assert_eq!(first.expect(200)["outcome"], "acknowledged");
    // The place is free again.
    let again = app.request(Method::POST, &path, &[], Body::empty());
    let (again, ()) = tokio::join!(again, async {
        receiver.next().await.answer.send("success").unwrap();
    });
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn what_a_test_may_say_is_checked() {
    let app = app().await;
    app.put(PATH, json!({"url": "http://127.0.0.1:1/"}))
        .await
        .expect(201);
    let path = format!("{PATH}/test");
    for (body, status, slug) in [
        (r#"{"kind": "intent"}"#, 422, "invalid"),
        (r#"{"kinds": "call"}"#, 422, "invalid"),
        ("kind=call", 422, "invalid"),
    ] {
        let answer = app.request(Method::POST, &path, &JSON, body).await;
        assert_eq!(answer.problem(status), slug, "{body}");
    }
    let text = app.request(Method::POST, &path, &[], "{}").await;
    assert_eq!(text.problem(415), "unsupported-media-type");
    app.request(Method::POST, &path, &JSON, "{}").await.expect(200);
}
