//! The failed-callback query: signed requests, in the platform's envelope.

use axum::body::Body;
use http::Request;
use ringback_contract::sign::sign;
use serde_json::{Value, json};

use crate::app::TestApp;

const KEY: &str = "demoAppKey0000001";
const SECRET: &str = "demoAppSecret00000000000000001";
/// The time at which the tests' clock begins.
const NOW: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
const DAYS: &str = "startDate=2026-01-01&endDate=2026-01-01&dataType=0&pageNum=1";

/// Company 151 with this key, and 9 with another; nobody takes anything, so that everything is parked.
async fn app() -> TestApp {
    let app = TestApp::start();
    for (company_id, key) in [(151, KEY), (9, "another")] {
        let company = json!({"appKey": key, "appSecret": SECRET});
        app.put(&format!("/v1/companies/{company_id}"), company)
            .await
            .expect(201);
    }
    app
}

async fn ask(app: &TestApp, query: &str, headers: &[(&str, &str)]) -> Value {
    let mut request = Request::builder().uri(format!("/openapi/v1/callBack/queryUnCallBack?{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).unwrap()).await.expect(200)
}

async fn signed(app: &TestApp, query: &str) -> Value {
    let sign = sign(KEY, SECRET, NOW);
    ask(app, query, &[("appkey", KEY), ("datetime", NOW), ("sign", &sign)]).await
}

fn call(id: i64, start: &Value) -> String {
    let scene = json!({
        "companyId": 151, "callInstanceId": id, "callJobId": 5, "customerTelephone": "137xxxxxxxx", "startTime": start,
    });
    json!({"sceneInstance": scene}).to_string()
}

#[tokio::test]
async fn calls_that_have_not_arrived_are_listed_in_pages() {
    let app = app().await;
    for (id, start) in [
        (1, json!("2025-12-31 23:59:00")),
        (2, Value::Null),
        (3, Value::Null),
    ] {
        app.post("/v1/calls", call(id, &start)).await.expect(202);
    }
    let inbound = json!({"sceneInstance": {"companyId": 151, "inboundInstanceId": 8}});
    app.post("/v1/inbound-calls", inbound.to_string())
        .await
        .expect(202);
    let mut answer = signed(&app, &format!("companyId=151&{DAYS}&pageSize=2")).await;
    let request_id = answer["requestId"].take();
    assert_eq!(request_id.as_str().unwrap().len(), 32);
    let item = |id: i64, time: Value| {
        json!({
            "customerTelephone": "137xxxxxxxx", "callInstanceId": id, "callJobId": 5, "callerTime": time,
        })
    };
    let expected = json!({
        "code": 200,
        "data": {
            "pageNum": 1, "pageSize": 2, "total": 3, "pages": 2,
            "list": [item(1, json!("2025-12-31 23:59:00")), item(2, Value::Null)],
        },
        "resultMsg": "成功", "errorStackTrace": null, "requestId": null,
    });
    assert_eq!(answer, expected);
    for (query, total, ids) in [
        ("pageNum=2&pageSize=2", 3, vec![3]),
        ("pageNum=3&pageSize=2", 3, vec![]),
        ("callJobId=5", 3, vec![1, 2, 3]),
        ("callJobId=6", 0, vec![]),
        ("dataType=1", 1, vec![8]),
    ] {
        let days = "startDate=2026-01-01&endDate=2026-01-01";
        let answer = signed(&app, &format!("companyId=151&{days}&{query}")).await;
        let page = &answer["data"];
        let list = page["list"].as_array().unwrap();
        let found: Vec<_> = list
            .iter()
            .map(|item| item["callInstanceId"].as_i64().unwrap())
            .collect();
        assert_eq!(
            (found, page["total"].as_i64()),
            (ids, Some(total)),
            "{query}: {answer}"
        );
    }
    // The clock stands at eight in the morning of the company's zone.
    for (day, total) in [("2025-12-31", 0), ("2026-01-01", 3), ("2026-01-02", 0)] {
        let answer = signed(&app, &format!("companyId=151&startDate={day}&endDate={day}")).await;
        assert_eq!(answer["data"]["total"], total, "{day}");
    }
}

#[tokio::test]
async fn requests_that_are_not_signed_as_they_should_be_are_turned_away() {
    let app = app().await;
    let query = format!("companyId=151&{DAYS}");
    let (right, late) = (
        sign(KEY, SECRET, NOW),
        sign(KEY, SECRET, "Thu, 01 Jan 2026 00:03:01 GMT"),
    );
    let at_the_end = sign(KEY, SECRET, "Wed, 31 Dec 2025 23:57:00 GMT");
    for (key, datetime, sign, code) in [
        (KEY, NOW, right.as_str(), 200),
        (KEY, "Wed, 31 Dec 2025 23:57:00 GMT", &at_the_end, 200),
        (KEY, "Thu, 01 Jan 2026 00:03:01 GMT", &late, 408),
        (KEY, "Thu, 01 Jan 2026 00:03:01 GMT", &right, 401),
        (KEY, "2026-01-01T00:00:00Z", &right, 412),
        (KEY, NOW, &late, 401),
        (KEY, NOW, "", 401),
        ("nobody's", NOW, &right, 401),
        ("another", NOW, &right, 401),
    ] {
        let answer = ask(
            &app,
            &query,
            &[("appkey", key), ("datetime", datetime), ("sign", sign)],
        )
        .await;
        assert_eq!(answer["code"], code, "{answer}");
        assert_eq!(answer["data"].is_null(), code != 200);
    }
    let all = [("appkey", KEY), ("datetime", NOW), ("sign", right.as_str())];
    for (absent, code) in [("appkey", 401), ("sign", 401), ("datetime", 412)] {
        let headers: Vec<_> = all.into_iter().filter(|(name, _)| *name != absent).collect();
        assert_eq!(ask(&app, &query, &headers).await["code"], code, "{absent}");
    }
}

#[tokio::test]
async fn a_key_is_for_its_own_company() {
    let app = app().await;
    for (query, code) in [
        ("companyId=151", 200),
        ("companyId=9", 403),
        ("companyId=10", 404),
        ("companyId=", 412),
        ("companyId=x", 412),
        ("", 412),
        ("companyId=151&pageSize=501", 412),
    ] {
        let answer = signed(&app, &format!("{query}&{DAYS}")).await;
        assert_eq!(answer["code"], code, "{query}: {answer}");
    }
    // Two companies of one customer share a key.
    let company = json!({"appKey": KEY, "appSecret": SECRET});
    app.put("/v1/companies/9", company).await.expect(200);
    for company_id in [9, 151] {
        let answer = signed(&app, &format!("companyId={company_id}&{DAYS}")).await;
        assert_eq!(answer["code"], 200);
    }
}
