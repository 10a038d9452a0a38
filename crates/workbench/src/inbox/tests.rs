//! The whole inbox in process: callbacks in by HTTP, out to a receiver, files and commands, with its clock standing still.

mod outlets;
mod page;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use ringback_contract::samples;
use ringback_contract::webhook::Secret;
use ringback_server::clock::test::TestClock;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::client;
use crate::receiver::{App, Receiver, Verifier};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An output that can be looked at.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An inbox at work.
struct Lab {
    url: String,
    page: String,
    clock: Arc<TestClock>,
    store: Store,
    memory: Arc<tokio::sync::Semaphore>,
    out: Out,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), InboxError>>,
}

impl Lab {
    async fn start(dir: &Path, change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(TestClock::new());
        let mut options = Options {
            page: Some(LOOPBACK),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..Options::new(LOOPBACK, dir.to_owned())
        };
        change(&mut options);
        let out = Out::default();
        let inbox = Inbox::bind(options, out.clone()).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        Self {
            url: inbox.url(),
            page: inbox.page_url().unwrap(),
            clock,
            store: inbox.store.clone(),
            memory: Arc::clone(&inbox.memory),
            out,
            stop,
            running: tasks::spawn(
                "test",
                inbox.run(async {
                    let _ = stopped.await;
                }),
            ),
        }
    }

    /// One callback; its status and body.
    async fn post(&self, content_type: &str, body: impl Into<bytes::Bytes>) -> (u16, String) {
        let answer = client::once(Method::POST, &self.url, None, content_type, body)
            .await
            .unwrap();
        (
            answer.status.as_u16(),
            String::from_utf8(answer.body.to_vec()).unwrap(),
        )
    }

    /// Waits until the handovers of all callbacks, the newest first, are in these states.
    async fn wait_for(&self, expected: &[&str]) {
        let mut commits = self.store.commits();
        loop {
            let found = self.store.list(store::Filter::All, i64::MAX).await.unwrap();
            let states: Vec<String> = found
                .iter()
                .map(|summary| {
                    let states: Vec<_> = summary.handovers.iter().map(|way| way.state.name()).collect();
                    states.join(",")
                })
                .collect();
            if states == expected {
                return;
            }
            commits.changed().await.unwrap();
        }
    }

    /// As [`Lab::wait_for`], and lets time pass whenever the outlet has nothing to do before its next try.
    async fn wait_in_time(&self, outlet: OutletName, expected: &[&str]) {
        let passing = async {
            let mut commits = self.store.commits();
            loop {
                let now_ms = self.clock.wall_ms();
                match self.store.due(outlet, now_ms, 1).await.unwrap() {
                    (due, Some(next_ms)) if due.is_empty() => {
                        self.clock.advance(u32::try_from(next_ms - now_ms).unwrap());
                    }
                    _ => commits.changed().await.unwrap(),
                }
            }
        };
        tokio::select! {
            () = passing => {}
            () = self.wait_for(expected) => {}
        }
    }

    /// Ends it, and gives back what it printed.
    async fn stop(self) -> String {
        // It may have ended by itself.
        let _ = self.stop.send(());
        self.running.await.unwrap().unwrap();
        String::from_utf8(self.out.0.lock().unwrap().clone()).unwrap()
    }
}

fn call(id: i64) -> String {
    format!(
        r#"{{"data":{{"dataType":"CALL_INSTANCE_RESULT","data":{{"sceneInstance":{{"companyId":1,"callInstanceId":{id}}}}}}}}}"#
    )
}

fn correction(id: i64, level: &str) -> String {
    samples::CORRECTION
        .replace("241", "1")
        .replace("2016", &id.to_string())
        .replace("\"B\"", &format!("\"{level}\""))
}

#[tokio::test]
async fn what_is_answered() {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |_| {}).await;
    let long = vec![b' '; limits::INBOX_BODY_BYTES as usize + 1];
    for (content_type, body, status, answer) in [
        (JSON, samples::CALL.as_bytes(), 200, "success"),
        (JSON, samples::CALL.as_bytes(), 200, "success"),
        ("text/plain", samples::JOB.as_bytes(), 200, "success"),
        (FORM, samples::CORRECTION.as_bytes(), 200, "success"),
        (FORM, b"data=%7B%22a%22%3A1%7D", 200, "success"),
        (JSON, "\u{feff}{}".as_bytes(), 200, "success"),
        (JSON, b"{", 400, "the body is not JSON: line 1, column 1\n"),
        (JSON, b"", 400, "the body is empty\n"),
        (JSON, b"\xff", 400, "the body is not UTF-8\n"),
        (FORM, b"a=b", 400, "no field of the form holds a JSON object\n"),
        (JSON, &long, 413, "the body is longer than 4 MiB\n"),
    ] {
        let found = lab.post(content_type, body.to_vec()).await;
        assert_eq!(
            found,
            (status, answer.to_owned()),
            "{content_type} {:?}",
            &body[..body.len().min(40)]
        );
    }
    let answer = client::once(Method::GET, &lab.url, None, "", "").await.unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let refused = lab.store.refused(i64::MAX).await.unwrap();
    assert_eq!(refused.len(), 4);
    let stored = lab.store.list(store::Filter::All, i64::MAX).await.unwrap();
    assert_eq!(stored.len(), 5);
    assert_eq!(
        (&stored[1].stored.body[..], &stored[1].stored.text()[..]),
        (&b"data=%7B%22a%22%3A1%7D"[..], &b"{\"a\":1}"[..])
    );
    let lines = lab.stop().await;
    let expected = [
        "08:00:00.000  call 1  company 1  137****xxxx 已接通 (answered) 35 s intent C  not checked  → success",
        "08:00:00.000  call 1  company 1  137****xxxx 已接通 (answered) 35 s intent C  not checked  → success (again)",
    ];
    for (line, expected) in lines.lines().zip(expected) {
        assert_eq!(&line[2..], &expected[2..]);
    }
    assert!(
        lines.contains("no callback, 1 bytes  not checked  REFUSED 400 the body is not JSON"),
        "{lines}"
    );
}

#[tokio::test]
async fn what_is_not_verified_is_refused_and_told_nothing_else() {
    let secret = Secret::from_bytes(&[7; 24]).unwrap();
    let verifier = Verifier {
        secrets: vec![secret],
        apps: vec![App {
            key: "key".to_owned(),
            secret: "secret".to_owned(),
        }],
    };
    for (require, body, status) in [
        (Require::None, samples::CALL, 200),
        (Require::All, samples::CALL, 401),
        (Require::All, "not JSON", 401),
        (Require::Any, "not JSON", 401),
        (Require::Webhook, samples::JOB, 401),
        (Require::Sign, samples::CALL, 401),
        (Require::Sign, samples::JOB, 200),
    ] {
        let dir = TempDir::new().unwrap();
        let verifier = verifier.clone();
        let lab = Lab::start(dir.path(), |options| {
            (options.verifier, options.require) = (verifier, require);
        })
        .await;
        let (found, answer) = lab.post("application/json", body).await;
        assert_eq!(found, status, "{require} {answer}");
        assert_eq!(answer.starts_with("not verified: "), status == 401);
        assert_eq!(
            lab.store.refused(i64::MAX).await.unwrap().len(),
            usize::from(status == 401)
        );
        lab.stop().await;
    }
}

/// What waits for the writer counts, whether or not its sender still waits for the answer.
#[tokio::test]
async fn memory_is_held_until_the_writer_has_let_it_go() {
    for body in ["not JSON".to_owned(), call(1)] {
        let dir = TempDir::new().unwrap();
        let lab = Lab::start(dir.path(), |_| {}).await;
        let all = lab.memory.available_permits();
        let (go, gone) = std::sync::mpsc::sync_channel::<()>(1);
        let (began, begins) = oneshot::channel();
        let store = lab.store.clone();
        let busy = tasks::spawn("busy", async move {
            let work = move |_: &rusqlite::Transaction<'_>| {
                let _ = began.send(());
                let _ = gone.recv();
                Ok(())
            };
            store.write(work).await
        });
        begins.await.unwrap();
        let url = lab.url.clone();
        let sending = tasks::spawn("sender", async move {
            client::once(Method::POST, &url, None, "application/json", body)
                .await
                .is_ok()
        });
        while lab.memory.available_permits() == all {
            tokio::task::yield_now().await;
        }
        // It hangs up; the handler is gone once the server has seen that.
        sending.abort();
        assert!(sending.await.is_err());
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(lab.memory.available_permits() < all);
        go.send(()).unwrap();
        busy.await.unwrap().unwrap();
        while lab.memory.available_permits() < all {
            tokio::task::yield_now().await;
        }
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_answer_is_given_after_the_callback_was_stored() {
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |options| {
        options.plan = "500,success".parse().unwrap();
    })
    .await;
    assert_eq!(lab.post("application/json", call(1)).await.0, 500);
    assert_eq!(lab.store.event(1).await.unwrap().unwrap().stored.repeats, 0);
    assert_eq!(lab.post("application/json", call(1)).await.1, "success");
    lab.stop().await;
}
