//! `ringback forget-settings`: the way out where the key of the settings is lost for good.

use std::path::PathBuf;

use ringback_server::clock::{Clock as _, RealClock};
use ringback_server::config::StoreSetting;
use ringback_store::sqlite;

use crate::environment;
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  ringback forget-settings --yes
  RINGBACK_STORE=sqlite:/var/lib/ringback ringback forget-settings --yes --json

Stop the service first, and look for the key first: this cannot be undone. It is refused while a key that is set opens the \
settings. Companies become unconfigured, endpoints disabled, so that what waits is parked; events, deliveries, tokens and the audit \
log stay. Then start the service and put companies and endpoints again, under the names that are listed: what is parked for an \
endpoint goes on when it is enabled.

Exit codes: 0 done, 1 failed or refused and nothing changed, 2 called or configured wrongly.";

/// Forgets the encrypted settings of a store whose key is lost for good
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Yes, forget them: URLs, secrets and credentials of all companies and endpoints
    #[arg(long, required = true)]
    yes: bool,
    /// The configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints one JSON object instead of a list
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let config = environment::configuration(args.config.as_deref())?;
    let StoreSetting::Sqlite(dir) = &config.store;
    let wall_ms = RealClock.wall_ms();
    let forgotten =
        sqlite::forget_settings(dir, &config.secrets, wall_ms).map_err(|error| Failure::caused(&error))?;
    if args.json {
        let endpoints = forgotten
            .endpoints
            .iter()
            .map(|(company_id, name)| serde_json::json!({"companyId": company_id, "name": name}));
        return output::json(&serde_json::json!({
            "store": config.store.to_string(),
            "secretsKeyId": forgotten.key_id,
            "companies": forgotten.companies,
            "endpoints": endpoints.collect::<Vec<_>>(),
        }));
    }
    for company_id in &forgotten.companies {
        output::line(format_args!("company {company_id}"))?;
    }
    for (company_id, name) in &forgotten.endpoints {
        output::line(format_args!("company {company_id}, endpoint {name}"))?;
    }
    output::note(format_args!(
        "{}: what only the key {} opened is forgotten, of {} companies and {} endpoints; put them again, what waits for them \
         is parked until then",
        config.store,
        forgotten.key_id,
        forgotten.companies.len(),
        forgotten.endpoints.len()
    ));
    Ok(())
}
