//! `alerts` and `health` against a running service.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use super::{assert_refused, outcome};
use crate::support::Process;
use crate::support::api::TOKEN;
use crate::support::process::command;

/// A channel's other side: takes one message with a 200 and gives it out.
fn take_one(listener: &TcpListener) -> String {
    let (stream, _) = listener.accept().unwrap();
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    stream.get_mut().write_all(answer).unwrap();
    String::from_utf8(body).unwrap()
}

#[test]
fn channels_are_listed_and_tested() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let channels = format!(
        "[[channel]]\nname = \"ops\"\nkind = \"slack\"\nurl = \"http://{}/hidden\"\n\
         [[channel]]\nname = \"far\"\nkind = \"slack\"\nurl = \"http://10.0.0.1/hidden\"",
        listener.local_addr().unwrap()
    );
    let mut serve = command(["serve"]);
    serve
        .env("RINGBACK_LISTEN", "127.0.0.1:0")
        .env(
            "RINGBACK_STORE",
            format!("sqlite:{}", directory.path().join("store").display()),
        )
        .env("RINGBACK_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("RINGBACK_OPERATOR_TOKEN", TOKEN)
        .env("RINGBACK_ALERTS", channels);
    let mut serve = Process::start(serve);
    let server = format!("http://{}", serve.address());
    let run = |arguments: &[&str]| {
        command(arguments)
            .args(["--server", &server])
            .env("RINGBACK_OPERATOR_TOKEN", TOKEN)
            .output()
            .unwrap()
    };
    assert_eq!(
        outcome(&run(&["health"])),
        (0, "ready\n".to_owned(), String::new())
    );
    let (code, listed, _) = outcome(&run(&["alerts", "channels"]));
    assert_eq!((code, listed.lines().count()), (0, 3), "{listed}");
    assert!(!listed.contains("hidden"), "{listed}");

    let taker = std::thread::Builder::new()
        .spawn(move || take_one(&listener))
        .unwrap();
    let tested = outcome(&run(&["alerts", "test", "ops"]));
    assert_eq!(
        tested,
        (
            0,
            "channel ops: the message was taken\n".to_owned(),
            String::new()
        )
    );
    let message: Value = serde_json::from_str(&taker.join().unwrap()).unwrap();
    assert!(message["text"].as_str().unwrap().starts_with("[ringback] test"));
    assert_refused(
        &run(&["alerts", "test", "far"]),
        1,
        &["channel far: blocked: the host has a private address"],
    );
    assert_refused(
        &run(&["alerts", "test", "none"]),
        1,
        &["the service answered 404"],
    );
    let (code, alerts, note) = outcome(&run(&["alerts", "list"]));
    assert_eq!((code, alerts.as_str()), (0, ""));
    assert!(note.contains("nothing found"), "{note}");
    serve.stop();
    assert_refused(&run(&["health"]), 1, &["cannot be connected to"]);
}
