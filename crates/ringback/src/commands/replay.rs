//! `ringback replay`: sending once more, at a bounded rate, everything that a filter finds.

use std::time::Duration;

use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use ringback_server::clock::{self, Clock as _, RealClock};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::filters;
use crate::output;
use crate::runtime;
use crate::service::{Service, list, part, text};
use crate::signals::Signals;

const EXAMPLES: &str = "\
Examples:
  ringback replay start --company 151 --endpoint erp --since 24h --dry-run
  ringback replay start --company 151 --endpoint erp --since 24h --per-second 50 --watch
  ringback replay list --company 151
  ringback replay pause rpl_1mzj8k2v00400

Without --state it sends what is exhausted or parked. A replay goes on without this command, and after a restart of the \
service; Ctrl-C ends only the watching.

Exit codes: 0 done, 1 failed, or the watched replay was cancelled, 2 called wrongly.";

/// How often a replay that is watched is asked for.
const ROUND: Duration = Duration::from_millis(500);

/// Sends many once more: dry run, progress, pause and cancel
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Args)]
struct Filter {
    /// The company
    #[arg(long, value_name = "ID", value_parser = filters::id)]
    company: i64,
    /// The kinds; all without it
    #[arg(long = "kind", value_name = "KIND", value_parser = ["call", "correction", "inbound", "job"])]
    kinds: Vec<String>,
    /// The states; exhausted and parked without it
    #[arg(long = "state", value_name = "STATE", value_parser = ["exhausted", "parked", "delivered", "cancelled", "unwanted"])]
    states: Vec<String>,
    /// The name of the deliveries' endpoint
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// What became of the last send
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// The call (callInstanceId), with its corrections; or the inbound call
    #[arg(long, value_name = "ID", value_parser = filters::id)]
    call: Option<i64>,
    /// The job (callJobId), with its calls
    #[arg(long, value_name = "ID", value_parser = filters::id)]
    job: Option<i64>,
    /// Accepted at this time or later, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    from: Option<String>,
    /// Accepted before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Accepted at most so long ago, such as 30m or 24h
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
}

impl Filter {
    fn members(&self) -> Result<Value, Failure> {
        let from = match &self.since {
            Some(span) => Some(filters::ago(span)?),
            None => self.from.clone(),
        };
        let some = |list: &[String]| (!list.is_empty()).then(|| json!(list));
        let mut members = Map::new();
        for (name, value) in [
            ("companyId", Some(json!(self.company))),
            ("kinds", some(&self.kinds)),
            ("states", some(&self.states)),
            ("endpoint", self.endpoint.as_ref().map(|it| json!(it))),
            ("outcome", self.outcome.as_ref().map(|it| json!(it))),
            ("callInstanceId", self.call.map(|it| json!(it))),
            ("callJobId", self.job.map(|it| json!(it))),
            ("from", from.map(|it| json!(it))),
            ("to", self.to.as_ref().map(|it| json!(it))),
        ] {
            members.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(members.into())
    }
}

#[derive(clap::Subcommand)]
enum Action {
    /// Starts a replay
    Start {
        #[command(flatten)]
        filter: Filter,
        /// Deliveries that go out per second, at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        per_second: u32,
        /// Also sends corrections and job events although a newer one was delivered
        #[arg(long)]
        include_outdated: bool,
        /// Sends nothing, and says what would be sent
        #[arg(long)]
        dry_run: bool,
        /// Shows the progress until it is done
        #[arg(long, conflicts_with = "dry_run")]
        watch: bool,
        #[command(flatten)]
        service: Service,
    },
    /// Lists replays, newest first
    List {
        /// The company
        #[arg(long, value_name = "ID", value_parser = filters::id)]
        company: Option<i64>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        service: Service,
    },
    /// Shows how far a replay is
    Show(One),
    /// Shows the progress of a replay until it is done
    Watch(One),
    /// Pauses a replay
    Pause(One),
    /// Lets a paused replay go on
    Resume(One),
    /// Ends a replay; what it has sent stays sent
    Cancel(One),
}

#[derive(clap::Args)]
struct One {
    /// The replay
    #[arg(value_name = "REPLAY")]
    id: String,
    #[command(flatten)]
    service: Service,
}

impl One {
    fn path(&self) -> Result<String, Failure> {
        Ok(format!("/v1/replays/{}", part("REPLAY", &self.id)?))
    }

    /// Asks for a change, and shows the replay as it is then.
    async fn change(&self, method: Method, suffix: &str) -> Result<(), Failure> {
        let path = self.path()?;
        self.service.ask(method, &format!("{path}{suffix}")).await?;
        let replay = self.service.get(&path).await?;
        self.service.print(&replay, show)
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::Start {
                filter,
                per_second,
                include_outdated,
                dry_run,
                watch,
                service,
            } => {
                let mut body = json!({
                    "filter": filter.members()?,
                    "perSecond": per_second,
                    "includeOutdated": include_outdated,
                });
                if dry_run {
                    return foresee(&service, body).await;
                }
                let total = if watch {
                    Some(count(&service, &mut body).await?)
                } else {
                    None
                };
                let started = service.send(Method::POST, "/v1/replays", &body).await?;
                match total {
                    Some(total) => follow(&service, &text(&started, "replayId"), total).await,
                    None => service.print(&started, show),
                }
            }
            Action::List {
                company,
                limit,
                service,
            } => {
                let query = company.map_or_else(String::new, |id| format!("companyId={id}"));
                let (items, more) = service.pages("/v1/replays", &query, limit).await?;
                let header = [
                    "CREATED",
                    "REPLAY",
                    "STATE",
                    "COMPANY",
                    "PER SECOND",
                    "MATCHED",
                    "SENT",
                ];
                list(&service, &items, more, &header, row)
            }
            Action::Show(one) => {
                let replay = one.service.get(&one.path()?).await?;
                one.service.print(&replay, show)
            }
            Action::Watch(one) => {
                part("REPLAY", &one.id)?;
                follow(&one.service, &one.id, None).await
            }
            Action::Pause(one) => one.change(Method::POST, "/pause").await,
            Action::Resume(one) => one.change(Method::POST, "/resume").await,
            Action::Cancel(one) => one.change(Method::DELETE, "").await,
        }
    })
}

async fn foresee(service: &Service, mut body: Value) -> Result<(), Failure> {
    body["dryRun"] = true.into();
    let foreseen = service.send(Method::POST, "/v1/replays", &body).await?;
    service.print(&foreseen, |foreseen| {
        counts(foreseen)?;
        if foreseen["partial"] == true {
            output::note("the dry run stopped before the end: there may be more");
        }
        output::line(format_args!(
            "it would take about {}",
            text(foreseen, "estimatedTime")
        ))
    })
}

/// How many would go out, where the dry run could look at all of it.
async fn count(service: &Service, body: &mut Value) -> Result<Option<u64>, Failure> {
    body["dryRun"] = true.into();
    let foreseen = service.send(Method::POST, "/v1/replays", body).await?;
    body["dryRun"] = false.into();
    Ok(foreseen["made"].as_u64().filter(|_| foreseen["partial"] != true))
}

/// Shows the progress until the replay has ended. A bar on a terminal; elsewhere nothing until then.
async fn follow(service: &Service, id: &str, total: Option<u64>) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let bar = bar(service.json, total);
    loop {
        let replay = service.get(&format!("/v1/replays/{id}")).await?;
        let state = text(&replay, "state");
        bar.set_position(replay["made"].as_u64().unwrap_or_default());
        bar.set_message(state.clone());
        if state == "done" || state == "cancelled" {
            bar.finish_and_clear();
            service.print(&replay, show)?;
            return if state == "done" {
                Ok(())
            } else {
                Err(Failure::no())
            };
        }
        tokio::select! {
            () = RealClock.sleep_until(clock::after(RealClock.boot_us(), ROUND)) => {}
            number = signals.next() => {
                bar.finish_and_clear();
                output::note(format_args!("the replay goes on; see it again with: ringback replay watch {id}"));
                return Err(Failure::signalled(number));
            }
        }
    }
}

fn bar(hidden: bool, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        _ if hidden => return ProgressBar::hidden(),
        Some(total) => (
            ProgressBar::new(total),
            "{msg} [{bar:40}] {human_pos} of {human_len}, {per_sec}, {eta} left",
        ),
        None => (ProgressBar::no_length(), "{msg} {human_pos} sent, {per_sec}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

fn row(replay: &Value) -> Vec<String> {
    vec![
        text(replay, "createdAt"),
        text(replay, "replayId"),
        text(replay, "state"),
        text(&replay["filter"], "companyId"),
        text(replay, "perSecond"),
        text(replay, "matched"),
        text(replay, "made"),
    ]
}

fn show(replay: &Value) -> Result<(), Failure> {
    output::line(format_args!(
        "{}  {}, at most {} per second, begun {}",
        text(replay, "replayId"),
        text(replay, "state"),
        text(replay, "perSecond"),
        text(replay, "createdAt"),
    ))?;
    counts(replay)
}

fn counts(of: &Value) -> Result<(), Failure> {
    let (skipped, failed) = (&of["skipped"], &of["failed"]);
    output::table(
        &[
            "LOOKED AT",
            "MATCHED",
            "SENT",
            "OUTDATED",
            "SENT BEFORE",
            "DISABLED",
            "NO ENDPOINT",
            "TOO OFTEN",
        ],
        [vec![
            text(of, "lookedAt"),
            text(of, "matched"),
            text(of, "made"),
            text(skipped, "outdated"),
            text(skipped, "resent"),
            text(failed, "endpointDisabled"),
            text(failed, "noEndpointFits"),
            text(failed, "resentTooOften"),
        ]],
    )
}
