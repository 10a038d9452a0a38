//! Alerts over the whole service: an endpoint fails, the robot is told, the API lists it, it recovers; a restart repeats
//! nothing.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use ringback_core::alert::{Bounds, Severity};
use ringback_server::alerts::{AlertSettings, ChannelSettings, Destination, Hidden};
use ringback_server::api::Language;
use serde_json::{Value, json};

use crate::app::{TestApp, call};
use crate::support::Receiver;

/// A robot of WeCom at a receiver of ours, which is told at once.
fn to_robot(robot: &Receiver) -> AlertSettings {
    AlertSettings {
        window_ms: 0,
        bounds: Bounds {
            // The lab's disk says that two bytes are free.
            disk_free_least: 0,
            ..Bounds::default()
        },
        mail: None,
        channels: vec![ChannelSettings {
            name: "ops".to_owned(),
            language: Language::English,
            least: Severity::Warning,
            companies: None,
            destination: Destination::WeCom {
                url: Hidden::new(robot.url.clone()),
            },
        }],
    }
}

/// The text of the next message to the robot, which takes it.
async fn told(robot: &mut Receiver) -> String {
    let message = robot.next().await;
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    message.answer.send(r#"{"errcode":0,"errmsg":"ok"}"#).unwrap();
    body["text"]["content"].as_str().unwrap().to_owned()
}

async fn alerts(app: &TestApp, query: &str) -> Vec<Value> {
    let list = app.get(&format!("/v1/alerts{query}")).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

/// Company 1 with an endpoint that is tried again after half an hour, and gives up after one hour.
async fn failing(app: &TestApp, receiver: &mut Receiver) -> String {
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let endpoint = json!({
        "url": receiver.url, "callbacks": ["call"], "schedule": {"gaps": ["30m"], "maxAge": "1h"},
    });
    app.put("/v1/companies/1/endpoints/erp", endpoint)
        .await
        .expect(201);
    let accepted = app.post("/v1/calls", call(1, 7)).await.expect(202);
    let event_id = accepted["eventId"].as_str().unwrap().to_owned();
    receiver.next().await.answer.send("fail").unwrap();
    until_sends(app, &event_id, 1).await;
    app.noted().await;
    event_id
}

async fn until_sends(app: &TestApp, event_id: &str, sends: u64) {
    loop {
        let event = app.get(&format!("/v1/events/{event_id}")).await.expect(200);
        if event["deliveries"][0]["sends"] == sends {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn until_metric(app: &TestApp, line: &str) {
    loop {
        let metrics = app.get("/metrics").await.body;
        if String::from_utf8_lossy(&metrics)
            .lines()
            .any(|found| found == line)
        {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_failing_endpoint_is_told_and_listed_and_its_recovery_too() {
    let (mut robot, mut receiver) = (Receiver::start().await, Receiver::start().await);
    let app = TestApp::start_with(to_robot(&robot));
    let alert_rounds = app.state.alerts();
    alert_rounds.start_channels();
    let event_id = failing(&app, &mut receiver).await;
    alert_rounds.round().await;
    assert_eq!(alerts(&app, "").await, Vec::<Value>::new());

    app.lab.clock.advance(15 * 60_000);
    alert_rounds.round().await;
    let text = told(&mut robot).await;
    // Its time limit runs on the same clock.
    until_metric(&app, "ringback_alert_messages_total{outcome=\"sent\"} 1").await;
    assert!(
        text.starts_with(
            "[ringback] 1 alert(s)\n\n[WARNING] endpoint erp of company 1 is failing: its oldest callback has used 25 % of \
             its maximum age (15m of 1h), no acknowledgement for 15m; 1 pending\nSince: 2026-01-01 08:15:00 +08:00\n\
             What to do: POST /v1/companies/1/endpoints/erp/test"
        ),
        "{text}"
    );
    let open = alerts(&app, "?open=true").await;
    assert_eq!(open.len(), 1);
    let expected = json!({
        "id": 1, "condition": "endpoint-failing", "severity": "warning", "companyId": 1, "endpoint": "erp",
        "since": "2026-01-01T00:15:00.000Z", "endedAt": null, "ending": null, "count": 0,
        "detail": {"percentOfMaxAge": 25, "oldestMs": 900_000, "maxAgeMs": 3_600_000, "unacknowledgedMs": 900_000},
        "notices": 1, "lastNoticeAt": "2026-01-01T00:15:00.000Z", "text": open[0]["text"],
        "whatToDo": open[0]["whatToDo"],
    });
    assert_eq!(open[0], expected);

    // It is sent again, and acknowledged: a call later another is, and all is well.
    app.lab.clock.advance(15 * 60_000);
    receiver.next().await.answer.send("success").unwrap();
    app.until(&event_id, "delivered").await;
    app.noted().await;
    alert_rounds.round().await;
    assert_eq!(alerts(&app, "?open=true").await.len(), 1);
    app.lab.clock.advance(3 * 60_000);
    alert_rounds.round().await;
    let text = told(&mut robot).await;
    assert!(
        text.starts_with(
            "[ringback] 1 over\n\n[OVER] endpoint erp of company 1: endpoint failing – recovered\n"
        ),
        "{text}"
    );
    assert_eq!(alerts(&app, "?open=true").await.len(), 0);
    assert_eq!(alerts(&app, "?open=false").await[0]["ending"], "recovered");
    until_metric(
        &app,
        "ringback_alert_notices_total{condition=\"endpoint-failing\"} 2",
    )
    .await;
    until_metric(&app, "ringback_alerts_open{condition=\"endpoint-failing\"} 0").await;
}

#[tokio::test]
async fn exhausted_and_parked_are_counted_and_scoped() {
    let (mut robot, mut receiver) = (Receiver::start().await, Receiver::start().await);
    let app = TestApp::start_with(to_robot(&robot));
    let alert_rounds = app.state.alerts();
    let event_id = failing(&app, &mut receiver).await;
    app.post("/v1/calls", call(2, 1)).await.expect(202);
    app.lab.clock.advance(30 * 60_000);
    receiver.next().await.answer.send("fail").unwrap();
    app.until(&event_id, "exhausted").await;
    app.noted().await;
    alert_rounds.round().await;
    // Both were left before the channel began to send: one message.
    alert_rounds.start_channels();
    let text = told(&mut robot).await;
    for part in [
        "[ringback] 2 alert(s)",
        "endpoint erp of company 1: 1 callback(s) ran out of retries and did not arrive",
        "company 2: 1 more event(s) parked",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let conditions = |items: &[Value]| -> Vec<String> {
        let names = items
            .iter()
            .map(|item| item["condition"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(
        conditions(&alerts(&app, "").await),
        ["parked-growing", "deliveries-exhausted"]
    );
    assert_eq!(
        conditions(&alerts(&app, "?companyId=2").await),
        ["parked-growing"]
    );
    // A tenant sees its own company only.
    let token = json!({"name": "one", "scope": "tenant", "companyId": 1}).to_string();
    let token = app.post("/v1/tokens", token).await.expect(201);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let get = |path: &str| {
        let request = http::Request::get(path).header("authorization", &bearer);
        app.send(request.body(axum::body::Body::empty()).unwrap())
    };
    let own = get("/v1/alerts").await.expect(200);
    assert_eq!(
        conditions(own["items"].as_array().unwrap()),
        ["deliveries-exhausted"]
    );
    assert_eq!(get("/v1/alerts?companyId=2").await.problem(403), "forbidden");
    assert_eq!(get("/v1/alert-channels").await.problem(403), "forbidden");
}

#[tokio::test]
async fn a_channel_is_tested_over_the_api() {
    let mut robot = Receiver::start().await;
    let app = TestApp::start_with(to_robot(&robot));
    let list = app.get("/v1/alert-channels").await.expect(200);
    assert_eq!(
        list["items"],
        json!([{"name": "ops", "kind": "wecom", "language": "en", "severity": "warning", "companies": null}])
    );
    let path = "/v1/alert-channels/ops/test";
    let (answer, text) = tokio::join!(app.post(path, ""), told(&mut robot));
    let expected = json!({
        "delivered": true, "detail": null, "status": 200, "bodyStart": "{\"errcode\":0,\"errmsg\":\"ok\"}",
    });
    assert_eq!(answer.expect(200), expected);
    assert!(text.contains("test of the alert channel ops"), "{text}");
    let unknown = app.post("/v1/alert-channels/none/test", "").await;
    assert_eq!(unknown.problem(404), "no-alert-channel");
}

#[tokio::test]
async fn a_restart_keeps_what_is_open_and_repeats_only_what_was_not_told() {
    for was_told in [true, false] {
        let (mut robot, mut receiver) = (Receiver::start().await, Receiver::start().await);
        let app = TestApp::start_with(to_robot(&robot));
        failing(&app, &mut receiver).await;
        app.lab.clock.advance(16 * 60_000);
        app.state.alerts().round().await;
        if was_told {
            app.state.alerts().start_channels();
            told(&mut robot).await;
            until_metric(&app, "ringback_alert_messages_total{outcome=\"sent\"} 1").await;
        }
        let before = alerts(&app, "").await;
        let app = app.restart_with(to_robot(&robot)).await;
        assert_eq!(alerts(&app, "").await, before);
        app.lab.clock.advance(60_000);
        app.state.alerts().round().await;
        let again = if was_told { 0 } else { 1 };
        let line = format!("ringback_alert_notices_total{{condition=\"endpoint-failing\"}} {again}");
        until_metric(&app, &line).await;
        if !was_told {
            app.state.alerts().start_channels();
            assert!(
                told(&mut robot)
                    .await
                    .contains("endpoint erp of company 1 is failing")
            );
        }
        // It still began when it began.
        assert_eq!(alerts(&app, "").await[0]["since"], before[0]["since"]);
    }
}

#[tokio::test]
async fn the_api_speaks_chinese_where_it_is_asked_to() {
    let (robot, mut receiver) = (Receiver::start().await, Receiver::start().await);
    let app = TestApp::start_with(to_robot(&robot));
    failing(&app, &mut receiver).await;
    app.lab.clock.advance(16 * 60_000);
    app.state.alerts().round().await;
    let answer = app
        .request(
            http::Method::GET,
            "/v1/alerts",
            &[("accept-language", "zh-CN")],
            axum::body::Body::empty(),
        )
        .await
        .expect(200);
    let text = answer["items"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("公司 1 的回调地址 erp 回调持续失败"), "{text}");
}

#[tokio::test]
async fn the_log_level_is_changed_for_a_while() {
    let app = TestApp::start();
    let path = "/v1/log-level";
    let configured = json!({"log": "info", "until": null, "configured": "info"});
    assert_eq!(app.get(path).await.expect(200), configured);
    let changed = app
        .put(path, json!({"log": "debug", "for": "10m"}))
        .await
        .expect(200);
    let expected = json!({"log": "debug", "until": "2026-01-01T00:10:00.000Z", "configured": "info"});
    assert_eq!(changed, expected);
    for wrong in [
        json!({"log": "loud"}),
        json!({"log": "debug", "for": "25h"}),
        json!({"log": "debug", "level": 7}),
    ] {
        assert_eq!(app.put(path, wrong).await.problem(422), "invalid");
    }
    assert_eq!(app.get(path).await.expect(200), expected);
    // One change, and one entry; what was refused has none.
    let audit = app.get("/v1/audit").await.expect(200);
    let told = json!({
        "auditId": audit["items"][0]["auditId"], "at": "2026-01-01T00:00:00.000Z",
        "actor": {"id": "operator-token", "name": "operator-token"}, "peer": null, "action": "log-level-put",
        "companyId": null, "object": "", "before": {"log": "info", "until": null},
        "after": {"log": "debug", "until": "2026-01-01T00:10:00.000Z"},
    });
    assert_eq!(audit["items"], json!([told]));
    app.lab.clock.sleepers(1).await;
    app.lab.clock.advance(10 * 60_000);
    while app.get(path).await.expect(200) != configured {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_end_of_a_certificate_in_the_settings_is_told_before() {
    let robot = Receiver::start().await;
    let app = TestApp::start_with(to_robot(&robot));
    app.put("/v1/companies/151", json!({})).await.expect(201);
    let certificate = |(year, month, day)| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.not_after = date_time_ymd(year, month, day);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    // The clock begins with 2026. An old authority beside a new one does no harm.
    let authorities = certificate((2026, 1, 2)).0 + &certificate((2026, 6, 1)).0;
    for (client, authority, expected) in [
        ((2026, 6, 1), &authorities, None),
        (
            (2026, 1, 21),
            &authorities,
            Some(("warning", "clientCertificate", "2026-01-21T00:00:00.000Z")),
        ),
        (
            (2026, 1, 21),
            &certificate((2025, 12, 31)).0,
            Some(("critical", "tlsCa", "2025-12-31T00:00:00.000Z")),
        ),
    ] {
        let (client, key) = certificate(client);
        let settings = json!({
            "url": "https://127.0.0.1:1/", "tlsCa": authority,
            "clientCertificate": {"certificate": client, "key": key},
        });
        app.put("/v1/companies/151/endpoints/erp", settings).await;
        // What was told of the certificate before is over when that has been gone for three minutes.
        for _ in 0..3 {
            app.state.alerts().round().await;
            app.lab.clock.advance(3 * 60_000);
        }
        let found = alerts(&app, "?open=true").await;
        let found = found.first().map(|alert| {
            assert_eq!(alert["condition"], "certificate-ending", "{alert}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (setting, ends) = (
                text(&alert["detail"]["setting"]),
                text(&alert["detail"]["endsAt"]),
            );
            assert!(text(&alert["text"]).contains(&setting), "{alert}");
            (text(&alert["severity"]), setting, ends)
        });
        let expected = expected
            .map(|(severity, setting, ends)| (severity.to_owned(), setting.to_owned(), ends.to_owned()));
        assert_eq!(found, expected);
    }
}
