//! The walk-through of the README, with the README's own commands. A small reader of shell stands in for `curl`, free
//! ports for the README's, and waiting for what is to happen for its `sleep`.

mod shell;

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::process::command;
use crate::support::{Api, Process, Response, http, wait_for};
use shell::{Request, Script};

const README: &str = include_str!("../../../../README.md");
const README_ZH: &str = include_str!("../../../../README.zh-CN.md");

/// The ports in the README.
const API_PORT: u16 = 7700;
const RECEIVER_PORT: u16 = 7701;

#[test]
fn both_languages_have_the_same_commands() {
    assert_eq!(shell::blocks(README_ZH), shell::blocks(README));
}

#[test]
fn its_commands_do_what_it_says() {
    let script = Script::read(&shell::blocks(README));
    let directory = tempfile::tempdir().unwrap();
    let mut serve = Process::serve(directory.path(), &script.variables["RINGBACK_OPERATOR_TOKEN"]);
    let mut listen = Process::start(command(["listen", "127.0.0.1:0"]));
    let walk = Walk {
        api: Api::new(serve.address(), &script.variables["RINGBACK_OPERATOR_TOKEN"]),
        receiver: listen.address(),
    };
    let mut answers = script.requests.iter().map(|request| {
        walk.wait_before(request);
        let answer = walk.send(request);
        assert!(
            (200..300).contains(&answer.status),
            "{request:?}: {}",
            answer.body
        );
        answer
    });

    let made: Vec<_> = answers.by_ref().take(6).map(|answer| answer.status).collect();
    assert_eq!(made, [201; 6]);
    let accepted: Vec<_> = answers.by_ref().take(3).map(|answer| answer.status).collect();
    assert_eq!(accepted, [202; 3]);
    assert_eq!(answers.next().unwrap().body.lines().count(), 3);
    assert_eq!(states(&answers.next().unwrap()), ["delivered acknowledged 1"]);
    assert_eq!(answers.next().unwrap().json()["answer"], "fail");
    assert_eq!(answers.next().unwrap().status, 202);
    let pending = answers.next().unwrap();
    let sends = pending.json()["items"][0]["sends"].as_u64().unwrap();
    assert_eq!(states(&pending), [format!("pending not-acknowledged {sends}")]);
    assert!(pending.json()["items"][0]["nextSendAt"].is_string());
    assert_eq!(answers.next().unwrap().json()["answer"], "success");
    let [second, first] = states(&answers.next().unwrap()).try_into().unwrap();
    assert_eq!(first, "delivered acknowledged 1");
    assert!(second.starts_with("delivered acknowledged "), "{second}");
    let call = answers.next().unwrap().json();
    assert_eq!(call["arrivals"][0]["arrived"], true, "{call}");
    assert!(answers.next().is_none());
    drop(answers);
    serve.stop();
    listen.stop();
}

/// State, last outcome and number of sends of each delivery in a list.
fn states(answer: &Response) -> Vec<String> {
    let words = |delivery: &Value| {
        let text = |member: &str| delivery[member].as_str().unwrap_or("none").to_owned();
        format!("{} {} {}", text("state"), text("lastOutcome"), delivery["sends"])
    };
    answer.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(words)
        .collect()
}

/// The running programs of the walk-through.
struct Walk {
    api: Api,
    receiver: SocketAddr,
}

impl Walk {
    fn send(&self, request: &Request) -> Response {
        let Request {
            method,
            port,
            path,
            body,
            with_token,
        } = request;
        let own_receiver = format!("127.0.0.1:{}", self.receiver.port());
        let body = body.replace(&format!("127.0.0.1:{RECEIVER_PORT}"), &own_receiver);
        match (*port, with_token) {
            (API_PORT, true) => self.api.request(method, path, &body),
            (RECEIVER_PORT, false) => http::request(self.receiver, method, path, &[], &body),
            other => panic!("{other:?} is neither the API with a token nor the receiver without"),
        }
        .expect("it answers")
    }

    /// What a reader sees happen before he types the next command.
    fn wait_before(&self, request: &Request) {
        if request.method != "GET" {
            return;
        }
        let failing = request.path.ends_with("state=pending");
        wait_for("what the README says", || {
            let pending: Vec<_> = [1, 241, 243]
                .into_iter()
                .flat_map(|company_id| {
                    let path = format!("/v1/deliveries?companyId={company_id}&state=pending");
                    self.api.get(&path)["items"].as_array().unwrap().clone()
                })
                .collect();
            if failing {
                pending
                    .iter()
                    .any(|delivery| delivery["lastOutcome"] == "not-acknowledged")
                    .then_some(())
            } else {
                pending.is_empty().then_some(())
            }
        });
    }
}
