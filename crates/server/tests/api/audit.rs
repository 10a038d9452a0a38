//! The audit log: who changed what.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{TestApp, call};

async fn log(app: &TestApp, query: &str) -> Vec<Value> {
    let list = app.get(&format!("/v1/audit{query}")).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

/// The newest entry as (action, company, object, before, after).
async fn newest(app: &TestApp) -> (Value, Value, Value, Value, Value) {
    let entry = log(app, "?limit=1").await.remove(0);
    let of = |name: &str| entry[name].clone();
    (
        of("action"),
        of("companyId"),
        of("object"),
        of("before"),
        of("after"),
    )
}

#[tokio::test]
async fn every_change_is_told_with_what_it_was_before_and_after() {
    let (app, receiver) = TestApp::with_receiver(151).await;
    let (action, company, object, before, after) = newest(&app).await;
    assert_eq!(
        (action, company, object),
        (json!("endpoint-put"), json!(151), json!("erp"))
    );
    assert_eq!(before, Value::Null);
    assert_eq!(
        (&after["enabled"], &after["secret"], &after["timeout"]),
        (&json!(true), &json!("set"), &json!("15s"))
    );

    let company = json!({"name": "甲", "appKey": "key", "appSecret": "hush-hush"});
    app.put("/v1/companies/151", company).await.expect(200);
    let (action, _, object, before, after) = newest(&app).await;
    assert_eq!((action, object), (json!("company-put"), json!("151")));
    assert_eq!(
        (&before["name"], &before["appSecret"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&after["name"], &after["appSecret"], &after["appKey"]),
        (&json!("甲"), &json!("set"), &json!("key"))
    );

    let endpoint = "/v1/companies/151/endpoints/erp";
    app.post(&format!("{endpoint}/secret/rotate"), "")
        .await
        .expect(200);
    let (action, _, _, before, after) = newest(&app).await;
    assert_eq!(action, "secret-rotate");
    assert_eq!(
        (&before["secret"], &after["secret"], &after["url"]),
        (&json!("set"), &json!("changed"), &json!(receiver.url))
    );

    app.post(&format!("{endpoint}/retry-now"), "").await.expect(200);
    let expected = (
        json!("retry-now"),
        json!(151),
        json!("erp"),
        Value::Null,
        Value::Null,
    );
    assert_eq!(newest(&app).await, expected);

    app.delete(&format!("{endpoint}?cancelOpen=true"))
        .await
        .expect(204);
    let (action, _, _, before, after) = newest(&app).await;
    assert_eq!(
        (action, &before["enabled"], after),
        (json!("endpoint-delete"), &json!(true), Value::Null)
    );
    app.delete("/v1/companies/151").await.expect(204);
    let (action, _, _, _, after) = newest(&app).await;
    assert_eq!((action, after), (json!("company-delete"), Value::Null));
    let before = log(&app, "").await.len();
    assert_eq!(app.delete("/v1/companies/151").await.problem(404), "no-company");
    assert_eq!(log(&app, "").await.len(), before, "a refusal changes nothing");

    let everything = app.get("/v1/audit").await.expect(200).to_string();
    assert!(
        !everything.contains("hush-hush") && !everything.contains("whsec_"),
        "{everything}"
    );
}

#[tokio::test]
async fn resends_and_corrections_are_told_of_and_calls_are_not() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let accepted = app.post("/v1/calls", call(151, 7)).await.expect(202);
    receiver.next().await.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    assert_eq!(newest(&app).await.0, "endpoint-put");
    let delivery = accepted["deliveries"][0]["deliveryId"].as_str().unwrap();
    let resent = app
        .post(&format!("/v1/deliveries/{delivery}/resend"), "")
        .await
        .expect(202);
    let made = &resent["deliveries"][0]["deliveryId"];
    let before = json!({"eventId": accepted["eventId"], "endpoint": "erp", "state": "delivered"});
    let after = json!({"deliveryIds": [made]});
    let expected = (json!("resend"), json!(151), json!(delivery), before, after);
    assert_eq!(newest(&app).await, expected);

    for told in [true, false] {
        let correction = json!({"companyId": 151, "resultValue": "B"});
        let answer = app.put("/v1/calls/7/intent", correction).await;
        assert_eq!(answer.status, if told { 202 } else { 200 });
        let corrected = log(&app, "?action=intent-correct").await;
        assert_eq!(corrected.len(), 1, "a repetition changes nothing");
        assert_eq!(
            (&corrected[0]["object"], &corrected[0]["after"]),
            (&json!("7"), &json!({"resultValue": "B"}))
        );
    }
}

#[tokio::test]
async fn replays_and_tokens_are_told_of() {
    let app = TestApp::start();
    app.put("/v1/companies/151", json!({})).await.expect(201);
    let replay = json!({"filter": {"companyId": 151, "states": ["exhausted"]}, "dryRun": true});
    app.post("/v1/replays", replay.to_string()).await.expect(200);
    assert_eq!(newest(&app).await.0, "company-put", "a dry run changes nothing");
    let replay = json!({"filter": {"companyId": 151, "states": ["exhausted"]}});
    let replay = app.post("/v1/replays", replay.to_string()).await.expect(201);
    let (action, _, object, _, after) = newest(&app).await;
    assert_eq!((action, &object), (json!("replay-make"), &replay["replayId"]));
    assert_eq!(after["filter"]["states"], json!(["exhausted"]));

    let settings = json!({"name": "crm", "scope": "tenant", "companyId": 151});
    let token = app.post("/v1/tokens", settings.to_string()).await.expect(201);
    let told =
        json!({"name": "crm", "scope": "tenant", "companyId": 151, "expiresAt": null, "rateLimit": null});
    let expected = (
        json!("token-make"),
        json!(151),
        token["id"].clone(),
        Value::Null,
        told.clone(),
    );
    assert_eq!(newest(&app).await, expected);
    let path = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    app.delete(&path).await.expect(204);
    let expected = (
        json!("token-revoke"),
        json!(151),
        token["id"].clone(),
        told,
        Value::Null,
    );
    assert_eq!(newest(&app).await, expected);
    let log = app.get("/v1/audit").await.expect(200).to_string();
    assert!(!log.contains(token["token"].as_str().unwrap()));
}

#[tokio::test]
async fn it_says_who_and_when_and_shows_each_company_its_own() {
    let app = TestApp::start();
    for company in [1, 2] {
        app.put(&format!("/v1/companies/{company}"), json!({}))
            .await
            .expect(201);
    }
    let settings = json!({"name": "crm of 1", "scope": "tenant", "companyId": 1});
    let token = app.post("/v1/tokens", settings.to_string()).await.expect(201);
    let text = token["token"].as_str().unwrap();
    let ask = async |method: Method, path: &str, body: String| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {text}"))
            .header("content-type", "application/json");
        app.send(request.body(Body::from(body)).unwrap()).await
    };
    let endpoint = json!({"url": "http://127.0.0.1:9/", "callbacks": ["call"]}).to_string();
    ask(Method::PUT, "/v1/companies/1/endpoints/erp", endpoint)
        .await
        .expect(201);
    let own = ask(Method::GET, "/v1/audit", String::new()).await.expect(200);
    let items = own["items"].as_array().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|entry| (&entry["action"], &entry["actor"]["id"], &entry["actor"]["name"]))
        .collect();
    let operator = json!("operator-token");
    assert_eq!(
        told,
        [
            (&json!("endpoint-put"), &token["id"], &json!("crm of 1")),
            (&json!("token-make"), &operator, &operator),
            (&json!("company-put"), &operator, &operator),
        ]
    );
    assert_eq!(items[0]["at"], "2026-01-01T00:00:00.000Z");
    let of_other = ask(Method::GET, "/v1/audit?companyId=2", String::new()).await;
    assert_eq!(of_other.problem(403), "forbidden");
    let by_token = format!("?actor={}", token["id"].as_str().unwrap());
    assert_eq!(log(&app, &by_token).await.len(), 1);
    assert_eq!(log(&app, "?actor=operator-token&companyId=2").await.len(), 1);
    let page = app.get("/v1/audit?limit=3").await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(log(&app, &format!("?limit=3&cursor={cursor}")).await.len(), 1);
    for wrong in ["?action=all", "?actor=", "?from=today", "?company=1"] {
        let answer = app.get(&format!("/v1/audit{wrong}")).await;
        assert_eq!(answer.problem(422), "invalid", "{wrong}");
    }
}
