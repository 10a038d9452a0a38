//! `ringback openapi`: the description of the API, without a running service.

use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  ringback openapi > openapi.json

A running service gives the same under /v1/openapi.json.";

/// Prints the OpenAPI 3.1 description of the API and of the callbacks
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

pub(crate) fn run() -> Result<(), Failure> {
    output::line(format_args!("{:#}", ringback_server::api::document()))
}
