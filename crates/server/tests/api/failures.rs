//! What the API answers when the store fails.

use std::sync::atomic::Ordering;

use http::Method;
use serde_json::Value;

use crate::app::{TestApp, call};

/// A client repeats what failed; whatever came after it must not have overtaken it.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_line_that_failed_no_line_of_a_batch_is_taken_in() {
    let app = TestApp::start();
    let lines: Vec<String> = (0..10_000).map(|id| call(1, id)).collect();
    app.lab.faults.once.store(true, Ordering::SeqCst);
    let ndjson = [("content-type", "application/x-ndjson")];
    let answer = app
        .request(Method::POST, "/v1/calls", &ndjson, lines.join("\n"))
        .await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let statuses: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].take())
        .collect();
    assert_eq!(statuses.len(), lines.len());
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
}

#[tokio::test]
async fn a_commit_that_fails_is_a_503_and_its_repetition_is_recognised() {
    let app = TestApp::start();
    app.lab.faults.open.store(true, Ordering::SeqCst);
    app.lab.faults.after.store(true, Ordering::SeqCst);
    let answer = app.post("/v1/calls", call(1, 1)).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.problem(503), "store-failed");
    let ready = app.get("/readyz").await.expect(503);
    assert_eq!(ready["status"], "not-ready");
    assert_eq!(ready["problems"].as_array().unwrap().len(), 1);
    assert_eq!(app.get("/healthz").await.expect(200)["status"], "ok");
    app.lab.faults.after.store(false, Ordering::SeqCst);
    app.lab.faults.open.store(false, Ordering::SeqCst);
    // The service opens the store again by itself; until then requests are turned away.
    let answer = loop {
        let answer = app.post("/v1/calls", call(1, 1)).await;
        if answer.status != 503 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(answer.expect(200)["replayed"], true);
}
