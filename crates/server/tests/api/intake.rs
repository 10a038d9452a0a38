//! Intake: the seed's samples in and out, repetitions, batches.

use axum::body::Body;
use http::Method;
use ringback_contract::samples;
use serde_json::{Value, json};

use crate::app::{JSON, TestApp, call};

/// Takes a sample in, and compares what the receiver gets with it.
async fn check_sample(company_id: i64, method: Method, path: &str, sample: &str) {
    let (app, mut receiver) = TestApp::with_receiver(company_id).await;
    let accepted = app
        .request(method, path, &JSON, sample.to_owned())
        .await
        .expect(202);
    assert_eq!(accepted["replayed"], false);
    assert_eq!(accepted["deliveries"][0]["endpoint"], "erp");
    assert_eq!(accepted["deliveries"][0]["state"], "pending");
    let received = receiver.next().await;
    assert_eq!(Value::String(received.webhook_id), accepted["eventId"]);
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    let expected: Value = serde_json::from_str(sample).unwrap();
    // The dateTime of the sample can be read, so it is passed on, in the company's form.
    let aside = |mut body: Value| {
        if let Some(date_time) = body.pointer_mut("/data/data/dateTime") {
            *date_time = Value::Null;
        }
        body
    };
    assert_eq!(aside(body), aside(expected));
    received.answer.send("success").unwrap();
    let event = app
        .until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    assert_eq!(
        event["body"],
        serde_json::from_slice::<Value>(&received.body).unwrap()
    );
}

#[tokio::test]
async fn the_samples_go_in_and_come_out() {
    check_sample(1, Method::POST, "/v1/calls", samples::CALL).await;
    check_sample(243, Method::POST, "/v1/jobs", samples::JOB).await;
    check_sample(241, Method::PUT, "/v1/calls/2016/intent", samples::CORRECTION).await;
}

#[tokio::test]
async fn the_least_forms_are_taken() {
    let app = TestApp::start();
    for (method, path, body, kind) in [
        (Method::POST, "/v1/calls", call(1, 7), "call"),
        (
            Method::PUT,
            "/v1/calls/7/intent",
            json!({"companyId": 1, "resultValue": "B"}).to_string(),
            "correction",
        ),
        (
            Method::POST,
            "/v1/inbound-calls",
            json!({"sceneInstance": {"companyId": 1, "inboundInstanceId": 7}}).to_string(),
            "inbound",
        ),
        (
            Method::POST,
            "/v1/jobs",
            json!({"companyId": 1, "callJobId": 7, "status": 2}).to_string(),
            "job",
        ),
    ] {
        let accepted = app.request(method, path, &JSON, body).await.expect(202);
        assert_eq!(accepted["deliveries"].as_array().unwrap().len(), 1, "{path}");
        assert_eq!(accepted["deliveries"][0]["endpoint"], Value::Null);
        assert_eq!(accepted["deliveries"][0]["state"], "parked");
        let event = app
            .get(&format!("/v1/events/{}", accepted["eventId"].as_str().unwrap()))
            .await
            .expect(200);
        assert_eq!((&event["kind"], &event["companyId"]), (&json!(kind), &json!(1)));
    }
}

/// A kind that is off is stored without deliveries.
#[tokio::test]
async fn an_unwanted_event_has_no_deliveries() {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({"callbacks": ["call"]}))
        .await
        .expect(201);
    let job = json!({"companyId": 1, "callJobId": 7, "status": 2}).to_string();
    assert_eq!(
        app.post("/v1/jobs", job).await.expect(202)["deliveries"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_not_as_the_contract_says_names_its_field() {
    let app = TestApp::start();
    for (method, path, body, field) in [
        (Method::POST, "/v1/calls", "", ""),
        (Method::POST, "/v1/calls", "{}", "sceneInstance"),
        (
            Method::POST,
            "/v1/calls",
            r#"{"sceneInstance":{"companyId":"1"}}"#,
            "sceneInstance.companyId",
        ),
        (Method::POST, "/v1/calls", samples::JOB, "data.dataType"),
        (
            Method::POST,
            "/v1/jobs",
            r#"{"companyId":1,"callJobId":7,"status":"2"}"#,
            "status",
        ),
        (
            Method::POST,
            "/v1/inbound-calls",
            r#"{"sceneInstance":{"companyId":1,"callInstanceId":7}}"#,
            "sceneInstance.inboundInstanceId",
        ),
        (
            Method::PUT,
            "/v1/calls/7/intent",
            r#"{"companyId":1}"#,
            "resultValue",
        ),
        (
            Method::PUT,
            "/v1/calls/7/intent",
            samples::CORRECTION,
            "taskResult[0].sceneInstanceId",
        ),
        (
            Method::PUT,
            "/v1/calls/x/intent",
            r#"{"companyId":1,"resultValue":"B"}"#,
            "callInstanceId",
        ),
    ] {
        let problem = app
            .request(method, path, &JSON, body.to_owned())
            .await
            .expect(422);
        assert_eq!(problem["field"], field, "{path} {problem}");
    }
}

#[tokio::test]
async fn a_repetition_is_answered_with_the_first_event() {
    let app = TestApp::start();
    let intent = |value: &str| json!({"companyId": 1, "resultValue": value}).to_string();
    let mut ids = Vec::new();
    for (value, status) in [("B", 202), ("B", 200), ("C", 202), ("C", 200), ("B", 202)] {
        let answer = app
            .request(Method::PUT, "/v1/calls/7/intent", &JSON, intent(value))
            .await
            .expect(status);
        assert_eq!(answer["replayed"], status == 200, "{value}");
        ids.push(answer["eventId"].clone());
    }
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]));
    assert!(ids[4] != ids[0] && ids[4] != ids[2]);
}

/// Key, content, status; the content is the number of a call.
#[tokio::test]
async fn an_idempotency_key_decides_alone() {
    let app = TestApp::start();
    for (key, content, status) in [
        ("a", 1, 202),
        ("a", 1, 200),
        ("a", 2, 409),
        ("b", 1, 202),
        ("b", 1, 200),
        ("", 3, 422),
    ] {
        let headers = [JSON[0], ("idempotency-key", key)];
        let answer = app
            .request(Method::POST, "/v1/calls", &headers, call(1, content))
            .await;
        assert_eq!(answer.status, status, "{key} {content}");
        if status == 409 {
            assert_eq!(answer.problem(409), "idempotency-conflict");
        }
    }
    let headers = [JSON[0], ("idempotency-key", "a")];
    let job = json!({"companyId": 1, "callJobId": 7, "status": 2}).to_string();
    app.request(Method::POST, "/v1/jobs", &headers, job)
        .await
        .expect(202);
    app.request(Method::POST, "/v1/calls", &headers, call(2, 1))
        .await
        .expect(202);
}

async fn batch(app: &TestApp, key: Option<&str>, body: String) -> Vec<Value> {
    let mut headers = vec![("content-type", "application/x-ndjson")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let answer = app.request(Method::POST, "/v1/calls", &headers, body).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson"))
    );
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_batch_is_answered_line_by_line() {
    let app = TestApp::start();
    let body = format!(
        "{}\n\n{{}}\n{}\r\nnonsense\n{}",
        call(1, 1),
        call(1, 1),
        call(1, 2)
    );
    let answers = batch(&app, None, body).await;
    let found: Vec<_> = answers
        .iter()
        .map(|a| (a["line"].as_u64().unwrap(), a["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(found, [(1, 202), (3, 422), (4, 200), (5, 422), (6, 202)]);
    assert_eq!(answers[0]["eventId"], answers[2]["eventId"]);
    assert_eq!(answers[2]["replayed"], true);
    assert_eq!(answers[1]["problem"]["field"], "sceneInstance");
    assert!(answers[1].get("eventId").is_none() && answers[0].get("problem").is_none());
    let events = app.get("/v1/events?companyId=1").await.expect(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_with_a_key_gives_each_line_its_own() {
    let app = TestApp::start();
    let first = batch(&app, Some("k"), format!("{}\n{}", call(1, 1), call(1, 2))).await;
    assert_eq!([&first[0]["status"], &first[1]["status"]], [202, 202]);
    let second = batch(&app, Some("k"), format!("{}\n{}", call(1, 1), call(1, 3))).await;
    assert_eq!([&second[0]["status"], &second[1]["status"]], [200, 409]);
    assert_eq!(second[0]["eventId"], first[0]["eventId"]);
    assert_eq!(
        second[1]["problem"]["type"],
        "urn:ringback:problem:idempotency-conflict"
    );
}

#[tokio::test]
async fn a_large_batch_is_taken_whole_and_in_order() {
    let app = TestApp::start();
    let lines: Vec<String> = (1..=1000).map(|id| call(1, id)).collect();
    let answers = batch(&app, None, lines.join("\n")).await;
    assert_eq!(answers.len(), 1000);
    assert!(
        answers
            .iter()
            .zip(1..)
            .all(|(answer, line)| answer["line"] == line && answer["status"] == 202)
    );
    let ids: Vec<&str> = answers
        .iter()
        .map(|answer| answer["eventId"].as_str().unwrap())
        .collect();
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn an_empty_batch_is_refused() {
    let app = TestApp::start();
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app
        .request(Method::POST, "/v1/calls", &headers, Body::from("\n \n"))
        .await;
    assert_eq!(answer.problem(422), "invalid");
}
