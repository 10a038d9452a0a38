//! A call as it stands, and whether it arrived.

use axum::body::Body;
use http::Method;
use ringback_contract::samples;
use serde_json::{Value, json};

use crate::app::{TestApp, call};

const PATH: &str = "/v1/calls/1?companyId=1";

async fn arrivals(app: &TestApp, language: &str) -> (Value, Option<String>) {
    let headers = [("accept-language", language)];
    let answer = app.request(Method::GET, PATH, &headers, Body::empty()).await;
    let language = answer.header("content-language").map(str::to_owned);
    (answer.expect(200)["arrivals"].clone(), language)
}

#[tokio::test]
async fn the_sample_as_it_stands() {
    let (app, mut receiver) = TestApp::with_receiver(1).await;
    let accepted = app.post("/v1/calls", samples::CALL).await.expect(202);
    let view = app.get(PATH).await.expect(200);
    let sample: Value = serde_json::from_str(samples::CALL).unwrap();
    let mut expected = sample["data"]["data"].clone();
    expected["dateTime"] = view["call"]["dateTime"].clone();
    assert_eq!(view["call"], expected);
    assert_eq!((&view["callbacked"], &view["kind"]), (&json!(0), &json!("call")));
    assert_eq!(view["event"]["eventId"], accepted["eventId"]);
    assert_eq!(
        view["names"]["sceneInstance.finishStatus"],
        json!({"value": 0, "zh": "已接通", "en": "answered"})
    );
    receiver.next().await.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    let view = app.get(PATH).await.expect(200);
    assert_eq!(
        (&view["callbacked"], &view["call"]["sceneInstance"]["callbacked"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        view["arrivals"],
        json!([{"endpoint": "erp", "arrived": true, "sentence": "erp has the call: it arrived at 2026-01-01 08:00:00 +08:00, with send 1."}])
    );
}

#[tokio::test]
async fn a_correction_is_applied() {
    let (app, mut receiver) = TestApp::with_receiver(1).await;
    app.post("/v1/calls", samples::CALL).await.expect(202);
    for value in ["B", "A"] {
        app.put(
            "/v1/calls/1/intent",
            json!({"companyId": 1, "resultValue": value}),
        )
        .await
        .expect(202);
    }
    let view = app.get(PATH).await.expect(200);
    let level = &view["call"]["taskResult"][0];
    assert_eq!(
        (&level["artificialResultValue"], &level["artificialChanged"]),
        (&json!("A"), &json!(1))
    );
    assert_eq!(level["resultValue"], "C级(很少)");
    let values: Vec<_> = view["corrections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["resultValue"].clone())
        .collect();
    assert_eq!(values, ["B", "A"]);
    receiver.next().await.answer.send("success").unwrap();
    receiver.next().await.answer.send("success").unwrap();
    let last = receiver.next().await;
    let (english, _) = arrivals(&app, "en").await;
    assert_eq!(english[0]["arrived"], false);
    assert_eq!(
        english[0]["sentence"],
        "erp does not have the intent correction yet: it is being sent now."
    );
    let event_id = last.webhook_id.clone();
    last.answer.send("success").unwrap();
    app.until(&event_id, "delivered").await;
    let (chinese, language) = arrivals(&app, "zh-CN,zh;q=0.9").await;
    assert_eq!(language.as_deref(), Some("zh"));
    assert_eq!(
        chinese,
        json!([{"endpoint": "erp", "arrived": true, "sentence": "erp 已收到该通话及意向等级修改：2026-01-01 08:00:00 +08:00 送达（第 1 次发送）。"}])
    );
}

#[tokio::test]
async fn a_correction_of_an_unknown_call_is_shown_alone() {
    let app = TestApp::start();
    app.put("/v1/calls/1/intent", json!({"companyId": 1, "resultValue": "B"}))
        .await
        .expect(202);
    let view = app.get(PATH).await.expect(200);
    assert_eq!(
        (&view["call"], &view["event"], &view["callbacked"]),
        (&Value::Null, &Value::Null, &json!(0))
    );
    assert_eq!(view["corrections"][0]["resultValue"], "B");
    assert_eq!(view["arrivals"][0]["endpoint"], Value::Null);
}

#[tokio::test]
async fn an_inbound_call_is_found_by_its_own_number() {
    let app = TestApp::start();
    let body =
        json!({"sceneInstance": {"companyId": 1, "inboundInstanceId": 1, "transferStatus": 1}}).to_string();
    app.post("/v1/inbound-calls", body).await.expect(202);
    let view = app.get(PATH).await.expect(200);
    assert_eq!(
        (&view["kind"], &view["event"]["inboundInstanceId"]),
        (&json!("inbound"), &json!(1))
    );
    assert_eq!(view["names"]["sceneInstance.transferStatus"]["value"], 1);
    app.post("/v1/calls", call(1, 1)).await.expect(202);
    assert_eq!(app.get(PATH).await.expect(200)["kind"], "call");
}
