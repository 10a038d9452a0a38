//! The commands over the API – companies, endpoints, events, deliveries, replay, tail – against a running service and a
//! receiver.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use super::{assert_refused, outcome};
use crate::support::api::TOKEN;
use crate::support::process::command;
use crate::support::{Api, Process, wait_for};

/// A service with a receiver, and the commands against it.
struct Desk {
    _directory: tempfile::TempDir,
    _serve: Process,
    _listen: Process,
    server: String,
    receiver: String,
    api: Api,
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut serve = Process::serve(&directory.path().join("store"), TOKEN);
        let mut listen = Process::start(command(["listen", "0"]));
        let address = serve.address();
        Self {
            server: format!("http://{address}"),
            receiver: format!("http://{}/", listen.address()),
            api: Api::new(address, TOKEN),
            _directory: directory,
            _serve: serve,
            _listen: listen,
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        command(arguments)
            .env("RINGBACK_SERVER", &self.server)
            .env("RINGBACK_OPERATOR_TOKEN", TOKEN)
            .output()
            .unwrap()
    }

    /// What a command prints that has to succeed.
    #[track_caller]
    fn says(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = outcome(&self.run(arguments));
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        stdout
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let lines = self.says(&all);
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A company with one endpoint, and so many calls of job 9 that were delivered.
    fn with_calls(count: i64) -> Self {
        let desk = Self::new();
        desk.says(&["companies", "put", "151", "name=百应"]);
        let url = format!("url={}", desk.receiver);
        desk.says(&["endpoints", "put", "151", "erp", &url]);
        for id in 1..=count {
            let call = format!(
                r#"{{"sceneInstance": {{"companyId": 151, "callInstanceId": {id}, "callJobId": 9}}}}"#
            );
            desk.api.expect(202, "POST", "/v1/calls", &call);
        }
        let delivered = ["deliveries", "list", "--company", "151", "--state", "delivered"];
        wait_for("all calls are delivered", || {
            (desk.json(&delivered).len() == usize::try_from(count).unwrap()).then_some(())
        });
        desk
    }
}

#[test]
fn companies_and_endpoints_are_made_changed_and_deleted() {
    let desk = Desk::new();
    let (_, _, nothing) = outcome(&desk.run(&["companies", "list"]));
    assert_eq!(nothing, "nothing found\n");
    desk.says(&[
        "companies",
        "put",
        "151",
        "name=百应",
        "sign=true",
        "appKey=k",
        "appSecret=s",
    ]);
    let url = format!("url={}", desk.receiver);
    let made = desk.json(&[
        "endpoints",
        "put",
        "151",
        "erp",
        &url,
        "headers={\"X-Key\": \"hidden\"}",
    ]);
    assert!(made[0]["secret"].as_str().unwrap().starts_with("whsec_"));

    // What is not given stays: also what is never shown.
    desk.says(&["companies", "put", "151", "name=other"]);
    desk.says(&[
        "endpoints",
        "put",
        "151",
        "erp",
        "maxInFlight=8",
        "schedule=seed-10",
    ]);
    let company = &desk.json(&["companies", "show", "151"])[0];
    assert_eq!(
        (&company["name"], &company["sign"], &company["hasAppSecret"]),
        (&"other".into(), &true.into(), &true.into())
    );
    let endpoint = &desk.json(&["endpoints", "show", "151", "erp"])[0];
    assert_eq!(
        (&endpoint["maxInFlight"], &endpoint["headers"]),
        (&8.into(), &serde_json::json!({"X-Key": null}))
    );
}

#[test]
fn an_endpoint_is_tested_switched_and_deleted() {
    let desk = Desk::with_calls(0);
    let table = desk.says(&["endpoints", "list", "151"]);
    let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        cells,
        [
            "erp",
            "yes",
            "call,correction,inbound",
            "seed",
            "success",
            &desk.receiver
        ]
    );
    assert!(
        desk.says(&["endpoints", "test", "151", "erp"])
            .contains("acknowledged")
    );
    assert_eq!(
        desk.says(&["endpoints", "retry-now", "151", "erp"]),
        "0 deliveries are due now\n"
    );
    let rotated = &desk.json(&["endpoints", "rotate-secret", "151", "erp"])[0];
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(
        desk.says(&["endpoints", "disable", "151", "erp"]),
        "endpoint erp is disabled\n"
    );
    assert_eq!(
        desk.says(&["endpoints", "delete", "151", "erp"]),
        "endpoint erp is deleted\n"
    );
    assert_eq!(
        desk.says(&["companies", "delete", "151"]),
        "company 151 is deleted\n"
    );
}

#[test]
fn an_endpoint_with_open_deliveries_names_the_option_that_cancels_them() {
    let desk = Desk::new();
    desk.says(&["companies", "put", "151", "name=a"]);
    desk.says(&[
        "endpoints",
        "put",
        "151",
        "erp",
        "url=http://127.0.0.1:1/",
        "enabled=false",
    ]);
    let call = r#"{"sceneInstance": {"companyId": 151, "callInstanceId": 1}}"#;
    desk.api.expect(202, "POST", "/v1/calls", call);
    let refused = desk.run(&["endpoints", "delete", "151", "erp"]);
    assert_refused(&refused, 1, &["--cancel-open cancels them"]);
    desk.says(&["endpoints", "delete", "151", "erp", "--cancel-open"]);
}

/// Names and answers are other people's. Whoever writes `ESC [2J` into one clears nobody's screen.
#[test]
fn nothing_of_others_steers_the_terminal() {
    const HOSTILE: &str = "\u{1b}[2J\u{9b}1A\r\nacknowledged  yes";
    let receiver = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("url=http://{}/", receiver.local_addr().unwrap());
    let answering = std::thread::Builder::new().name("receiver".to_owned()).spawn(move || {
        let (mut stream, _) = receiver.accept().unwrap();
        let mut request = [0; 65_536];
        assert!(stream.read(&mut request).unwrap() > 0);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{HOSTILE}",
            HOSTILE.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
    }).unwrap();
    let desk = Desk::new();
    desk.says(&["companies", "put", "151", "name=a"]);
    desk.says(&["endpoints", "put", "151", "erp", &url]);
    for arguments in [
        &["companies", "show", "151"][..],
        &["companies", "list"],
        &["endpoints", "test", "151", "erp"],
        &["audit"],
    ] {
        let (_, stdout, stderr) = outcome(&desk.run(arguments));
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!stdout.contains(steers), "{arguments:?}: {stdout:?}");
        assert!(!stderr.contains(steers), "{arguments:?}: {stderr:?}");
        assert!(!stdout.contains("\nacknowledged  yes"), "{arguments:?}: {stdout}");
    }
    answering.join().unwrap();
}

#[test]
fn mistakes_are_explained_and_change_nothing() {
    let desk = Desk::new();
    desk.says(&["companies", "put", "151", "name=a"]);
    for (arguments, code, lines) in [
        (
            &["companies", "put", "151", "sign=maybe", "x=1"][..],
            1,
            &[
                "2 things are wrong",
                "x: is an unknown member",
                "sign: is a string; allowed is true or false",
            ][..],
        ),
        (&["companies", "put", "151", "name"], 2, &["NAME=VALUE"]),
        (&["companies", "put", "151"], 2, &["NAME=VALUE|--file"]),
        (
            &["companies", "put", "151", "--file", "/nowhere"],
            1,
            &["/nowhere cannot be read"],
        ),
        (
            &["endpoints", "show", "151", "erp"],
            1,
            &["the company has no endpoint of this name"],
        ),
        (
            &["endpoints", "enable", "151", "erp"],
            1,
            &["the company has no endpoint of this name"],
        ),
        (&["endpoints", "show", "151", "../x"], 2, &["NAME: allowed are"]),
        (&["events", "show", "a/b"], 2, &["EVENT: allowed are"]),
        (
            &["events", "list", "--since", "soon"],
            2,
            &["--since: allowed is a duration"],
        ),
        (&["deliveries", "resend", "dlv_1m84gxfdr00g0"], 1, &["404"]),
        (&["replay", "start", "--company", "152"], 1, &["404"]),
        (&["replay", "show", "rpl_1m84gxfdq0000"], 1, &["404"]),
        (&["tail", "--company", "151", "--window", "501"], 2, &["--window"]),
        (&["events", "list"], 2, &["--company is missing: allowed is"]),
        (&["tail"], 2, &["--company is missing: allowed is"]),
        (&["reconcile"], 2, &["--company is missing: allowed is"]),
        (
            &["companies", "show", "abc"],
            2,
            &["'abc' for '<COMPANY>': allowed is a whole number"],
        ),
        (
            &["events", "list", "--call", "1.5"],
            2,
            &["'1.5' for '--call <ID>': allowed is a whole number"],
        ),
    ] {
        assert_refused(&desk.run(arguments), code, lines);
    }
    assert_eq!(desk.json(&["companies", "show", "151"])[0]["name"], "a");
}

#[test]
fn what_was_sent_is_found_shown_and_sent_again() {
    let desk = Desk::with_calls(3);
    let limited = desk.run(&["events", "list", "--company", "151", "--limit", "2"]);
    let (_, table, note) = outcome(&limited);
    assert_eq!(
        (table.lines().count(), note.as_str()),
        (3, "there is more: --limit is 2\n")
    );
    let events = desk.json(&[
        "events",
        "list",
        "--company",
        "151",
        "--job",
        "9",
        "--since",
        "1h",
    ]);
    assert_eq!(events.len(), 3);
    let event = events[0]["eventId"].as_str().unwrap();
    let timeline = desk.says(&["events", "show", event]);
    assert!(
        timeline.contains("call 3 of company 151") && timeline.contains("\"success\""),
        "{timeline}"
    );
    // The body as it is sent, order and all.
    let json = desk.says(&["events", "show", event, "--json"]);
    assert!(
        json.contains(r#""body":{"code":200,"data":{"dataType":"#),
        "{json}"
    );

    let deliveries = desk.json(&["deliveries", "list", "--company", "151", "--endpoint", "erp"]);
    let delivery = deliveries[0]["deliveryId"].as_str().unwrap();
    assert!(
        desk.says(&["deliveries", "show", delivery])
            .contains("to erp: delivered")
    );
    let resent = desk.says(&["deliveries", "resend", delivery]);
    assert!(resent.ends_with("to erp: pending\n"), "{resent}");

    let dry = desk.says(&[
        "replay",
        "start",
        "--company",
        "151",
        "--state",
        "delivered",
        "--dry-run",
    ]);
    assert!(dry.ends_with("it would take about 1s\n"), "{dry}");
    let watched = [
        "replay",
        "start",
        "--company",
        "151",
        "--state",
        "delivered",
        "--call",
        "1",
        "--watch",
    ];
    let replay = &desk.json(&watched)[0];
    assert_eq!((&replay["state"], &replay["made"]), (&"done".into(), &1.into()));
    let id = replay["replayId"].as_str().unwrap();
    for action in ["show", "watch"] {
        assert!(desk.says(&["replay", action, id]).contains("done"), "{action}");
    }
    assert_refused(
        &desk.run(&["replay", "pause", id]),
        1,
        &["409: The replay has ended"],
    );
    assert_eq!(desk.json(&["replay", "list", "--company", "151"]).len(), 1);
}

#[test]
fn a_call_is_shown_and_its_level_corrected() {
    let desk = Desk::with_calls(1);
    let shown = desk.says(&["calls", "show", "1", "--company", "151"]);
    assert!(
        shown.starts_with("call 1 of company 151\n") && shown.contains("erp has the call"),
        "{shown}"
    );
    let corrected = desk.says(&["calls", "intent", "1", "B", "--company", "151"]);
    assert!(corrected.contains("  correction accepted\n") && corrected.contains("to erp: pending"));
    let call = &desk.json(&["calls", "show", "1", "--company", "151"])[0];
    assert_eq!(call["corrections"][0]["resultValue"], "B");
    let shown = desk.says(&["calls", "show", "1", "--company", "151"]);
    assert!(shown.contains("CORRECTED") && shown.contains("  B\n"), "{shown}");
    for (arguments, code, mistake) in [
        (&["calls", "show", "2", "--company", "151"][..], 1, "404"),
        (&["calls", "show", "1"], 2, "--company"),
        (
            &["calls", "show", "x", "--company", "151"],
            2,
            "'x' for '<ID>': allowed is a whole number",
        ),
        (&["calls", "intent", "1", "", "--company", "151"], 2, "<LEVEL>"),
    ] {
        assert_refused(&desk.run(arguments), code, &[mistake]);
    }
}

#[test]
fn tail_shows_what_comes_until_it_is_interrupted() {
    let desk = Desk::with_calls(2);
    let mut tail = command(["tail", "--company", "151", "-n", "1"]);
    tail.env("RINGBACK_SERVER", &desk.server)
        .env("RINGBACK_OPERATOR_TOKEN", TOKEN);
    let mut tail = Process::start(tail);
    let of = |id: &'static str| move |line: &str| (line.split_whitespace().nth(3) == Some(id)).then_some(());
    tail.line("the newest call", of("2"));
    desk.api.expect(
        202,
        "POST",
        "/v1/calls",
        r#"{"sceneInstance": {"companyId": 151, "callInstanceId": 3}}"#,
    );
    tail.line("the call that came", of("3"));
    assert!(!tail.stdout().iter().any(|line| of("1")(line).is_some()));
    tail.signal(Signal::INT);
    assert!(tail.wait().success());
}

#[test]
fn a_company_is_reconciled() {
    let desk = Desk::with_calls(2);
    let counted = desk.json(&["reconcile", "--company", "151"]).remove(0);
    let today = counted["days"].as_array().unwrap().last().unwrap();
    assert_eq!(today["deliveries"][0]["delivered"], 2, "{today}");
    let table = desk.says(&["reconcile", "--company", "151"]);
    let header = table.lines().next().unwrap();
    assert!(
        header.starts_with("DATE") && header.ends_with("CANCELLED"),
        "{table}"
    );
    let csv = desk.says(&["reconcile", "--company", "151", "--csv"]);
    let rows: Vec<_> = csv
        .lines()
        .skip(1)
        .filter_map(|row| row.split_once(','))
        .collect();
    let of: Vec<_> = rows.iter().map(|(_, rest)| *rest).collect();
    assert_eq!(
        of,
        ["events,call,,2,2,0,,,,,,", "deliveries,call,erp,,,,2,2,0,0,0,0"]
    );
    let old = [
        "reconcile",
        "--company",
        "151",
        "--from",
        "2019-01-12",
        "--to",
        "2019-01-12",
    ];
    let (code, stdout, note) = outcome(&desk.run(&old));
    assert_eq!(
        (code, stdout.as_str(), note.as_str()),
        (0, "", "nothing from 2019-01-12 to 2019-01-12\n")
    );
    let wrong = ["reconcile", "--company", "151", "--from", "today"];
    assert_refused(&desk.run(&wrong), 1, &["the service answered 422"]);
}

#[test]
fn the_audit_log_is_listed_by_filter() {
    let desk = Desk::new();
    desk.says(&["companies", "put", "151", "name=A"]);
    let url = format!("url={}", desk.receiver);
    desk.says(&["endpoints", "put", "151", "erp", &url]);
    desk.says(&["companies", "put", "152", "name=B"]);
    let told = |arguments: &[&str]| -> Vec<String> {
        let entries = desk.json(&[&["audit"], arguments].concat());
        let told = entries
            .iter()
            .map(|entry| format!("{} {}", entry["action"], entry["object"]).replace('"', ""));
        told.collect()
    };
    let (first, erp, second) = ("company-put 151", "endpoint-put erp", "company-put 152");
    for (arguments, expected) in [
        (&[][..], &[second, erp, first][..]),
        (&["--company", "151"], &[erp, first]),
        (&["--action", "company-put", "--limit", "1"], &[second]),
        (&["--actor", "service"], &[]),
        (
            &["--since", "1h", "--actor", "operator-token"],
            &[second, erp, first],
        ),
        (&["--to", "2026-01-01T00:00:00Z"], &[]),
    ] {
        assert_eq!(told(arguments), expected, "{arguments:?}");
    }
    let table = desk.says(&["audit", "--company", "151"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("AT") && lines.len() == 3, "{table}");
    for part in ["operator-token", "127.0.0.1", "endpoint-put", "151", "erp"] {
        assert!(lines[1].contains(part), "{part}: {table}");
    }
    let wrong = desk.run(&["audit", "--action", "company-eat"]);
    assert_refused(&wrong, 2, &["company-put"]);
}
