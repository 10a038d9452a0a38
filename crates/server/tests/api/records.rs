//! Events and deliveries: search, pages, timelines, resend.

use axum::body::Body;
use http::Method;
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
async fn a_delivery_has_a_sentence_in_the_language_that_is_asked_for() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    let (event_id, delivery_id) = (
        accepted["eventId"].as_str().unwrap(),
        accepted["deliveries"][0]["deliveryId"].as_str().unwrap(),
    );
    receiver.next().await.answer.send("success").unwrap();
    app.until(event_id, "delivered").await;
    for (path, pointer) in [
        (format!("/v1/events/{event_id}"), "/deliveries/0/sentence"),
        (format!("/v1/deliveries/{delivery_id}"), "/sentence"),
        ("/v1/calls/1?companyId=151".to_owned(), "/arrivals/0/sentence"),
    ] {
        for (asked, language, sentence) in [
            (
                "zh-CN,zh;q=0.9",
                "zh",
                "erp 已收到该通话：2026-01-01 08:00:00 +08:00 送达（第 1 次发送）。",
            ),
            (
                "de",
                "en",
                "erp has the call: it arrived at 2026-01-01 08:00:00 +08:00, with send 1.",
            ),
        ] {
            let headers = [("accept-language", asked)];
            let answer = app.request(Method::GET, &path, &headers, Body::empty()).await;
            assert_eq!(answer.header("content-language"), Some(language), "{path}");
            assert_eq!(answer.header("vary"), Some("accept-language"), "{path}");
            assert_eq!(
                answer.expect(200).pointer(pointer),
                Some(&json!(sentence)),
                "{path}"
            );
        }
    }
    let unwanted = json!({"companyId": 151, "callJobId": 5, "status": 1});
    let unwanted = app.post("/v1/jobs", unwanted.to_string()).await.expect(202);
    let path = format!("/v1/events/{}", unwanted["eventId"].as_str().unwrap());
    let event = app.get(&path).await.expect(200);
    assert_eq!(event["deliveries"], json!([]));
    assert!(
        event["sentence"]
            .as_str()
            .unwrap()
            .starts_with("Nobody gets the job's status")
    );
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
    let first = app.post("/v1/calls", body.to_string()).await.expect(202);
    app.post("/v1/calls", call(1, 8)).await.expect(202);
    app.post("/v1/calls", call(2, 7)).await.expect(202);
    app.put("/v1/calls/7/intent", json!({"companyId": 1, "resultValue": "B"}))
        .await
        .expect(202);
    for (query, expected) in [
        ("companyId=1", 3),
        ("callInstanceId=7", 3),
        ("callJobId=5", 1),
        ("eventId={event}", 1),
        ("eventId={event}&companyId=2", 0),
        ("companyId=1&callInstanceId=7", 2),
        ("companyId=1&callInstanceId=7&kind=call", 1),
        ("callJobId=5&companyId=1", 1),
        ("phone=13800000000", 1),
        ("phone=13800000001", 0),
        ("companyId=1&kind=correction", 1),
        ("companyId=1&state=parked", 3),
        ("companyId=1&state=pending", 0),
        ("companyId=1&to=2026-01-01T00:00:00Z", 0),
        ("companyId=1&from=2026-01-01T00:00:00Z", 3),
        ("companyId=1&from=2026-01-01T00:00:01Z", 0),
        ("companyId=1&endpoint=erp", 0),
        ("companyId=1&sentFrom=2025-01-01T00:00:00Z", 0),
    ] {
        let query = query.replace("{event}", first["eventId"].as_str().unwrap());
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
async fn a_search_names_what_narrows_it_or_goes_back_seven_days() {
    const DAY_MS: u32 = 24 * 60 * 60 * 1000;
    let app = TestApp::start();
    app.post("/v1/calls", call(1, 7)).await.expect(202);
    for list in ["events", "deliveries"] {
        for query in [
            "",
            "kind=call",
            "from=2025-01-01T00:00:00Z",
            "state=parked&endpoint=erp",
            "limit=5",
        ] {
            let problem = app.get(&format!("/v1/{list}?{query}")).await.expect(422);
            assert_eq!(problem["field"], "companyId", "{query}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains("companyId, eventId, callInstanceId, callJobId or phone"),
                "{detail}"
            );
        }
    }
    app.lab.clock.advance(7 * DAY_MS + 1000);
    app.post("/v1/calls", call(1, 8)).await.expect(202);
    let since = "2026-01-01T00:00:01.000Z";
    for (query, expected, since) in [
        ("companyId=1", 1, Some(since)),
        ("companyId=1&kind=call", 1, Some(since)),
        ("companyId=1&from=2026-01-01T00:00:00Z", 2, None),
        (
            "companyId=1&to=2026-01-02T00:00:00Z",
            1,
            Some("2025-12-26T00:00:00.000Z"),
        ),
        ("companyId=1&callInstanceId=7", 1, None),
        ("callInstanceId=7", 1, None),
    ] {
        for list in ["events", "deliveries"] {
            let page = app.get(&format!("/v1/{list}?{query}")).await.expect(200);
            let count = page["items"].as_array().unwrap().len();
            assert_eq!(
                (count, page["since"].as_str()),
                (expected, since),
                "{list} {query}"
            );
        }
    }
}

#[tokio::test]
async fn deliveries_are_found_by_their_last_send() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    receiver.next().await.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    for (query, expected) in [
        ("sentFrom=2026-01-01T00:00:00Z", 1),
        ("sentFrom=2026-01-01T00:00:01Z", 0),
        ("sentTo=2026-01-01T00:00:00Z", 0),
        ("sentTo=2026-01-01T00:00:01Z&state=delivered", 1),
    ] {
        for list in ["events", "deliveries"] {
            let page = app
                .get(&format!("/v1/{list}?companyId=151&{query}"))
                .await
                .expect(200);
            assert_eq!(
                page["items"].as_array().unwrap().len(),
                expected,
                "{list} {query}"
            );
        }
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
        let mut path = format!("/v1/{list}?companyId=1&limit=2");
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
            path = format!("/v1/{list}?companyId=1&limit=2&cursor={cursor}");
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
