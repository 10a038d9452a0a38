//! `trigger` against `listen`, with each answer that a receiver may give.

use serde_json::{Value, json};

use super::outcome;
use crate::support::process::{command, run};
use crate::support::{Process, http};

/// What `listen` answers, and what `trigger` makes of it by the default rule and by `success-or-code`.
const ANSWERS: [(&str, &str, &str); 17] = [
    ("success", "acknowledged", "acknowledged"),
    ("bom", "acknowledged", "acknowledged"),
    ("quoted", "acknowledged", "acknowledged"),
    ("result-msg", "acknowledged", "acknowledged"),
    ("delay:50ms", "acknowledged", "acknowledged"),
    ("code", "not-acknowledged", "acknowledged"),
    ("fail", "not-acknowledged", "not-acknowledged"),
    ("unsuccessful", "not-acknowledged", "not-acknowledged"),
    ("success-true", "not-acknowledged", "not-acknowledged"),
    ("html", "not-acknowledged", "not-acknowledged"),
    ("result-msg-500", "not-acknowledged", "not-acknowledged"),
    ("empty", "not-acknowledged", "not-acknowledged"),
    ("huge", "not-acknowledged", "not-acknowledged"),
    ("500", "refused", "refused"),
    ("302", "refused", "refused"),
    ("reset", "unreachable", "unreachable"),
    ("close", "unreachable", "unreachable"),
];

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

#[test]
fn every_answer_is_judged() {
    let mut listen = Process::start(command(["listen", "0"]));
    let address = listen.address();
    let url = format!("http://{address}/");
    for (answer, by_success, by_code) in ANSWERS {
        let body = json!({ "answer": answer }).to_string();
        assert_eq!(
            http::request(address, "PUT", "/_control/answer", &[], &body)
                .unwrap()
                .status,
            200
        );
        for (rule, expected) in [("success", by_success), ("success-or-code", by_code)] {
            let output = run(["trigger", "call", &url, "--ack-rule", rule, "--json"]);
            let (code, stdout, stderr) = outcome(&output);
            let report: Value =
                serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
            assert_eq!(report["outcome"], expected, "{answer} {rule}: {report}");
            assert_eq!(code, i32::from(expected != "acknowledged"), "{answer} {rule}");
            assert!(!report["why"].as_str().unwrap().is_empty(), "{report}");
        }
    }
    listen.stop();
}

#[test]
fn every_kind_arrives_signed_and_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal.ndjson");
    let mut listen = command([
        "listen",
        "127.0.0.1:0",
        "--secret",
        SECRET,
        "--app",
        "key:secret",
        "--json",
        "--journal",
    ]);
    listen.arg(&journal);
    let mut listen = Process::start(listen);
    let url: String = listen.line("where it listens", |line| {
        serde_json::from_str::<Value>(line).ok()?["listening"]
            .as_str()
            .map(str::to_owned)
    });
    let app = directory.path().join("app");
    std::fs::write(&app, "key:secret\n").unwrap();
    let app = format!("@{}", app.display());
    let kinds = ["call", "correction", "job", "inbound"];
    for kind in kinds {
        let output = run(["trigger", kind, &url, "--secret", SECRET, "--app", &app]);
        let (code, text, stderr) = outcome(&output);
        assert_eq!((code, stderr.as_str()), (0, ""), "{text}");
        assert!(
            text.contains("acknowledged (acknowledged, ack rule success)"),
            "{text}"
        );
    }
    listen.stop();
    let lines = std::fs::read_to_string(&journal).unwrap();
    let received: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<_> = received
        .iter()
        .map(|received| received["kind"].as_str().unwrap())
        .collect();
    assert_eq!(found, kinds);
    for received in &received {
        assert_eq!(
            received["verification"]["webhook"]["result"], "verified",
            "{received}"
        );
        let stamped = ["call", "inbound"].contains(&received["kind"].as_str().unwrap());
        let sign = if stamped { "verified" } else { "notChecked" };
        assert_eq!(received["verification"]["sign"]["result"], sign, "{received}");
    }
}

/// With v2 goes the rule by which `{"code":200}` is enough.
#[test]
fn a_profile_brings_its_shape_and_its_rule() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal.ndjson");
    let mut listen = command(["listen", "0", "--answer", "code", "--journal"]);
    listen.arg(&journal);
    let mut listen = Process::start(listen);
    let url = format!("http://{}/", listen.address());
    for (arguments, expected) in [
        (&[][..], 1),
        (&["--profile", "v2"], 0),
        (&["--profile", "v2", "--ack-rule", "success"], 1),
    ] {
        for kind in ["call", "correction", "job", "inbound"] {
            let output = run(["trigger", kind, &url].iter().chain(arguments));
            assert_eq!(output.status.code(), Some(expected), "{kind} {arguments:?}");
        }
    }
    listen.stop();
    // The receiver understood each of them.
    let lines = std::fs::read_to_string(&journal).unwrap();
    let kinds: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].clone())
        .collect();
    assert_eq!(kinds, ["call", "correction", "job", "inbound"].repeat(3));
}

#[test]
fn what_cannot_be_sent_is_said() {
    for (arguments, outcome_name) in [
        (&["http://127.0.0.1:1/"][..], "unreachable"),
        (&["http://10.255.255.1/"], "blocked"),
    ] {
        let output = run(["trigger", "call"].iter().chain(arguments));
        let (code, text, stderr) = outcome(&output);
        assert_eq!((code, stderr.as_str()), (1, ""), "{text}");
        assert!(
            text.contains(&format!("NOT acknowledged ({outcome_name}")),
            "{text}"
        );
    }
    let (code, stdout, stderr) = outcome(&run(["trigger", "call", "ftp://127.0.0.1/"]));
    assert_eq!(
        (code, stdout.as_str(), stderr.lines().count()),
        (2, "", 1),
        "{stderr}"
    );
}
