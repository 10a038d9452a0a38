//! Endpoints.

use axum::body::Body;
use http::Method;
use ringback_contract::samples;
use serde_json::{Value, json};

use crate::app::{TestApp, call};
use crate::support::Receiver;

const PATH: &str = "/v1/companies/151/endpoints/erp";

async fn app() -> TestApp {
    let app = TestApp::start();
    app.put("/v1/companies/151", json!({})).await.expect(201);
    app
}

#[tokio::test]
async fn an_endpoint_is_made_with_a_secret_that_is_shown_once() {
    let app = app().await;
    let made = app
        .put(PATH, json!({"url": "http://127.0.0.1:1/"}))
        .await
        .expect(201);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let shown = app.get(PATH).await.expect(200);
    assert_eq!(
        shown,
        json!({
            "companyId": 151, "name": "erp", "version": 1, "url": "http://127.0.0.1:1/",
            "callbacks": ["call", "correction", "inbound"], "enabled": true, "ackRule": "success", "schedule": "seed",
            "jitter": 0.0, "timeout": "15s", "contentType": "json", "profile": "v1", "order": "key",
            "holdQuiet": "5s", "holdLimit": "10m", "maxInFlight": 32,
            "rateLimit": null, "breaker": "on", "jobStatuses": [2, 4, 5, 9, 10], "headers": {}, "hasSecret": true,
            "previousSecretUntil": null, "tlsCa": null, "open": {"pending": 0, "parked": 0, "more": false},
        })
    );
    let again = app
        .put(PATH, json!({"url": "http://127.0.0.1:1/", "timeout": "1m30s"}))
        .await;
    assert_eq!(again.problem(422), "invalid");
    let again = app
        .put(PATH, json!({"url": "http://127.0.0.1:1/", "timeout": "20s"}))
        .await
        .expect(200);
    assert_eq!(
        (&again["secret"], &again["version"], &again["timeout"]),
        (&Value::Null, &json!(2), &json!("20s"))
    );
    assert_eq!(again["retryNow"], Value::Null);
    let moved = app
        .put(PATH, json!({"url": "http://127.0.0.1:2/"}))
        .await
        .expect(200);
    assert_eq!(moved["retryNow"], "/v1/companies/151/endpoints/erp/retry-now");
    let list = app.get("/v1/companies/151/endpoints").await.expect(200);
    assert_eq!(
        (list["items"].as_array().unwrap().len(), &list["nextCursor"]),
        (1, &Value::Null)
    );
    assert!(list["items"][0].get("open").is_none());
}

/// What a GET shows can be given back in a PUT, its members that are no settings aside.
#[tokio::test]
async fn what_is_shown_can_be_put_back() {
    let app = app().await;
    let full = json!({
        "url": "http://127.0.0.1:1/", "callbacks": ["job"], "enabled": false, "ackRule": "status",
        "schedule": {"gaps": ["1s", "2s"], "maxAge": "24h"}, "jitter": 0.5, "timeout": "1s500ms", "contentType": "text",
        "profile": "v1", "order": "key-hold", "holdQuiet": "1m", "holdLimit": "1h", "maxInFlight": 7, "rateLimit": {"perSecond": 2.5, "burst": 9}, "breaker": "off",
        "jobStatuses": [2], "headers": {"Authorization": "Bearer hidden"},
    });
    app.put(PATH, full).await.expect(201);
    let shown = app.get(PATH).await.expect(200);
    assert_eq!(shown["headers"], json!({"Authorization": null}));
    let mut back = shown.clone();
    for member in [
        "companyId",
        "name",
        "version",
        "hasSecret",
        "previousSecretUntil",
        "open",
    ] {
        back.as_object_mut().unwrap().remove(member).unwrap();
    }
    app.put(PATH, back).await.expect(200);
    let mut expected = shown;
    expected["version"] = json!(2);
    assert_eq!(app.get(PATH).await.expect(200), expected);
    let company = app.get("/v1/companies/151").await.expect(200);
    assert_eq!(
        company["callbacks"],
        json!(["call", "correction", "inbound", "job"])
    );
}

#[tokio::test]
async fn names_and_companies_of_endpoints_are_checked() {
    let app = app().await;
    let body = json!({"url": "http://127.0.0.1:1/"});
    let long = "n".repeat(65);
    for (path, status, slug) in [
        ("/v1/companies/152/endpoints/erp", 404, "no-company"),
        ("/v1/companies/151/endpoints/a%20b", 422, "invalid"),
        (&*format!("/v1/companies/151/endpoints/{long}"), 422, "invalid"),
        ("/v1/companies/151/endpoints/%E5%90%8D", 422, "invalid"),
    ] {
        assert_eq!(app.put(path, body.clone()).await.problem(status), slug, "{path}");
    }
    let name = format!("/v1/companies/151/endpoints/{}", &long[..64]);
    app.put(&name, body).await.expect(201);
    assert_eq!(
        app.get("/v1/companies/151/endpoints/none").await.problem(404),
        "no-endpoint"
    );
    assert_eq!(
        app.delete("/v1/companies/151/endpoints/none").await.problem(404),
        "no-endpoint"
    );
}

#[tokio::test]
async fn an_endpoint_with_open_deliveries_goes_only_with_them() {
    let app = app().await;
    app.put(PATH, json!({"url": "http://127.0.0.1:1/", "enabled": false}))
        .await
        .expect(201);
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    assert_eq!(accepted["deliveries"][0]["state"], "parked");
    assert_eq!(
        app.get(PATH).await.expect(200)["open"],
        json!({"pending": 0, "parked": 1, "more": false})
    );
    assert_eq!(app.delete(PATH).await.problem(409), "has-open-deliveries");
    assert_eq!(
        app.delete(&format!("{PATH}?cancelOpen=yes")).await.problem(422),
        "invalid"
    );
    app.delete(&format!("{PATH}?cancelOpen=true")).await.expect(204);
    app.until(accepted["eventId"].as_str().unwrap(), "cancelled")
        .await;
    assert_eq!(app.get(PATH).await.problem(404), "no-endpoint");
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_new_one() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let rotated = app
        .request(Method::POST, &format!("{PATH}/secret/rotate"), &[], Body::empty())
        .await
        .expect(200);
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(rotated["previousUntil"], "2026-01-02T00:00:00.000Z");
    let shown = app.get(PATH).await.expect(200);
    assert_eq!(shown["previousSecretUntil"], rotated["previousUntil"]);
    app.post("/v1/calls", call(151, 1)).await.expect(202);
    let received = receiver.next().await;
    assert_eq!(received.signature.split(' ').count(), 2);
    received.answer.send("success").unwrap();
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
        app.get("/v1/events?companyId=1").await.expect(200)["items"],
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
    assert!(tested["hint"].as_str().unwrap().contains("防火墙"), "{tested}");
}

#[tokio::test]
async fn retry_now_makes_pending_deliveries_due() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    let event_id = accepted["eventId"].as_str().unwrap();
    receiver.next().await.answer.send("fail").unwrap();
    while app.get(&format!("/v1/events/{event_id}")).await.expect(200)["deliveries"][0]["sends"] != 1 {
        tokio::task::yield_now().await;
    }
    let path = format!("{PATH}/retry-now");
    assert_eq!(
        app.post(&path, Body::empty()).await.expect(200),
        json!({"retried": 1})
    );
    let received = receiver.next().await;
    assert_eq!(received.send, 2);
    received.answer.send("success").unwrap();
    app.until(event_id, "delivered").await;
    assert_eq!(
        app.post(&path, Body::empty()).await.expect(200),
        json!({"retried": 0})
    );
    app.put(PATH, json!({"url": "http://127.0.0.1:1/", "enabled": false}))
        .await
        .expect(200);
    assert_eq!(
        app.post(&path, Body::empty()).await.problem(409),
        "endpoint-disabled"
    );
}

#[tokio::test]
async fn two_endpoints_get_a_delivery_each() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let mut second = Receiver::start().await;
    app.put_endpoint(151, "crm", &second.url).await;
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    let names: Vec<_> = accepted["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["endpoint"].clone())
        .collect();
    assert_eq!(names, ["crm", "erp"]);
    let (first, second) = (receiver.next().await, second.next().await);
    assert_eq!(first.webhook_id, second.webhook_id);
    assert_eq!(first.body, second.body);
}
