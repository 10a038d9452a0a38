//! What waits says for whom and until when, and what is held goes in the end.

use serde_json::{Value, json};

use crate::app::{TestApp, call};
use crate::support::Receiver;

/// The company's endpoint `name` with these settings beside its receiver's URL.
async fn endpoint(app: &TestApp, name: &str, receiver: &Receiver, mut settings: Value) {
    settings["url"] = json!(receiver.url);
    app.put(&format!("/v1/companies/1/endpoints/{name}"), settings)
        .await
        .expect(201);
}

fn call_of_job(call_instance_id: i64) -> String {
    json!({"sceneInstance": {"companyId": 1, "callInstanceId": call_instance_id, "callJobId": 535}})
        .to_string()
}

/// The first delivery of an event that was taken in.
async fn delivery(app: &TestApp, accepted: &Value) -> Value {
    let id = accepted["deliveries"][0]["deliveryId"].as_str().unwrap();
    app.get(&format!("/v1/deliveries/{id}")).await.expect(200)
}

/// The delivery, once it waits as is wanted: the engine learns of what is committed a moment later.
async fn until_waiting(app: &TestApp, accepted: &Value, wanted: &Value) -> Value {
    loop {
        let delivery = delivery(app, accepted).await;
        if delivery["waiting"] == *wanted {
            return delivery;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_final_status_is_held_until_the_calls_of_the_job_are_through() {
    let app = TestApp::start();
    let (mut calls, mut jobs) = (Receiver::start().await, Receiver::start().await);
    app.put("/v1/companies/1", json!({})).await.expect(201);
    endpoint(&app, "calls", &calls, json!({"callbacks": ["call"]})).await;
    endpoint(
        &app,
        "jobs",
        &jobs,
        json!({"callbacks": ["job"], "order": "key-hold"}),
    )
    .await;
    let call = app.post("/v1/calls", call_of_job(1)).await.expect(202);
    let received = calls.next().await;
    let job = json!({"companyId": 1, "callJobId": 535, "status": 2}).to_string();
    let job = app.post("/v1/jobs", job).await.expect(202);
    let held = delivery(&app, &job).await;
    assert_eq!(
        (&held["state"], &held["nextSendAt"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(
        held["waiting"],
        json!({
            "reason": "hold", "for": null, "until": "2026-01-01T00:10:00.000Z", "openCalls": 1,
            "quietUntil": "2026-01-01T00:00:05.000Z",
        })
    );
    let list = app.get("/v1/deliveries?companyId=1&kind=job").await.expect(200);
    assert_eq!(
        list["items"][0]["waiting"],
        json!({"reason": "hold", "for": null, "until": "2026-01-01T00:10:00.000Z"})
    );
    app.lab.clock.advance(5_000);
    assert_eq!(
        delivery(&app, &job).await["waiting"],
        json!({"reason": "hold", "for": null, "until": "2026-01-01T00:10:00.000Z", "openCalls": 1})
    );
    received.answer.send("success").unwrap();
    app.until(call["eventId"].as_str().unwrap(), "delivered").await;
    app.lab.clock.advance(1_000);
    let received = jobs.next().await;
    assert_eq!(json!(received.webhook_id), job["eventId"]);
    received.answer.send("success").unwrap();
    let event = app.until(job["eventId"].as_str().unwrap(), "delivered").await;
    assert_eq!(event["deliveries"][0]["waiting"], Value::Null);
}

#[tokio::test]
async fn a_hold_survives_the_loss_of_the_store() {
    let app = TestApp::start();
    let mut jobs = Receiver::start().await;
    app.put("/v1/companies/1", json!({})).await.expect(201);
    endpoint(
        &app,
        "jobs",
        &jobs,
        json!({"callbacks": ["job"], "order": "key-hold", "holdLimit": "6s"}),
    )
    .await;
    app.post("/v1/calls", call_of_job(1)).await.expect(202);
    let job = json!({"companyId": 1, "callJobId": 535, "status": 6}).to_string();
    app.put(
        "/v1/companies/1/endpoints/jobs",
        json!({"url": jobs.url, "callbacks": ["job"], "order": "key-hold", "jobStatuses": [6]}),
    )
    .await
    .expect(200);
    let job = app.post("/v1/jobs", job).await.expect(202);
    app.lab
        .faults
        .once
        .store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(
        app.post("/v1/calls", call_of_job(2)).await.problem(503),
        "store-failed"
    );
    loop {
        app.lab.clock.advance(1_000);
        let health = app.get("/readyz").await;
        if health.status == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
    app.lab.clock.advance(5_000);
    assert_eq!(json!(jobs.next().await.webhook_id), job["eventId"]);
}

#[tokio::test]
async fn what_is_due_says_what_holds_its_endpoint_back() {
    let app = TestApp::start();
    let mut receiver = Receiver::start().await;
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let slow = json!({"callbacks": ["call"], "maxInFlight": 1, "rateLimit": {"perSecond": 0.5, "burst": 2}});
    endpoint(&app, "erp", &receiver, slow).await;
    let first = app.post("/v1/calls", call(1, 1)).await.expect(202);
    let on_its_way = receiver.next().await;
    let second = app.post("/v1/calls", call(1, 2)).await.expect(202);
    let third = app.post("/v1/calls", call(1, 3)).await.expect(202);
    let in_flight = json!({"reason": "in-flight", "for": null, "until": null});
    until_waiting(&app, &second, &in_flight).await;
    until_waiting(&app, &third, &in_flight).await;
    assert_eq!(delivery(&app, &first).await["waiting"], Value::Null);
    let sentence = app.get("/v1/calls/2?companyId=1").await.expect(200)["arrivals"][0]["sentence"].clone();
    assert_eq!(
        sentence,
        "erp does not have the call yet: the endpoint has as many sends under way as it may; it goes out after them."
    );
    on_its_way.answer.send("success").unwrap();
    receiver.next().await.answer.send("success").unwrap();
    let limited = json!({"reason": "rate-limit", "for": null, "until": "2026-01-01T00:00:02.000Z"});
    let waiting = until_waiting(&app, &third, &limited).await;
    assert_eq!(waiting["nextSendAt"], "2026-01-01T00:00:00.000Z");
    let list = app
        .get("/v1/deliveries?companyId=1&state=pending")
        .await
        .expect(200);
    assert_eq!(list["items"][0]["waiting"], limited);
    app.lab.clock.advance(2_000);
    assert_eq!(json!(receiver.next().await.webhook_id), third["eventId"]);
}

#[tokio::test]
async fn what_is_behind_a_breaker_says_until_when() {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({})).await.expect(201);
    // Nothing listens there: a failure a second opens the breaker long before it is the turn of the last call.
    let gone = json!({"url": "http://127.0.0.1:1/", "rateLimit": {"perSecond": 1, "burst": 1}});
    app.put("/v1/companies/1/endpoints/gone", gone).await.expect(201);
    let mut last = Value::Null;
    for id in 1..=30 {
        last = app.post("/v1/calls", call(1, id)).await.expect(202);
    }
    let waiting = loop {
        let delivery = delivery(&app, &last).await;
        assert_eq!(delivery["sends"], 0);
        // Without an `until` a probe is under way.
        if delivery["waiting"]["reason"] == "breaker" && !delivery["waiting"]["until"].is_null() {
            break delivery["waiting"].clone();
        }
        app.lab.clock.advance(200);
        tokio::task::yield_now().await;
    };
    assert!(
        waiting["until"].as_str().unwrap() > "2026-01-01T00:00:09",
        "{waiting}"
    );
    let call = app.get("/v1/calls/30?companyId=1").await.expect(200);
    let sentence = call["arrivals"][0]["sentence"].as_str().unwrap();
    let expected = "gone does not have the call yet: the endpoint has not answered for a while; ";
    assert!(sentence.starts_with(expected), "{sentence}");
}
