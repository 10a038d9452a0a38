//! `ringback audit`: who changed what of a running service.

use ringback_core::audit::Action;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::failure::Failure;
use crate::filters::{self, ago};
use crate::runtime;
use crate::service::{Service, list, text};

const EXAMPLES: &str = "\
Examples:
  ringback audit --since 24h --token-file ./ringback-data/operator-token
  ringback audit --company 151 --action endpoint-put
  ringback audit --company 151 --limit 10000 --json | jq -r '[.at, .actor.name, .action, .object] | @tsv'

Newest first. How it was before and after, which is redacted, is in --json.";

/// Shows who changed what of a running service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What concerns this company
    #[arg(long, value_name = "ID", value_parser = filters::id)]
    company: Option<i64>,
    /// What was done
    #[arg(long, value_name = "ACTION", value_parser = Action::ALL.map(Action::name))]
    action: Option<String>,
    /// Who did it: the id of a token, operator-token or service
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Done at this time or later, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    from: Option<String>,
    /// Done before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Done at most so long ago, such as 30m or 24h
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    service: Service,
}

impl Args {
    /// The query, without page and limit.
    fn query(&self) -> Result<String, Failure> {
        let from = match &self.since {
            Some(span) => Some(ago(span)?),
            None => self.from.clone(),
        };
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("companyId", self.company.map(|company| company.to_string())),
            ("action", self.action.clone()),
            ("actor", self.actor.clone()),
            ("from", from),
            ("to", self.to.clone()),
        ] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        Ok(query.finish())
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    runtime::run(async {
        let query = args.query()?;
        let (items, more) = args.service.pages("/v1/audit", &query, args.limit).await?;
        let header = ["AT", "WHO", "FROM", "ACTION", "COMPANY", "OBJECT"];
        list(&args.service, &items, more, &header, row)
    })
}

fn row(entry: &Value) -> Vec<String> {
    let object = text(entry, "object");
    vec![
        text(entry, "at"),
        text(&entry["actor"], "name"),
        text(entry, "peer"),
        text(entry, "action"),
        text(entry, "companyId"),
        if object.is_empty() { "-".to_owned() } else { object },
    ]
}
