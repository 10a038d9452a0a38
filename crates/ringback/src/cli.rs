//! The command line: which commands there are, and what is said of a wrong call.

use clap::builder::styling::Styles;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands::{
    alerts, audit, backup, bench, calls, check_config, companies, completions, conformance, deliveries, dev,
    endpoints, events, explain_signature, forget_settings, health, listen, migrate, openapi, reconcile,
    replay, robot, serve, tail, token, trigger,
};
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Begin here:
  ringback dev                                      everything on this machine, with sample traffic
  ringback listen                                   a receiver to develop against
  ringback trigger call http://127.0.0.1:7701/      one realistic callback to it
  ringback conformance http://127.0.0.1:7701/       whether your receiver stands what will come

Exit codes: 0 done, 1 failed, 2 called or configured wrongly.";

/// Delivers the callbacks of an outbound-call platform until the receiver says success.
#[derive(Parser)]
#[command(
    name = "ringback",
    version,
    after_help = EXAMPLES,
    styles = Styles::plain(),
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Dev(dev::Args),
    Listen(listen::Args),
    Trigger(trigger::Args),
    Conformance(conformance::Args),
    Robot(robot::Args),
    ExplainSignature(explain_signature::Args),
    Companies(companies::Args),
    Endpoints(endpoints::Args),
    Calls(calls::Args),
    Events(events::Args),
    Deliveries(deliveries::Args),
    Replay(replay::Args),
    Reconcile(reconcile::Args),
    Tail(tail::Args),
    Token(token::Args),
    Alerts(alerts::Args),
    Audit(audit::Args),
    Health(health::Args),
    CheckConfig(check_config::Args),
    Migrate(migrate::Args),
    Backup(backup::Args),
    ForgetSettings(forget_settings::Args),
    Bench(bench::Args),
    Openapi(openapi::Args),
    Completions(completions::Args),
}

/// Help and version are what was asked for, and go to stdout. A wrong call is explained in one line.
pub(crate) fn explain(error: &clap::Error) -> Result<(), Failure> {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output::line(text.trim_end()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::note(text.trim_end());
            Err(Failure {
                code: 2,
                lines: Vec::new(),
            })
        }
        _ => Err(Failure::usage([in_one_line(&text)])),
    }
}

/// Clap's explanation without its headings, its tips in parentheses.
fn in_one_line(text: &str) -> String {
    let mut paragraphs = text.split("\n\n").map(str::trim);
    let first = paragraphs.next().unwrap_or_default();
    let mut line = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    for tip in paragraphs.filter_map(|paragraph| paragraph.strip_prefix("tip: ")) {
        line.push_str(&format!(" ({tip})"));
    }
    line.push_str("; see --help");
    line
}
