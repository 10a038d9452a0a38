//! The processes of a benchmark besides the service: one drives the load, one receives. Each is the benchmark's own
//! binary, started once more; it takes commands as JSON lines on its standard input, and answers with JSON lines on
//! its standard output. It ends when its input does.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ringback_contract::UnknownName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};

use super::load::{self, Load, Summary};
use super::sink::{Seen, Sink};
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
    /// What came.
    Counted { seen: Seen },
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
/// take as little from the service as they can. Not to be called within a runtime.
///
/// # Errors
/// When the receiver cannot listen, a command cannot be read, or an event cannot be written.
pub fn play(role: Role) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let commands = BufReader::new(tokio::io::stdin());
        obey(role, commands, |event| {
            let mut line = serde_json::to_vec(event)?;
            line.push(b'\n');
            let mut out = io::stdout().lock();
            out.write_all(&line)?;
            out.flush()
        })
        .await
    })
}

/// Plays a role: reads commands, and says what comes of them.
async fn obey(
    role: Role,
    commands: impl AsyncBufRead + Unpin,
    say: impl Fn(&Event) -> io::Result<()>,
) -> io::Result<()> {
    match role {
        Role::Driver => driver(commands, say).await,
        Role::Receiver => receiver(commands, say).await,
    }
}

/// The next command; `None` when there are no more.
async fn next(commands: &mut Lines<impl AsyncBufRead + Unpin>) -> io::Result<Option<Command>> {
    match commands.next_line().await? {
        Some(line) => Ok(Some(serde_json::from_str(&line)?)),
        None => Ok(None),
    }
}

/// An error with its causes.
fn failed(error: &dyn std::error::Error) -> Event {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    Event::Failed { why }
}

async fn driver(
    commands: impl AsyncBufRead + Unpin,
    say: impl Fn(&Event) -> io::Result<()>,
) -> io::Result<()> {
    let mut commands = commands.lines();
    say(&Event::Ready { addr: None })?;
    while let Some(command) = next(&mut commands).await? {
        let told = match command {
            Command::Drive { load, path } => {
                // Where these two cannot be said nobody listens any more, and the last event tells.
                let (begun, ended) = (|| drop(say(&Event::Begun)), || drop(say(&Event::Ended)));
                match load::drive(*load, begun, ended).await {
                    Ok(outcome) => driven(&outcome, &path),
                    Err(error) => failed(&error),
                }
            }
            Command::Reset { .. } | Command::Count | Command::Dump { .. } => misdirected(Role::Driver),
        };
        say(&told)?;
    }
    Ok(())
}

fn driven(outcome: &load::Outcome, path: &Path) -> Event {
    match timings::write(path, &outcome.sent) {
        Ok(()) => Event::Driven {
            summary: Box::new(outcome.summary()),
        },
        Err(error) => failed(&error),
    }
}

async fn receiver(
    commands: impl AsyncBufRead + Unpin,
    say: impl Fn(&Event) -> io::Result<()>,
) -> io::Result<()> {
    let mut commands = commands.lines();
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
            Command::Count => Event::Counted { seen: sink.seen() },
            Command::Dump { path } => match timings::write(&path, &sink.take_arrivals()) {
                Ok(()) => Event::Done,
                Err(error) => failed(&error),
            },
            Command::Drive { .. } => misdirected(Role::Receiver),
        };
        say(&told)?;
    }
    sink.stop().await;
    Ok(())
}

/// The command itself is not shown: it may hold a token.
fn misdirected(role: Role) -> Event {
    Event::Failed {
        why: format!("this is no command of the {}", role.name()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::bench::Pace;
    use crate::bench::template::Companies;
    use crate::bench::timings::{Arrival, Sent, join};

    /// Gives commands one after the other, and returns all events.
    async fn check(role: Role, commands: &[Command]) -> Vec<Event> {
        let lines: Vec<String> = commands
            .iter()
            .map(|command| serde_json::to_string(command).unwrap() + "\n")
            .collect();
        let events = RefCell::new(Vec::new());
        let said = |event: &Event| {
            events.borrow_mut().push(event.clone());
            Ok(())
        };
        obey(role, lines.concat().as_bytes(), said).await.unwrap();
        events.into_inner()
    }

    fn load(url: String) -> Box<Load> {
        Box::new(Load {
            url,
            token: None,
            connections: 2,
            pace: Pace::Closed,
            companies: Companies::SAMPLE,
            batch: 1,
            id_offset: 0,
            warmup_ms: 5,
            window_ms: 20,
            requests: None,
            note: true,
        })
    }

    #[tokio::test]
    async fn the_driver_drives_and_writes_what_it_sent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sent");
        let sink = Sink::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        sink.reset(true);
        let load = load(format!("http://{}/", sink.local_addr()));
        let events = check(
            Role::Driver,
            &[Command::Drive {
                load,
                path: path.clone(),
            }],
        )
        .await;
        let [
            Event::Ready { addr: None },
            Event::Begun,
            Event::Ended,
            Event::Driven { summary },
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        let sent: Vec<Sent> = timings::read(&path).unwrap();
        let delivered = join(&sent, &sink.take_arrivals(), summary.window);
        assert_eq!((delivered.accepted, delivered.lost), (sink.received(), 0));
        assert_eq!(delivered.accepted_in_window, summary.events);
    }

    #[tokio::test]
    async fn the_receiver_counts_and_writes_what_came() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("arrivals");
        let commands = [
            Command::Reset { note: true },
            Command::Count,
            Command::Dump { path: path.clone() },
            Command::Dump {
                path: directory.path().join("no/such"),
            },
        ];
        let events = check(Role::Receiver, &commands).await;
        let [
            Event::Ready { addr: Some(_) },
            Event::Done,
            Event::Counted {
                seen: Seen { received: 0, .. },
            },
            Event::Done,
            Event::Failed { why },
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert!(why.contains("No such file"), "{why}");
        assert_eq!(timings::read::<Arrival>(&path).unwrap(), []);
    }

    #[tokio::test]
    async fn what_cannot_be_done_is_said_and_the_next_command_is_taken() {
        let refused = Command::Drive {
            load: load("http://127.0.0.1:1/".to_owned()),
            path: PathBuf::new(),
        };
        let events = check(Role::Driver, &[Command::Count, refused.clone(), Command::Count]).await;
        let failures = events
            .iter()
            .filter(|event| matches!(event, Event::Failed { .. }))
            .count();
        assert_eq!(failures, 3, "{events:?}");
        let events = check(Role::Receiver, &[refused]).await;
        assert!(matches!(&events[1], Event::Failed { why } if why == "this is no command of the receiver"));
    }
}
