//! The processes of a benchmark that play a role, as the one that leads sees them.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command as Process};

use super::BenchError;
use super::role::{Command, Event, Role};
use super::sink::Seen;

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

    /// The URL of a path at the receiver.
    pub(super) fn url(&self, path: &str) -> Result<String, BenchError> {
        let addr = self.addr.ok_or(BenchError::Role {
            role: self.role.name(),
            why: "it has no address".to_owned(),
        })?;
        Ok(format!("http://{addr}{path}"))
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

    /// What the receiver has counted.
    pub(super) async fn seen(&mut self) -> Result<Seen, BenchError> {
        self.tell(&Command::Count).await?;
        match self.next().await? {
            Event::Counted { seen } => Ok(seen),
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
