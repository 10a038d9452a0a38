//! `serve` and `listen` as processes: locks, ports, signals.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::json;

use super::assert_refused;
use crate::support::api::TOKEN;
use crate::support::process::command;
use crate::support::{Api, Process, http, wait_for};

#[test]
fn the_first_start_writes_a_token_that_is_valid_ever_after() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().display());
    let serve = || {
        let mut command = command(["serve"]);
        command
            .env("RINGBACK_LISTEN", "127.0.0.1:0")
            .env("RINGBACK_STORE", &store);
        Process::start(command)
    };
    let mut first = serve();
    let address = first.address();
    let path = first.line("the path of the token", |line| {
        Some(line.strip_prefix("operator token in ")?.to_owned())
    });
    let token = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    Api::new(address, token.trim()).get("/v1/companies");
    assert_eq!(
        Api::new(address, "another")
            .request("GET", "/v1/companies", "")
            .unwrap()
            .status,
        401
    );
    first.stop();

    let mut second = serve();
    Api::new(second.address(), token.trim()).get("/v1/companies");
    assert!(
        !second.stdout().iter().any(|line| line.contains("token")),
        "{:?}",
        second.stdout()
    );
    second.stop();
}

#[test]
fn a_store_that_is_in_use_and_a_port_that_is_taken_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (mine, other) = (directory.path().join("mine"), directory.path().join("other"));
    let mut serve = Process::serve(&mine, TOKEN);
    let address = serve.address();
    let refused = |store: &std::path::Path, listen: &str, name: &str| {
        command([name])
            .env("RINGBACK_LISTEN", listen)
            .env("RINGBACK_STORE", format!("sqlite:{}", store.display()))
            .env("RINGBACK_LOG", "warn")
            .output()
            .unwrap()
    };
    let in_use = format!("{} is in use by another process", mine.display());
    assert_refused(&refused(&mine, "127.0.0.1:0", "serve"), 1, &[&in_use]);
    assert_refused(&refused(&mine, "127.0.0.1:0", "migrate"), 1, &[&in_use]);
    let taken = |option: &str| format!("cannot listen on {address}, {option}: ");
    assert_refused(
        &refused(&other, &address.to_string(), "serve"),
        1,
        &[&taken("RINGBACK_LISTEN, or listen in the file")],
    );
    let data = directory.path().join("inbox").display().to_string();
    let at = address.to_string();
    for (arguments, option) in [
        (&["listen", &at][..], "the ADDRESS of callbacks"),
        (&["listen", &at, "--data", &data], "the ADDRESS of callbacks"),
        (
            &["listen", "0", "--data", &data, "--page", &at],
            "the ADDRESS of --page",
        ),
    ] {
        let said = command(arguments).output().unwrap();
        assert_refused(&said, 1, &[&taken(option)]);
    }
    let journal = command(["listen", "0", "--journal", "/nowhere/journal"])
        .output()
        .unwrap();
    assert_refused(&journal, 1, &["cannot write to /nowhere/journal"]);
    // The one that was there first is not disturbed.
    Api::new(address, TOKEN).get("/v1/companies");
    serve.stop();
}

#[test]
fn an_orderly_end_finishes_what_is_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = Process::serve(directory.path(), TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    let mut listen = Process::start(command(["listen", "0", "--answer", "delay:1s"]));
    let receiver = listen.address();
    api.expect(201, "PUT", "/v1/companies/1", r#"{"name": "slow"}"#);
    let endpoint = json!({ "url": format!("http://{receiver}/"), "callbacks": ["call"] }).to_string();
    api.expect(201, "PUT", "/v1/companies/1/endpoints/crm", &endpoint);
    let call = r#"{"sceneInstance": {"callInstanceId": 1, "companyId": 1}}"#;
    let accepted = api.expect(202, "POST", "/v1/calls", call);
    wait_for("the send to begin", || {
        let received = http::request(receiver, "GET", "/_control/received", &[], "").unwrap();
        (!received.body.is_empty()).then_some(())
    });
    serve.signal(Signal::HUP);
    serve.signal(Signal::INT);
    assert!(serve.wait().success(), "{:?}", serve.stderr());
    assert!(
        serve
            .stderr()
            .iter()
            .any(|line| line.contains("SIGHUP is ignored")),
        "{:?}",
        serve.stderr()
    );

    let mut serve = Process::serve(directory.path(), TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    let event = api.get(&format!("/v1/events/{}", accepted["eventId"].as_str().unwrap()));
    assert_eq!(
        (&event["deliveries"][0]["state"], &event["deliveries"][0]["sends"]),
        (&json!("delivered"), &json!(1))
    );
    serve.stop();
    listen.stop();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = Process::serve(directory.path(), TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    let mut listen = Process::start(command(["listen", "0", "--answer", "hang"]));
    let receiver = listen.address();
    api.expect(201, "PUT", "/v1/companies/1", r#"{"name": "hangs"}"#);
    let endpoint =
        json!({ "url": format!("http://{receiver}/"), "callbacks": ["call"], "timeout": "60s" }).to_string();
    api.expect(201, "PUT", "/v1/companies/1/endpoints/crm", &endpoint);
    api.expect(
        202,
        "POST",
        "/v1/calls",
        r#"{"sceneInstance": {"callInstanceId": 1, "companyId": 1}}"#,
    );
    wait_for("the send to begin", || {
        let received = http::request(receiver, "GET", "/_control/received", &[], "").unwrap();
        (!received.body.is_empty()).then_some(())
    });
    serve.signal(Signal::TERM);
    wait_for("the shutdown to begin", || {
        serve
            .stderr()
            .iter()
            .any(|line| line.contains("shutting down"))
            .then_some(())
    });
    serve.signal(Signal::TERM);
    assert_eq!(serve.wait().code(), Some(128 + Signal::TERM.as_raw()));
    listen.stop();
}

#[test]
fn at_debug_the_log_tells_of_events_sends_and_answers_and_nothing_of_what_is_in_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = command(["serve"]);
    serve
        .env("RINGBACK_LISTEN", "127.0.0.1:0")
        .env("RINGBACK_STORE", format!("sqlite:{}", directory.path().display()))
        .env("RINGBACK_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("RINGBACK_OPERATOR_TOKEN", TOKEN)
        .env("RINGBACK_LOG", "info,ringback_server=debug");
    let mut serve = Process::start(serve);
    let api = Api::new(serve.address(), TOKEN);
    let mut listen = Process::start(command(["listen", "0"]));
    let receiver = listen.address();
    api.expect(201, "PUT", "/v1/companies/1", "{}");
    let endpoint = json!({ "url": format!("http://{receiver}/?hush=hush") }).to_string();
    api.expect(201, "PUT", "/v1/companies/1/endpoints/crm", &endpoint);
    let call =
        r#"{"sceneInstance": {"callInstanceId": 1, "companyId": 1, "customerTelephone": "13712345678"}}"#;
    let event = api.expect(202, "POST", "/v1/calls", call)["eventId"].clone();
    let event = event.as_str().unwrap();
    let line_of = |parts: &[&str]| {
        wait_for("a line of the log", || {
            let lines = serve.stderr();
            let mut fit = lines
                .iter()
                .filter(|line| parts.iter().all(|part| line.contains(part)));
            fit.next().map(|_| ())
        });
    };
    line_of(&["accepted", event, "kind=\"call\"", "deliveries=1"]);
    line_of(&[
        "sent",
        event,
        "endpoint=\"crm\"",
        "outcome=\"acknowledged\"",
        "status=200",
    ]);
    line_of(&["answered", "POST", "/v1/calls", "status=202"]);
    for line in serve.stderr() {
        for hush in ["13712345678", "hush", TOKEN] {
            assert!(!line.contains(hush), "{line}");
        }
    }
    serve.stop();
    listen.stop();
}
