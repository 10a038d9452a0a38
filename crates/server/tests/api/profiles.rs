//! The profile of an endpoint: one event to a v1 and a v2 endpoint at once, fixed with the delivery, the same bytes at
//! every send.

use ringback_contract::{samples, v2};
use serde_json::{Value, json};

use crate::app::{JSON, TestApp};
use crate::support::Receiver;

const ENDPOINTS: &str = "/v1/companies/1/endpoints";

/// A company with an endpoint of v1 and one of v2, each for all kinds at a receiver of its own.
async fn both() -> (TestApp, Receiver, Receiver) {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    for (name, receiver, profile) in [("a-v1", &one, "v1"), ("b-v2", &two, "v2")] {
        app.put(&format!("{ENDPOINTS}/{name}"), settings(receiver, profile))
            .await
            .expect(201);
    }
    (app, one, two)
}

fn settings(receiver: &Receiver, profile: &str) -> Value {
    json!({"url": receiver.url, "profile": profile, "callbacks": ["call", "correction", "job"],
           "schedule": {"gaps": ["1s", "2s"], "maxAge": "1m"}})
}

#[tokio::test]
async fn one_event_goes_to_both_shapes_at_once() {
    let (app, mut one, mut two) = both().await;
    let accepted = app.post("/v1/calls", samples::CALL).await.expect(202);
    let event_id = accepted["eventId"].as_str().unwrap();

    let v1 = one.next().await;
    let first = two.next().await;
    assert_eq!(v1.webhook_id, first.webhook_id);
    assert_eq!(v2::render(v2::Version::LATEST, &v1.body).unwrap(), first.body);
    let golden: Value = serde_json::from_str(samples::V2_CALL).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&first.body).unwrap(), golden);
    v1.answer.send("success").unwrap();
    first.answer.send("fail").unwrap();

    // The other profile is for deliveries to come: this one keeps its shape, byte for byte.
    while app.get(&format!("/v1/events/{event_id}")).await.expect(200)["deliveries"][1]["sends"] != 1 {
        tokio::task::yield_now().await;
    }
    app.put(&format!("{ENDPOINTS}/b-v2"), settings(&two, "v1"))
        .await
        .expect(200);
    app.lab.clock.advance(1_000);
    let second = two.next().await;
    assert_eq!((second.send, &second.body), (2, &first.body));
    second.answer.send("success").unwrap();

    let event = app.until(event_id, "delivered").await;
    let shown = |place: usize| event["deliveries"][place]["profile"].as_str().unwrap().to_owned();
    assert_eq!((shown(0), shown(1)), ("v1".to_owned(), "v2".to_owned()));
    assert_eq!(event["body"]["data"]["dataType"], "CALL_INSTANCE_RESULT");
    assert_eq!(event["bodyV2"], golden);
}

#[tokio::test]
async fn an_event_that_nobody_gets_in_v2_shows_no_such_body() {
    let (app, mut receiver) = TestApp::with_receiver(1).await;
    let accepted = app.post("/v1/calls", samples::CALL).await.expect(202);
    receiver.next().await.answer.send("success").unwrap();
    let event = app
        .get(&format!("/v1/events/{}", accepted["eventId"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(event.get("bodyV2"), None);
    assert_eq!(event["deliveries"][0]["profile"], "v1");
}

/// What goes with v2 are defaults, and the test of an endpoint sends its shape.
#[tokio::test]
async fn the_test_of_an_endpoint_has_its_profile_and_ack_rule() {
    let (app, _one, mut two) = both().await;
    let shown = app.get(&format!("{ENDPOINTS}/b-v2")).await.expect(200);
    assert_eq!(
        (&shown["profile"], &shown["ackRule"]),
        (&json!("v2"), &json!("success-or-code"))
    );
    let path = format!("{ENDPOINTS}/b-v2/test");
    let request = app.request(http::Method::POST, &path, &JSON, r#"{"kind": "job"}"#);
    let answering = async {
        let received = two.next().await;
        received.answer.send("{\"code\":200}").unwrap();
        received.body
    };
    let (tested, body) = tokio::join!(request, answering);
    let golden: Value = serde_json::from_str(samples::V2_JOB).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), golden);
    assert_eq!(tested.expect(200)["outcome"], "acknowledged");
}
