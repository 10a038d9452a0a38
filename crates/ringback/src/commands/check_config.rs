//! `ringback check-config`: what the service would be started with, or everything that is wrong with it.

use std::path::PathBuf;

use ringback_server::config::{self, Config};
use serde::Serialize;

use crate::environment;
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  ringback check-config                             the defaults and the environment
  ringback check-config --config /etc/ringback.toml
  ringback check-config --defaults > ringback.toml  a commented file to begin with

Exit codes: 0 usable, 2 with a line per mistake on stderr.";

/// Shows every setting with its value and where it comes from, or all mistakes
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Prints the commented default file, which is the manual of all settings
    #[arg(long, conflicts_with_all = ["config", "json"])]
    defaults: bool,
}

#[derive(Serialize)]
struct Setting<'a> {
    key: &'a str,
    environment: &'a str,
    /// As the file would write it; of a secret only whether it is set.
    value: &'a str,
    source: &'a str,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.defaults {
        return output::line(config::DEFAULT_FILE.trim_end());
    }
    let file = args.config.as_deref();
    let described = environment::configuration(file)?.describe();
    let sources = Config::sources(file, environment::variables());
    let settings: Vec<_> = described
        .iter()
        .zip(&sources)
        .map(|(described, source)| Setting {
            key: described.key,
            environment: &described.environment,
            value: &described.value,
            source: source.name(),
        })
        .collect();
    if args.json {
        return output::json(&serde_json::json!({ "settings": settings }));
    }
    let keys = longest(settings.iter().map(|setting| setting.key));
    let values = longest(settings.iter().map(|setting| setting.value));
    for Setting {
        key,
        environment,
        value,
        source,
    } in &settings
    {
        let from = match *source {
            "environment" => format!("environment: {environment}"),
            other => other.to_owned(),
        };
        output::line(format_args!("{key:keys$} = {value:values$}  # {from}"))?;
    }
    Ok(())
}

/// The characters of the longest text.
fn longest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or_default()
}
