//! `ringback events`: what a running service took in.

use serde_json::Value;

use crate::commands::timeline;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::runtime;
use crate::service::{Service, list, part, text};

const EXAMPLES: &str = "\
Examples:
  ringback events list --company 151 --since 1h
  ringback events list --company 151 --job 535 --state exhausted
  ringback events show evt_1mzj8k2v00400
  ringback events show evt_1mzj8k2v00400 --json | jq .body";

/// Searches events of a running service and shows their timelines
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Searches events, newest first
    List {
        #[command(flatten)]
        filters: Box<Filters>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        service: Service,
    },
    /// Shows an event with everything that happened to it
    Show {
        /// The event
        #[arg(value_name = "EVENT")]
        id: String,
        #[command(flatten)]
        service: Service,
    },
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::List {
                filters,
                limit,
                service,
            } => {
                let (items, more) = service.pages("/v1/events", &filters.query()?, limit).await?;
                let header = ["ACCEPTED", "EVENT", "KIND", "COMPANY", "ID", "JOB", "DELIVERIES"];
                list(&service, &items, more, &header, row)
            }
            Action::Show { id, service } => {
                let path = format!("/v1/events/{}", part("EVENT", &id)?);
                service.show(&path, timeline::event).await
            }
        }
    })
}

fn row(event: &Value) -> Vec<String> {
    let deliveries = event["deliveries"].as_array().into_iter().flatten();
    let deliveries: Vec<String> = deliveries
        .map(|delivery| format!("{} {}", text(delivery, "endpoint"), text(delivery, "state")))
        .collect();
    vec![
        text(event, "acceptedAt"),
        text(event, "eventId"),
        text(event, "kind"),
        text(event, "companyId"),
        timeline::entity(event),
        text(event, "callJobId"),
        if deliveries.is_empty() {
            "none".to_owned()
        } else {
            deliveries.join(", ")
        },
    ]
}
