//! The `listen` command: a receiver that prints a line for each callback.

use std::io::{self, Write};
use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringback_contract::enums;
use ringback_contract::kind::Kind;
use tokio::sync::mpsc;

use crate::pretty::pretty;
use crate::receiver::{self, Check, Plan, Received, Receiver, identify, mask_phone};

/// Records that may wait to be printed; when the output is slower, further ones are not shown, and that is said.
const WAITING: usize = 1024;

/// What `listen` is to do.
#[derive(Debug)]
pub struct Options {
    /// Where to listen; with port 0 the system chooses one.
    pub addr: SocketAddr,
    /// How the receiver behaves. Its sink is set by [`listen`].
    pub receiver: receiver::Options,
    /// Prints JSON lines instead of readable ones.
    pub json: bool,
    /// Prints each body, indented, below its line; in JSON lines it is the member `body`.
    pub body: bool,
    /// The zone of the times in readable lines.
    pub zone: TimeZone,
}

/// Listens and prints until `stop` is ready.
///
/// # Errors
/// When the address cannot be listened on, the journal not be opened, or the output not be written.
pub async fn listen(options: Options, out: impl Write, stop: impl Future<Output = ()>) -> io::Result<()> {
    Listener::bind(options).await?.run(out, stop).await
}

/// A receiver that listens already; what comes in waits to be printed.
#[derive(Debug)]
pub struct Listener {
    receiver: Receiver,
    records: mpsc::Receiver<Received>,
    printer: Printer,
    plan: Plan,
    control: bool,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the journal not be opened.
    pub async fn bind(options: Options) -> io::Result<Self> {
        let (sink, records) = mpsc::channel(WAITING);
        let plan = options.receiver.plan.clone();
        let control = options.receiver.control;
        let receiver = receiver::Options {
            sink: Some(sink),
            ..options.receiver
        };
        Ok(Self {
            receiver: Receiver::bind(options.addr, receiver).await?,
            records,
            printer: Printer {
                json: options.json,
                body: options.body,
                zone: options.zone,
            },
            plan,
            control,
        })
    }

    /// The URL of its root.
    #[must_use]
    pub fn url(&self) -> String {
        self.receiver.url()
    }

    /// Prints until `stop` is ready. The first line says where it listens: readable, or `{"listening": "http://…"}`.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub async fn run(mut self, mut out: impl Write, stop: impl Future<Output = ()>) -> io::Result<()> {
        self.announce(&mut out)?;
        let mut stop = std::pin::pin!(stop);
        let mut missed = 0;
        loop {
            tokio::select! {
                biased;
                received = self.records.recv() => {
                    // The receiver holds the other end.
                    let Some(received) = received else { break };
                    self.printer.print(&mut out, &received)?;
                    self.printer.print_missed(&mut out, &mut missed, self.receiver.count().missed)?;
                    out.flush()?;
                }
                () = stop.as_mut() => break,
            }
        }
        self.receiver.stop().await;
        while let Ok(received) = self.records.try_recv() {
            self.printer.print(&mut out, &received)?;
        }
        out.flush()
    }

    fn announce(&self, out: &mut impl Write) -> io::Result<()> {
        let (url, plan) = (self.url(), &self.plan);
        if self.printer.json {
            writeln!(out, "{}", serde_json::json!({ "listening": url }))?;
        } else {
            writeln!(out, "listening on {url}, answering {plan}")?;
            if self.control {
                writeln!(
                    out,
                    "another answer: curl -X PUT {url}_control/answer -d '{{\"answer\": \"fail\"}}'"
                )?;
            }
        }
        out.flush()
    }
}

#[derive(Debug)]
struct Printer {
    json: bool,
    body: bool,
    zone: TimeZone,
}

impl Printer {
    fn print(&self, out: &mut impl Write, received: &Received) -> io::Result<()> {
        if self.json {
            return writeln!(out, "{}", received.to_json(self.body)?);
        }
        writeln!(out, "{}", line(received, &self.zone))?;
        if self.body {
            writeln!(out, "{}", pretty(&received.body))?;
        }
        Ok(())
    }

    fn print_missed(&self, out: &mut impl Write, told: &mut u64, missed: u64) -> io::Result<()> {
        let more = missed - std::mem::replace(told, missed);
        match (more, self.json) {
            (0, _) => Ok(()),
            (_, true) => writeln!(out, "{}", serde_json::json!({ "missed": more })),
            (_, false) => writeln!(out, "({more} callbacks came too fast to be shown here)"),
        }
    }
}

/// One line for people. Phone numbers are masked.
pub(crate) fn line(received: &Received, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(received.at_wall_ms)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
        .strftime("%H:%M:%S%.3f")
        .to_string();
    let mut parts = vec![time];
    match received.kind {
        Some(kind) => parts.push(format!("{kind} {}", number(received.entity_id))),
        None => parts.push(format!("no callback, {} bytes", received.body_bytes)),
    }
    parts.extend(
        received
            .company_id
            .map(|company_id| format!("company {company_id}")),
    );
    parts.extend(received.send.map(|send| format!("send {send}")));
    parts.extend(about(received));
    parts.push(verification(received));
    parts.push(format!("→ {}", received.answer));
    parts.join("  ")
}

fn number(id: Option<i64>) -> String {
    id.map_or_else(|| "without id".to_owned(), |id| id.to_string())
}

/// What happened, in a few words.
fn about(received: &Received) -> Option<String> {
    // What is none, or was refused before it was read, is not read for its line either.
    let kind = received.kind?;
    let identity = identify(&received.body);
    let words: Vec<String> = match kind {
        Kind::Call | Kind::Inbound => [
            identity.phone.as_deref().map(mask_phone),
            identity
                .finish_status
                .map(|status| named(&enums::FINISH_STATUS, status)),
            identity.duration_s.map(|seconds| format!("{seconds} s")),
            identity.intent.as_deref().map(level),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Kind::Correction => vec![level(identity.intent.as_deref().unwrap_or("?"))],
        Kind::Job => vec![
            identity
                .job_status
                .map_or_else(String::new, |status| named(&enums::JOB_STATUS, status)),
        ],
    };
    Some(words.join(" ")).filter(|words| !words.is_empty())
}

fn named(enumeration: &enums::Enumeration, number: i64) -> String {
    match enumeration.by_number(number) {
        Some(name) => format!("{} ({})", name.zh, name.en),
        None => format!("status {number}"),
    }
}

/// A level as it stands in the body, made harmless and short: it may be anything.
fn level(value: &str) -> String {
    let short: String = value.chars().take(20).collect();
    format!("intent {}", crate::pretty::harmless(&short).replace('\n', " "))
}

fn verification(received: &Received) -> String {
    let verification = &received.verification;
    match verification.problem() {
        Some(why) => format!("NOT VERIFIED: {why}"),
        None if verification.is_verified() => "verified".to_owned(),
        None => {
            debug_assert_eq!(verification.webhook, Check::NotChecked);
            "not checked".to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
