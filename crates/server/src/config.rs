//! The settings of the service: a TOML file and the environment, parsed once at the start.
//!
//! Every key of the file is also an environment variable, `RINGBACK_` and the key in capitals, and the environment wins.
//! [`Config::load`] reports every mistake at once, by the name of the setting, and never repeats a value: a value may be
//! a secret. `config.default.toml` beside the crate is the manual; a test holds it equal to [`Config::default`].

mod alerts;
mod key;
mod mistake;
mod source;
mod suggest;
mod value;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::tz::TimeZone;
use ringback_core::limits;
use ringback_core::token::Scope;
use ringback_store::secrets::Secrets;
use sha2::{Digest, Sha256};
use url::Url;

use crate::alerts::AlertSettings;
use crate::outbound::{Bind, Proxy};

pub use key::Shown;
pub use mistake::Mistake;
pub use source::Source;

/// The commented default file.
pub const DEFAULT_FILE: &str = include_str!("../config.default.toml");

/// What the names of environment variables begin with.
pub const ENVIRONMENT_PREFIX: &str = "RINGBACK_";

/// The settings of the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The address and port of the API.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub store: StoreSetting,
    /// Where the keys are that settings are encrypted with in the store.
    pub secrets: Secrets,
    /// A bearer token that is valid as long as it is set.
    pub operator_token: Option<OperatorToken>,
    /// Addresses that callbacks may go to besides public ones.
    pub outbound_allow: Vec<IpNet>,
    /// The source addresses of callbacks.
    pub outbound_bind: Bind,
    /// The proxy that callbacks go through.
    pub outbound_proxy: Option<Proxy>,
    /// Certificate authorities besides the public ones.
    pub tls_ca: Option<TlsCa>,
    /// The zone of the dates in callbacks.
    pub zone: TimeZone,
    /// What is logged: a level, or a filter in the form of tracing's `EnvFilter`.
    pub log: String,
    /// The form of the log.
    pub log_format: LogFormat,
    /// Whether `/metrics` needs no token.
    pub metrics_open: bool,
    /// Connections to the API at once.
    pub connections: usize,
    /// Requests per second.
    pub rates: Rates,
    /// Free space in MiB below which nothing new is taken in.
    pub disk_free_least_mib: u64,
    /// The age in milliseconds at which events that are over are removed; `None` keeps them for ever.
    pub retention_ms: Option<u64>,
    /// The age in milliseconds at which entries of the audit log are removed; `None` keeps them for ever.
    pub audit_retention_ms: Option<u64>,
    /// The collector that gets traces, by OTLP.
    pub otlp: Option<Url>,
    /// The part of the traces begun here that is told, from 0 to 1.
    pub otlp_sample: f64,
    /// Alerts: their bounds and channels.
    pub alerts: AlertSettings,
}

/// Requests per second that a token may make, by its scope, unless it has a limit of its own; `None` for any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of operator and intake tokens.
    pub operate: Option<u32>,
    /// Of tenant and read-only tokens.
    pub read: Option<u32>,
}

impl Rates {
    /// That of this scope.
    #[must_use]
    pub const fn of(self, scope: Scope) -> Option<u32> {
        match scope {
            Scope::Operator | Scope::Intake => self.operate,
            Scope::Tenant | Scope::ReadOnly => self.read,
        }
    }
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSetting {
    /// The embedded store, in this directory.
    Sqlite(PathBuf),
}

impl std::fmt::Display for StoreSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(directory) => write!(f, "sqlite:{}", directory.display()),
        }
    }
}

/// The operator's token. Only its hash is kept; neither is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct OperatorToken {
    sha256: [u8; 32],
}

impl OperatorToken {
    /// The fewest characters of an operator's token.
    pub const CHARACTERS_LEAST: usize = 32;

    /// The token with this text: 32 or more visible ASCII characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (visible && text.len() >= Self::CHARACTERS_LEAST).then(|| Self {
            sha256: Sha256::digest(text.as_bytes()).into(),
        })
    }

    /// SHA-256 of its text.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

impl std::fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorToken(…)")
    }
}

/// A file of certificate authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsCa {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it holds: PEM.
    pub pem: String,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// One setting as it is, for `check-config`. A secret shows only whether it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The key in the file.
    pub key: &'static str,
    /// The environment variable.
    pub environment: String,
    /// What is set.
    pub value: Shown,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7700)),
            store: StoreSetting::Sqlite(PathBuf::from("./ringback-data")),
            secrets: Secrets::OwnFile,
            operator_token: None,
            outbound_allow: Vec::new(),
            outbound_bind: Bind::default(),
            outbound_proxy: None,
            tls_ca: None,
            // The zone database is bundled, so the name is always found.
            zone: TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            metrics_open: true,
            connections: 4096,
            rates: Rates {
                operate: Some(limits::API_RATE),
                read: Some(limits::API_RATE_READ),
            },
            disk_free_least_mib: limits::DISK_FREE_LEAST / (1024 * 1024),
            retention_ms: Some(limits::RETENTION_MS),
            audit_retention_ms: Some(limits::AUDIT_RETENTION_MS),
            otlp: None,
            otlp_sample: 1.0,
            alerts: AlertSettings::default(),
        }
    }
}

impl Config {
    /// Reads the file, where one is given, and then the environment. Variables without the prefix `RINGBACK_` are passed
    /// over, and so are those with it that resemble no key: commands have some of their own.
    ///
    /// # Errors
    /// Every mistake of file and environment.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<Mistake>> {
        let mut config = Self::default();
        let mut mistakes = Vec::new();
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => config.apply_file(&text, &path.display().to_string(), &mut mistakes),
                Err(error) => mistakes.push(Mistake::unreadable(path, &error)),
            }
        }
        config.apply_environment(environment, &mut mistakes);
        if mistakes.is_empty() {
            Ok(config)
        } else {
            Err(mistakes)
        }
    }

    /// Every setting as it is.
    #[must_use]
    pub fn describe(&self) -> Vec<Described> {
        key::ALL
            .iter()
            .map(|key| Described {
                key: key.name,
                environment: key.environment(),
                value: (key.show)(self),
            })
            .collect()
    }

    fn apply_file(&mut self, text: &str, file: &str, mistakes: &mut Vec<Mistake>) {
        let (table, errors) = toml::de::DeTable::parse_recoverable(text);
        for error in &errors {
            mistakes.push(Mistake::syntax(file, text, error));
        }
        for (name, value) in table.get_ref() {
            let setting = name.get_ref().as_ref();
            let place = mistake::place(file, text, name.span().start);
            match key::find(setting) {
                Some(key) => {
                    if let Err(found) = (key.set)(self, value::Value::of_file(value.get_ref())) {
                        mistakes.push(Mistake::value(setting, Some(place), found, key.allowed));
                    }
                }
                None => mistakes.push(Mistake::unknown(setting, Some(place))),
            }
        }
    }

    fn apply_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut variables: Vec<_> = environment
            .into_iter()
            .filter(|(name, value)| name.starts_with(ENVIRONMENT_PREFIX) && !value.is_empty())
            .collect();
        variables.sort();
        for (name, value) in &variables {
            let setting = name[ENVIRONMENT_PREFIX.len()..].to_ascii_lowercase();
            match key::find(&setting).filter(|key| key.environment() == *name) {
                Some(key) => {
                    if let Err(found) = (key.set)(self, value::Value::Environment(value)) {
                        mistakes.push(Mistake::value(name, None, found, key.allowed));
                    }
                }
                None if suggest::nearest(&setting, key::names()).is_some() => {
                    mistakes.push(Mistake::unknown_variable(name, &setting));
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
