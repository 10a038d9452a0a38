//! `ringback companies`: the companies of a running service.

use http::Method;
use serde_json::Value;

use crate::commands::put;
use crate::failure::Failure;
use crate::filters;
use crate::output;
use crate::runtime;
use crate::service::{Service, list, members, text};

const EXAMPLES: &str = "\
Examples:
  ringback companies list --token-file ./ringback-data/operator-token
  ringback companies put 151 name=Example
  ringback companies put 151 sign=true appKey=demo appSecret=…
  ringback companies put 151 --file company.json
  ringback companies delete 151

put makes the company, or changes only the members that are given; with --file it replaces all settings. Names and values \
are those of PUT /v1/companies/{companyId}.";

/// Lists, makes, changes and deletes companies of a running service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Lists the companies
    List {
        /// Only those that sent events but are not configured
        #[arg(long)]
        unconfigured: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 500)]
        limit: usize,
        #[command(flatten)]
        service: Service,
    },
    /// Shows a company
    Show {
        /// The company
        #[arg(value_name = "COMPANY", value_parser = filters::id)]
        company: i64,
        #[command(flatten)]
        service: Service,
    },
    /// Makes a company, or changes it
    Put {
        /// The company
        #[arg(value_name = "COMPANY", value_parser = filters::id)]
        company: i64,
        #[command(flatten)]
        members: put::Members,
        #[command(flatten)]
        service: Service,
    },
    /// Deletes a company that has no endpoints
    Delete {
        /// The company
        #[arg(value_name = "COMPANY", value_parser = filters::id)]
        company: i64,
        #[command(flatten)]
        service: Service,
    },
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::List {
                unconfigured,
                limit,
                service,
            } => all(unconfigured, limit, &service).await,
            Action::Show { company, service } => {
                let found = service.get(&path(company)).await?;
                service.print(&found, members)
            }
            Action::Put {
                company,
                members: given,
                service,
            } => {
                let made = put::put(&service, &path(company), SCHEMA, &given).await?;
                service.print(&made, members)
            }
            Action::Delete { company, service } => {
                let gone = service.ask(Method::DELETE, &path(company)).await?;
                service.print(&gone, |_| {
                    output::line(format_args!("company {company} is deleted"))
                })
            }
        }
    })
}

async fn all(unconfigured: bool, limit: usize, service: &Service) -> Result<(), Failure> {
    let query = if unconfigured { "unconfigured=true" } else { "" };
    let (items, more) = service.pages("/v1/companies", query, limit).await?;
    let header = ["COMPANY", "UNCONFIGURED", "SIGN", "CALLBACKS", "NAME"];
    list(service, &items, more, &header, |company: &Value| {
        ["companyId", "unconfigured", "sign", "callbacks", "name"]
            .map(|member| text(company, member))
            .to_vec()
    })
}

/// The settings, in the description of the API.
const SCHEMA: &str = "CompanySettings";

fn path(company: i64) -> String {
    format!("/v1/companies/{company}")
}
