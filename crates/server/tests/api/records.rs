//! Events and deliveries: search, pages, timelines, resend.

use axum::body::Body;
use serde_json::{Value, json};

use crate::app::{TestApp, call};

fn field<'a>(page: &'a Value, name: &str) -> Vec<&'a Value> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item[name])
        .collect()
}

#[tokio::test]
async fn the_timeline_of_a_delivery() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    let event_id = accepted["eventId"].as_str().unwrap();
    let delivery_id = accepted["deliveries"][0]["deliveryId"].as_str().unwrap();
    receiver.next().await.answer.send("fail").unwrap();
    let path = format!("/v1/deliveries/{delivery_id}");
    let delivery = loop {
        let delivery = app.get(&path).await.expect(200);
        if delivery["sends"] == 1 {
            break delivery;
        }
        tokio::task::yield_now().await;
    };
    let mut attempt = delivery["attempts"][0].clone();
    assert!(attempt["address"].as_str().unwrap().starts_with("127.0.0.1:"));
    attempt["address"] = Value::Null;
    assert_eq!(
        attempt,
        json!({
            "n": 1, "startedAt": "2026-01-01T00:00:00.000Z", "durationMs": 0, "outcome": "not-acknowledged", "status": 200,
            "address": null, "detail": null, "bodyStart": "fail",
            "hint": {"code": "fail", "text": "The body is fail: the receiver asks for the callback to be sent again."},
        })
    );
    assert_eq!(delivery["nextSendAt"], "2026-01-01T00:00:01.000Z");
    assert_eq!(delivery["event"]["eventId"], event_id);
    for (name, expected) in [
        ("deliveryId", json!(delivery_id)),
        ("endpoint", json!("erp")),
        ("state", json!("pending")),
        ("waiting", Value::Null),
        ("lastOutcome", json!("not-acknowledged")),
        ("settledAt", Value::Null),
        ("resendOf", Value::Null),
    ] {
        assert_eq!(delivery[name], expected, "{name}");
    }
}

#[tokio::test]
async fn an_event_with_its_body_and_who_waits_for_whom() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let first = app.post("/v1/calls", call(151, 1)).await.expect(202);
    let intent = json!({"companyId": 151, "resultValue": "B"});
    let second = app.put("/v1/calls/1/intent", intent).await.expect(202);
    let event = app
        .get(&format!("/v1/events/{}", second["eventId"].as_str().unwrap()))
        .await
        .expect(200);
    let delivery = &event["deliveries"][0];
    assert_eq!(delivery["nextSendAt"], Value::Null);
    assert_eq!(
        delivery["waiting"],
        json!({"reason": "order", "for": first["deliveries"][0]["deliveryId"], "until": null})
    );
    assert_eq!(event["body"]["data"]["data"]["taskResult"][0]["resultValue"], "B");
    for (name, expected) in [
        ("kind", json!("correction")),
        ("companyId", json!(151)),
        ("callInstanceId", json!(1)),
        ("callJobId", Value::Null),
        ("acceptedAt", json!("2026-01-01T00:00:00.000Z")),
    ] {
        assert_eq!(event[name], expected, "{name}");
    }
    receiver.next().await.answer.send("success").unwrap();
    assert_eq!(Value::String(receiver.next().await.webhook_id), second["eventId"]);
}

#[tokio::test]
async fn events_are_found_by_their_conditions() {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let body = json!({"sceneInstance": {"companyId": 1, "callInstanceId": 7, "callJobId": 5, "customerTelephone": "13800000000"}});
    app.post("/v1/calls", body.to_string()).await.expect(202);
    app.post("/v1/calls", call(1, 8)).await.expect(202);
    app.post("/v1/calls", call(2, 7)).await.expect(202);
    app.put("/v1/calls/7/intent", json!({"companyId": 1, "resultValue": "B"}))
        .await
        .expect(202);
    for (query, expected) in [
        ("", 4),
        ("companyId=1", 3),
        ("companyId=1&callInstanceId=7", 2),
        ("companyId=1&callInstanceId=7&kind=call", 1),
        ("callJobId=5&companyId=1", 1),
        ("phone=13800000000", 1),
        ("phone=13800000001", 0),
        ("kind=correction", 1),
        ("state=parked", 4),
        ("state=pending", 0),
        ("to=2026-01-01T00:00:00Z", 0),
        ("from=2026-01-01T00:00:00Z", 4),
        ("from=2026-01-01T00:00:01Z", 0),
        ("endpoint=erp", 0),
    ] {
        let events = app.get(&format!("/v1/events?{query}")).await.expect(200);
        assert_eq!(
            events["items"].as_array().unwrap().len(),
            expected,
            "events {query}"
        );
        let deliveries = app.get(&format!("/v1/deliveries?{query}")).await.expect(200);
        assert_eq!(
            deliveries["items"].as_array().unwrap().len(),
            expected,
            "deliveries {query}"
        );
    }
}

#[tokio::test]
async fn lists_are_read_page_by_page_newest_first() {
    let app = TestApp::start();
    let mut ids = Vec::new();
    for id in 1..=5 {
        ids.insert(
            0,
            app.post("/v1/calls", call(1, id)).await.expect(202)["eventId"].clone(),
        );
    }
    for list in ["events", "deliveries"] {
        let mut found = Vec::new();
        let mut path = format!("/v1/{list}?limit=2");
        let mut pages = 0;
        loop {
            let page = app.get(&path).await.expect(200);
            pages += 1;
            found.extend(match list {
                "events" => field(&page, "eventId").into_iter().cloned().collect::<Vec<_>>(),
                _ => field(&page, "event")
                    .into_iter()
                    .map(|event| event["eventId"].clone())
                    .collect(),
            });
            let Some(cursor) = page["nextCursor"].as_str() else {
                break;
            };
            path = format!("/v1/{list}?limit=2&cursor={cursor}");
        }
        assert_eq!((found, pages), (ids.clone(), 3), "{list}");
    }
}

#[tokio::test]
async fn a_parked_delivery_goes_out_by_resend() {
    let app = TestApp::start();
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    let parked = &accepted["deliveries"][0]["deliveryId"];
    let path = format!("/v1/deliveries/{}/resend", parked.as_str().unwrap());
    assert_eq!(
        app.post(&path, Body::empty()).await.problem(409),
        "no-endpoint-fits"
    );
    app.put("/v1/companies/151", json!({})).await.expect(200 + 1);
    let mut receiver = crate::support::Receiver::start().await;
    app.put_endpoint(151, "erp", &receiver.url).await;
    let resent = app.post(&path, Body::empty()).await.expect(202);
    let expected = json!([{"deliveryId": parked, "endpoint": "erp", "state": "pending"}]);
    assert_eq!(
        (&resent["eventId"], &resent["deliveries"]),
        (&accepted["eventId"], &expected)
    );
    let received = receiver.next().await;
    assert_eq!(Value::String(received.webhook_id), accepted["eventId"]);
    received.answer.send("success").unwrap();
    let event = app
        .until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    let again = app.post(&path, Body::empty()).await.expect(202);
    assert_ne!(&again["deliveries"][0]["deliveryId"], parked);
    assert_eq!(receiver.next().await.body, received.body);
    let event = app
        .get(&format!("/v1/events/{}", event["eventId"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(&event["deliveries"][1]["resendOf"], parked);
}
