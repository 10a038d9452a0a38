//! The process's environment and the configuration that is made from it.

use std::path::Path;

use ringback_server::config::{Config, LogFormat};
use ringback_server::telemetry::logs;

use crate::failure::Failure;

/// Every variable whose name is text. Bytes of a value that are no UTF-8 are replaced, so that the setting is reported
/// as wrong instead of passed over.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

/// The configuration from the file, where one is given, and the environment; or all mistakes in it.
pub(crate) fn configuration(file: Option<&Path>) -> Result<Config, Failure> {
    Config::load(file, variables()).map_err(Failure::usage)
}

/// Begins the log of a command that is no service: warnings and errors only, on stderr.
pub(crate) fn log_warnings() -> Result<(), Failure> {
    logs::init("warn", LogFormat::Text).map_err(|error| Failure::caused(&error))
}
