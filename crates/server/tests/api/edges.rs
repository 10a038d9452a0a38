//! What holds for every route: tokens, unknown paths and methods, content types, query parameters, problems.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use crate::app::{TOKEN, TestApp, call};

async fn bare(
    app: &TestApp,
    method: Method,
    path: &str,
    authorization: Option<&str>,
) -> (u16, Option<String>) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    (
        answer.status,
        answer.header("www-authenticate").map(str::to_owned),
    )
}

#[tokio::test]
async fn every_route_but_the_open_ones_needs_a_token() {
    let app = TestApp::start();
    let bearer = Some("Bearer".to_owned());
    for (path, authorization, expected) in [
        ("/v1/companies", None, (401, bearer.clone())),
        ("/v1/companies", Some("Bearer wrong"), (401, bearer.clone())),
        (
            "/v1/companies",
            Some(&*format!("Basic {TOKEN}")),
            (401, bearer.clone()),
        ),
        (
            "/v1/companies",
            Some(&*format!("Bearer {TOKEN}x")),
            (401, bearer.clone()),
        ),
        ("/v1/companies", Some(&*format!("Bearer {TOKEN}")), (200, None)),
        ("/v1/companies", Some(&*format!("bearer {TOKEN}")), (200, None)),
        ("/v1/events/evt_1", None, (401, bearer)),
        ("/healthz", None, (200, None)),
        ("/readyz", None, (200, None)),
        ("/metrics", None, (200, None)),
        ("/v1/openapi.json", None, (200, None)),
        ("/nowhere", None, (404, None)),
    ] {
        assert_eq!(
            bare(&app, Method::GET, path, authorization).await,
            expected,
            "{path} {authorization:?}"
        );
    }
}

/// Method, path, status, slug, and the header Allow where it matters.
#[tokio::test]
async fn what_does_not_exist_is_a_problem() {
    let app = TestApp::start();
    for (method, path, status, slug, allow) in [
        (Method::GET, "/", 404, "no-route", None),
        (Method::GET, "/v1/companies/", 404, "no-route", None),
        (Method::GET, "/v1/calls", 405, "method-not-allowed", Some("POST")),
        (
            Method::PATCH,
            "/v1/companies/1",
            405,
            "method-not-allowed",
            Some("PUT,GET,HEAD,DELETE"),
        ),
        (
            Method::POST,
            "/v1/companies",
            405,
            "method-not-allowed",
            Some("GET,HEAD"),
        ),
        (Method::GET, "/v1/companies/1", 404, "no-company", None),
        (Method::DELETE, "/v1/companies/1", 404, "no-company", None),
        (Method::GET, "/v1/companies/x", 422, "invalid", None),
        (
            Method::GET,
            "/v1/companies/9223372036854775808",
            422,
            "invalid",
            None,
        ),
        (Method::GET, "/v1/companies/%ff", 422, "invalid", None),
        (Method::GET, "/v1/companies/1/endpoints", 404, "no-company", None),
        (
            Method::GET,
            "/v1/companies/1/endpoints/erp",
            404,
            "no-company",
            None,
        ),
        (Method::GET, "/v1/events/nope", 404, "no-event", None),
        (Method::GET, "/v1/events/evt_0000000000000", 404, "no-event", None),
        (
            Method::GET,
            "/v1/deliveries/evt_0000000000000",
            404,
            "no-delivery",
            None,
        ),
        (
            Method::GET,
            "/v1/deliveries/dlv_0000000000000",
            404,
            "no-delivery",
            None,
        ),
        (
            Method::POST,
            "/v1/deliveries/dlv_0000000000000/resend",
            404,
            "no-delivery",
            None,
        ),
        (Method::DELETE, "/v1/tokens/tok_x", 404, "no-token", None),
        (Method::GET, "/v1/calls/1?companyId=1", 404, "no-call", None),
        (Method::GET, "/v1/calls/1", 422, "invalid", None),
    ] {
        let answer = app.request(method.clone(), path, &[], Body::empty()).await;
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        assert_eq!(answer.problem(status), slug, "{method} {path}");
    }
}

/// Requests with wrong parameters, and what the problem says.
const WRONG_PARAMETERS: &[(&str, &str)] = &[
    (
        "/v1/events?compnyId=1",
        "compnyId: is unknown; allowed are companyId, eventId, callInstanceId, callJobId, phone, kind, state, outcome, endpoint, from, to, sentFrom, sentTo, limit, cursor",
    ),
    (
        "/v1/events?companyId=x",
        "companyId: is another text; allowed is an integer",
    ),
    (
        "/v1/events?kind=calls",
        "kind: is another text; allowed is call, correction, inbound, job",
    ),
    (
        "/v1/events?from=yesterday",
        "from: is another text; allowed is a time such as 2026-01-12T08:10:11Z or 2026-01-12T16:10:11+08:00",
    ),
    (
        "/v1/events?limit=0",
        "limit: is a number out of range; allowed is an integer from 1 to 500",
    ),
    (
        "/v1/events?limit=501",
        "limit: is a number out of range; allowed is an integer from 1 to 500",
    ),
    (
        "/v1/events?limit=some",
        "limit: is another text; allowed is an integer from 1 to 500",
    ),
    (
        "/v1/events?137%20000=1&companyId=1",
        "(a query parameter): is unknown; allowed are companyId, eventId, callInstanceId, callJobId, phone, kind, state, outcome, endpoint, from, to, sentFrom, sentTo, limit, cursor",
    ),
    (
        "/v1/events?companyId=1&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "to: is before from",
    ),
    (
        "/v1/deliveries?companyId=1&sentFrom=2026-01-02T00:00:00Z&sentTo=2026-01-01T00:00:00Z",
        "sentTo: is before sentFrom",
    ),
    (
        "/v1/audit?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "to: is before from",
    ),
    (
        "/v1/events?limit=1&limit=2",
        "limit: is given twice; allowed is once",
    ),
    (
        "/v1/events?cursor=AQ",
        "cursor: is another text; allowed is the nextCursor of another page of this list",
    ),
    (
        "/v1/events?state=done&outcome=ok",
        "2 things are wrong: see errors",
    ),
    (
        "/v1/deliveries?endpoint=a%20b",
        "endpoint: is another text; allowed is the name of an endpoint",
    ),
    (
        "/v1/events?eventId=7",
        "eventId: is another text; allowed is the id of an event",
    ),
    (
        "/v1/deliveries?sentTo=now",
        "sentTo: is another text; allowed is a time such as 2026-01-12T08:10:11Z or 2026-01-12T16:10:11+08:00",
    ),
    (
        "/v1/companies?unconfigured=1",
        "unconfigured: is another text; allowed is true or false",
    ),
    (
        "/v1/calls/1?companyId=1&lang=zh",
        "lang: is unknown; allowed are companyId",
    ),
];

#[tokio::test]
async fn query_parameters_are_checked_all_at_once() {
    let app = TestApp::start();
    for (path, expected) in WRONG_PARAMETERS {
        let problem = app.get(path).await.expect(422);
        assert_eq!(problem["detail"], *expected, "{path}");
    }
    for path in [
        "/v1/events?companyId=1&callInstanceId=-2&callJobId=3&phone=138&kind=job&state=parked&outcome=refused&endpoint=erp\
         &from=2026-01-12T16:10:11%2B08:00&to=2026-01-12T16:10:11+08:00&limit=500",
        "/v1/deliveries?companyId=1&from=0001-01-01T00:00:00Z&to=9999-01-01T00:00:00Z&sentFrom=0001-01-01T00:00:00Z",
    ] {
        assert_eq!(
            app.get(path).await.expect(200),
            json!({"items": [], "nextCursor": null}),
            "{path}"
        );
    }
}

/// Path, content type, and the status of a body that is not even read.
#[tokio::test]
async fn other_content_types_are_refused_with_a_hint() {
    let app = TestApp::start();
    for (method, path, content_type, taken) in [
        (Method::POST, "/v1/calls", Some("application/json"), true),
        (
            Method::POST,
            "/v1/calls",
            Some("application/json;charset=utf-8"),
            true,
        ),
        (Method::POST, "/v1/calls", Some("application/x-ndjson"), true),
        (
            Method::POST,
            "/v1/calls",
            Some("application/x-www-form-urlencoded"),
            false,
        ),
        (
            Method::POST,
            "/v1/calls",
            Some("application/json;charset=gbk"),
            false,
        ),
        (Method::POST, "/v1/calls", None, false),
        (
            Method::PUT,
            "/v1/calls/1/intent",
            Some("application/x-ndjson"),
            false,
        ),
        (Method::PUT, "/v1/companies/1", Some("text/plain"), false),
        (Method::PUT, "/v1/companies/1", None, false),
        (Method::POST, "/v1/tokens", Some("application/x-ndjson"), false),
    ] {
        let headers: Vec<_> = content_type
            .iter()
            .map(|value| ("content-type", *value))
            .collect();
        let answer = app.request(method, path, &headers, call(1, 1)).await;
        assert_eq!(answer.status != 415, taken, "{path} {content_type:?}");
        if !taken {
            let problem = answer.expect(415);
            assert!(
                problem["detail"].as_str().unwrap().contains("--json"),
                "{problem}"
            );
        }
    }
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let app = TestApp::start();
    for (path, length, status) in [
        ("/v1/companies/1", 256 * 1024 + 1, 413),
        ("/v1/companies/1", 256 * 1024, 201),
    ] {
        let body = format!("{{{}}}", " ".repeat(length - 2));
        let answer = app.request(Method::PUT, path, &crate::app::JSON, body).await;
        assert_eq!(answer.status, status, "{path} {length}");
    }
    let answer = app.post("/v1/calls", vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(answer.problem(413), "too-large");
}

#[tokio::test]
async fn health_and_metrics() {
    let app = TestApp::start();
    assert_eq!(app.get("/healthz").await.expect(200)["status"], "ok");
    assert_eq!(
        app.get("/readyz").await.expect(200),
        json!({"status": "ready", "problems": []})
    );
    app.post("/v1/calls", call(1, 1)).await.expect(202);
    app.post("/v1/calls", call(1, 1)).await.expect(200);
    app.post("/v1/calls", "{}").await.expect(422);
    let metrics = app.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in [
        "ringback_events_accepted_total{kind=\"call\"} 1",
        "ringback_events_replayed_total{kind=\"call\"} 1",
        "ringback_intake_refused_total{reason=\"invalid\"} 1",
        "ringback_http_requests_total{route=\"/v1/calls\",status=\"2xx\"} 2",
        "ringback_http_requests_total{route=\"/v1/calls\",status=\"4xx\"} 1",
        "ringback_queue_writes 0",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
}
