//! `ringback conformance`: runs a receiver through what will really come, and reports what would go wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use ringback_contract::ack::AckRule;
use ringback_contract::kind::Kind;
use ringback_core::endpoint::{ContentType, Profile};
use ringback_server::api::Language;
use ringback_server::clock::RealClock;
use ringback_workbench::conformance::{
    self, BURST, BURST_QUICK, ConformanceError, IN_FLIGHT, Options, Report,
};

use super::trigger::{content_type, header, profile, timeout_ms};
use crate::environment;
use crate::failure::Failure;
use crate::keys;
use crate::output;
use crate::runtime;

const EXAMPLES: &str = "\
Examples:
  ringback conformance http://127.0.0.1:8080/callback --secret whsec_…
  ringback conformance http://127.0.0.1:8080/callback --quick --kinds call,correction
  ringback conformance https://crm.example.com/callback --secret whsec_… --html report.html --junit report.xml
  ringback conformance http://127.0.0.1:8080/ --only duplicate,nulls --journal http://127.0.0.1:8080/journal
  ringback conformance --list

It sends more than 10,000 callbacks, some 700 with --quick, that look real: aim it at a test system. With --secret forged \
ones are among them.

Exit codes: 0 no findings (there may be warnings), 1 it could not be run, 2 called wrongly, 3 findings.";

/// Runs a receiver through what will really come, and says what would go wrong in production
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The receiver
    #[arg(value_name = "URL", required_unless_present = "list")]
    url: Option<String>,
    /// The kinds that it is meant to take: call, correction, inbound, job; all without it
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind(), hide_possible_values = true)]
    kinds: Vec<Kind>,
    /// The signing secret that the receiver knows, or @FILE with it; without it signatures are not judged
    #[arg(long, value_name = "WHSEC")]
    secret: Option<String>,
    /// The company's appKey and appSecret, for sign, or @FILE with them
    #[arg(long, value_name = "KEY:SECRET")]
    app: Option<String>,
    /// The shape of the bodies: v1, or v2 for receivers of the later one
    #[arg(long, value_name = "PROFILE", default_value = "v1", value_parser = profile())]
    profile: Profile,
    /// When an answer counts: success, success-or-code or status; without it success for v1, success-or-code for v2
    #[arg(long, value_name = "RULE", hide_possible_values = true)]
    ack_rule: Option<AckRule>,
    /// The companyId of the callbacks
    #[arg(long, value_name = "ID", default_value_t = 1)]
    company: i64,
    /// Where the receiver tells what it has processed: JSON lines at http://ADDRESS:PORT/…
    #[arg(long, value_name = "URL")]
    journal: Option<String>,
    /// Only these checks, and the ordinary callback of each kind
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<String>,
    /// Lists the checks
    #[arg(long)]
    list: bool,
    /// How many callbacks come at once in the burst
    #[arg(long, value_name = "N", default_value_t = BURST, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    burst: u32,
    /// A burst of 500
    #[arg(long, conflicts_with = "burst")]
    quick: bool,
    /// How many requests are under way at a time
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT, value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: u16,
    /// What the body is called: json, or text for receivers that refuse JSON
    #[arg(long, value_name = "TYPE", default_value = "json", value_parser = content_type())]
    content_type: ContentType,
    /// How long an exchange may take, 1s to 60s
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = timeout_ms)]
    timeout: u32,
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
    /// The language of the report: en or zh; by LC_ALL, LC_MESSAGES or LANG without it
    #[arg(long, value_name = "LANG", value_parser = language(), hide_possible_values = true)]
    lang: Option<Language>,
    /// Prints the report as one JSON object, in both languages
    #[arg(long)]
    json: bool,
    /// Also writes it as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also writes it as an HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let language = args.lang.unwrap_or_else(environment::language);
    if args.list {
        return list(language);
    }
    let shown = Shown {
        language,
        json: args.json,
        junit: args.junit.clone(),
        html: args.html.clone(),
    };
    let options = options(args)?;
    environment::log_warnings()?;
    runtime::run(async move {
        let progress = progress();
        let ran = conformance::run(options, Arc::new(RealClock), |check| {
            progress.set_message(check.id);
        });
        let report = ran.await;
        progress.finish_and_clear();
        let report = report.map_err(|error| match error {
            ConformanceError::Journal(error) => Failure::caused(&error),
            wrong => Failure::usage([wrong]),
        })?;
        show(&report, &shown)?;
        if report.counts.findings == 0 {
            Ok(())
        } else {
            Err(Failure::findings())
        }
    })
}

/// Where the report goes.
struct Shown {
    language: Language,
    json: bool,
    junit: Option<PathBuf>,
    html: Option<PathBuf>,
}

fn show(report: &Report, shown: &Shown) -> Result<(), Failure> {
    if let Some(path) = &shown.junit {
        write(path, "--junit", &conformance::junit(report, shown.language))?;
    }
    if let Some(path) = &shown.html {
        write(path, "--html", &conformance::html(report, shown.language))?;
    }
    if shown.json {
        output::json(report)
    } else {
        output::text(conformance::terminal(report, shown.language))
    }
}

fn write(path: &Path, option: &str, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        Failure::failed(format_args!(
            "{option}: {} cannot be written: {error}",
            path.display()
        ))
    })
}

fn list(language: Language) -> Result<(), Failure> {
    let header = match language {
        Language::English => ["CHECK", "ABOUT", "WHAT IS TRIED"],
        Language::Chinese => ["检查项", "类别", "内容"],
    };
    let rows = conformance::titles(language);
    output::table(&header, rows.into_iter().map(|row| row.to_vec()))
}

/// What is being tried, where a person looks on.
fn progress() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{elapsed} {msg}") {
        progress.set_style(style);
    }
    progress
}

fn options(args: Args) -> Result<Options, Failure> {
    let mut kinds = args.kinds;
    if kinds.is_empty() {
        kinds = Kind::ALL.to_vec();
    }
    kinds.sort_unstable();
    kinds.dedup();
    let tls_ca = args.tls_ca.map(|path| {
        std::fs::read_to_string(&path).map_err(|error| {
            Failure::usage([format!("--tls-ca: {} cannot be read: {error}", path.display())])
        })
    });
    let secret = args
        .secret
        .as_deref()
        .map(|given| keys::secret("--secret", given));
    let app = args.app.as_deref().map(|given| keys::app("--app", given));
    Ok(Options {
        kinds,
        company_id: args.company,
        profile: args.profile,
        ack_rule: args.ack_rule.unwrap_or(args.profile.ack_rule()),
        content_type: args.content_type,
        timeout_ms: args.timeout,
        secret: secret.transpose()?,
        app: app.transpose()?,
        zone: TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC),
        headers: args
            .headers
            .iter()
            .map(|text| header(text))
            .collect::<Result<_, _>>()?,
        tls_ca: tls_ca.transpose()?,
        allow: args.allow,
        journal: args.journal,
        only: args.only,
        burst: if args.quick { BURST_QUICK } else { args.burst },
        in_flight: args.in_flight,
        ..Options::new(args.url.unwrap_or_default())
    })
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(|name| name.parse::<Kind>())
}

fn language() -> impl clap::builder::TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::tag)).map(|tag| {
        let named = Language::ALL.into_iter().find(|language| language.tag() == tag);
        named.unwrap_or_default()
    })
}
