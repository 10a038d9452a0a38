//! `ringback trigger`: callbacks straight to an address, with what came back and the verdict.

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
use ringback_workbench::shape::Shape;
use ringback_workbench::tree::{Path, Tree};
use ringback_workbench::trigger::{self, Many, Options, Report, Source, TriggerError};

use crate::environment;
use crate::failure::Failure;
use crate::keys;
use crate::output;
use crate::runtime;

const EXAMPLES: &str = "\
Examples:
  ringback trigger call http://127.0.0.1:7701/
  ringback trigger correction https://crm.example.com/callback --secret whsec_…
  ringback trigger job http://127.0.0.1:7701/jobs --generate 7 --ack-rule success-or-code
  ringback trigger inbound http://127.0.0.1:7701/ --json
  ringback trigger call http://127.0.0.1:7701/ --template finish-status-8,nulls,long
  ringback trigger call http://127.0.0.1:7701/ --set sceneInstance.finishStatus=6 --set sceneInstance.customerName=张三
  ringback trigger call http://127.0.0.1:7701/ --generate 7 --count 1000 --rate 50/s
  ringback trigger --list

The call, correction and job are the published samples; --generate and --template make others. It goes to public addresses and \
to this machine; --allow opens other networks.

Exit codes: 0 acknowledged, all of them, 1 not acknowledged or not sent, 2 called wrongly.";

/// How many of many are under way at a time where they come at a rate: as many as an endpoint gets.
const IN_FLIGHT_AT_A_RATE: u16 = 32;

/// Sends realistic callbacks straight to a URL and judges the answers
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What happened
    #[arg(value_name = "KIND", value_parser = kind(), required_unless_present = "list")]
    kind: Option<Kind>,
    /// The receiver
    #[arg(value_name = "URL", required_unless_present = "list")]
    url: Option<String>,
    /// Sends a generated callback instead of the sample; each number makes another one
    #[arg(long, value_name = "SEED", conflicts_with = "templates")]
    generate: Option<u64>,
    /// Sends these templates instead of the sample, each once, or in turns with --count
    #[arg(long = "template", value_name = "NAME", value_delimiter = ',')]
    templates: Vec<String>,
    /// Lists the templates
    #[arg(long)]
    list: bool,
    /// Puts a value into data.data: JSON, or text where it is none; can be given several times
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The companyId of generated callbacks and templates
    #[arg(long, value_name = "ID", default_value_t = 151)]
    company: i64,
    /// The shape of the body: v1, or v2 for receivers of the later one
    #[arg(long, value_name = "PROFILE", default_value = "v1", value_parser = profile())]
    profile: Profile,
    /// How many to send
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    count: Option<u32>,
    /// How many to begin in a second at most, such as 50/s; without it as fast as they are answered
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate: Option<f64>,
    /// How many are under way at a time: 1, with --rate 32
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: Option<u16>,
    /// When the answer counts: success, success-or-code or status; without it success for v1, success-or-code for v2
    #[arg(long, value_name = "RULE", hide_possible_values = true)]
    ack_rule: Option<AckRule>,
    /// What the body is called: json, or text for receivers that refuse JSON
    #[arg(long, value_name = "TYPE", default_value = "json", value_parser = content_type())]
    content_type: ContentType,
    /// How long the exchange may take, 1s to 60s
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = timeout_ms)]
    timeout: u32,
    /// The signing secret that the receiver knows, or @FILE with it; without it nobody can check the signature
    #[arg(long, value_name = "WHSEC")]
    secret: Option<String>,
    /// The company's appKey and appSecret, for sign, or @FILE with them
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
    /// Shows the headers of both sides and the body that is sent
    #[arg(long, short)]
    verbose: bool,
    /// Prints a JSON object for each, and of many another one for all
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    if args.list {
        return list(args.profile);
    }
    // Clap asks for both where nothing is listed.
    let (Some(kind), Some(url)) = (args.kind, args.url.clone()) else {
        return Err(Failure::usage(["a kind and a URL are needed"]));
    };
    let (json, verbose) = (args.json, args.verbose);
    let of = args.many();
    let options = options(args)?;
    environment::log_warnings()?;
    runtime::run(async move {
        let clock = Arc::new(RealClock);
        let Some(of) = of else {
            let report = trigger::trigger(kind, &url, &options, clock).await;
            let report = report.map_err(|error| Failure::usage([error]))?;
            show(&report, json, verbose)?;
            return verdict(report.acknowledged);
        };
        let mut shown = Ok(());
        let each = |report: &Report| {
            // Of many only those that went wrong are shown to a person, unless all is asked for.
            if shown.is_ok() && (json || verbose || !report.acknowledged) {
                shown = show(report, json, verbose);
            }
        };
        let summary = trigger::many(kind, &url, &options, of, clock, each).await;
        let summary = summary.map_err(|error: TriggerError| Failure::usage([error]))?;
        shown?;
        if json {
            output::json(&summary)?;
        } else {
            output::line(&summary)?;
        }
        verdict(summary.acknowledged == summary.sent)
    })
}

fn verdict(is_acknowledged: bool) -> Result<(), Failure> {
    if is_acknowledged {
        Ok(())
    } else {
        Err(Failure::no())
    }
}

fn show(report: &Report, json: bool, verbose: bool) -> Result<(), Failure> {
    if json {
        return output::json(report);
    }
    if verbose {
        output::text(report.details())?;
    }
    output::line(report)
}

impl Args {
    /// How many and how fast; `None` for one alone.
    fn many(&self) -> Option<Many> {
        let templates = u32::try_from(self.templates.len()).unwrap_or(u32::MAX);
        let count = self.count.unwrap_or(templates.max(1));
        let at_a_time = if self.rate.is_some() {
            IN_FLIGHT_AT_A_RATE
        } else {
            1
        };
        (count > 1).then(|| Many {
            count,
            per_second: self.rate,
            in_flight: self.in_flight.unwrap_or(at_a_time),
        })
    }
}

fn list(profile: Profile) -> Result<(), Failure> {
    let rows = Shape::all(profile).into_iter().map(|shape| {
        let kinds = shape.kinds().map(Kind::name);
        let (en, zh) = shape.title();
        vec![
            shape.name().into_owned(),
            kinds.collect::<Vec<_>>().join(", "),
            en.into_owned(),
            zh.into_owned(),
        ]
    });
    output::table(&["TEMPLATE", "KINDS", "WHAT IT IS", "说明"], rows)
}

fn source(args: &Args) -> Result<Source, Failure> {
    if args.templates.is_empty() {
        return Ok(args.generate.map_or(Source::Sample, Source::Generated));
    }
    let all = Shape::all(Profile::V2);
    let named = |name: &String| {
        let found = all.iter().find(|shape| shape.name() == *name).copied();
        found.ok_or_else(|| {
            Failure::usage([format!(
                "--template: {name:?} is no template; --list shows which there are"
            )])
        })
    };
    let shapes: Result<Vec<Shape>, Failure> = args.templates.iter().map(named).collect();
    shapes.map(Source::Templates)
}

/// A path, an equals sign, and JSON or text.
fn setting(text: &str) -> Result<(Path, Tree), Failure> {
    let (path, value) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage(["--set: allowed is a path, an equals sign and a value"]))?;
    // Paths can be given from the body's beginning, too.
    let path = path.trim();
    let path = path.strip_prefix("data.data.").unwrap_or(path);
    let path = path
        .parse()
        .map_err(|error| Failure::usage([format!("--set: {error}")]))?;
    Ok((path, Tree::read(value).unwrap_or_else(|_| value.into())))
}

fn options(args: Args) -> Result<Options, Failure> {
    let tls_ca = args.tls_ca.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(|error| {
            Failure::usage([format!("--tls-ca: {} cannot be read: {error}", path.display())])
        })
    });
    let secret = args
        .secret
        .as_deref()
        .map(|given| keys::secret("--secret", given));
    let app = args.app.as_deref().map(|given| keys::app("--app", given));
    Ok(Options {
        source: source(&args)?,
        set: args
            .set
            .iter()
            .map(|text| setting(text))
            .collect::<Result<_, _>>()?,
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
        ..Options::default()
    })
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(|name| name.parse::<Kind>())
}

pub(crate) fn content_type() -> impl clap::builder::TypedValueParser<Value = ContentType> {
    PossibleValuesParser::new(["json", "text"]).map(|name| {
        if name == "text" {
            ContentType::Text
        } else {
            ContentType::Json
        }
    })
}

pub(crate) fn profile() -> impl clap::builder::TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(["v1", "v2"]).map(|name| match name.as_str() {
        "v2" => Profile::V2,
        _ => Profile::V1,
    })
}

/// `50/s`, `50`, `0.5/s`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate = number.parse::<f64>().ok();
    rate.filter(|rate| (0.001..=100_000.0).contains(rate))
        .ok_or_else(|| "allowed are 0.001/s to 100000/s".to_owned())
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
