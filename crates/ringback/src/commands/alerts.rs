//! `ringback alerts`: what is wrong with a running service, and its channels.

use std::path::PathBuf;

use http::Method;
use serde_json::Value;

use crate::api::{self, Api};
use crate::failure::Failure;
use crate::output;
use crate::runtime;

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

#[derive(clap::Args)]
struct Service {
    /// The service
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7700")]
    server: String,
    /// A token that is valid there
    #[arg(
        long,
        value_name = "TOKEN",
        env = "RINGBACK_OPERATOR_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// A file with such a token; it wins over the environment
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

impl Service {
    async fn ask(&self, method: Method, path: &str) -> Result<Value, Failure> {
        let token = api::token(self.token.as_deref(), self.token_file.as_deref())?;
        Api::new(&self.server, token)?
            .expect(method, path, String::new())
            .await
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::List {
                open,
                company,
                service,
            } => list(open, company, &service).await,
            Action::Channels { service } => channels(&service).await,
            Action::Test { name, service } => test(&name, &service).await,
        }
    })
}

async fn list(open: bool, company: Option<i64>, service: &Service) -> Result<(), Failure> {
    let mut path = "/v1/alerts?limit=500".to_owned();
    if open {
        path.push_str("&open=true");
    }
    if let Some(company) = company {
        path.push_str(&format!("&companyId={company}"));
    }
    let answer = service.ask(Method::GET, &path).await?;
    if service.json {
        return output::json(&answer);
    }
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        output::note("no alerts");
    }
    for item in items {
        let word = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
        let (state, at) = if item["endedAt"].is_null() {
            (word("severity"), word("since"))
        } else {
            (word("ending"), word("endedAt"))
        };
        output::line(format_args!("{state:<15} {at}  {}", word("text")))?;
        if let Some(action) = item["whatToDo"].as_str() {
            output::line(format_args!("{:<15} {action}", ""))?;
        }
    }
    Ok(())
}

async fn channels(service: &Service) -> Result<(), Failure> {
    let answer = service.ask(Method::GET, "/v1/alert-channels").await?;
    if service.json {
        return output::json(&answer);
    }
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        output::note("no channel is configured: see `ringback check-config --defaults`");
    }
    for item in items {
        let word = |name: &str| item[name].as_str().unwrap_or("-");
        let (name, kind, severity) = (word("name"), word("kind"), word("severity"));
        let companies = match &item["companies"] {
            Value::Null => "everything".to_owned(),
            companies => format!("companies {companies}"),
        };
        output::line(format_args!("{name:<20} {kind:<9} {severity:<9} {companies}"))?;
    }
    Ok(())
}

async fn test(name: &str, service: &Service) -> Result<(), Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(Failure::usage([
            "NAME: allowed is the name of a channel, of a-z A-Z 0-9 . _ -",
        ]));
    }
    let answer = service
        .ask(Method::POST, &format!("/v1/alert-channels/{name}/test"))
        .await?;
    if service.json {
        output::json(&answer)?;
    }
    match answer["detail"].as_str() {
        Some(detail) => Err(Failure::failed(format_args!("channel {name}: {detail}"))),
        None if service.json => Ok(()),
        None => output::line(format_args!("channel {name}: the message was taken")),
    }
}
