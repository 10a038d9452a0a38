//! `ringback migrate`: brings the store's schema up to date without serving.

use std::path::PathBuf;

use ringback_server::config::StoreSetting;
use ringback_store::sqlite;

use crate::environment;
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  ringback migrate
  RINGBACK_STORE=sqlite:/var/lib/ringback ringback migrate --json

`ringback serve` does the same when it starts; this is for doing it beforehand.";

/// Brings the store's schema up to date, making the store if there is none
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints one JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let config = environment::configuration(args.config.as_deref())?;
    let StoreSetting::Sqlite(dir) = &config.store;
    let migrated = sqlite::migrate(dir).map_err(|error| Failure::caused(&error))?;
    if args.json {
        return output::json(&serde_json::json!({
            "store": config.store.to_string(),
            "applied": migrated.applied,
            "version": migrated.version,
        }));
    }
    let applied: Vec<_> = migrated.applied.iter().map(ToString::to_string).collect();
    let version = migrated.version;
    if applied.is_empty() {
        output::line(format_args!(
            "{}: nothing to do, the schema has version {version}",
            config.store
        ))
    } else {
        let applied = applied.join(", ");
        output::line(format_args!(
            "{}: applied {applied}, the schema has version {version}",
            config.store
        ))
    }
}
