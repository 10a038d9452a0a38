//! `ringback check-config`: what the service would be started with, or everything that is wrong with it.

use std::path::PathBuf;

use ringback_server::config::{self, Config, Described, Shown};
use ringback_server::outbound::bind::{Source, sources};
use serde::Serialize;
use serde_json::Value;

use crate::environment;
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  ringback check-config                             the defaults and the environment
  ringback check-config --config /etc/ringback.toml
  ringback check-config --defaults > ringback.toml  a commented file to begin with

Exit codes: 0 usable, 2 with a line per mistake on stderr.";

/// Shows every setting with its value and where it comes from, and the source address of callbacks; or all mistakes
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

/// One setting, for scripts.
#[derive(Serialize)]
struct Setting<'a> {
    key: &'a str,
    environment: &'a str,
    /// `null` where there is nothing to show; then the note says why.
    value: Option<&'a Value>,
    /// That it is not set, or that a secret is.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    source: &'a str,
}

impl<'a> Setting<'a> {
    fn of(described: &'a Described, source: &'a str) -> Self {
        let (value, note) = match &described.value {
            Shown::Value(value) => (Some(value), None),
            Shown::Note(note) => (None, Some(note.as_str())),
        };
        Self {
            key: described.key,
            environment: &described.environment,
            value,
            note,
            source,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.defaults {
        return output::line(config::DEFAULT_FILE.trim_end());
    }
    let file = args.config.as_deref();
    let config = environment::configuration(file)?;
    let described = config.describe();
    let seen = sources(config.outbound_bind, config.outbound_proxy.as_ref());
    let sources = Config::sources(file, environment::variables());
    let described = || described.iter().zip(&sources);
    if args.json {
        let settings: Vec<_> = described()
            .map(|(described, source)| Setting::of(described, source.name()))
            .collect();
        let seen: Vec<_> = seen.iter().map(SourceAddress::of).collect();
        return output::json(&serde_json::json!({ "settings": settings, "sourceAddresses": seen }));
    }
    let lines: Vec<_> = described()
        .map(|(described, source)| {
            let from = match source.name() {
                "environment" => format!("environment: {}", described.environment),
                other => other.to_owned(),
            };
            (described.key, described.value.to_string(), from)
        })
        .collect();
    let keys = longest(lines.iter().map(|(key, ..)| *key));
    let values = longest(lines.iter().map(|(_, value, _)| value.as_str()));
    for (key, value, from) in &lines {
        output::line(format_args!("{key:keys$} = {value:values$}  # {from}"))?;
    }
    for source in &seen {
        output::line(format_args!("# {}", sentence(source)))?;
    }
    Ok(())
}

/// What receivers see as the source of callbacks, for scripts.
#[derive(Serialize)]
struct SourceAddress {
    /// The address; of a proxy its URL.
    address: Option<String>,
    /// `outbound_bind`, `operating system`, `outbound_proxy` or `unknown`.
    from: &'static str,
    /// Whether callbacks can go out from it now.
    usable: bool,
}

impl SourceAddress {
    fn of(source: &Source) -> Self {
        let (address, from, usable) = match source {
            Source::Bound { address, is_here } => (Some(address.to_string()), "outbound_bind", *is_here),
            Source::Chosen(address) => (Some(address.to_string()), "operating system", true),
            Source::Proxy(proxy) => (Some(proxy.clone()), "outbound_proxy", true),
            Source::Unknown => (None, "unknown", false),
        };
        Self {
            address,
            from,
            usable,
        }
    }
}

/// The same for people.
fn sentence(source: &Source) -> String {
    match source {
        Source::Bound {
            address,
            is_here: true,
        } => {
            format!("receivers see {address} (outbound_bind), unless it is translated on the way")
        }
        Source::Bound {
            address,
            is_here: false,
        } => {
            format!(
                "{address} (outbound_bind) is not an address of this machine: nothing can be sent from it"
            )
        }
        Source::Chosen(address) => format!(
            "receivers see {address}, which the operating system chooses for the public Internet, unless it is translated on \
             the way"
        ),
        Source::Proxy(proxy) => {
            format!("receivers see an address of the proxy {proxy}: ask its operator for it")
        }
        Source::Unknown => {
            "this machine knows no way to the public Internet: what receivers see is not known".to_owned()
        }
    }
}

/// The characters of the longest text.
fn longest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or_default()
}
