//! The process's environment and the configuration that is made from it.

use std::path::Path;

use ringback_server::api::Language;
use ringback_server::config::{Config, LogFormat};
use ringback_server::telemetry::logs;

use crate::failure::Failure;

/// Every variable whose name is text. Bytes of a value that are no UTF-8 are replaced, so that the setting is reported
/// as wrong instead of passed over.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

/// The language of this process's environment, of those that reports are written in.
pub(crate) fn language() -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    match locale {
        Some(locale) if locale.to_ascii_lowercase().starts_with("zh") => Language::Chinese,
        Some(_) | None => Language::English,
    }
}

/// The configuration from the file, where one is given, and the environment; or all mistakes in it.
pub(crate) fn configuration(file: Option<&Path>) -> Result<Config, Failure> {
    Config::load(file, variables()).map_err(Failure::usage)
}

/// Begins the log of a command that is no service: warnings and errors only, on stderr.
pub(crate) fn log_warnings() -> Result<(), Failure> {
    logs::init("warn", LogFormat::Text).map_err(|error| Failure::caused(&error))
}
