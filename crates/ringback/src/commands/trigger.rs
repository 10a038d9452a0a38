//! `ringback trigger`: one callback straight to an address, with what came back and the verdict.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use jiff::tz::TimeZone;
use ringback_contract::ack::AckRule;
use ringback_contract::duration;
use ringback_contract::kind::Kind;
use ringback_core::endpoint::{ContentType, Profile};
use ringback_server::clock::RealClock;
use ringback_workbench::trigger::{self, Options, Source};

use super::listen::{app, secret};
use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::runtime;

const EXAMPLES: &str = "\
Examples:
  ringback trigger call http://127.0.0.1:7701/
  ringback trigger correction https://crm.example.com/callback --secret whsec_…
  ringback trigger job http://127.0.0.1:7701/jobs --generate 7 --ack-rule success-or-code
  ringback trigger inbound http://127.0.0.1:7701/ --json
  ringback trigger call http://127.0.0.1:7701/ --profile v2

The call, correction and job are the published samples; --generate makes others. It goes to public addresses and to this \
machine; --allow opens other networks.

Exit codes: 0 acknowledged, 1 not acknowledged or not sent, 2 called wrongly.";

/// Sends one realistic callback straight to a URL and judges the answer
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What happened
    #[arg(value_name = "KIND", value_parser = kind())]
    kind: Kind,
    /// The receiver
    #[arg(value_name = "URL")]
    url: String,
    /// Sends a generated callback instead of the sample; each number makes another one
    #[arg(long, value_name = "SEED")]
    generate: Option<u64>,
    /// The shape of the body: v1 or v2
    #[arg(long, value_name = "PROFILE", default_value = "v1", value_parser = profile(), hide_possible_values = true)]
    profile: Profile,
    /// When the answer counts: success, success-or-code or status. Default: success; with profile v2 success-or-code
    #[arg(long, value_name = "RULE")]
    ack_rule: Option<AckRule>,
    /// What the body is called: json, or text for receivers that refuse JSON
    #[arg(long, value_name = "TYPE", default_value = "json", value_parser = content_type())]
    content_type: ContentType,
    /// How long the exchange may take, 1s to 60s
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = timeout_ms)]
    timeout: u32,
    /// The signing secret that the receiver knows; without it nobody can check the signature
    #[arg(long, value_name = "WHSEC")]
    secret: Option<String>,
    /// The company's appKey and appSecret, for sign
    #[arg(long, value_name = "KEY:SECRET")]
    app: Option<String>,
    /// A further header; can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A network that may be sent to besides public addresses and this machine; can be given several times
    #[arg(
        long = "allow",
        value_name = "CIDR",
        env = "RINGBACK_OUTBOUND_ALLOW",
        value_delimiter = ','
    )]
    allow: Vec<ipnet::IpNet>,
    /// A PEM file with authorities to trust besides the public ones
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (kind, url, json) = (args.kind, args.url.clone(), args.json);
    let options = options(args)?;
    environment::log_warnings()?;
    runtime::run(async move {
        let report = trigger::trigger(kind, &url, &options, Arc::new(RealClock))
            .await
            .map_err(|error| Failure::usage([error]))?;
        if json {
            output::json(&report)?;
        } else {
            output::line(&report)?;
        }
        if report.acknowledged {
            Ok(())
        } else {
            Err(Failure::no())
        }
    })
}

fn options(args: Args) -> Result<Options, Failure> {
    let tls_ca = args.tls_ca.map(|path| {
        std::fs::read_to_string(&path).map_err(|error| {
            Failure::usage([format!("--tls-ca: {} cannot be read: {error}", path.display())])
        })
    });
    Ok(Options {
        source: args.generate.map_or(Source::Sample, Source::Generated),
        profile: args.profile,
        ack_rule: args.ack_rule.unwrap_or(args.profile.ack_rule()),
        content_type: args.content_type,
        timeout_ms: args.timeout,
        secret: args.secret.as_deref().map(secret).transpose()?,
        app: args.app.as_deref().map(app).transpose()?,
        zone: TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC),
        headers: args
            .headers
            .iter()
            .map(|text| header(text))
            .collect::<Result<_, _>>()?,
        tls_ca: tls_ca.transpose()?,
        allow: args.allow,
        ..Options::default()
    })
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(|name| name.parse::<Kind>())
}

fn profile() -> impl clap::builder::TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(["v1", "v2"]).map(|name| if name == "v2" { Profile::V2 } else { Profile::V1 })
}

pub(super) fn content_type() -> impl clap::builder::TypedValueParser<Value = ContentType> {
    PossibleValuesParser::new(["json", "text"]).map(|name| {
        if name == "text" {
            ContentType::Text
        } else {
            ContentType::Json
        }
    })
}

pub(crate) fn timeout_ms(text: &str) -> Result<u32, String> {
    let ms = duration::parse(text).map_err(|error| error.to_string())?;
    u32::try_from(ms).map_err(|_| "allowed are 1s to 60s".to_owned())
}

/// A header is read here and not by clap, whose errors repeat what was given: it may be a credential.
pub(crate) fn header(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Failure::usage(["--header: allowed is a name, a colon and a value"]))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
