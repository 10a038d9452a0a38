//! The channels that a company sets itself: with its own token, for its own alerts, and without its secrets in any answer.

use axum::body::Body;
use http::{Method, Request};
use ringback_core::alert::Bounds;
use ringback_server::alerts::AlertSettings;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, call};
use crate::support::Receiver;

/// No channel of the operator's, and what is told is told at once.
fn at_once() -> AlertSettings {
    AlertSettings {
        window_ms: 0,
        bounds: Bounds {
            // The lab's disk says that two bytes are free.
            disk_free_least: 0,
            ..Bounds::default()
        },
        ..AlertSettings::default()
    }
}

/// A tenant: one company's own token.
struct Tenant<'a> {
    app: &'a TestApp,
    bearer: String,
}

impl<'a> Tenant<'a> {
    async fn of(app: &'a TestApp, company_id: i64) -> Self {
        app.put(&format!("/v1/companies/{company_id}"), json!({}))
            .await
            .expect(201);
        let token = json!({"name": "crm", "scope": "tenant", "companyId": company_id}).to_string();
        let token = app.post("/v1/tokens", token).await.expect(201);
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        Self { app, bearer }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("authorization", &self.bearer)
            .header("content-type", "application/json");
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.app.send(request.body(body).unwrap()).await
    }
}

/// The text of the next message to a robot of WeCom, which takes it.
async fn told(robot: &mut Receiver) -> String {
    let message = robot.next().await;
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    message.answer.send(r#"{"errcode":0,"errmsg":"ok"}"#).unwrap();
    body["text"]["content"].as_str().unwrap().to_owned()
}

async fn until_metric(app: &TestApp, line: &str) {
    loop {
        let metrics = app.get("/metrics").await.body;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        if metrics.lines().any(|found| found == line) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

const PATH: &str = "/v1/companies/1/alert-channels/oncall";

#[tokio::test]
async fn a_tenant_sets_shows_and_deletes_its_channels_and_the_audit_log_tells_it() {
    let app = TestApp::start();
    let tenant = Tenant::of(&app, 1).await;
    let settings = json!({
        "kind": "dingtalk", "url": "https://oapi.dingtalk.com/robot/send?access_token=hushed",
        "secret": "SEChushed", "language": "zh",
    });
    let made = tenant.ask(Method::PUT, PATH, settings).await.expect(201);
    let shown = json!({
        "companyId": 1, "name": "oncall", "kind": "dingtalk", "language": "zh", "severity": "warning",
        "address": "https://oapi.dingtalk.com/…", "hasSecret": true, "to": null,
    });
    assert_eq!(made, shown);
    assert_eq!(
        tenant.ask(Method::GET, PATH, Value::Null).await.expect(200),
        shown
    );
    let list = "/v1/companies/1/alert-channels";
    let listed = tenant.ask(Method::GET, list, Value::Null).await.expect(200);
    assert_eq!(listed, json!({"items": [shown], "nextCursor": null}));

    // Another PUT of the company leaves them; one of the channel without its secrets keeps these.
    app.put("/v1/companies/1", json!({"name": "again"}))
        .await
        .expect(200);
    let critical = json!({"kind": "dingtalk", "severity": "critical", "secret": null});
    let replaced = tenant.ask(Method::PUT, PATH, critical).await.expect(200);
    assert_eq!(
        (
            &replaced["severity"],
            &replaced["hasSecret"],
            &replaced["address"]
        ),
        (&json!("critical"), &json!(false), &shown["address"])
    );
    assert_eq!(tenant.ask(Method::DELETE, PATH, Value::Null).await.status, 204);
    for method in [Method::GET, Method::DELETE] {
        let gone = tenant.ask(method, PATH, Value::Null).await;
        assert_eq!(gone.problem(404), "no-alert-channel");
    }

    let audit = tenant.ask(Method::GET, "/v1/audit", Value::Null).await;
    let text = String::from_utf8_lossy(&audit.body).into_owned();
    assert!(!text.contains("hushed"), "{text}");
    let audit = audit.expect(200);
    let entries: Vec<_> = audit["items"].as_array().unwrap()[..].iter().collect();
    let of = |entry: &Value| (entry["action"].clone(), entry["object"].clone());
    assert_eq!(of(entries[0]), (json!("alert-channel-delete"), json!("oncall")));
    assert_eq!(entries[0]["after"], Value::Null);
    assert_eq!(of(entries[1]), (json!("alert-channel-put"), json!("oncall")));
    assert_eq!(entries[1]["actor"]["name"], "crm");
    assert_eq!(
        (&entries[1]["before"]["secret"], &entries[1]["after"]["secret"]),
        (&json!("set"), &Value::Null)
    );
    assert_eq!(entries[1]["after"]["url"], "set");
    assert_eq!(of(entries[2]).0, json!("company-put"));
    assert_eq!(entries[3]["before"], Value::Null);
}

#[tokio::test]
async fn others_neither_see_nor_change_them() {
    let app = TestApp::start();
    let (one, two) = (Tenant::of(&app, 1).await, Tenant::of(&app, 2).await);
    let settings = json!({"kind": "slack", "url": "https://hooks.slack.com/services/x"});
    one.ask(Method::PUT, PATH, settings.clone()).await.expect(201);
    for (method, path) in [
        (Method::GET, PATH.to_owned()),
        (Method::PUT, PATH.to_owned()),
        (Method::DELETE, PATH.to_owned()),
        (Method::POST, format!("{PATH}/test")),
        (Method::GET, "/v1/companies/1/alert-channels".to_owned()),
    ] {
        let answer = two.ask(method.clone(), &path, settings.clone()).await;
        assert_eq!(answer.problem(403), "forbidden", "{method} {path}");
    }
    let read_only = json!({"name": "eyes", "scope": "read-only", "companyId": 1}).to_string();
    let read_only = app.post("/v1/tokens", read_only).await.expect(201);
    let eyes = Tenant {
        app: &app,
        bearer: format!("Bearer {}", read_only["token"].as_str().unwrap()),
    };
    eyes.ask(Method::GET, PATH, Value::Null).await.expect(200);
    let answer = eyes.ask(Method::PUT, PATH, settings.clone()).await;
    assert_eq!(answer.problem(403), "forbidden");
    // The operator may, where there is a company.
    app.put("/v1/companies/2/alert-channels/ops", settings.clone())
        .await
        .expect(201);
    let none = app.put("/v1/companies/3/alert-channels/ops", settings).await;
    assert_eq!(none.problem(404), "no-company");
}

#[tokio::test]
async fn a_company_has_ten_of_them() {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let settings = json!({"kind": "slack", "url": "https://hooks.slack.com/services/x"});
    for at in (0..10).rev() {
        let path = format!("/v1/companies/1/alert-channels/c{at}");
        app.put(&path, settings.clone()).await.expect(201);
    }
    let eleventh = app.put("/v1/companies/1/alert-channels/c10", settings.clone());
    assert_eq!(eleventh.await.problem(409), "too-many-alert-channels");
    let again = app.put("/v1/companies/1/alert-channels/c5", settings);
    again.await.expect(200);
    let list = app.get("/v1/companies/1/alert-channels").await.expect(200);
    let names: Vec<_> = list["items"].as_array().unwrap().iter().collect();
    assert_eq!((names.len(), &names[3]["name"]), (10, &json!("c3")));
    for (name, code) in [("..", 404), ("a%20b", 422)] {
        let path = format!("/v1/companies/1/alert-channels/{name}");
        let answer = app.put(&path, json!({"kind": "slack"})).await;
        assert!([code, 422].contains(&answer.status), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn each_company_is_told_of_its_own_alerts_until_it_deletes_the_channel() {
    let (mut first, mut second) = (Receiver::start().await, Receiver::start().await);
    let app = TestApp::start_with(at_once());
    for (company_id, robot) in [(1, &first), (2, &second)] {
        let _tenant = Tenant::of(&app, company_id).await;
        let path = format!("/v1/companies/{company_id}/alert-channels/oncall");
        let settings = json!({"kind": "wecom", "url": robot.url});
        app.put(&path, settings).await.expect(201);
    }
    // Calls of companies without endpoints are parked.
    for company_id in [1, 2] {
        app.post("/v1/calls", call(company_id, 1)).await.expect(202);
    }
    let rounds = app.state.alerts();
    rounds.round().await;
    for (robot, own, other) in [(&mut first, 1, 2), (&mut second, 2, 1)] {
        let text = told(robot).await;
        assert!(
            text.starts_with(&format!(
                "[ringback] 1 alert(s)\n\n[WARNING] company {own}: 1 more event(s) parked"
            )),
            "{text}"
        );
        assert!(!text.contains(&format!("company {other}")), "{text}");
    }
    until_metric(&app, "ringback_alert_messages_total{outcome=\"sent\"} 2").await;

    // Of what comes after it was deleted nothing is told on it, and the others are.
    app.delete(PATH).await;
    for company_id in [1, 2] {
        app.post("/v1/calls", call(company_id, 2)).await.expect(202);
    }
    app.lab.clock.advance(61 * 60_000);
    rounds.round().await;
    assert!(told(&mut second).await.contains("company 2"));
    until_metric(&app, "ringback_alert_messages_total{outcome=\"sent\"} 3").await;
    until_metric(&app, "ringback_alert_messages_total{outcome=\"failed\"} 0").await;
}

#[tokio::test]
async fn a_test_sends_a_sample_and_tells_what_came_back() {
    let mut robot = Receiver::start().await;
    let app = TestApp::start();
    let tenant = Tenant::of(&app, 1).await;
    let settings = json!({"kind": "wecom", "url": robot.url});
    tenant.ask(Method::PUT, PATH, settings).await.expect(201);
    let path = format!("{PATH}/test");
    let (answer, text) = tokio::join!(tenant.ask(Method::POST, &path, Value::Null), told(&mut robot));
    let expected = json!({
        "delivered": true, "detail": null, "status": 200, "bodyStart": "{\"errcode\":0,\"errmsg\":\"ok\"}",
    });
    assert_eq!(answer.expect(200), expected);
    assert!(
        text.starts_with("[ringback] test\n\nThis is a test of the alert channel oncall."),
        "{text}"
    );
    assert!(text.contains("endpoint sample of company 1 is failing"), "{text}");

    // While one is on its way there is no other, and what the robot refuses is told.
    app.lab.clock.advance(3_100);
    let under_way = tenant.ask(Method::POST, &path, Value::Null);
    let meanwhile = async {
        let message = robot.next().await;
        let second = tenant.ask(Method::POST, &path, Value::Null).await;
        message
            .answer
            .send(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#)
            .unwrap();
        second
    };
    let (refused, second) = tokio::join!(under_way, meanwhile);
    assert_eq!(second.problem(429), "test-under-way");
    let refused = refused.expect(200);
    assert_eq!(
        (&refused["delivered"], &refused["detail"]),
        (
            &json!(false),
            &json!("the robot answered errcode 93000: invalid webhook url")
        )
    );
    let unknown = "/v1/companies/1/alert-channels/none/test";
    let unknown = tenant.ask(Method::POST, unknown, Value::Null).await;
    assert_eq!(unknown.problem(404), "no-alert-channel");
}

#[tokio::test]
async fn they_survive_a_restart() {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let settings = json!({"kind": "slack", "url": "https://hooks.slack.com/services/x"});
    let made = app.put(PATH, settings).await.expect(201);
    let app = app.restart_with(AlertSettings::default()).await;
    assert_eq!(app.get(PATH).await.expect(200), made);
}
