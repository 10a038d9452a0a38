//! The processes of a benchmark besides the service: one drives the load, one receives. Each is the benchmark's own
//! binary, started once more; it takes commands as JSON lines on its standard input, and answers with JSON lines on
//! its standard output. It ends when its input does.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ringback_contract::UnknownName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::load::{self, Load, Summary};
use super::sink::Sink;
use super::timings;

/// What a process of a benchmark does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends the load.
    Driver,
    /// Receives what the service sends.
    Receiver,
}

impl Role {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Receiver => "receiver",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [Self::Driver, Self::Receiver]
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or(UnknownName {
                what: "role of a benchmark's process",
                allowed: "driver, receiver",
            })
    }
}

/// A command to one of the processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "camelCase")]
pub(super) enum Command {
    /// To the receiver: forget everything; from now on note each arrival, or only count.
    Reset { note: bool },
    /// To the receiver: say how many came.
    Count,
    /// To the receiver: write the arrivals to a file.
    Dump { path: PathBuf },
    /// To the driver: drive a load; write its requests to a file.
    Drive { load: Box<Load>, path: PathBuf },
}

/// What a process says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub(super) enum Event {
    /// It takes commands; the receiver says where it listens.
    Ready { addr: Option<SocketAddr> },
    /// The command is done.
    Done,
    /// So many came.
    Counted { received: u64 },
    /// The window of the load begins.
    Begun,
    /// The window of the load is over.
    Ended,
    /// The load is over.
    Driven { summary: Box<Summary> },
    /// The command cannot be done.
    Failed { why: String },
}

/// Plays a role until the standard input ends. It brings its own runtime, with one thread: driver and receiver are to
/// take as little from the service as they can.
///
/// # Errors
/// When the receiver cannot listen, a command cannot be read, or an event cannot be written.
pub fn play(role: Role) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let commands = BufReader::new(tokio::io::stdin()).lines();
        match role {
            Role::Driver => driver(commands).await,
            Role::Receiver => receiver(commands).await,
        }
    })
}

fn say(event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

async fn next(commands: &mut Lines<BufReader<Stdin>>) -> io::Result<Option<Command>> {
    let line = commands.next_line().await?;
    Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
}

fn failed(error: &dyn std::error::Error) -> Event {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    Event::Failed { why }
}

async fn driver(mut commands: Lines<BufReader<Stdin>>) -> io::Result<()> {
    say(&Event::Ready { addr: None })?;
    while let Some(command) = next(&mut commands).await? {
        let Command::Drive { load, path } = command else {
            say(&Event::Failed {
                why: "not a command of the driver".to_owned(),
            })?;
            continue;
        };
        // An event that cannot be written means that nobody listens any more: the last one tells.
        let driven = load::drive(*load, || drop(say(&Event::Begun)), || drop(say(&Event::Ended))).await;
        let told = match driven {
            Ok(outcome) => match timings::write(&path, &outcome.sent) {
                Ok(()) => Event::Driven {
                    summary: Box::new(outcome.summary()),
                },
                Err(error) => failed(&error),
            },
            Err(error) => failed(&error),
        };
        say(&told)?;
    }
    Ok(())
}

async fn receiver(mut commands: Lines<BufReader<Stdin>>) -> io::Result<()> {
    let sink = Sink::bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    say(&Event::Ready {
        addr: Some(sink.local_addr()),
    })?;
    while let Some(command) = next(&mut commands).await? {
        let told = match command {
            Command::Reset { note } => {
                sink.reset(note);
                Event::Done
            }
            Command::Count => Event::Counted {
                received: sink.received(),
            },
            Command::Dump { path } => match timings::write(&path, &sink.take_arrivals()) {
                Ok(()) => Event::Done,
                Err(error) => failed(&error),
            },
            Command::Drive { .. } => Event::Failed {
                why: "not a command of the receiver".to_owned(),
            },
        };
        say(&told)?;
    }
    sink.stop().await;
    Ok(())
}
