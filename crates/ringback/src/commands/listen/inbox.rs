//! `ringback listen --data`: the durable inbox.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ringback_contract::duration;
use ringback_core::limits;
use ringback_server::clock::RealClock;
use ringback_workbench::inbox::{self, Inbox, InboxError, Options, OutletName, OutletSetting, Require};
use ringback_workbench::receiver::{Plan, Verifier};

use super::address;
use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::signals::Signals;

const SECOND_MS: u64 = 1_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What makes an inbox of the receiver, and what belongs to it.
#[derive(clap::Args)]
#[command(next_help_heading = "Inbox")]
pub(super) struct InboxArgs {
    /// Keeps callbacks in this directory, answers only after they are on disk, and hands them on
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What has to be verified: all (no check with a --secret or --app has failed), any (one has succeeded), webhook, sign, none
    #[arg(long, value_name = "WHAT", default_value = "all", value_parser = require)]
    require: Require,
    /// Hands callbacks on as JSON lines
    #[arg(long, value_name = "stdout", requires = "data", value_parser = ["stdout"])]
    to: Option<String>,
    /// Hands callbacks on to a command: the body on its stdin, the facts in its environment; exit code 0 confirms
    #[arg(long, value_name = "CMD", requires = "data")]
    exec: Option<String>,
    /// Hands callbacks on by POST; a 2xx status confirms
    #[arg(long, value_name = "URL", requires = "data")]
    forward: Option<String>,
    /// Hands callbacks on as JSON lines in a file for each day
    #[arg(long, value_name = "DIR", requires = "data")]
    files: Option<PathBuf>,
    /// An outlet used for the first time begins with the oldest callback that is kept
    #[arg(long, requires = "data")]
    from_oldest: bool,
    /// Does not hand on late callbacks of which a newer one says all
    #[arg(long, requires = "data")]
    drop_stale: bool,
    /// Callbacks that --exec and --forward work on at a time, 1 to 256
    #[arg(long, value_name = "N", default_value_t = limits::INBOX_AT_ONCE, value_parser = at_once)]
    at_once: usize,
    /// How long each of them may take, 1s to 1h
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = timeout)]
    timeout: Duration,
    /// How long after its first failed attempt a callback is given up, 0s to 3650d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = give_up_after)]
    give_up_after: Duration,
    /// How long callbacks are kept after they came in, 1h to 3650d; what is not handed on stays
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = keep)]
    keep: Duration,
    /// Where the page with what came in is: an IP address and a port. Whoever reaches it sees everything
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7702", value_parser = address)]
    page: SocketAddr,
    /// Shows no page
    #[arg(long)]
    no_page: bool,
    /// Forgets what is on its way to an outlet that is no longer used – stdout, exec, forward or files – and ends
    #[arg(long, value_name = "OUTLET", requires = "data", value_parser = outlet)]
    forget: Option<OutletName>,
}

/// What the receiver without an inbox has as well.
pub(super) struct Common {
    pub(super) address: SocketAddr,
    pub(super) plan: Plan,
    pub(super) verifier: Verifier,
    pub(super) json: bool,
    pub(super) body: bool,
}

impl InboxArgs {
    /// Whether an inbox is wanted.
    pub(super) const fn is_wanted(&self) -> bool {
        self.data.is_some()
    }

    /// Runs the inbox to its end.
    pub(super) fn run(self, common: Common) -> Result<(), Failure> {
        let Some(dir) = self.data.clone() else {
            return Err(Failure::usage(["--data is missing"]));
        };
        environment::log_warnings()?;
        if let Some(outlet) = self.forget {
            return runtime::run(forget(dir, outlet));
        }
        if let Some(lack) = self.require.lacks(&common.verifier) {
            return Err(Failure::usage([lack]));
        }
        let options = self.options(dir, common);
        runtime::run(async move {
            let mut signals = Signals::catch()?;
            let (json, page) = (options.json, options.page);
            let inbox = Inbox::bind(options, std::io::stdout()).await.map_err(failure)?;
            announce(&inbox, json, page)?;
            let stop = async {
                signals.next().await;
            };
            inbox.run(stop).await.map_err(failure)
        })
    }

    fn options(self, dir: PathBuf, common: Common) -> Options {
        let outlets = [
            self.to.map(|_| OutletSetting::Stdout),
            self.exec.map(OutletSetting::Exec),
            self.forward.map(OutletSetting::Forward),
            self.files.map(OutletSetting::Files),
        ];
        Options {
            page: (!self.no_page).then_some(self.page),
            verifier: common.verifier,
            require: self.require,
            plan: common.plan,
            outlets: outlets.into_iter().flatten().collect(),
            from_oldest: self.from_oldest,
            drop_stale: self.drop_stale,
            at_once: self.at_once,
            timeout: self.timeout,
            give_up_after: self.give_up_after,
            keep: self.keep,
            json: common.json,
            body: common.body,
            zone: TimeZone::system(),
            ..Options::new(common.address, dir)
        }
    }
}

/// Says where it listens: on stdout, or on stderr where stdout is for callbacks.
fn announce(inbox: &Inbox, json: bool, page: Option<SocketAddr>) -> Result<(), Failure> {
    let (url, page_url) = (inbox.url(), inbox.page_url());
    let line = if json {
        serde_json::json!({ "listening": url, "page": page_url }).to_string()
    } else {
        let page = page_url.map_or_else(String::new, |url| format!("; what came in: {url}"));
        format!("listening on {url}, storing before answering{page}")
    };
    if page.is_some_and(|page| !page.ip().is_loopback()) {
        output::note(
            "the page is not only for this machine: whoever reaches it sees phone numbers and conversations",
        );
    }
    if inbox.output_is_taken() {
        output::note(line);
        Ok(())
    } else {
        output::line(line)
    }
}

async fn forget(dir: PathBuf, outlet: OutletName) -> Result<(), Failure> {
    let forgotten = inbox::forget(&dir, outlet, Arc::new(RealClock))
        .await
        .map_err(failure)?;
    output::line(format_args!(
        "{} is forgotten; {forgotten} callbacks were on their way to it",
        outlet.name()
    ))
}

fn failure(error: InboxError) -> Failure {
    match error {
        InboxError::Output(source) => Failure::output(&source),
        InboxError::Outlet(error) => {
            let text = Failure::caused(&error);
            Failure { code: 2, ..text }
        }
        error => Failure::caused(&error),
    }
}

fn require(text: &str) -> Result<Require, String> {
    text.parse()
        .map_err(|error: inbox::InvalidRequire| error.to_string())
}

fn outlet(text: &str) -> Result<OutletName, String> {
    OutletName::from_name(text).ok_or_else(|| "allowed are stdout, exec, forward, files".to_owned())
}

fn at_once(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=limits::INBOX_AT_ONCE_MOST).contains(number))
        .ok_or_else(|| format!("allowed is a number from 1 to {}", limits::INBOX_AT_ONCE_MOST))
}

fn timeout(text: &str) -> Result<Duration, String> {
    span(text, SECOND_MS..=3_600 * SECOND_MS)
}

fn give_up_after(text: &str) -> Result<Duration, String> {
    span(text, 0..=limits::RETENTION_MOST_MS)
}

fn keep(text: &str) -> Result<Duration, String> {
    span(text, limits::RETENTION_LEAST_MS..=limits::RETENTION_MOST_MS)
}

fn span(text: &str, allowed: RangeInclusive<u64>) -> Result<Duration, String> {
    let ms = duration::parse(text).map_err(|error| error.to_string())?;
    if allowed.contains(&ms) {
        return Ok(Duration::from_millis(ms));
    }
    let shown = |ms: &u64| {
        if ms.is_multiple_of(DAY_MS) && *ms > 0 {
            format!("{}d", ms / DAY_MS)
        } else {
            duration::format(*ms)
        }
    };
    Err(format!(
        "allowed is {} to {}",
        shown(allowed.start()),
        shown(allowed.end())
    ))
}
