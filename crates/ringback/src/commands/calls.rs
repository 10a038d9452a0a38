//! `ringback calls`: one call – what is known of it, and whether it arrived – and corrections of its intent level.

use clap::builder::NonEmptyStringValueParser;
use http::Method;
use serde_json::{Value, json};

use crate::commands::deliveries;
use crate::failure::Failure;
use crate::filters;
use crate::output;
use crate::runtime;
use crate::service::{Service, text};

const EXAMPLES: &str = "\
Examples:
  ringback calls show 2016 --company 241
  ringback calls show 2016 --company 241 --json | jq '.arrivals[].sentence'
  ringback calls intent 2016 B --company 241

A correction needs no call that is known, and is delivered like a call.";

/// Shows a call of a running service and whether it arrived, and corrects its intent level
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Shows a call as it stands, and in a sentence for each endpoint whether it arrived
    Show {
        #[command(flatten)]
        call: Call,
        #[command(flatten)]
        service: Service,
    },
    /// Corrects the customer intent level (客户意向等级) of a call
    Intent {
        #[command(flatten)]
        call: Call,
        /// The level, such as B
        #[arg(value_name = "LEVEL", value_parser = NonEmptyStringValueParser::new())]
        level: String,
        #[command(flatten)]
        service: Service,
    },
}

#[derive(clap::Args)]
struct Call {
    /// The call (callInstanceId); to show one, an inbound call's inboundInstanceId as well
    #[arg(value_name = "ID", value_parser = filters::id)]
    id: i64,
    /// The company
    #[arg(long, value_name = "COMPANY", value_parser = filters::id)]
    company: i64,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::Show { call, service } => {
                let path = format!("/v1/calls/{}?companyId={}", call.id, call.company);
                service.show(&path, show).await
            }
            Action::Intent { call, level, service } => {
                let path = format!("/v1/calls/{}/intent", call.id);
                let correction = json!({ "companyId": call.company, "resultValue": level });
                let taken = service.send(Method::PUT, &path, &correction).await?;
                service.print(&taken, accepted)
            }
        }
    })
}

fn show(call: &Value) -> Result<(), Failure> {
    output::line(format_args!(
        "{} {} of company {}",
        text(call, "kind"),
        text(call, "callInstanceId"),
        text(call, "companyId"),
    ))?;
    match &call["event"] {
        Value::Null => output::line("the call itself was not handed in, only corrections of it")?,
        event => output::line(format_args!(
            "{}  accepted, {}",
            text(event, "acceptedAt"),
            text(event, "eventId")
        ))?,
    }
    if let Some(names) = call["names"].as_object().filter(|names| !names.is_empty()) {
        let rows = names.iter().map(|(field, name)| {
            vec![
                field.clone(),
                text(name, "value"),
                text(name, "zh"),
                text(name, "en"),
            ]
        });
        output::line("")?;
        output::table(&["FIELD", "VALUE", "中文", "ENGLISH"], rows)?;
    }
    let corrections = items(call, "corrections");
    if !corrections.is_empty() {
        let rows = corrections.iter().map(|correction| {
            ["acceptedAt", "eventId", "resultValue"]
                .map(|member| text(correction, member))
                .to_vec()
        });
        output::line("")?;
        output::table(&["CORRECTED", "EVENT", "LEVEL"], rows)?;
    }
    output::line("")?;
    let arrivals = items(call, "arrivals");
    if arrivals.is_empty() {
        return output::line("no delivery: nobody wanted it");
    }
    arrivals
        .iter()
        .try_for_each(|arrival| output::line(text(arrival, "sentence")))
}

fn accepted(taken: &Value) -> Result<(), Failure> {
    output::line(format_args!("{}  correction accepted", text(taken, "eventId")))?;
    deliveries::states(taken)
}

fn items<'a>(of: &'a Value, member: &str) -> &'a [Value] {
    of[member].as_array().map_or(&[], Vec::as_slice)
}
