//! `ringback deliveries`: what is sent to whom, how it stands, and sending it once more.

use http::Method;
use serde_json::Value;

use crate::commands::timeline;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::output;
use crate::runtime;
use crate::service::{Service, list, part, text};

const EXAMPLES: &str = "\
Examples:
  ringback deliveries list --company 151 --state exhausted --since 24h
  ringback deliveries show dlv_1mzj8k2v00g00
  ringback deliveries resend dlv_1mzj8k2v00g00

Many at once are a matter of `ringback replay`.";

/// Searches deliveries of a running service, shows them and sends them once more
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Searches deliveries, newest first
    List {
        #[command(flatten)]
        filters: Box<Filters>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        service: Service,
    },
    /// Shows a delivery with its sends
    Show {
        /// The delivery
        #[arg(value_name = "DELIVERY")]
        id: String,
        #[command(flatten)]
        service: Service,
    },
    /// Sends once more, also what was delivered
    Resend {
        /// The delivery
        #[arg(value_name = "DELIVERY")]
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
                let (items, more) = service.pages("/v1/deliveries", &filters.query()?, limit).await?;
                list(&service, &items, more, &HEADER, row)
            }
            Action::Show { id, service } => service.show(&path(&id)?, timeline::delivery).await,
            Action::Resend { id, service } => {
                let path = format!("{}/resend", path(&id)?);
                let sent = service.ask(Method::POST, &path).await?;
                service.print(&sent, states)
            }
        }
    })
}

/// The columns of [`row`].
pub(super) const HEADER: [&str; 9] = [
    "ACCEPTED", "DELIVERY", "KIND", "ID", "ENDPOINT", "STATE", "SENDS", "OUTCOME", "NEXT",
];

pub(super) fn row(delivery: &Value) -> Vec<String> {
    let event = &delivery["event"];
    vec![
        text(event, "acceptedAt"),
        text(delivery, "deliveryId"),
        text(event, "kind"),
        timeline::entity(event),
        text(delivery, "endpoint"),
        text(delivery, "state"),
        text(delivery, "sends"),
        text(delivery, "lastOutcome"),
        text(delivery, "nextSendAt"),
    ]
}

/// The deliveries of an answer, a line each: to whom, and how it stands.
pub(super) fn states(answer: &Value) -> Result<(), Failure> {
    for delivery in answer["deliveries"].as_array().into_iter().flatten() {
        output::line(format_args!(
            "{}  to {}: {}",
            text(delivery, "deliveryId"),
            text(delivery, "endpoint"),
            text(delivery, "state"),
        ))?;
    }
    Ok(())
}

fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("/v1/deliveries/{}", part("DELIVERY", id)?))
}
