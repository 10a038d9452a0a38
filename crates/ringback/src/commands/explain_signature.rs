//! `ringback explain-signature`: why a signature does not verify.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ringback_server::clock::{Clock as _, RealClock};
use ringback_workbench::explain::{Cause, Finding, Known, Request, explain};
use serde_json::json;

use crate::failure::Failure;
use crate::keys;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  ringback explain-signature request.http --secret whsec_…
  ringback explain-signature request.http --secret whsec_… --computed 'what your code computed'
  ringback explain-signature capture.har --secret whsec_… --other-secret whsec_…
  ringback explain-signature - --app KEY:SECRET < request.http
  ringback explain-signature --body body.json --header 'webhook-id: evt_…' --header 'webhook-timestamp: 1790000000' \\
      --header 'webhook-signature: v1,…' --secret whsec_…

A raw request is a request line, headers, an empty line and the body, byte for byte. Nothing leaves this machine. Recordings \
are old: --at says when the request came, or --at request takes its own timestamp.

Exit codes: 0 everything verifies, 1 something does not, 2 called wrongly.";

/// Says whether a signature verifies and, if not, why
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The raw request or a HAR file; - is stdin
    #[arg(value_name = "FILE", required_unless_present = "body")]
    file: Option<PathBuf>,
    /// Only the body, raw; the headers are given by --header
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    body: Option<PathBuf>,
    /// A header, with --body; can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "body")]
    headers: Vec<String>,
    /// The endpoint's signing secret, or @FILE with one on each line; can be given several times
    #[arg(long = "secret", value_name = "WHSEC")]
    secrets: Vec<String>,
    /// A secret that is no longer valid, or another endpoint's, to see whether it was used; @FILE likewise
    #[arg(long = "other-secret", value_name = "WHSEC")]
    other_secrets: Vec<String>,
    /// The company's appKey and appSecret, for the body's sign, or @FILE with them
    #[arg(long, value_name = "KEY:SECRET")]
    app: Option<String>,
    /// What your own code computed: explains how it came to that
    #[arg(long, value_name = "SIGNATURE", requires = "secrets")]
    computed: Option<String>,
    /// When the request came: RFC 3339, or `request` for its own timestamp; now without it
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.secrets.is_empty() && args.other_secrets.is_empty() && args.app.is_none() {
        return Err(Failure::usage([
            "something to check with is needed: --secret, --other-secret or --app",
        ]));
    }
    let app = args.app.as_deref().map(|given| keys::app("--app", given));
    let app = app.transpose()?;
    let request = request(args)?;
    let known = Known {
        secrets: keys::texts("--secret", &args.secrets)?,
        other_secrets: keys::texts("--other-secret", &args.other_secrets)?,
        app,
        computed: args.computed.clone(),
        now_s: at(args.at.as_deref(), &request)?,
    };
    let findings = explain(&request, &known);
    for finding in &findings {
        if args.json {
            output::json(&json!({
                "signature": finding.signature,
                "verifies": finding.verifies,
                "causes": finding.causes.iter().map(described).collect::<Vec<_>>(),
            }))?;
        } else {
            show(finding)?;
        }
    }
    if findings.iter().all(|finding| finding.verifies) {
        Ok(())
    } else {
        Err(Failure::no())
    }
}

fn show(finding: &Finding) -> Result<(), Failure> {
    let verdict = if finding.verifies {
        "verifies"
    } else {
        "does NOT verify"
    };
    output::line(format_args!("{} {verdict}", finding.signature))?;
    for cause in &finding.causes {
        output::line(format_args!("  - {}", cause.text()))?;
    }
    Ok(())
}

/// A cause with its words.
fn described(cause: &Cause) -> serde_json::Value {
    let mut value = json!(cause);
    value["text"] = cause.text().into();
    value
}

fn request(args: &Args) -> Result<Request, Failure> {
    let Some(body) = &args.body else {
        let file = args.file.as_deref().unwrap_or_else(|| Path::new("-"));
        return Request::parse(&read(file)?)
            .map_err(|error| Failure::failed(format_args!("{}: {error}", file.display())));
    };
    let mut headers = Vec::new();
    for header in &args.headers {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::usage(["--header: allowed is a name, a colon and a value"]))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(Request {
        headers,
        body: read(body)?,
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::failed(format_args!("{} cannot be read: {error}", file.display())))?;
    Ok(bytes)
}

/// Seconds since 1970.
fn at(text: Option<&str>, request: &Request) -> Result<i64, Failure> {
    match text {
        None => Ok(RealClock.wall_ms() / 1000),
        Some("request") => {
            let own = request.header("webhook-timestamp");
            Ok(own.and_then(|own| own.parse().ok()).unwrap_or_default())
        }
        Some(text) => text
            .parse::<jiff::Timestamp>()
            .map(jiff::Timestamp::as_second)
            .map_err(|_| Failure::usage(["--at: allowed is a time in RFC 3339, or request"])),
    }
}
