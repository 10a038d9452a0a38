//! Bearer tokens.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_revoked() {
    let app = TestApp::start();
    let made = app
        .post("/v1/tokens", json!({"name": "call platform"}).to_string())
        .await
        .expect(201);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let list = app.get("/v1/tokens").await.expect(200);
    let expected = json!([{"id": id, "name": "call platform", "createdAt": "2026-01-01T00:00:00.000Z"}]);
    assert_eq!(list, json!({"items": expected, "nextCursor": null}));
    let with_token = || {
        let request = Request::builder().method(Method::GET).uri("/v1/companies");
        request
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(app.send(with_token()).await.status, 200);
    app.delete(&format!("/v1/tokens/{id}")).await.expect(204);
    assert_eq!(app.send(with_token()).await.status, 401);
    assert_eq!(
        app.delete(&format!("/v1/tokens/{id}")).await.problem(404),
        "no-token"
    );
}

#[tokio::test]
async fn a_token_needs_a_name() {
    let app = TestApp::start();
    for body in [
        "{}",
        r#"{"name":""}"#,
        r#"{"name":7}"#,
        r#"{"name":"a","scope":"all"}"#,
        "[]",
    ] {
        assert_eq!(
            app.post("/v1/tokens", body).await.problem(422),
            "invalid",
            "{body}"
        );
    }
}
