//! `ringback alerts`: what is wrong with a running service, and its channels.

use http::Method;
use serde_json::Value;

use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::service::{Service, list, part, text};

const EXAMPLES: &str = "\
Examples:
  ringback alerts list --token-file ./ringback-data/operator-token
  ringback alerts list --open --json
  ringback alerts channels
  ringback alerts test ops

Channels are set in the configuration file; `ringback check-config --defaults` shows how. `test` sends a message now and \
says what came of it.";

/// Shows what is wrong with a running service, and tries the channels that tell it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Lists the open alerts and those that have ended lately
    List {
        /// Only those that are open
        #[arg(long)]
        open: bool,
        /// Only those of this company
        #[arg(long, value_name = "ID")]
        company: Option<i64>,
        #[command(flatten)]
        service: Service,
    },
    /// Lists the channels, without their addresses and secrets
    Channels {
        #[command(flatten)]
        service: Service,
    },
    /// Sends a test message on a channel and says what came of it
    Test {
        /// The channel's name, as `channels` shows it
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        service: Service,
    },
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::List {
                open,
                company,
                service,
            } => show_all(open, company, &service).await,
            Action::Channels { service } => channels(&service).await,
            Action::Test { name, service } => test(&name, &service).await,
        }
    })
}

async fn show_all(open: bool, company: Option<i64>, service: &Service) -> Result<(), Failure> {
    let mut path = "/v1/alerts?limit=500".to_owned();
    if open {
        path.push_str("&open=true");
    }
    if let Some(company) = company {
        path.push_str(&format!("&companyId={company}"));
    }
    let answer = service.get(&path).await?;
    list(
        service,
        items(&answer),
        false,
        &["STATE", "SINCE", "ENDED", "WHAT"],
        |alert| {
            let state = if alert["endedAt"].is_null() {
                "severity"
            } else {
                "ending"
            };
            [state, "since", "endedAt", "text"]
                .map(|member| text(alert, member))
                .to_vec()
        },
    )
}

async fn channels(service: &Service) -> Result<(), Failure> {
    let answer = service.get("/v1/alert-channels").await?;
    let header = ["CHANNEL", "KIND", "LANGUAGE", "SEVERITY", "COMPANIES"];
    list(service, items(&answer), false, &header, |channel| {
        ["name", "kind", "language", "severity", "companies"]
            .map(|member| text(channel, member))
            .to_vec()
    })
}

fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[][..], Vec::as_slice)
}

async fn test(name: &str, service: &Service) -> Result<(), Failure> {
    let path = format!("/v1/alert-channels/{}/test", part("NAME", name)?);
    let answer = service.ask(Method::POST, &path).await?;
    if service.json {
        output::json(&answer)?;
    }
    match answer["detail"].as_str() {
        Some(detail) => Err(Failure::failed(format_args!("channel {name}: {detail}"))),
        None if service.json => Ok(()),
        None => output::line(format_args!("channel {name}: the message was taken")),
    }
}
