//! `dev`: comes up, delivers, ends, and comes up again in the same directory.

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::process::command;
use crate::support::{Api, Process, wait_for};

/// A `dev` that is up and has shown a callback.
struct Dev {
    process: Process,
    api: Api,
    token: String,
}

fn start(dir: &Path) -> Dev {
    let mut command = command(["dev", "--listen", "0", "--receiver", "0", "--rate", "50", "--dir"]);
    command.arg(dir);
    let mut process = Process::start(command);
    let token = process.line("the token", |line| {
        Some(line.strip_prefix("token ")?.trim().to_owned())
    });
    let address = process.line("the API", |line| {
        line.strip_prefix("API ")?
            .trim()
            .strip_prefix("http://")?
            .split(',')
            .next()?
            .parse()
            .ok()
    });
    process.line("a call that has arrived", |line| {
        line.ends_with("verified  → success").then_some(())
    });
    Dev {
        process,
        api: Api::new(address, &token),
        token,
    }
}

/// The deliveries that have settled.
fn delivered(dev: &Dev) -> Vec<Value> {
    let listed = dev
        .api
        .get("/v1/deliveries?companyId=151&state=delivered&limit=500");
    listed["items"].as_array().unwrap().clone()
}

#[test]
fn it_comes_up_delivers_and_comes_up_again() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("dev");
    let first = start(&dir);
    wait_for("delivered callbacks", || {
        (delivered(&first).len() > 5).then_some(())
    });
    let mut process = first.process;
    process.signal(Signal::INT);
    assert!(process.wait().success(), "{:?}", process.stderr());
    assert!(process.stderr().is_empty(), "{:?}", process.stderr());

    let second = start(&dir);
    assert_eq!(second.token, first.token);
    let before = delivered(&second).len();
    wait_for("further callbacks", || {
        (delivered(&second).len() > before + 5).then_some(())
    });
    second.process.stop();
}
