//! `ringback alerts`: what is wrong with a running service, and its channels.

use http::Method;
use serde_json::Value;

use crate::commands::put;
use crate::failure::Failure;
use crate::filters;
use crate::output;
use crate::runtime;
use crate::service::{Service, list, members, part, text};

const EXAMPLES: &str = "\
Examples:
  ringback alerts list --token-file ./ringback-data/operator-token
  ringback alerts list --open --json
  ringback alerts channels
  ringback alerts test ops
  ringback alerts put-channel 151 oncall kind=dingtalk url=https://oapi.dingtalk.com/robot/send?access_token=…
  ringback alerts channels --company 151
  ringback alerts test oncall --company 151

The operator's channels are set in the configuration file; `ringback check-config --defaults` shows how. A company sets its own \
with its token, for its own alerts; names and values are those of PUT /v1/companies/{companyId}/alert-channels/{name}. `test` \
sends a sample alert now and says what came back.";

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
        #[arg(long, value_name = "ID", value_parser = filters::id)]
        company: Option<i64>,
        #[command(flatten)]
        service: Service,
    },
    /// Lists the channels, without their addresses and secrets
    Channels {
        /// Those that this company has set, instead of the operator's
        #[arg(long, value_name = "ID", value_parser = filters::id)]
        company: Option<i64>,
        #[command(flatten)]
        service: Service,
    },
    /// Makes a channel of a company, or changes it
    PutChannel {
        #[command(flatten)]
        channel: Channel,
        #[command(flatten)]
        members: put::Members,
        #[command(flatten)]
        service: Service,
    },
    /// Deletes a channel of a company
    DeleteChannel {
        #[command(flatten)]
        channel: Channel,
        #[command(flatten)]
        service: Service,
    },
    /// Sends a sample alert on a channel and says what came back
    Test {
        /// The channel's name, as `channels` shows it
        #[arg(value_name = "NAME")]
        name: String,
        /// A channel that this company has set, instead of one of the operator's
        #[arg(long, value_name = "ID", value_parser = filters::id)]
        company: Option<i64>,
        #[command(flatten)]
        service: Service,
    },
}

#[derive(clap::Args)]
struct Channel {
    /// The company
    #[arg(value_name = "COMPANY", value_parser = filters::id)]
    company: i64,
    /// The channel
    #[arg(value_name = "NAME")]
    name: String,
}

impl Channel {
    fn path(&self) -> Result<String, Failure> {
        path(Some(self.company), &self.name)
    }
}

/// The path of the operator's channels, or of a company's.
fn channels_path(company: Option<i64>) -> String {
    match company {
        None => "/v1/alert-channels".to_owned(),
        Some(company) => format!("/v1/companies/{company}/alert-channels"),
    }
}

fn path(company: Option<i64>, name: &str) -> Result<String, Failure> {
    Ok(format!("{}/{}", channels_path(company), part("NAME", name)?))
}

/// The settings, in the description of the API.
const SCHEMA: &str = "CompanyAlertChannelSettings";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::List {
                open,
                company,
                service,
            } => show_all(open, company, &service).await,
            Action::Channels { company, service } => channels(company, &service).await,
            Action::PutChannel {
                channel,
                members: given,
                service,
            } => {
                let made = put::put(&service, &channel.path()?, SCHEMA, &given).await?;
                service.print(&made, members)
            }
            Action::DeleteChannel { channel, service } => {
                let gone = service.ask(Method::DELETE, &channel.path()?).await?;
                service.print(&gone, |_| {
                    output::line(format_args!("channel {} is deleted", channel.name))
                })
            }
            Action::Test {
                name,
                company,
                service,
            } => test(&path(company, &name)?, &name, &service).await,
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

async fn channels(company: Option<i64>, service: &Service) -> Result<(), Failure> {
    let answer = service.get(&channels_path(company)).await?;
    let last = match company {
        None => ("COMPANIES", "companies"),
        Some(_) => ("ADDRESS", "address"),
    };
    let header = ["CHANNEL", "KIND", "LANGUAGE", "SEVERITY", last.0];
    list(service, items(&answer), false, &header, |channel| {
        let last = if channel["to"].is_array() { "to" } else { last.1 };
        ["name", "kind", "language", "severity", last]
            .map(|member| text(channel, member))
            .to_vec()
    })
}

fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[][..], Vec::as_slice)
}

async fn test(path: &str, name: &str, service: &Service) -> Result<(), Failure> {
    let answer = service.ask(Method::POST, &format!("{path}/test")).await?;
    if service.json {
        output::json(&answer)?;
    }
    match answer["detail"].as_str() {
        Some(detail) => Err(Failure::failed(format_args!("channel {name}: {detail}"))),
        None if service.json => Ok(()),
        None => output::line(format_args!("channel {name}: the message was taken")),
    }
}
