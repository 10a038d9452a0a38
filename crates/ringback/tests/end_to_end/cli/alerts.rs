//! `alerts` and `health` against a running service.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::{assert_refused, outcome};
use crate::support::Process;
use crate::support::api::TOKEN;
use crate::support::process::command;

/// A channel's other side: takes one message with a 200 and gives it out.
fn take_one(listener: &TcpListener, text: &str) -> String {
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
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
    String::from_utf8(body).unwrap()
}

/// A service with these channels of the operator's, which may send to loopback, and its address.
fn serve(directory: &Path, channels: &str) -> (Process, String) {
    let mut serve = command(["serve"]);
    serve
        .env("RINGBACK_LISTEN", "127.0.0.1:0")
        .env(
            "RINGBACK_STORE",
            format!("sqlite:{}", directory.join("store").display()),
        )
        .env("RINGBACK_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("RINGBACK_OPERATOR_TOKEN", TOKEN)
        .env("RINGBACK_ALERTS", channels);
    let mut serve = Process::start(serve);
    let server = format!("http://{}", serve.address());
    (serve, server)
}

fn ask(server: &str, arguments: &[&str]) -> Output {
    command(arguments)
        .args(["--server", server])
        .env("RINGBACK_OPERATOR_TOKEN", TOKEN)
        .output()
        .unwrap()
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
    let (serve, server) = serve(directory.path(), &channels);
    let run = |arguments: &[&str]| ask(&server, arguments);
    assert_eq!(
        outcome(&run(&["health"])),
        (0, "ready\n".to_owned(), String::new())
    );
    let (code, listed, _) = outcome(&run(&["alerts", "channels"]));
    assert_eq!((code, listed.lines().count()), (0, 3), "{listed}");
    assert!(!listed.contains("hidden"), "{listed}");

    let taker = std::thread::Builder::new()
        .spawn(move || take_one(&listener, "ok"))
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

#[test]
fn a_companys_channels_are_made_changed_tested_and_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (serve, server) = serve(directory.path(), "window = \"1s\"");
    let run = |arguments: &[&str]| ask(&server, arguments);
    assert_eq!(outcome(&run(&["companies", "put", "151", "name=A"])).0, 0);
    let url = format!("url=http://{}/hidden", listener.local_addr().unwrap());
    let put = ["alerts", "put-channel", "151", "oncall"];
    let made = run(&[&put[..], &["kind=wecom", &url]].concat());
    let (code, made, _) = outcome(&made);
    assert!(code == 0 && !made.contains("hidden"), "{made}");
    // A change of one member leaves the address as it is.
    assert_eq!(outcome(&run(&[&put[..], &["language=zh"]].concat())).0, 0);
    let listed = ["alerts", "channels", "--company", "151"];
    let (code, listed, _) = outcome(&run(&listed));
    assert_eq!((code, listed.lines().count()), (0, 2), "{listed}");
    assert!(listed.contains("zh") && !listed.contains("hidden"), "{listed}");

    let taker = std::thread::Builder::new()
        .spawn(move || take_one(&listener, r#"{"errcode":0}"#))
        .unwrap();
    let test = ["alerts", "test", "oncall", "--company", "151"];
    assert_eq!(
        outcome(&run(&test)).1,
        "channel oncall: the message was taken\n".to_owned()
    );
    let message: Value = serde_json::from_str(&taker.join().unwrap()).unwrap();
    let text = message["text"]["content"].as_str().unwrap();
    assert!(
        text.starts_with("[ringback] 测试") && text.contains("公司 151"),
        "{text}"
    );

    let delete = ["alerts", "delete-channel", "151", "oncall"];
    assert_eq!(outcome(&run(&delete)).1, "channel oncall is deleted\n");
    assert_refused(&run(&test), 1, &["the service answered 404"]);
    serve.stop();
}
