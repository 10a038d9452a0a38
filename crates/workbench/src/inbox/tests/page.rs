//! The page: who may ask, and what can be done.

use http::{Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::*;

/// A request to the page; the status, the headers and the body.
async fn ask(page: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let (addr, _) = client::target(page).unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(header::HOST, addr.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(bytes::Bytes::copy_from_slice(body.as_bytes())))
        .unwrap();
    let (mut connection, driving) = client::Connection::open(addr).await.unwrap();
    let answer = client::driven(driving, connection.exchange(request))
        .await
        .unwrap();
    (
        answer.status.as_u16(),
        String::from_utf8(answer.body.to_vec()).unwrap(),
    )
}

pub(super) async fn get(lab: &Lab, path: &str) -> Value {
    let (status, body) = ask(&lab.page, "GET", path, &[], "").await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

async fn change(lab: &Lab, method: &str, path: &str, body: Value) -> (u16, String) {
    ask(
        &lab.page,
        method,
        path,
        &[("ringback-page", "1")],
        &body.to_string(),
    )
    .await
}

#[tokio::test]
async fn only_the_page_itself_on_this_machine_is_served() {
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |_| {}).await;
    let port = lab
        .page
        .trim_end_matches('/')
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("evil.example".to_owned(), 403),
        (format!("evil.example:{port}"), 403),
        (format!("127.0.0.1.evil.example:{port}"), 403),
        (String::new(), 403),
    ] {
        let (found, _) = ask(&lab.page, "GET", "/api/state", &[("host", &host)], "").await;
        assert_eq!(found, status, "{host}");
    }
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/page.js", 200),
        ("GET", "/page.css", 200),
        ("GET", "/api/events/1", 404),
        ("GET", "/api/nothing", 404),
        // Without the header that only the page's own script sets.
        ("POST", "/api/events/1/redrive", 403),
        ("PUT", "/api/answers", 403),
    ] {
        assert_eq!(ask(&lab.page, method, path, &[], "{}").await.0, status, "{path}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn what_came_in_is_shown_raw_and_decoded() {
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |_| {}).await;
    let id = 9_007_199_254_740_993_i64;
    let v2 = json!({ "data": { "callbackType": "CALL_INSTANCE_RESULT", "data": {
        "callInstance": { "callInstanceId": id, "companyId": 1, "finishStatus": 6 },
        "phoneLogs": [{ "speaker": "ME", "content": "<script>alert(1)</script>", "aiUnknown": 1, "startTime": 8350 }],
    } } });
    lab.post("application/json", samples::CALL).await;
    lab.post("application/json", v2.to_string()).await;
    lab.post("application/json", "nonsense").await;
    let list = get(&lab, "/api/events").await;
    let ids: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["entityId"])
        .collect();
    assert_eq!(ids, ["9007199254740993", "1"]);
    assert_eq!(list["items"][1]["phone"], "137****xxxx");
    let first = get(&lab, "/api/events/1").await;
    assert_eq!(
        (&first["raw"], &first["shape"]),
        (&samples::CALL.into(), &"v1".into())
    );
    assert_eq!(first["conversation"][1]["text"], "有什么游戏呀？");
    assert_eq!(first["facts"][5]["value"]["zh"], "已接通");
    let second = get(&lab, "/api/events/2").await;
    assert_eq!(
        (&second["shape"], &second["status"]["en"]),
        (&"v2".into(), &"busy".into())
    );
    assert_eq!(
        second["conversation"],
        json!([{ "robot": false, "speaker": { "zh": "用户", "en": "user" }, "text": "<script>alert(1)</script>",
                 "meaning": null, "startMs": 8350, "unknown": true }])
    );
    let refused = get(&lab, "/api/refused").await;
    assert_eq!(
        (&refused["items"][0]["status"], &refused["items"][0]["raw"]),
        (&400.into(), &"nonsense".into())
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_person_hands_on_again_and_lets_go() {
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |options| {
        options.outlets = vec![
            OutletSetting::Exec("test -e allowed".to_owned()),
            OutletSetting::Stdout,
        ];
        options.give_up_after = Duration::ZERO;
    })
    .await;
    lab.post("application/json", call(1)).await;
    lab.post("application/json", call(2)).await;
    lab.wait_for(&["confirmed,given-up", "confirmed,given-up"]).await;
    let state = get(&lab, "/api/state").await;
    assert_eq!(
        (&state["outlets"][0]["name"], &state["outlets"][0]["givenUp"]),
        (&"exec".into(), &2.into())
    );
    let again = change(
        &lab,
        "POST",
        "/api/events/1/redrive",
        json!({ "outlet": "stdout" }),
    )
    .await;
    assert_eq!(again, (200, r#"{"redriven":1}"#.to_owned()));
    lab.wait_for(&["confirmed,given-up", "confirmed,given-up"]).await;
    let redriven = async || get(&lab, "/api/events/1").await["handovers"][0]["redriven"].clone();
    assert_eq!(redriven().await, 1);
    assert_eq!(
        change(&lab, "POST", "/api/events/1/let-go", json!({ "outlet": "exec" }))
            .await
            .0,
        200
    );
    assert_eq!(
        change(&lab, "POST", "/api/events/1/let-go", json!({ "outlet": "exec" }))
            .await
            .0,
        404
    );
    lab.wait_for(&["confirmed,given-up", "confirmed,let-go"]).await;
    let all = change(&lab, "POST", "/api/redrive", json!({ "outlet": "exec" })).await;
    assert_eq!(all, (200, r#"{"redriven":1}"#.to_owned()));
    for (body, why) in [
        (
            json!({ "outlet": "forward" }),
            "outlet: in use are: exec, stdout\n",
        ),
        (
            json!({ "outlets": "exec" }),
            "the body must be {\"outlet\": \"…\"}\n",
        ),
    ] {
        let refused = change(&lab, "POST", "/api/events/1/redrive", body).await;
        assert_eq!(refused, (422, why.to_owned()));
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_person_prepares_wrong_answers() {
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |_| {}).await;
    for (body, status) in [
        (json!({ "next": { "answer": "302", "times": 1 } }), 200),
        (json!({ "event": "evt_1", "answer": "500", "times": 2 }), 200),
        (json!({ "plan": "fail*2,success" }), 200),
        (json!({ "plan": "maybe" }), 422),
        (json!({ "next": { "answer": "fail", "times": 1_000_001 } }), 422),
        (json!({ "nothing": 1 }), 422),
    ] {
        assert_eq!(
            change(&lab, "PUT", "/api/answers", body.clone()).await.0,
            status,
            "{body}"
        );
    }
    let state = get(&lab, "/api/state").await;
    assert_eq!(
        state["answers"],
        json!({ "plan": "fail*2,success", "next": { "answer": "302", "times": 1 },
                "events": [{ "event": "evt_1", "answer": "500", "times": 2 }] })
    );
    assert_eq!(lab.post("application/json", call(1)).await.0, 302);
    assert_eq!(
        lab.post("application/json", call(1)).await,
        (200, "fail".to_owned())
    );
    lab.stop().await;
}

/// What came in is foreign: nothing of it may become markup, and if it did, it must not run.
#[tokio::test]
async fn nothing_that_came_in_can_run() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |_| {}).await;
    let (addr, _) = client::target(&lab.page).unwrap();
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, html) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'"),
        "{head}"
    );
    assert!(!html.contains("style=") && !html.contains(" on") && html.matches("<script").count() == 1);
    let (_, script) = ask(&lab.page, "GET", "/page.js", &[], "").await;
    for markup in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ] {
        assert!(!script.contains(markup), "{markup}");
    }
    lab.stop().await;
}
