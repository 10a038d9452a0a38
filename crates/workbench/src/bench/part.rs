//! The other processes of a benchmark as the one that leads it sees them: the two roles and the service.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use http::{Method, StatusCode};
use ringback_server::clock::{self, Clock, RealClock};
use ringback_server::random;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command as Process};

use super::BenchError;
use super::role::{Command, Event, Role};
use crate::client;

/// How long a process may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before asking the service again.
const PAUSE: Duration = Duration::from_millis(20);
/// The company of the seed's call sample.
const COMPANY_ID: i64 = 1;
/// How much of the service's output an error shows, in bytes.
const LOG_SHOWN: usize = 2000;

/// A process that plays a role.
#[derive(Debug)]
pub(super) struct Part {
    role: Role,
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    addr: Option<SocketAddr>,
}

impl Part {
    /// Starts `exe bench --role ROLE` and waits until it takes commands.
    pub(super) async fn start(exe: &Path, role: Role) -> Result<Self, BenchError> {
        let failed = |source| BenchError::Process {
            what: role.name(),
            source,
        };
        let mut child = Process::new(exe)
            .args(["bench", "--role", role.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (commands, events) = pipes.ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let events = BufReader::new(events).lines();
        let mut part = Self {
            role,
            child,
            commands,
            events,
            addr: None,
        };
        match part.next().await? {
            Event::Ready { addr } => part.addr = addr,
            other => return Err(part.unexpected(other)),
        }
        Ok(part)
    }

    pub(super) fn pid(&self) -> u32 {
        // It is there until the child has been waited for.
        self.child.id().unwrap_or(0)
    }

    /// Where the receiver listens.
    pub(super) fn url(&self) -> Result<String, BenchError> {
        let addr = self.addr.ok_or(BenchError::Role {
            role: self.role.name(),
            why: "it has no address".to_owned(),
        })?;
        Ok(format!("http://{addr}/"))
    }

    /// Gives a command; its events follow by [`Part::next`].
    pub(super) async fn tell(&mut self, command: &Command) -> Result<(), BenchError> {
        let failed = |source| BenchError::Process {
            what: self.role.name(),
            source,
        };
        let mut line = serde_json::to_vec(command).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.commands.write_all(&line).await.map_err(failed)?;
        self.commands.flush().await.map_err(failed)
    }

    pub(super) async fn next(&mut self) -> Result<Event, BenchError> {
        let failed = |source| BenchError::Process {
            what: self.role.name(),
            source,
        };
        let line = self.events.next_line().await.map_err(failed)?;
        let line = line.ok_or_else(|| failed(io::ErrorKind::UnexpectedEof.into()))?;
        match serde_json::from_str(&line).map_err(|error| failed(error.into()))? {
            Event::Failed { why } => Err(BenchError::Role {
                role: self.role.name(),
                why,
            }),
            event => Ok(event),
        }
    }

    /// Gives a command that is answered by [`Event::Done`].
    pub(super) async fn order(&mut self, command: &Command) -> Result<(), BenchError> {
        self.tell(command).await?;
        match self.next().await? {
            Event::Done => Ok(()),
            other => Err(self.unexpected(other)),
        }
    }

    /// How many callbacks the receiver has counted.
    pub(super) async fn count(&mut self) -> Result<u64, BenchError> {
        self.tell(&Command::Count).await?;
        match self.next().await? {
            Event::Counted { received } => Ok(received),
            other => Err(self.unexpected(other)),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the event ends here")]
    pub(super) fn unexpected(&self, event: Event) -> BenchError {
        BenchError::Role {
            role: self.role.name(),
            why: format!("it said {event:?} out of turn"),
        }
    }
}

/// The service: `exe serve` with a store of its own.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    addr: SocketAddr,
    token: String,
    log: PathBuf,
}

impl Service {
    /// Starts the service with its store in `directory`, and waits until it is ready.
    pub(super) async fn start(exe: &Path, directory: &Path) -> Result<Self, BenchError> {
        let failed = |source| BenchError::Process {
            what: "service",
            source,
        };
        let (log, token) = (directory.join("serve.log"), random::token());
        let addr = free_address().map_err(failed)?;
        let output = File::create(&log).map_err(failed)?;
        let child = Process::new(exe)
            .arg("serve")
            .env("RINGBACK_LISTEN", addr.to_string())
            .env(
                "RINGBACK_STORE",
                format!("sqlite:{}", directory.join("store").display()),
            )
            .env("RINGBACK_OPERATOR_TOKEN", &token)
            .env("RINGBACK_OUTBOUND_ALLOW", "127.0.0.0/8")
            .env("RINGBACK_LOG", "warn")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut service = Self {
            child,
            addr,
            token,
            log,
        };
        service.ready().await?;
        Ok(service)
    }

    async fn ready(&mut self) -> Result<(), BenchError> {
        let until = clock::after(RealClock.boot_us(), PATIENCE);
        while RealClock.boot_us() < until {
            let answer = client::once(Method::GET, &self.url("/readyz"), None, "text/plain", "").await;
            if answer.is_ok_and(|answer| answer.status == StatusCode::OK) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failure(format!("it ended with {status}")));
            }
            pause().await;
        }
        Err(self.failure(format!("it was not ready within {} s", PATIENCE.as_secs())))
    }

    /// What went wrong, with the end of the service's output.
    fn failure(&self, why: String) -> BenchError {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let shown = &log[log.len().saturating_sub(LOG_SHOWN)..];
        BenchError::Service {
            why,
            log: String::from_utf8_lossy(shown).trim_end().to_owned(),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Configures the sample's company with one endpoint at `receiver`; everything that is not said here is as it is
    /// by default.
    pub(super) async fn configure(&self, receiver: &str, in_flight: usize) -> Result<(), BenchError> {
        let company = format!("/v1/companies/{COMPANY_ID}");
        self.put(&company, &json!({ "name": "benchmark" })).await?;
        let endpoint = json!({ "url": receiver, "callbacks": ["call"], "maxInFlight": in_flight });
        self.put(&format!("{company}/endpoints/receiver"), &endpoint)
            .await
    }

    async fn put(&self, path: &str, body: &Value) -> Result<(), BenchError> {
        let answer = self.ask(Method::PUT, path, body.to_string()).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Err(self.failure(format!("PUT {path} was answered {}: {text}", answer.status)))
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Result<client::Answer, BenchError> {
        client::once(
            method,
            &self.url(path),
            Some(&self.token),
            "application/json",
            body,
        )
        .await
        .map_err(BenchError::Client)
    }

    /// Whether no delivery is pending any more: every outcome is recorded.
    pub(super) async fn is_settled(&self) -> Result<bool, BenchError> {
        let path = format!("/v1/deliveries?companyId={COMPANY_ID}&state=pending&limit=1");
        let answer = self.ask(Method::GET, &path, String::new()).await?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match body["items"].as_array() {
            Some(items) => Ok(items.is_empty() && body["nextCursor"].is_null()),
            None => Err(self.failure(format!("GET {path} was answered {}", answer.status))),
        }
    }

    /// Asks the service to stop, and kills it where it does not.
    pub(super) async fn stop(mut self) -> Result<(), BenchError> {
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        // A process that is gone already is waited for all the same.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        match clock::timeout(&RealClock, PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.failure(format!("it ended with {status}"))),
            Ok(Err(source)) => Err(BenchError::Process {
                what: "service",
                source,
            }),
            Err(_) => Err(self.failure(format!("it did not stop within {} s", PATIENCE.as_secs()))),
        }
    }
}

/// A short wait before asking again.
pub(super) async fn pause() {
    RealClock
        .sleep_until(clock::after(RealClock.boot_us(), PAUSE))
        .await;
}

/// An address on which nothing listens. Another program may take it before the service does; then the service says
/// so.
fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
