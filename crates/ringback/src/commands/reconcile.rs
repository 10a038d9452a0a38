//! `ringback reconcile`: what a company's platform handed in day by day, and what became of it.

use http::Method;
use ringback_server::api::Reconciliation;
use url::form_urlencoded::Serializer;

use crate::failure::Failure;
use crate::filters;
use crate::output;
use crate::runtime;
use crate::service::Service;

const EXAMPLES: &str = "\
Examples:
  ringback reconcile --company 151
  ringback reconcile --company 151 --from 2026-01-01 --to 2026-01-31 --csv > january.csv

Events count on the day on which they were accepted, deliveries on the day on which they were made; resends repeat a \
delivery and are counted apart. accepted = withDeliveries + unwanted; created = delivered + pending + exhausted + parked + \
cancelled.";

/// Counts what a running service took in and delivered, by day, kind and endpoint
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The company; a token for one company names that
    #[arg(long, value_name = "ID", value_parser = filters::id)]
    company: Option<i64>,
    /// The first day, in the service's zone; six days before the last without it
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// The last day, which is included; today without it
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Prints CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    service: Service,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    runtime::run(async {
        let counted = count(args).await?;
        if args.csv {
            return output::data(counted.csv());
        }
        if args.service.json {
            return output::json(&counted);
        }
        if counted.rows().next().is_none() {
            let (from, to) = counted.days();
            output::note(format_args!("nothing from {from} to {to}"));
            return Ok(());
        }
        let rows = counted.rows().map(Vec::from);
        output::table(
            &Reconciliation::COLUMNS
                .map(str::to_uppercase)
                .each_ref()
                .map(String::as_str),
            rows,
        )
    })
}

/// All pages, added up. The days of the first one are those of the others, also when another day begins meanwhile.
async fn count(args: &Args) -> Result<Reconciliation, Failure> {
    let api = args.service.api()?;
    let (mut from, mut to) = (args.from.clone(), args.to.clone());
    let mut whole: Option<Reconciliation> = None;
    loop {
        let cursor = whole.as_ref().and_then(Reconciliation::next_cursor);
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("companyId", args.company.map(|id| id.to_string()).as_deref()),
            ("from", from.as_deref()),
            ("to", to.as_deref()),
            ("cursor", cursor),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let path = format!("/v1/reconciliation?{}", query.finish());
        let answer = api.expect(Method::GET, &path, String::new()).await?;
        let page: Reconciliation = serde_json::from_value(answer).map_err(|error| Failure::caused(&error))?;
        let (first, last) = page.days();
        (from, to) = (Some(first.to_owned()), Some(last.to_owned()));
        let counted = match whole.take() {
            None => page,
            Some(mut counted) => {
                counted.add_page(page);
                counted
            }
        };
        if counted.next_cursor().is_none() {
            return Ok(counted);
        }
        whole = Some(counted);
    }
}
