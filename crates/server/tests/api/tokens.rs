//! Bearer tokens.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, call};

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_revoked() {
    let app = TestApp::start();
    let made = app
        .post("/v1/tokens", json!({"name": "call platform"}).to_string())
        .await
        .expect(201);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let list = app.get("/v1/tokens").await.expect(200);
    let expected = json!([{
        "id": id, "name": "call platform", "scope": "operator", "companyId": null,
        "createdAt": "2026-01-01T00:00:00.000Z", "expiresAt": null, "lastUsedAt": null,
        "rateLimit": null,
    }]);
    assert_eq!(list, json!({"items": expected, "nextCursor": null}));
    let with_token = || {
        let request = Request::builder().method(Method::GET).uri("/v1/companies");
        request
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(app.send(with_token()).await.status, 200);
    let list = app.get("/v1/tokens").await.expect(200);
    assert_eq!(list["items"][0]["lastUsedAt"], "2026-01-01T00:00:00.000Z");
    app.delete(&format!("/v1/tokens/{id}")).await.expect(204);
    assert_eq!(app.send(with_token()).await.status, 401);
    assert_eq!(
        app.delete(&format!("/v1/tokens/{id}")).await.problem(404),
        "no-token"
    );
}

#[tokio::test]
async fn what_a_token_cannot_be_is_refused() {
    let app = TestApp::start();
    for body in [
        "{}",
        r#"{"name":""}"#,
        r#"{"name":7}"#,
        r#"{"name":"a","scope":"all"}"#,
        r#"{"name":"a","scope":"tenant"}"#,
        r#"{"name":"a","companyId":1}"#,
        r#"{"name":"a","scope":"operator","companyId":1}"#,
        r#"{"name":"a","scope":"intake","companyId":"1"}"#,
        r#"{"name":"a","expiresAt":"2026-01-01T00:00:00Z"}"#,
        r#"{"name":"a","expiresAt":"soon"}"#,
        r#"{"name":"a","rateLimit":0}"#,
        r#"{"name":"a","rateLimit":1000001}"#,
        r#"{"name":"a","rateLimit":"10"}"#,
        r#"{"name":"a","rights":"all"}"#,
        "[]",
    ] {
        assert_eq!(
            app.post("/v1/tokens", body).await.problem(422),
            "invalid",
            "{body}"
        );
    }
}

async fn make(app: &TestApp, settings: Value) -> String {
    let made = app.post("/v1/tokens", settings.to_string()).await.expect(201);
    made["token"].as_str().unwrap().to_owned()
}

async fn ask(app: &TestApp, token: &str, method: Method, path: &str, body: String) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    app.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_token_expires() {
    let app = TestApp::start();
    let settings = json!({"name": "for an hour", "scope": "read-only", "expiresAt": "2026-01-01T01:00:00Z"});
    let token = make(&app, settings).await;
    for (pass, expected) in [(0, 200), (3_599, 200), (1, 401)] {
        app.lab.clock.advance(pass * 1_000);
        let answer = ask(&app, &token, Method::GET, "/v1/companies", String::new()).await;
        assert_eq!(answer.status, expected);
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_405_whatever_the_token_allows() {
    let app = TestApp::start();
    let token = make(&app, json!({"name": "looks", "scope": "read-only"})).await;
    for (method, path, allow) in [
        (Method::POST, "/v1/companies", "GET,HEAD"),
        (Method::PATCH, "/v1/companies/1", "GET,HEAD,PUT,DELETE"),
        (Method::GET, "/v1/calls", "POST"),
    ] {
        let answer = ask(&app, &token, method, path, String::new()).await;
        let found = answer.header("allow").unwrap_or_default();
        let (mut found, mut expected): (Vec<_>, Vec<_>) =
            (found.split(',').collect(), allow.split(',').collect());
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{path}");
        assert_eq!(answer.problem(405), "method-not-allowed", "{path}");
    }
    let answer = ask(&app, &token, Method::PUT, "/v1/companies/1", "{}".to_owned()).await;
    assert_eq!(answer.problem(403), "forbidden");
}

#[tokio::test]
async fn a_token_that_comes_too_often_is_answered_429() {
    let app = TestApp::start();
    let own = json!({"name": "slow", "scope": "intake", "rateLimit": 2});
    let own = make(&app, own).await;
    let usual = make(&app, json!({"name": "usual", "scope": "read-only"})).await;
    let get = async |token: &str| {
        let answer = ask(&app, token, Method::GET, "/v1/companies", String::new()).await;
        let retry_after = answer.header("retry-after").map(str::to_owned);
        assert_eq!(answer.status == 429, retry_after.as_deref() == Some("1"));
        if answer.status == 429 {
            assert_eq!(answer.problem(429), "too-many-requests");
            return false;
        }
        true
    };
    for (pass, expected) in [(0, 2), (499, 0), (1, 1), (10_000, 2)] {
        app.lab.clock.advance(pass);
        let mut taken = 0;
        for _ in 0..5 {
            // What is forbidden counts as well.
            taken += usize::from(get(&own).await);
        }
        assert_eq!(taken, expected, "after {pass} ms");
        assert!(get(&usual).await, "no other token pays for it");
    }
    app.lab.clock.advance(10_000);
    for _ in 0..200 {
        assert!(get(&usual).await);
    }
    assert!(!get(&usual).await);
    assert_eq!(app.get("/v1/companies").await.status, 200);
    // Both were made in the same millisecond, so that they come in any order.
    let list = app.get("/v1/tokens").await.expect(200);
    for token in list["items"].as_array().unwrap() {
        let own = (token["name"] == "slow").then_some(2);
        assert_eq!(token["rateLimit"], json!(own));
    }
}

/// An address may carry a secret in its query: who may not change it need not know it.
#[tokio::test]
async fn queries_of_addresses_are_shown_to_those_who_may_change_them() {
    let app = TestApp::start();
    app.put("/v1/companies/1", json!({})).await.expect(201);
    let (url, token_url) = (
        "http://127.0.0.1:1/in?key=hidden",
        "http://127.0.0.1:2/token?tenant=hidden",
    );
    let credentials = json!({"type": "oauth2", "tokenUrl": token_url, "clientId": "c", "clientSecret": "s"});
    let path = "/v1/companies/1/endpoints/erp";
    app.put(path, json!({"url": url, "credentials": credentials}))
        .await
        .expect(201);
    let plain = "/v1/companies/1/endpoints/plain";
    app.put(plain, json!({"url": "http://127.0.0.1:1/in"}))
        .await
        .expect(201);
    for (scope, company, is_shown) in [
        ("operator", Value::Null, true),
        ("tenant", json!(1), true),
        ("read-only", json!(1), false),
        ("read-only", Value::Null, false),
    ] {
        let token = make(&app, json!({"name": "t", "scope": scope, "companyId": company})).await;
        let get = async |path: &str| {
            ask(&app, &token, Method::GET, path, String::new())
                .await
                .expect(200)
        };
        let list = get("/v1/companies/1/endpoints").await;
        for shown in [get(path).await, list["items"][0].clone()] {
            let found = (&shown["url"], &shown["credentials"]["tokenUrl"]);
            let expected = if is_shown {
                (json!(url), json!(token_url))
            } else {
                (
                    json!("http://127.0.0.1:1/in?…"),
                    json!("http://127.0.0.1:2/token?…"),
                )
            };
            assert_eq!(found, (&expected.0, &expected.1), "{scope}");
        }
        assert_eq!(get(plain).await["url"], "http://127.0.0.1:1/in");
    }
}

#[tokio::test]
async fn intake_that_a_token_does_not_let_in_is_counted_by_reason() {
    let app = TestApp::start();
    let slow = make(&app, json!({"name": "slow", "scope": "intake", "rateLimit": 1})).await;
    let reads = make(&app, json!({"name": "reads", "scope": "read-only"})).await;
    for (token, path, status) in [
        (slow.as_str(), "/v1/calls", 202),
        (&slow, "/v1/calls", 429),
        (&slow, "/v1/jobs", 429),
        (&reads, "/v1/calls", 403),
        ("rbt_nobody", "/v1/calls", 401),
        // These are no intake.
        ("rbt_nobody", "/v1/replays", 401),
        (&slow, "/v1/replays", 429),
    ] {
        let answer = ask(&app, token, Method::POST, path, call(1, 1)).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let metrics = app.get("/metrics").await.body;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    for (reason, count) in [
        ("unauthorized", 1),
        ("forbidden", 1),
        ("rate-limited", 2),
        ("invalid", 0),
    ] {
        let line = format!("ringback_intake_refused_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.lines().any(|found| found == line), "{line}");
    }
}

/// Companies 1 and 2 have an endpoint and a call each. For each request, with its body, what these tokens get: one for
/// intake of company 1, the tenant of company 1, one that reads company 1, one that reads everything.
const REQUESTS: [(&str, &str, [u16; 4]); 35] = [
    (
        "POST /v1/calls",
        r#"{"sceneInstance":{"companyId":1,"callInstanceId":8}}"#,
        [202, 403, 403, 403],
    ),
    (
        "POST /v1/calls",
        r#"{"sceneInstance":{"companyId":2,"callInstanceId":8}}"#,
        [403, 403, 403, 403],
    ),
    (
        "PUT /v1/calls/7/intent",
        r#"{"companyId":1,"resultValue":"A"}"#,
        [202, 403, 403, 403],
    ),
    (
        "PUT /v1/calls/7/intent",
        r#"{"companyId":2,"resultValue":"A"}"#,
        [403, 403, 403, 403],
    ),
    ("GET /v1/events", "", [403, 200, 200, 422]),
    ("GET /v1/events?companyId=2", "", [403, 403, 403, 200]),
    ("GET /v1/events/{event 1}", "", [403, 200, 200, 200]),
    ("GET /v1/events/{event 2}", "", [403, 404, 404, 200]),
    ("GET /v1/deliveries?companyId=1", "", [403, 200, 200, 200]),
    ("GET /v1/deliveries?companyId=2", "", [403, 403, 403, 200]),
    ("GET /v1/deliveries/{delivery 1}", "", [403, 200, 200, 200]),
    ("GET /v1/deliveries/{delivery 2}", "", [403, 404, 404, 200]),
    ("GET /v1/calls/7?companyId=1", "", [403, 200, 200, 200]),
    ("GET /v1/calls/7?companyId=2", "", [403, 403, 403, 200]),
    (
        "POST /v1/deliveries/{delivery 1}/resend",
        "",
        [403, 202, 403, 403],
    ),
    (
        "POST /v1/deliveries/{delivery 2}/resend",
        "",
        [403, 404, 403, 403],
    ),
    (
        "POST /v1/replays",
        r#"{"filter":{"companyId":1},"dryRun":true}"#,
        [403, 200, 403, 403],
    ),
    (
        "POST /v1/replays",
        r#"{"filter":{"companyId":2},"dryRun":true}"#,
        [403, 403, 403, 403],
    ),
    ("GET /v1/replays?companyId=2", "", [403, 403, 403, 200]),
    ("GET /v1/replays/{replay 1}", "", [403, 200, 200, 200]),
    ("GET /v1/replays/{replay 2}", "", [403, 404, 404, 200]),
    ("DELETE /v1/replays/{replay 1}", "", [403, 204, 403, 403]),
    ("DELETE /v1/replays/{replay 2}", "", [403, 404, 403, 403]),
    ("POST /v1/replays/{replay 2}/pause", "", [403, 404, 403, 403]),
    ("GET /v1/companies/1", "", [403, 200, 200, 200]),
    ("GET /v1/companies/2", "", [403, 403, 403, 200]),
    ("PUT /v1/companies/1", "{}", [403, 403, 403, 403]),
    (
        "PUT /v1/companies/1/endpoints/crm",
        ENDPOINT,
        [403, 201, 403, 403],
    ),
    (
        "PUT /v1/companies/2/endpoints/crm",
        ENDPOINT,
        [403, 403, 403, 403],
    ),
    (
        "POST /v1/companies/1/endpoints/crm/retry-now",
        "",
        [403, 200, 403, 403],
    ),
    (
        "POST /v1/companies/1/endpoints/crm/test",
        "",
        [403, 200, 403, 403],
    ),
    ("DELETE /v1/companies/1/endpoints/crm", "", [403, 204, 403, 403]),
    ("DELETE /v1/companies/2/endpoints/erp", "", [403, 403, 403, 403]),
    ("GET /v1/tokens", "", [403, 403, 403, 403]),
    ("POST /v1/tokens", r#"{"name":"more"}"#, [403, 403, 403, 403]),
];

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1/";
const ENDPOINT: &str = r#"{"url":"http://127.0.0.1:1/","callbacks":["call"]}"#;

#[tokio::test]
async fn scopes_and_companies_are_kept_apart() {
    let app = TestApp::start();
    let mut ids = Vec::new();
    for company_id in [1, 2] {
        app.put(&format!("/v1/companies/{company_id}"), json!({}))
            .await
            .expect(201);
        app.put_endpoint(company_id, "erp", NOBODY).await;
        let accepted = app.post("/v1/calls", call(company_id, 7)).await.expect(202);
        let replay = json!({"filter": {"companyId": company_id}}).to_string();
        let replay = app.post("/v1/replays", replay).await.expect(201);
        for (what, id) in [
            ("replay", &replay["replayId"]),
            ("event", &accepted["eventId"]),
            ("delivery", &accepted["deliveries"][0]["deliveryId"]),
        ] {
            ids.push((
                format!("{{{what} {company_id}}}"),
                id.as_str().unwrap().to_owned(),
            ));
        }
    }
    let mut tokens = Vec::new();
    for (scope, company_id) in [
        ("intake", Some(1)),
        ("tenant", Some(1)),
        ("read-only", Some(1)),
        ("read-only", None),
    ] {
        let settings = json!({"name": scope, "scope": scope, "companyId": company_id});
        tokens.push(make(&app, settings).await);
    }
    for (request, body, expected) in REQUESTS {
        let (method, path) = request.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let path = ids
            .iter()
            .fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        for (token, expected) in tokens.iter().zip(expected) {
            let answer = ask(&app, token, method.clone(), &path, body.to_owned()).await;
            assert_eq!(answer.status, expected, "{request} {answer:?}");
        }
    }
    // Lists of a token for one company have nothing of the others.
    for (path, company_id) in [
        ("/v1/events", "/companyId"),
        ("/v1/deliveries", "/event/companyId"),
        ("/v1/replays", "/filter/companyId"),
        ("/v1/companies", "/companyId"),
    ] {
        let list = ask(&app, &tokens[1], Method::GET, path, String::new())
            .await
            .expect(200);
        let items = list["items"].as_array().unwrap();
        let own = items
            .iter()
            .all(|item| item.pointer(company_id) == Some(&json!(1)));
        assert!(!items.is_empty() && own, "{path} {list}");
    }
}

#[tokio::test]
async fn a_batch_is_taken_in_line_by_line_as_the_token_allows() {
    let app = TestApp::start();
    let token = make(&app, json!({"name": "a", "scope": "intake", "companyId": 1})).await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/calls")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/x-ndjson");
    let lines = format!("{}\n{}\n", call(1, 1), call(2, 2));
    let answer = app.send(request.body(Body::from(lines)).unwrap()).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let statuses: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, [202, 403]);
}
