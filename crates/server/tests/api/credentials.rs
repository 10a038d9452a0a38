//! Credentials and client certificates of endpoints: what a GET shows of them, and that it can be given back.

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::{Value, json};

use crate::app::{TestApp, call};

const PATH: &str = "/v1/companies/151/endpoints/erp";

async fn app() -> TestApp {
    let app = TestApp::start();
    app.put("/v1/companies/151", json!({})).await.expect(201);
    app
}

/// A PUT with what is given, what a GET shows then, and again after that was put back.
async fn check(app: &TestApp, member: &str, given: Value, expected: Value) {
    let url = "https://127.0.0.1:1/";
    let put = app.put(PATH, json!({"url": url, member: given})).await;
    assert!(put.status < 300, "{put:?}");
    for _ in 0..2 {
        let shown = app.get(PATH).await.expect(200);
        assert_eq!(shown[member], expected, "{shown}");
        assert!(!shown.to_string().contains("hidden"), "{shown}");
        let back = json!({"url": url, member: shown[member]});
        app.put(PATH, back).await.expect(200);
    }
}

#[tokio::test]
async fn secrets_of_credentials_are_not_shown() {
    let app = app().await;
    check(
        &app,
        "credentials",
        json!({"type": "basic", "username": "ringback", "password": "hidden"}),
        json!({"type": "basic", "username": "ringback"}),
    )
    .await;
    check(
        &app,
        "credentials",
        json!({"type": "bearer", "token": "hidden"}),
        json!({"type": "bearer"}),
    )
    .await;
    check(
        &app,
        "credentials",
        json!({"type": "oauth2", "tokenUrl": "https://127.0.0.1:2/t", "clientId": "ringback",
               "clientSecret": "hidden", "scope": "a b"}),
        json!({"type": "oauth2", "tokenUrl": "https://127.0.0.1:2/t", "clientId": "ringback",
               "scope": "a b", "audience": null, "auth": "basic"}),
    )
    .await;
    let changed = json!({"url": "https://127.0.0.1:1/", "credentials": null});
    let changed = app.put(PATH, changed).await.expect(200);
    assert_eq!(changed["credentials"], Value::Null);
    assert_eq!(changed["retryNow"], "/v1/companies/151/endpoints/erp/retry-now");
}

#[tokio::test]
async fn a_client_certificate_shows_whose_it_is_and_its_end() {
    let app = app().await;
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "ringback");
    params.not_after = date_time_ymd(2027, 1, 31);
    let certificate = params.self_signed(&key).unwrap().pem();
    check(
        &app,
        "clientCertificate",
        json!({"certificate": certificate, "key": key.serialize_pem()}),
        json!({"subject": "CN=ringback", "expiresAt": "2027-01-31T00:00:00.000Z"}),
    )
    .await;
}

/// The sends of a delivery have the hints of the test, in the language that is asked for.
#[tokio::test]
async fn a_failed_send_has_a_hint() {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    receiver.next().await.answer.send("{\"code\":200}").unwrap();
    let event = format!("/v1/events/{}", accepted["eventId"].as_str().unwrap());
    let delivery = accepted["deliveries"][0]["deliveryId"].as_str().unwrap();
    while app.get(&event).await.expect(200)["deliveries"][0]["sends"] != 1 {
        tokio::task::yield_now().await;
    }
    let shown = app.get(&event).await.expect(200);
    let hint = &shown["deliveries"][0]["attempts"][0]["hint"];
    assert_eq!(hint["code"], "code-without-success");
    assert!(
        hint["text"].as_str().unwrap().contains("success-or-code"),
        "{hint}"
    );
    let chinese = [("accept-language", "zh-CN")];
    let path = format!("/v1/deliveries/{delivery}");
    let shown = app.request(http::Method::GET, &path, &chinese, axum::body::Body::empty());
    let shown = shown.await.expect(200);
    let text = shown["attempts"][0]["hint"]["text"].as_str().unwrap();
    assert!(text.contains("请将该地址的 ackRule"), "{text}");
    app.lab.clock.advance(1_000);
    receiver.next().await.answer.send("success").unwrap();
    let shown = app
        .until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    assert_eq!(shown["deliveries"][0]["attempts"][1]["hint"], Value::Null);
}
