//! The main job, on real input, against the built program: the walk-through of the README. The seed's samples go in
//! through the API, arrive as the seed says, fail, and are delivered on schedule.

use std::net::SocketAddr;

use crate::support::api::TOKEN;
use crate::support::process::command;
use crate::support::{Api, Process, http, wait_for};
use ringback_contract::samples;
use serde_json::{Value, json};

/// Gaps of the walk-through's schedule, in milliseconds.
const GAP_MS: i64 = 1_000;

/// `ringback listen`.
struct Listen {
    process: Process,
    address: SocketAddr,
}

impl Listen {
    fn start() -> Self {
        let mut process = Process::start(command(["listen", "127.0.0.1:0"]));
        let address = process.address();
        Self { process, address }
    }

    fn answer(&self, plan: &str) {
        let body = json!({ "answer": plan }).to_string();
        let answer =
            http::request(self.address, "PUT", "/_control/answer", &[], &body).expect("listen answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// What has come in at a path, oldest first, with the bodies.
    fn received(&self, path: &str) -> Vec<Value> {
        http::request(self.address, "GET", "/_control/received?body", &[], "")
            .expect("listen answers")
            .body
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"))
            .filter(|received| received["path"] == path)
            .collect()
    }

    fn endpoint(&self, path: &str, callbacks: &str) -> String {
        json!({
            "url": format!("http://{}{path}", self.address),
            "callbacks": [callbacks],
            "schedule": { "gaps": vec!["1s"; 10], "maxAge": "10m" },
        })
        .to_string()
    }
}

#[test]
fn the_samples_arrive_fail_and_are_delivered_on_schedule() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = Process::serve(directory.path(), TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    let listen = Listen::start();
    configure(&api, &listen);
    send_samples(&api, &listen);
    fail_and_recover(&api, &listen);
    serve.stop();
    listen.process.stop();
}

/// The companies of the samples, with an endpoint each. Job callbacks are switched on by company 243's endpoint.
fn configure(api: &Api, listen: &Listen) {
    for (company_id, path, callbacks) in [
        (1, "/calls", "call"),
        (243, "/jobs", "job"),
        (241, "/corrections", "correction"),
    ] {
        let company = format!("/v1/companies/{company_id}");
        api.expect(201, "PUT", &company, r#"{"name": "of a sample"}"#);
        let made = api.expect(
            201,
            "PUT",
            &format!("{company}/endpoints/crm"),
            &listen.endpoint(path, callbacks),
        );
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
    }
}

/// All three arrive once, as JSON equal to the samples, and are recorded as delivered.
fn send_samples(api: &Api, listen: &Listen) {
    for (method, route, path, sample) in [
        ("POST", "/v1/calls", "/calls", samples::CALL),
        ("POST", "/v1/jobs", "/jobs", samples::JOB),
        (
            "PUT",
            "/v1/calls/2016/intent",
            "/corrections",
            samples::CORRECTION,
        ),
    ] {
        let accepted = api.expect(202, method, route, sample);
        assert_eq!(accepted["replayed"], false);
        let event_id = accepted["eventId"].as_str().unwrap();
        let arrived = wait_for(path, || listen.received(path).pop());
        assert_eq!(
            without_date_time(arrived["body"].as_str().unwrap()),
            without_date_time(&minified(sample))
        );
        assert_eq!(arrived["eventId"], event_id);
        assert_eq!(arrived["send"], 1);
        let delivery = wait_for_state(api, event_id, "delivered");
        assert_eq!(delivery["attempts"][0]["outcome"], "acknowledged", "{delivery}");

        let again = api.expect(200, method, route, sample);
        assert_eq!(
            (&again["replayed"], &again["eventId"]),
            (&json!(true), &accepted["eventId"])
        );
        assert_eq!(listen.received(path).len(), 1);
    }
}

/// A receiver that answers `fail`: answered, not acknowledged, with the next due time; then `success`, on schedule.
fn fail_and_recover(api: &Api, listen: &Listen) {
    listen.answer("fail");
    let accepted = api.expect(
        202,
        "PUT",
        "/v1/calls/2016/intent",
        r#"{"companyId": 241, "resultValue": "A"}"#,
    );
    let event_id = accepted["eventId"].as_str().unwrap();
    let failed = wait_for("a failed send", || {
        let delivery = delivery(api, event_id);
        (delivery["sends"] != 0
            && delivery["attempts"].as_array()?.len() as i64 == delivery["sends"].as_i64()?)
        .then_some(delivery)
    });
    listen.answer("success");
    let attempt = failed["attempts"].as_array().unwrap().last().unwrap();
    assert_eq!(failed["state"], "pending", "{failed}");
    assert_eq!(
        (&attempt["outcome"], &attempt["status"]),
        (&json!("not-acknowledged"), &json!(200)),
        "{failed}"
    );
    assert_eq!(attempt["bodyStart"], "fail");
    let ended_ms = milliseconds(&attempt["startedAt"]) + attempt["durationMs"].as_i64().unwrap();
    let due_ms = milliseconds(&failed["nextSendAt"]);
    // The wall clock of the attempt and the engine's differ by their rounding, and by what slewing left.
    assert!((due_ms - ended_ms - GAP_MS).abs() <= 50, "{failed}");

    let delivered = wait_for_state(api, event_id, "delivered");
    assert!(delivered["nextSendAt"].is_null(), "{delivered}");
    let outcomes: Vec<_> = delivered["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect();
    let (last, earlier) = outcomes.split_last().unwrap();
    assert_eq!(*last, "acknowledged", "{delivered}");
    assert!(
        !earlier.is_empty() && earlier.iter().all(|outcome| *outcome == "not-acknowledged"),
        "{delivered}"
    );

    let sends: Vec<_> = listen
        .received("/corrections")
        .into_iter()
        .filter(|received| received["eventId"] == event_id)
        .collect();
    assert_eq!(sends.len(), outcomes.len());
    for (pair, number) in sends.windows(2).zip(2..) {
        let [earlier, later] = pair else {
            panic!("{pair:?}")
        };
        assert_eq!(later["send"], number);
        assert_eq!(earlier["answer"], "fail");
        assert_eq!(earlier["body"], later["body"]);
        let gap_us = later["bootUs"].as_i64().unwrap() - earlier["bootUs"].as_i64().unwrap();
        assert!(gap_us >= GAP_MS * 1_000, "sent again after {gap_us} µs");
    }
    let after_due: Vec<_> = sends
        .iter()
        .filter(|received| milliseconds(&received["at"]) >= due_ms)
        .collect();
    assert_eq!(after_due.last().unwrap()["answer"], "success");
}

fn wait_for_state(api: &Api, event_id: &str, state: &str) -> Value {
    wait_for(state, || {
        let delivery = delivery(api, event_id);
        (delivery["state"] == state).then_some(delivery)
    })
}

/// The one delivery of an event.
#[track_caller]
fn delivery(api: &Api, event_id: &str) -> Value {
    let event = api.get(&format!("/v1/events/{event_id}"));
    let deliveries = event["deliveries"].as_array().expect("an event has deliveries");
    let [delivery] = deliveries.as_slice() else {
        panic!("{event}")
    };
    delivery.clone()
}

/// A time of the API, as Unix milliseconds.
#[track_caller]
fn milliseconds(time: &Value) -> i64 {
    let text = time.as_str().unwrap_or_else(|| panic!("no time: {time}"));
    text.parse::<jiff::Timestamp>()
        .expect("RFC 3339")
        .as_millisecond()
}

/// JSON text without the white space between its tokens. What is in strings stays.
fn minified(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|c| {
            if in_string {
                in_string = escaped || *c != '"';
                escaped = *c == '\\' && !escaped;
                return true;
            }
            in_string = *c == '"';
            !c.is_ascii_whitespace()
        })
        .collect()
}

/// `dateTime` is computed; everything else is compared byte for byte.
fn without_date_time(json: &str) -> String {
    let name = r#""dateTime":""#;
    let Some((before, after)) = json.split_once(name) else {
        return json.to_owned();
    };
    let (_, after) = after.split_once('"').expect("the text of dateTime ends");
    format!("{before}{name}…\"{after}")
}
