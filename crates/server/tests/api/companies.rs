//! Companies.

use serde_json::{Value, json};

use crate::app::{TestApp, call};

#[expect(clippy::needless_pass_by_value, reason = "callers write the change in place")]
fn company(company_id: i64, change: Value) -> Value {
    let mut company = json!({
        "companyId": company_id, "name": null, "unconfigured": false, "callbacks": ["call", "correction", "inbound"],
        "appKey": null, "hasAppSecret": false, "sign": false, "dateTimeForm": "rfc1123",
    });
    for (name, value) in change.as_object().unwrap() {
        company[name] = value.clone();
    }
    company
}

#[tokio::test]
async fn a_company_is_made_replaced_and_forgotten() {
    let app = TestApp::start();
    let path = "/v1/companies/151";
    assert_eq!(
        app.put(path, json!({})).await.expect(201),
        company(151, json!({}))
    );
    let full = json!({
        "name": "示例", "callbacks": ["call", "job"], "appKey": "k", "appSecret": "hidden", "sign": true,
        "dateTimeForm": "seed",
    });
    let shown = company(
        151,
        json!({
            "name": "示例", "callbacks": ["call", "job"], "appKey": "k", "hasAppSecret": true, "sign": true,
            "dateTimeForm": "seed",
        }),
    );
    assert_eq!(app.put(path, full).await.expect(200), shown);
    assert_eq!(app.get(path).await.expect(200), shown);
    let kept = company(151, json!({"callbacks": ["call", "job"], "hasAppSecret": true}));
    assert_eq!(app.put(path, json!({})).await.expect(200), kept);
    assert_eq!(app.delete(path).await.expect(204), Value::Null);
    assert_eq!(app.get(path).await.problem(404), "no-company");
    assert_eq!(app.delete(path).await.problem(404), "no-company");
}

#[tokio::test]
async fn a_company_with_endpoints_is_not_forgotten() {
    let app = TestApp::start();
    app.put("/v1/companies/151", json!({})).await.expect(201);
    app.put_endpoint(151, "erp", "http://127.0.0.1:1/").await;
    assert_eq!(
        app.delete("/v1/companies/151").await.problem(409),
        "has-endpoints"
    );
    app.delete("/v1/companies/151/endpoints/erp").await.expect(204);
    app.delete("/v1/companies/151").await.expect(204);
}

#[tokio::test]
async fn companies_are_listed_page_by_page_the_unconfigured_too() {
    let app = TestApp::start();
    for company_id in [30, 10, 20] {
        app.put(&format!("/v1/companies/{company_id}"), json!({}))
            .await
            .expect(201);
    }
    app.post("/v1/calls", call(15, 1)).await.expect(202);
    let ids = |page: &Value| -> Vec<i64> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["companyId"].as_i64().unwrap())
            .collect()
    };
    let first = app.get("/v1/companies?limit=3").await.expect(200);
    assert_eq!(ids(&first), [10, 15, 20]);
    assert_eq!(first["items"][1]["unconfigured"], true);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = app
        .get(&format!("/v1/companies?limit=3&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!((ids(&second), &second["nextCursor"]), (vec![30], &Value::Null));
    for (query, expected) in [
        ("unconfigured=true", vec![15]),
        ("unconfigured=false", vec![10, 20, 30]),
        ("limit=4", vec![10, 15, 20, 30]),
    ] {
        let page = app.get(&format!("/v1/companies?{query}")).await.expect(200);
        assert_eq!(
            (ids(&page), &page["nextCursor"]),
            (expected, &Value::Null),
            "{query}"
        );
    }
    assert_eq!(
        app.get(&format!("/v1/events?companyId=1&cursor={cursor}"))
            .await
            .problem(422),
        "invalid"
    );
}
