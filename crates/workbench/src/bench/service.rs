//! The service that a benchmark measures: `exe serve` as a process of its own, configured through its API.

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
use tokio::process::{Child, Command as Process};

use super::BenchError;
use super::process::{Usage, usage};
use crate::client;

/// How long the service may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before asking the service again.
const PAUSE: Duration = Duration::from_millis(20);
/// How much of the service's output an error shows, in bytes.
const LOG_SHOWN: usize = 2000;

/// The service: `exe serve` with a store of its own.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    addr: SocketAddr,
    token: String,
    log: PathBuf,
    started_us: i64,
}

impl Service {
    /// Starts the service with its store in `directory`, which is there, and waits until it is ready.
    pub(super) async fn start(exe: &Path, directory: &Path) -> Result<Self, BenchError> {
        let failed = |source| BenchError::Process {
            what: "service",
            source,
        };
        let (log, token) = (directory.join("serve.log"), random::token());
        let addr = free_address().map_err(failed)?;
        let output = File::create(&log).map_err(failed)?;
        let started_us = RealClock.boot_us();
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
            started_us,
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
    pub(super) fn failure(&self, why: String) -> BenchError {
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

    /// When its process was started, in microseconds of the boot clock.
    pub(super) const fn started_us(&self) -> i64 {
        self.started_us
    }

    /// What its process has used.
    pub(super) fn usage(&self) -> Result<Usage, BenchError> {
        usage(self.pid()).map_err(BenchError::Usage)
    }

    /// Configures a company without endpoints.
    pub(super) async fn put_company(&self, company: u64) -> Result<(), BenchError> {
        let path = format!("/v1/companies/{company}");
        self.put(&path, &json!({ "name": "benchmark" })).await
    }

    /// Configures an endpoint for calls; everything that neither is said here nor in `settings` is as it is by default.
    pub(super) async fn put_endpoint(
        &self,
        company: u64,
        name: &str,
        url: &str,
        settings: Value,
    ) -> Result<(), BenchError> {
        let mut endpoint = settings;
        endpoint["url"] = url.into();
        endpoint["callbacks"] = json!(["call"]);
        let path = format!("/v1/companies/{company}/endpoints/{name}");
        self.put(&path, &endpoint).await
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

    /// Gets something: the status, and the body as JSON.
    pub(super) async fn get(&self, path: &str) -> Result<(StatusCode, Value), BenchError> {
        let answer = self.ask(Method::GET, path, String::new()).await?;
        Ok((
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or_default(),
        ))
    }

    /// Whether no delivery of a company is pending any more: every outcome is recorded. Its endpoints are asked, which count
    /// what is open; a search for it would look through everything that was delivered.
    pub(super) async fn is_settled(&self, company: u64) -> Result<bool, BenchError> {
        let endpoints = format!("/v1/companies/{company}/endpoints");
        let (status, list) = self.get(&endpoints).await?;
        let Some(items) = list["items"].as_array() else {
            return Err(self.failure(format!("GET {endpoints} was answered {status}")));
        };
        for name in items.iter().filter_map(|endpoint| endpoint["name"].as_str()) {
            let (_, endpoint) = self.get(&format!("{endpoints}/{name}")).await?;
            if endpoint["open"]["pending"] != 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends the service on the spot, as a crash does.
    pub(super) async fn kill(mut self) -> Result<(), BenchError> {
        self.child.kill().await.map_err(|source| BenchError::Process {
            what: "service",
            source,
        })
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
