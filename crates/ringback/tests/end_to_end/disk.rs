//! A disk that takes nothing more, for a while: the limit of file sizes of the running process is its fault, since every
//! write then fails, without a file system of our own and without rights.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use crate::crash::journal;
use crate::support::api::TOKEN;
use crate::support::process::command;
use crate::support::{Api, Process, http, wait_for};

/// Lets no file of the process grow beyond this; `None` ends it.
fn limit(process: &Process, bytes: Option<u64>) {
    let of_ours = getrlimit(Resource::Fsize);
    let limit = Rlimit {
        current: bytes.or(of_ours.current),
        maximum: of_ours.maximum,
    };
    prlimit(Some(process.pid()), Resource::Fsize, limit).expect("our own child can be limited");
}

/// As `Process::serve`, with the signal ignored that would otherwise end a process at its limit.
fn serve(store: &std::path::Path) -> Process {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\" serve",
            env!("CARGO_BIN_EXE_ringback"),
        ])
        .env("RINGBACK_LISTEN", "127.0.0.1:0")
        .env("RINGBACK_STORE", format!("sqlite:{}", store.display()))
        .env("RINGBACK_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("RINGBACK_OPERATOR_TOKEN", TOKEN);
    Process::start(command)
}

fn metric(api: &Api, name: &str) -> u64 {
    let metrics = api.request("GET", "/metrics", "").unwrap().body;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name));
    value
        .unwrap_or_else(|| panic!("no {name} in {metrics}"))
        .trim()
        .parse()
        .unwrap()
}

fn problems(api: &Api) -> Vec<String> {
    let answer = api.request("GET", "/readyz", "").unwrap();
    let ready = answer.json();
    let problems: Vec<_> = ready["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(answer.status, if problems.is_empty() { 200 } else { 503 });
    problems
}

fn call(id: u64) -> String {
    json!({ "sceneInstance": { "callInstanceId": id, "companyId": 1 } }).to_string()
}

#[test]
fn a_disk_that_takes_nothing_stops_the_service_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal");
    let mut listen = command(["listen", "0", "--answer", "delay:1s:success", "--journal"]);
    listen.arg(&journal);
    let mut listen = Process::start(listen);
    let receiver = listen.address();
    let mut serve = serve(&directory.path().join("store"));
    let api = Api::new(serve.address(), TOKEN);
    api.expect(201, "PUT", "/v1/companies/1", r#"{"name": "full"}"#);
    let endpoint = json!({ "url": format!("http://{receiver}/"), "callbacks": ["call"] }).to_string();
    api.expect(201, "PUT", "/v1/companies/1/endpoints/crm", &endpoint);
    let mut accepted: Vec<Value> = (0..10)
        .map(|id| api.expect(202, "POST", "/v1/calls", &call(id)))
        .collect();
    wait_for("the sends to begin", || {
        let received = http::request(receiver, "GET", "/_control/received", &[], "").unwrap();
        (received.body.lines().count() == 10).then_some(())
    });

    // Their outcomes cannot be recorded, and nothing more is taken in.
    limit(&serve, Some(0));
    wait_for("the store to fail", || (!problems(&api).is_empty()).then_some(()));
    let [problem] = &problems(&api)[..] else {
        panic!("one problem: {:?}", problems(&api))
    };
    assert!(
        problem.starts_with("the store has failed since 20") && problem.contains("the disk failed"),
        "{problem} {:?}",
        serve.stderr()
    );
    let refused = api.request("POST", "/v1/calls", &call(100)).unwrap();
    assert_eq!(
        (refused.status, refused.json()["type"].is_string()),
        (503, true),
        "{}",
        refused.body
    );
    let healthy = api.request("GET", "/healthz", "").unwrap();
    assert_eq!(healthy.status, 200);
    wait_for("some attempts to open it", || {
        (metric(&api, r#"ringback_store_failures_total{task="commit"}"#) >= 4).then_some(())
    });
    assert_eq!(metric(&api, "ringback_sends_repeated_total"), 10);
    assert_eq!(
        journal::read(&journal).len(),
        10,
        "what cannot be recorded is not sent"
    );

    // It comes back by itself.
    limit(&serve, None);
    wait_for("the store to be back", || problems(&api).is_empty().then_some(()));
    accepted.push(api.expect(202, "POST", "/v1/calls", &call(101)));
    wait_for("all deliveries", || {
        let pending = api.get("/v1/deliveries?companyId=1&state=pending&limit=1");
        pending["items"].as_array().unwrap().is_empty().then_some(())
    });
    let sends = journal::read(&journal);
    for event in &accepted {
        let event_id = event["eventId"].as_str().unwrap();
        let of_event = sends.iter().filter(|send| send.event_id == event_id).count();
        assert!(
            (1..=2).contains(&of_event),
            "{event_id} was sent {of_event} times"
        );
        let event = api.get(&format!("/v1/events/{event_id}"));
        assert_eq!(event["deliveries"][0]["state"], "delivered");
    }
    serve.stop();
    listen.stop();
}
