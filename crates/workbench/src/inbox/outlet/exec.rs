//! `--exec`: a command for each callback. Its exit code 0 confirms.

use std::os::fd::AsFd as _;
use std::process::Stdio;
use std::time::Duration;

use ringback_server::clock;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::{Making, Outcome};
use crate::inbox::store::Stored;
use crate::inbox::time::Time;
use crate::receiver::record::rfc3339_text;

#[derive(Debug)]
pub(in super::super) struct Exec {
    command: String,
    time: Time,
    timeout: Duration,
}

impl Exec {
    pub(super) fn new(command: String, making: &Making) -> Self {
        Self {
            command,
            time: making.time.clone(),
            timeout: making.timeout,
        }
    }

    pub(super) async fn run(&self, stored: &Stored, tries: u32) -> Outcome {
        let mut child = match self.start(stored, tries) {
            Ok(child) => Group(child),
            Err(error) => return Outcome::Unreachable(format!("the command cannot be started: {error}")),
        };
        let work = async {
            if let Some(mut input) = child.0.stdin.take() {
                // A command that does not want to read it all says so by its exit code.
                let _ = input.write_all(stored.text()).await;
            }
            child.0.wait().await
        };
        match clock::timeout(self.time.clock().as_ref(), self.timeout, work).await {
            Ok(Ok(status)) if status.success() => Outcome::Confirmed,
            Ok(Ok(status)) => Outcome::Failed(status.to_string()),
            Ok(Err(error)) => Outcome::Failed(format!("the command cannot be waited for: {error}")),
            Err(_) => Outcome::Failed(format!(
                "the command took longer than {} s",
                self.timeout.as_secs()
            )),
        }
    }

    /// Starts the command in a process group of its own. What it prints goes to our stderr: stdout is for data.
    fn start(&self, stored: &Stored, tries: u32) -> std::io::Result<Child> {
        let stderr = || std::io::stderr().as_fd().try_clone_to_owned().map(Stdio::from);
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(&self.command)
            .stdin(Stdio::piped())
            .stdout(stderr()?)
            .stderr(stderr()?)
            .process_group(0);
        for (name, value) in facts(stored, tries) {
            command.env(name, value);
        }
        command.spawn()
    }
}

/// What the command is told in its environment. What is not known is empty.
fn facts(stored: &Stored, tries: u32) -> [(&'static str, String); 13] {
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let flag = |flag: bool| u8::from(flag).to_string();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        ("RINGBACK_NUMBER", stored.number.to_string()),
        ("RINGBACK_AT", rfc3339_text(stored.received_ms)),
        ("RINGBACK_EVENT_ID", text(stored.event_id.as_deref())),
        ("RINGBACK_SEND", number(stored.send.map(i64::from))),
        (
            "RINGBACK_KIND",
            text(stored.kind.map(ringback_contract::kind::Kind::name)),
        ),
        ("RINGBACK_COMPANY_ID", number(stored.company_id)),
        ("RINGBACK_ENTITY_ID", number(stored.entity_id)),
        ("RINGBACK_KEY", text(stored.order_key.as_deref())),
        ("RINGBACK_STALE", flag(stored.stale)),
        ("RINGBACK_VERIFIED", flag(stored.verified)),
        ("RINGBACK_TRY", tries.to_string()),
        ("RINGBACK_PATH", stored.path.clone()),
        ("RINGBACK_CONTENT_TYPE", text(stored.content_type.as_deref())),
    ]
}

/// A command and what it has started; killed as a whole where it is dropped before its end.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended in this moment.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
