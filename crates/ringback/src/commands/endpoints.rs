//! `ringback endpoints`: the callback addresses of a company.

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
  ringback endpoints list 151
  ringback endpoints put 151 erp url=https://crm.example.com/callback
  ringback endpoints put 151 erp maxInFlight=8 'callbacks=[\"call\",\"job\"]' schedule=seed-10
  ringback endpoints test 151 erp --kind job
  ringback endpoints retry-now 151 erp

put makes the endpoint, or changes only the members that are given; with --file it replaces all settings but secrets. Names \
and values are those of PUT /v1/companies/{companyId}/endpoints/{name}.";

/// Lists, makes, changes, tests and deletes endpoints of a running service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Args)]
struct Endpoint {
    /// The company
    #[arg(value_name = "COMPANY", value_parser = filters::id)]
    company: i64,
    /// The endpoint
    #[arg(value_name = "NAME")]
    name: String,
}

impl Endpoint {
    fn path(&self) -> Result<String, Failure> {
        let name = part("NAME", &self.name)?;
        Ok(format!("/v1/companies/{}/endpoints/{name}", self.company))
    }
}

#[derive(clap::Subcommand)]
enum Action {
    /// Lists a company's endpoints
    List {
        /// The company
        #[arg(value_name = "COMPANY", value_parser = filters::id)]
        company: i64,
        #[command(flatten)]
        service: Service,
    },
    /// Shows an endpoint and how much is open for it
    Show {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        service: Service,
    },
    /// Makes an endpoint, or changes it
    Put {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        members: put::Members,
        #[command(flatten)]
        service: Service,
    },
    /// Parks what is meant for an endpoint until it is enabled
    Disable {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        service: Service,
    },
    /// Lets what is parked for an endpoint go
    Enable {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        service: Service,
    },
    /// Sends a sample callback now and tells what came back
    Test {
        #[command(flatten)]
        endpoint: Endpoint,
        /// The kind of callback
        #[arg(long, value_name = "KIND", value_parser = ["call", "correction", "inbound", "job"])]
        kind: Option<String>,
        #[command(flatten)]
        service: Service,
    },
    /// Makes everything that is pending due now, and closes the breaker
    RetryNow {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        service: Service,
    },
    /// Makes a new signing secret and prints it; the old one goes on signing beside it for a while
    RotateSecret {
        #[command(flatten)]
        endpoint: Endpoint,
        #[command(flatten)]
        service: Service,
    },
    /// Deletes an endpoint
    Delete {
        #[command(flatten)]
        endpoint: Endpoint,
        /// Cancels what is pending or parked for it
        #[arg(long)]
        cancel_open: bool,
        #[command(flatten)]
        service: Service,
    },
}

/// The settings, in the description of the API.
const SCHEMA: &str = "EndpointSettings";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::List { company, service } => all(company, &service).await,
            Action::Show { endpoint, service } => {
                let found = service.get(&endpoint.path()?).await?;
                service.print(&found, members)
            }
            Action::Put {
                endpoint,
                members: given,
                service,
            } => {
                let made = put::put(&service, &endpoint.path()?, SCHEMA, &given).await?;
                service.print(&made, members)
            }
            Action::Disable { endpoint, service } => switch(&endpoint, false, &service).await,
            Action::Enable { endpoint, service } => switch(&endpoint, true, &service).await,
            Action::Test {
                endpoint,
                kind,
                service,
            } => test(&endpoint, kind.as_deref(), &service).await,
            Action::RetryNow { endpoint, service } => {
                let path = format!("{}/retry-now", endpoint.path()?);
                let done = service.ask(Method::POST, &path).await?;
                service.print(&done, |done| {
                    output::line(format_args!("{} deliveries are due now", done["retried"]))
                })
            }
            Action::RotateSecret { endpoint, service } => {
                let path = format!("{}/secret/rotate", endpoint.path()?);
                let made = service.ask(Method::POST, &path).await?;
                service.print(&made, members)
            }
            Action::Delete {
                endpoint,
                cancel_open,
                service,
            } => {
                let path = format!("{}?cancelOpen={cancel_open}", endpoint.path()?);
                // The service speaks of its own parameter.
                let gone = service.ask(Method::DELETE, &path).await.map_err(|mut failure| {
                    for line in &mut failure.lines {
                        *line = line.replace("?cancelOpen=true", "--cancel-open");
                    }
                    failure
                })?;
                service.print(&gone, |_| {
                    output::line(format_args!("endpoint {} is deleted", endpoint.name))
                })
            }
        }
    })
}

async fn all(company: i64, service: &Service) -> Result<(), Failure> {
    let found = service.get(&format!("/v1/companies/{company}/endpoints")).await?;
    let items = found["items"].as_array().map_or(&[][..], Vec::as_slice);
    let header = ["NAME", "ENABLED", "CALLBACKS", "SCHEDULE", "ACK", "URL"];
    list(service, items, false, &header, |endpoint: &Value| {
        ["name", "enabled", "callbacks", "schedule", "ackRule", "url"]
            .map(|member| text(endpoint, member))
            .to_vec()
    })
}

async fn switch(endpoint: &Endpoint, enabled: bool, service: &Service) -> Result<(), Failure> {
    let path = endpoint.path()?;
    // Asked for first, so that an endpoint that does not exist is a 404 and not a mistake in its settings.
    service.get(&path).await?;
    let mut settings = put::present(service, &path, SCHEMA).await?;
    settings.insert("enabled".to_owned(), enabled.into());
    let made = service.send(Method::PUT, &path, &settings.into()).await?;
    service.print(&made, |_| {
        let state = if enabled { "enabled" } else { "disabled" };
        output::line(format_args!("endpoint {} is {state}", endpoint.name))
    })
}

/// The exit code says whether the receiver acknowledged.
async fn test(endpoint: &Endpoint, kind: Option<&str>, service: &Service) -> Result<(), Failure> {
    let mut path = format!("{}/test", endpoint.path()?);
    if let Some(kind) = kind {
        path.push_str("?kind=");
        path.push_str(kind);
    }
    let tried = service.ask(Method::POST, &path).await?;
    service.print(&tried, |tried| members(&told(tried)))?;
    let acknowledged = tried["acknowledged"] == true || tried["outcome"] == "acknowledged";
    if acknowledged { Ok(()) } else { Err(Failure::no()) }
}

/// A test for people: without the request, which is long, and of the hint its sentence.
fn told(tried: &Value) -> Value {
    let mut told = tried.clone();
    if let Value::Object(members) = &mut told {
        members.remove("request");
        members.insert("hint".to_owned(), tried["hint"]["text"].clone());
    }
    told
}
