//! Replays: foreseen, made, paused, cancelled, and going on after the loss of the store.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::app::{TestApp, call};
use crate::support::Receiver;

/// Company 1 with calls 1 to `count`, all of them parked without an endpoint; then an endpoint for calls.
async fn parked_calls(count: i64) -> (TestApp, Receiver) {
    let (app, receiver) = (TestApp::start(), Receiver::start().await);
    app.put("/v1/companies/1", json!({})).await.expect(201);
    for id in 1..=count {
        app.post("/v1/calls", call(1, id)).await.expect(202);
    }
    let endpoint = json!({"url": receiver.url, "callbacks": ["call"]});
    app.put("/v1/companies/1/endpoints/erp", endpoint)
        .await
        .expect(201);
    (app, receiver)
}

async fn post(app: &TestApp, body: Value, status: u16) -> Value {
    app.post("/v1/replays", body.to_string()).await.expect(status)
}

fn path(replay: &Value) -> String {
    format!("/v1/replays/{}", replay["replayId"].as_str().unwrap())
}

/// Waits until a replay has made so many deliveries.
async fn until_made(app: &TestApp, replay: &Value, made: i64) -> Value {
    loop {
        let replay = app.get(&path(replay)).await.expect(200);
        if replay["made"] == made {
            return replay;
        }
        tokio::task::yield_now().await;
    }
}

fn progress(looked_at: i64, matched: i64, made: i64) -> Value {
    json!({
        "lookedAt": looked_at, "matched": matched, "made": made, "skipped": {"outdated": 0, "resent": 0},
        "failed": {"endpointDisabled": 0, "noEndpointFits": 0, "resentTooOften": 0},
    })
}

/// An object with the members of others.
fn with(mut object: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

#[tokio::test]
async fn what_is_foreseen_is_sent() {
    let (app, mut receiver) = parked_calls(3).await;
    let filter = json!({"companyId": 1, "states": ["parked"]});
    let foreseen = post(
        &app,
        json!({"filter": filter, "dryRun": true, "perSecond": 2}),
        200,
    )
    .await;
    assert_eq!(
        foreseen,
        with(
            progress(3, 3, 3),
            &json!({"partial": false, "estimatedTime": "2s"})
        )
    );
    let replay = post(&app, json!({"filter": filter}), 201).await;
    let mut expected = json!({
        "replayId": replay["replayId"], "state": "running", "perSecond": 100, "includeOutdated": false,
        "createdAt": "2026-01-01T00:00:00.000Z", "endedAt": null,
        "filter": {
            "companyId": 1, "kinds": ["call", "correction", "inbound", "job"], "states": ["parked"], "endpoint": null,
            "outcome": null, "callInstanceId": null, "callJobId": null, "from": null, "to": null,
        },
    });
    assert_eq!(replay, with(expected.clone(), &progress(0, 0, 0)));
    let done = until_made(&app, &replay, 3).await;
    expected["state"] = json!("done");
    expected["endedAt"] = json!("2026-01-01T00:00:00.000Z");
    assert_eq!(done, with(expected, &progress(3, 3, 3)));
    for _ in 0..3 {
        receiver.next().await.answer.send("success").unwrap();
    }
    let list = app.get("/v1/replays").await.expect(200);
    assert_eq!(list, json!({"items": [done], "nextCursor": null}));
    let ended = app.post(&format!("{}/resume", path(&replay)), "").await;
    assert_eq!(ended.problem(409), "replay-ended");
    let again = post(&app, json!({"filter": filter, "dryRun": true}), 200).await;
    assert_eq!(
        again,
        with(
            progress(0, 0, 0),
            &json!({"partial": false, "estimatedTime": "0s"})
        )
    );
}

#[tokio::test]
async fn a_replay_goes_at_its_rate_pauses_resumes_and_is_cancelled() {
    let (app, _receiver) = parked_calls(5).await;
    let replay = post(&app, json!({"filter": {"companyId": 1}, "perSecond": 1}), 201).await;
    until_made(&app, &replay, 1).await;
    app.lab.clock.advance(1_000);
    until_made(&app, &replay, 2).await;
    let paused = app
        .post(&format!("{}/pause", path(&replay)), "")
        .await
        .expect(200);
    assert_eq!(paused["state"], "paused");
    app.lab.clock.advance(60_000);
    assert_eq!(app.get(&path(&replay)).await.expect(200)["made"], 2);
    let resumed = app
        .post(&format!("{}/resume", path(&replay)), "")
        .await
        .expect(200);
    assert_eq!(resumed["state"], "running");
    until_made(&app, &replay, 3).await;
    app.delete(&path(&replay)).await.expect(204);
    app.lab.clock.advance(60_000);
    let cancelled = app.get(&path(&replay)).await.expect(200);
    assert_eq!(
        (&cancelled["state"], &cancelled["made"]),
        (&json!("cancelled"), &json!(3))
    );
    app.delete(&path(&replay)).await.expect(204);
    let list = app
        .get("/v1/deliveries?companyId=1&state=parked")
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_replay_goes_on_when_the_store_is_back() {
    let (app, _receiver) = parked_calls(3).await;
    let replay = post(&app, json!({"filter": {"companyId": 1}, "perSecond": 1}), 201).await;
    until_made(&app, &replay, 1).await;
    app.lab.faults.once.store(true, Ordering::SeqCst);
    assert_eq!(
        app.post("/v1/calls", call(1, 9)).await.problem(503),
        "store-failed"
    );
    while app.get("/readyz").await.status != 200 {
        app.lab.clock.advance(1_000);
        tokio::task::yield_now().await;
    }
    let done = loop {
        let replay = app.get(&path(&replay)).await.expect(200);
        if replay["state"] == "done" {
            break replay;
        }
        app.lab.clock.advance(1_000);
        tokio::task::yield_now().await;
    };
    assert_eq!((&done["made"], &done["lookedAt"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn a_replay_stands_still_while_the_disk_is_nearly_full() {
    let (app, _receiver) = parked_calls(1).await;
    let disk_low = |low| app.lab.faults.disk_low.store(low, Ordering::SeqCst);
    disk_low(true);
    app.lab.clock.advance(1_000);
    while app.get("/readyz").await.status == 200 {
        tokio::task::yield_now().await;
    }
    let replay = post(&app, json!({"filter": {"companyId": 1}}), 201).await;
    for _ in 0..100 {
        app.lab.clock.advance(100);
        assert_eq!(app.get(&path(&replay)).await.expect(200)["made"], 0);
    }
    disk_low(false);
    loop {
        app.lab.clock.advance(100);
        if app.get(&path(&replay)).await.expect(200)["made"] == 1 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_cannot_be_asked() {
    let (app, _receiver) = parked_calls(0).await;
    for (body, status, problem) in [
        (json!({"filter": {"companyId": 2}}), 404, "no-company"),
        (
            json!({"filter": {"companyId": 2}, "dryRun": true}),
            404,
            "no-company",
        ),
        (json!({}), 422, "invalid"),
        (
            json!({"filter": {"companyId": 1, "state": "parked"}}),
            422,
            "invalid",
        ),
    ] {
        let answer = app.post("/v1/replays", body.to_string()).await;
        assert_eq!(answer.problem(status), problem, "{body}");
    }
    for path in ["/v1/replays/rpl_0000000000001", "/v1/replays/evt_0000000000001"] {
        assert_eq!(app.get(path).await.problem(404), "no-replay");
        assert_eq!(app.delete(path).await.problem(404), "no-replay");
        assert_eq!(
            app.post(&format!("{path}/pause"), "").await.problem(404),
            "no-replay"
        );
    }
    for _ in 0..16 {
        let replay = post(&app, json!({"filter": {"companyId": 1}}), 201).await;
        let _ = app.post(&format!("{}/pause", path(&replay)), "").await;
    }
    let list = app.get("/v1/replays?limit=2").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let next = format!(
        "/v1/replays?limit=500&cursor={}",
        list["nextCursor"].as_str().unwrap()
    );
    assert_eq!(
        app.get(&next).await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        14
    );
}
