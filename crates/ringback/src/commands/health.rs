//! `ringback health`: whether a running service is ready, for containers that have no HTTP client.

use http::Method;
use serde_json::Value;

use crate::api::Api;
use crate::failure::Failure;
use crate::output;
use crate::runtime;

const EXAMPLES: &str = "\
Examples:
  ringback health
  ringback health --server http://10.0.0.7:7700

Exit codes: 0 ready, 1 not ready, with what is wrong on stderr.";

/// Asks a running service whether it is ready
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The service
    #[arg(
        long,
        value_name = "URL",
        env = "RINGBACK_SERVER",
        default_value = "http://127.0.0.1:7700"
    )]
    server: String,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    runtime::run(async {
        // It is open to everybody: the token is not looked at.
        let api = Api::new(&args.server, String::new())?;
        let answer = api.request(Method::GET, "/readyz", String::new()).await?;
        if answer.status.is_success() {
            return output::line("ready");
        }
        let problems = answer.body["problems"].as_array().map_or(&[][..], Vec::as_slice);
        let problems: Vec<&str> = problems.iter().filter_map(Value::as_str).collect();
        Err(Failure::failed(format_args!(
            "not ready: {}",
            problems.join("; ")
        )))
    })
}
