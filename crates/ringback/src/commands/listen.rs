//! `ringback listen`: a receiver that shows what comes, and with `--data` an inbox that keeps it and hands it on.

mod inbox;

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use ringback_workbench::listen::{self, Listener};
use ringback_workbench::receiver::{self, Plan, Verifier};

use crate::environment;
use crate::failure::Failure;
use crate::keys;
use crate::output;
use crate::runtime;
use crate::signals::Signals;

const EXAMPLES: &str = "\
Answers: success, fail, a status (500), delay:5s, delay:5s:fail, hang, reset, close, and the bodies of real receivers: \
unsuccessful, success-true, html, bom, quoted, result-msg, result-msg-500, code, empty, huge. A plan gives each event one \
answer after the other: fail*3,success.

With --data it is an inbox that can be relied on: a callback is verified, stored and synced to the disk before it is \
answered, repetitions are recognised, and each callback is handed on until that is confirmed, in order within a call or \
job. An outlet that is given up on a callback lists it on the page, where it can be handed on again.

Examples:
  ringback listen
  ringback listen 0.0.0.0:9000 --answer fail*3,success --body
  ringback listen --secret whsec_… --journal received.ndjson --json
  ringback listen 0.0.0.0:7701 --data ./inbox --secret @whsec.txt --forward http://127.0.0.1:3000/callbacks
  ringback listen --data ./inbox --exec './import.sh' --files ./received
  ringback listen --data ./inbox --to stdout | jq .kind
  curl -X PUT http://127.0.0.1:7701/_control/answer -d '{\"answer\": \"fail\"}'   while it runs
  curl http://127.0.0.1:7701/_control/received?body                             what has come in";

/// Receives callbacks, checks and shows them, and answers as told
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where to listen: an IP address and a port, or a port of this machine; port 0 takes a free one
    #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:7701", value_parser = address)]
    address: SocketAddr,
    /// The answers, one after the other for each event; the last goes on
    #[arg(long, value_name = "PLAN", default_value = "success")]
    answer: Plan,
    /// A signing secret to verify webhook-signature with, or @FILE with one on each line; can be given several times
    #[arg(long = "secret", value_name = "WHSEC")]
    secrets: Vec<String>,
    /// A company's appKey and appSecret to verify sign with, or @FILE likewise; can be given several times
    #[arg(long = "app", value_name = "KEY:SECRET")]
    apps: Vec<String>,
    /// Appends a JSON line per callback to this file before answering
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    journal: Option<PathBuf>,
    /// Shows each body
    #[arg(long)]
    body: bool,
    /// Prints JSON lines
    #[arg(long)]
    json: bool,
    /// Switches off /_control/, by which programs on this machine can change the answer and read what came
    #[arg(long, conflicts_with = "data")]
    no_control: bool,
    /// Lets other machines use /_control/ as well: whoever reaches the address reads phone numbers and conversations
    #[arg(long, conflicts_with_all = ["data", "no_control"])]
    open_control: bool,
    #[command(flatten)]
    inbox: inbox::InboxArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let verifier = Verifier {
        secrets: keys::secrets("--secret", &args.secrets)?,
        apps: keys::apps("--app", &args.apps)?,
    };
    if args.inbox.is_wanted() {
        return args.inbox.run(inbox::Common {
            address: args.address,
            plan: args.answer,
            verifier,
            json: args.json,
            body: args.body,
        });
    }
    environment::log_warnings()?;
    if !args.no_control && !args.address.ip().is_loopback() {
        output::note(if args.open_control {
            "/_control/ is not only for this machine: whoever reaches it sees phone numbers and conversations"
        } else {
            "/_control/ answers programs on this machine only; --open-control lets others in"
        });
    }
    let options = listen::Options {
        addr: args.address,
        receiver: receiver::Options {
            plan: args.answer,
            verifier,
            journal: args.journal,
            control: !args.no_control,
            open_control: args.open_control,
            ..receiver::Options::default()
        },
        json: args.json,
        body: args.body,
        zone: TimeZone::system(),
    };
    runtime::run(async move {
        let mut signals = Signals::catch()?;
        let listener = bind("the ADDRESS of callbacks", options).await?;
        let stop = async {
            signals.next().await;
        };
        listener
            .run(std::io::stdout(), stop)
            .await
            .map_err(|error| Failure::output(&error))
    })
}

/// Begins to listen; `option` is where another address can be given. The journal is tried first, so that the error can say which of the two it was.
pub(super) async fn bind(option: &str, options: listen::Options) -> Result<Listener, Failure> {
    if let Some(path) = &options.receiver.journal {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| Failure::failed(format_args!("cannot write to {}: {error}", path.display())))?;
    }
    let address = options.addr;
    Listener::bind(options)
        .await
        .map_err(|error| Failure::failed(format_args!("cannot listen on {address}, {option}: {error}")))
}

/// `127.0.0.1:7701`, or `7701` alone.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text
        .parse()
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    text.parse().or(port).map_err(|_| {
        "allowed are an IP address and a port, such as 127.0.0.1:7701, or a port alone".to_owned()
    })
}
