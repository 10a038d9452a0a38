//! The daily reconciliation over HTTP.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{TestApp, call};

/// The test's clock begins at 2026-01-01T00:00:00Z, which is 8 o'clock in the zone of the installation.
const PATH: &str = "/v1/reconciliation?companyId=151";

/// A company with a call that was delivered and sent once more, one that is still to be sent, and an unwanted correction.
async fn desk() -> TestApp {
    let (app, mut receiver) = TestApp::with_receiver(151).await;
    app.put("/v1/companies/151", json!({"callbacks": ["call"]}))
        .await
        .expect(200);
    let accepted = app.post("/v1/calls", call(151, 1)).await.expect(202);
    receiver.next().await.answer.send("success").unwrap();
    app.until(accepted["eventId"].as_str().unwrap(), "delivered")
        .await;
    let delivery = accepted["deliveries"][0]["deliveryId"].as_str().unwrap();
    app.post(&format!("/v1/deliveries/{delivery}/resend"), "")
        .await
        .expect(202);
    app.post("/v1/calls", call(151, 2)).await.expect(202);
    let correction = json!({"companyId": 151, "resultValue": "B"});
    app.put("/v1/calls/1/intent", correction).await.expect(202);
    app
}

#[tokio::test]
async fn a_day_is_counted_by_kind_and_endpoint() {
    let app = desk().await;
    let counted = app.get(PATH).await.expect(200);
    for (name, expected) in [
        ("companyId", json!(151)),
        ("from", json!("2025-12-26")),
        ("to", json!("2026-01-01")),
        ("zone", json!("Asia/Shanghai")),
        ("nextCursor", Value::Null),
        ("partial", Value::Null),
    ] {
        assert_eq!(counted[name], expected, "{name}");
    }
    let days = counted["days"].as_array().unwrap();
    assert_eq!(days.len(), 7);
    let empty = json!({"date": "2025-12-26", "events": [], "deliveries": [], "resends": []});
    assert_eq!(days[0], empty);
    let expected = json!({
        "date": "2026-01-01",
        "events": [
            {"kind": "call", "accepted": 2, "withDeliveries": 2, "unwanted": 0},
            {"kind": "correction", "accepted": 1, "withDeliveries": 0, "unwanted": 1},
        ],
        "deliveries": [{
            "kind": "call", "endpoint": "erp",
            "created": 2, "delivered": 1, "pending": 1, "exhausted": 0, "parked": 0, "cancelled": 0,
        }],
        "resends": [{
            "kind": "call", "endpoint": "erp",
            "created": 1, "delivered": 0, "pending": 1, "exhausted": 0, "parked": 0, "cancelled": 0,
        }],
    });
    assert_eq!(days[6], expected);
}

#[tokio::test]
async fn it_comes_as_csv_by_the_header_or_the_parameter() {
    let app = desk().await;
    let path = format!("{PATH}&from=2026-01-01");
    let by_header = app
        .request(Method::GET, &path, &[("accept", "text/csv")], Body::empty())
        .await;
    let by_parameter = app.get(&format!("{path}&format=csv")).await;
    assert_eq!((by_header.status, &by_header.body), (200, &by_parameter.body));
    assert_eq!(by_header.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(by_header.header("ringback-next-cursor"), None);
    let text = String::from_utf8(by_header.body.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[1..],
        [
            "2026-01-01,events,call,,2,2,0,,,,,,",
            "2026-01-01,events,correction,,1,0,1,,,,,,",
            "2026-01-01,deliveries,call,erp,,,,2,1,1,0,0,0",
            "2026-01-01,resends,call,erp,,,,1,0,1,0,0,0",
        ]
    );
    let json = app
        .request(
            Method::GET,
            &format!("{path}&format=json"),
            &[("accept", "text/csv")],
            Body::empty(),
        )
        .await;
    assert_eq!(json.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn wrong_requests_say_what_is_allowed() {
    let app = TestApp::start();
    for (query, field) in [
        ("", "companyId"),
        ("?companyId=x", "companyId"),
        ("?companyId=151&from=yesterday", "from"),
        ("?companyId=151&from=2025-12-01&to=2026-01-01", "to"),
        ("?companyId=151&from=2026-01-02&to=2026-01-01", "to"),
        ("?companyId=151&format=xml", "format"),
        ("?companyId=151&cursor=x", "cursor"),
        ("?companyId=151&kind=call", "kind"),
    ] {
        let problem = app.get(&format!("/v1/reconciliation{query}")).await.expect(422);
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_token_counts_what_it_may_see() {
    let app = desk().await;
    for (scope, company_id, asked, expected) in [
        ("tenant", json!(151), "", 200),
        ("read-only", json!(151), "?companyId=151", 200),
        ("read-only", Value::Null, "?companyId=151", 200),
        ("read-only", Value::Null, "", 422),
        ("tenant", json!(152), "?companyId=151", 403),
        ("intake", json!(151), "?companyId=151", 403),
    ] {
        let settings = json!({"name": "a token", "scope": scope, "companyId": company_id});
        let made = app.post("/v1/tokens", settings.to_string()).await.expect(201);
        let request = Request::builder()
            .uri(format!("/v1/reconciliation{asked}"))
            .header(
                "authorization",
                format!("Bearer {}", made["token"].as_str().unwrap()),
            );
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, expected, "{scope} {company_id} {asked}");
        if expected == 200 {
            assert_eq!(answer.json()["days"][6]["events"][0]["accepted"], 2);
        }
    }
}

/// A day has more rows than one answer counts; the pages add up to it.
#[tokio::test]
async fn an_answer_counts_so_much_and_the_next_goes_on_there() {
    let app = TestApp::start();
    app.put("/v1/companies/151", json!({})).await.expect(201);
    app.put_endpoint(151, "erp", "http://127.0.0.1:9/").await;
    app.put(
        "/v1/companies/151/endpoints/erp",
        json!({"url": "http://127.0.0.1:9/", "callbacks": ["call"], "enabled": false}),
    )
    .await
    .expect(200);
    let accepted: u64 = 26_000;
    for batch in 0..13 {
        let calls: Vec<String> = (0..2000).map(|id| call(151, batch * 2000 + id)).collect();
        let ndjson = [("content-type", "application/x-ndjson")];
        let answer = app
            .request(Method::POST, "/v1/calls", &ndjson, calls.join("\n"))
            .await;
        assert_eq!(answer.status, 200);
    }
    let (mut events, mut parked, mut pages, mut cursor) = (0, 0, 0, String::new());
    loop {
        let path = format!("{PATH}&from=2026-01-01{cursor}");
        let page = app.get(&path).await.expect(200);
        pages += 1;
        let day = &page["days"][0];
        events += day["events"][0]["accepted"].as_u64().unwrap();
        parked += day["deliveries"][0]["parked"].as_u64().unwrap();
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        assert_eq!(page["partial"], true);
        if pages == 1 {
            // There are more rows than one answer counts, however long it may take.
            let csv = app.get(&format!("{path}&format=csv")).await;
            assert!(csv.header("ringback-next-cursor").is_some(), "{csv:?}");
        }
        cursor = format!("&cursor={next}");
    }
    assert_eq!((events, parked), (accepted, accepted));
    assert!(pages >= 2, "{pages}");
}
