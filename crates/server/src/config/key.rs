//! Every key: how it is set and shown, and what it takes.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use ringback_contract::duration;
use ringback_core::limits;
use ringback_store::secrets::{Keys, Secrets};
use serde_json::Value;

use super::value::Value as Given;
use super::{Bind, Config, ENVIRONMENT_PREFIX, LogFormat, OperatorToken, Proxy, StoreSetting, TlsCa};
use crate::trace;

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// What is set: a text, a number, a boolean, or a list of texts.
    Value(Value),
    /// What is said of it instead: it is not set, or it is a secret.
    Note(String),
}

impl Shown {
    fn text(text: &(impl ToString + ?Sized)) -> Self {
        Self::Value(text.to_string().into())
    }

    fn texts(texts: impl Iterator<Item: ToString>) -> Self {
        Self::Value(texts.map(|text| Value::from(text.to_string())).collect())
    }

    fn value(value: impl Into<Value>) -> Self {
        Self::Value(value.into())
    }

    /// A secret, or what is not set.
    fn is_set(is_set: bool) -> Self {
        Self::Note(if is_set { "set" } else { "not set" }.to_owned())
    }
}

/// As the file would write it; a note in brackets.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // TOML has the escapes of JSON.
            Self::Value(Value::Array(entries)) => {
                let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", entries.join(", "))
            }
            Self::Value(value) => value.fmt(f),
            Self::Note(note) => write!(f, "({note})"),
        }
    }
}

/// A key of the configuration.
pub(super) struct Key {
    /// Its name in the file.
    pub(super) name: &'static str,
    /// What it takes, in words.
    pub(super) allowed: &'static str,
    /// Sets it; the error says what was found.
    pub(super) set: fn(&mut Config, Given<'_>) -> Result<(), String>,
    /// Shows it; secrets only whether they are set.
    pub(super) show: fn(&Config) -> Shown,
}

impl Key {
    /// The environment variable.
    pub(super) fn environment(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.name.to_ascii_uppercase())
    }
}

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    ALL.iter().find(|key| key.name == name)
}

/// The names of all keys.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|key| key.name)
}

/// Every key, in the order of the default file.
pub(super) const ALL: &[Key] = &[
    Key {
        name: "listen",
        allowed: "an IP address and a port, such as 127.0.0.1:7700 or [::1]:7700",
        set: |config, value| {
            config.listen = value.text(|text| text.parse().ok())?;
            Ok(())
        },
        show: |config| Shown::text(&config.listen),
    },
    Key {
        name: "store",
        allowed: "sqlite: and a directory, such as sqlite:./ringback-data",
        set: |config, value| {
            if value.text(|text| is_postgres(text).then_some(())).is_ok() {
                return Err("a postgres:// address, which this version does not support yet".to_owned());
            }
            config.store = value.text(sqlite)?;
            Ok(())
        },
        show: |config| Shown::text(&config.store),
    },
    Key {
        name: "secrets_key",
        allowed: "a list of 1 to 8 keys, each the Base64 of 32 bytes, or file: and the path of a file with a key a line",
        set: |config, value| {
            config.secrets = secrets(&value)?;
            Ok(())
        },
        show: |config| match &config.secrets {
            Secrets::File(path) => Shown::text(&format_args!("file:{}", path.display())),
            Secrets::Keys(keys) => Shown::Note(format!("set: {}", keys.ids())),
            Secrets::OwnFile | Secrets::Plain => Shown::is_set(false),
        },
    },
    Key {
        name: "operator_token",
        allowed: "32 or more visible ASCII characters",
        set: |config, value| {
            config.operator_token = Some(value.text(OperatorToken::new)?);
            Ok(())
        },
        show: |config| Shown::is_set(config.operator_token.is_some()),
    },
    Key {
        name: "outbound_allow",
        allowed: "a list of ranges in CIDR form without host bits, such as 10.0.0.0/8 or ::1/128",
        set: |config, value| {
            config.outbound_allow = value.list(range)?;
            Ok(())
        },
        show: |config| Shown::texts(config.outbound_allow.iter()),
    },
    Key {
        name: "outbound_bind",
        allowed: "a list of at most one IPv4 and one IPv6 address of this machine, such as 203.0.113.9",
        set: |config, value| {
            let addresses = value.list(source)?;
            config.outbound_bind = Bind::new(&addresses).ok_or("two addresses of one kind")?;
            Ok(())
        },
        show: |config| Shown::texts(config.outbound_bind.addresses()),
    },
    Key {
        name: "outbound_proxy",
        allowed: "the URL of an HTTP proxy without path, such as http://proxy.example.com:3128",
        set: |config, value| {
            config.outbound_proxy = Some(value.text(Proxy::parse)?);
            Ok(())
        },
        show: |config| {
            let proxy = config.outbound_proxy.as_ref();
            proxy.map_or_else(|| Shown::is_set(false), Shown::text)
        },
    },
    Key {
        name: "tls_ca",
        allowed: "the path of a readable PEM file",
        set: |config, value| {
            config.tls_ca = Some(tls_ca(&value)?);
            Ok(())
        },
        show: |config| {
            let path = config.tls_ca.as_ref().map(|ca| ca.path.display());
            path.map_or_else(|| Shown::is_set(false), |path| Shown::text(&path))
        },
    },
    Key {
        name: "zone",
        allowed: "a name of the IANA time zone database, such as Asia/Shanghai",
        set: |config, value| {
            let zone = value.text(|text| Some(TimeZone::get(text)))?;
            config.zone = zone.map_err(|_| "a text that is no such name".to_owned())?;
            Ok(())
        },
        show: |config| Shown::text(config.zone.iana_name().unwrap_or("UTC")),
    },
    Key {
        name: "log",
        allowed: "off, error, warn, info, debug, trace, or a list such as info,ringback_server=debug",
        set: |config, value| {
            config.log = value.text(log_filter)?;
            Ok(())
        },
        show: |config| Shown::text(&config.log),
    },
    Key {
        name: "log_format",
        allowed: "text, json",
        set: |config, value| {
            config.log_format = value.text(log_format)?;
            Ok(())
        },
        show: |config| Shown::text(config.log_format.name()),
    },
    Key {
        name: "metrics_open",
        allowed: "true, false",
        set: |config, value| {
            config.metrics_open = value.boolean()?;
            Ok(())
        },
        show: |config| Shown::value(config.metrics_open),
    },
    Key {
        name: "connections",
        allowed: "an integer from 1 to 100000",
        set: |config, value| {
            // It fits: the bound is far below a usize of 32 bits.
            config.connections = usize::try_from(value.integer(1, 100_000)?).unwrap_or(usize::MAX);
            Ok(())
        },
        show: |config| Shown::value(config.connections),
    },
    Key {
        name: "rate_limit",
        allowed: RATE,
        set: |config, value| {
            config.rates.operate = rate(&value)?;
            Ok(())
        },
        show: |config| Shown::value(config.rates.operate.unwrap_or(0)),
    },
    Key {
        name: "rate_limit_read",
        allowed: RATE,
        set: |config, value| {
            config.rates.read = rate(&value)?;
            Ok(())
        },
        show: |config| Shown::value(config.rates.read.unwrap_or(0)),
    },
    Key {
        name: "disk_free_least_mib",
        allowed: "an integer from 0 to 1048576",
        set: |config, value| {
            config.disk_free_least_mib = value.integer(0, 1_048_576)?;
            Ok(())
        },
        show: |config| Shown::value(config.disk_free_least_mib),
    },
    Key {
        name: "retention",
        allowed: "a duration from 1h to 3650d, such as 30d, or off",
        set: |config, value| {
            config.retention_ms = retention(&value)?;
            Ok(())
        },
        show: |config| days_or_off(config.retention_ms),
    },
    Key {
        name: "audit_retention",
        allowed: "a duration from 1h to 3650d, such as 365d, or off",
        set: |config, value| {
            config.audit_retention_ms = retention(&value)?;
            Ok(())
        },
        show: |config| days_or_off(config.audit_retention_ms),
    },
    Key {
        name: "otlp",
        allowed: "the http or https URL of a collector without credentials and query, such as http://127.0.0.1:4318",
        set: |config, value| {
            config.otlp = Some(value.text(trace::address)?);
            Ok(())
        },
        show: |config| {
            let address = config.otlp.as_ref();
            address.map_or_else(|| Shown::is_set(false), Shown::text)
        },
    },
    Key {
        name: "otlp_sample",
        allowed: "a number from 0 to 1, such as 0.01",
        set: |config, value| {
            config.otlp_sample = value.fraction()?;
            Ok(())
        },
        show: |config| Shown::value(config.otlp_sample),
    },
    Key {
        name: "alerts",
        allowed: "a table as the default file shows it (check-config --defaults); in the environment the same as a text",
        set: |config, value| {
            config.alerts = super::alerts::read(&value)?;
            Ok(())
        },
        show: |config| Shown::Note(super::alerts::show(&config.alerts)),
    },
];

/// What a rate takes.
const RATE: &str = "an integer from 0 to 1000000; 0 is no limit";

fn rate(value: &Given<'_>) -> Result<Option<u32>, String> {
    let per_second = value.integer(0, limits::API_RATE_MOST.into())?;
    // It fits: the bound is one of 32 bits.
    Ok(u32::try_from(per_second)
        .ok()
        .filter(|per_second| *per_second > 0))
}

/// What stands for no retention at all: everything is kept.
const OFF: &str = "off";

fn retention(value: &Given<'_>) -> Result<Option<u64>, String> {
    // Whoever writes 0 wants it switched off, as in most programs; nobody wants each event removed at once.
    if value
        .text(|text| (text == OFF || text == "0").then_some(()))
        .is_ok()
    {
        return Ok(None);
    }
    value
        .duration(limits::RETENTION_LEAST_MS, limits::RETENTION_MOST_MS)
        .map(Some)
}

/// A retention as the file would write it.
fn days_or_off(ms: Option<u64>) -> Shown {
    ms.map_or_else(|| Shown::text(OFF), |ms| Shown::text(&days(ms)))
}

/// A duration, in days where it is whole days.
fn days(ms: u64) -> String {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    if ms.is_multiple_of(DAY_MS) {
        format!("{}d", ms / DAY_MS)
    } else {
        duration::format(ms)
    }
}

/// A source address: one that a socket can have. "Any" is what there is without the setting.
fn source(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    (!address.is_unspecified() && !address.is_multicast()).then_some(address)
}

fn is_postgres(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

fn sqlite(text: &str) -> Option<StoreSetting> {
    let directory = text
        .strip_prefix("sqlite:")
        .filter(|directory| !directory.is_empty())?;
    Some(StoreSetting::Sqlite(PathBuf::from(directory)))
}

/// Where the keys of the settings are: in a file, or here. One key needs no list.
fn secrets(value: &Given<'_>) -> Result<Secrets, String> {
    let alone = value.text(|text| {
        let path = text.strip_prefix("file:").filter(|path| !path.is_empty());
        let file = path.map(|path| Secrets::File(PathBuf::from(path)));
        file.or_else(|| Keys::parse([text]).map(Secrets::Keys))
    });
    if alone.is_ok() {
        return alone;
    }
    let texts = value.list(|text| Some(text.to_owned()))?;
    let keys = Keys::parse(texts.iter().map(String::as_str));
    keys.map(Secrets::Keys).ok_or_else(|| value.kind())
}

/// A range whose host bits are zero: `10.1.2.3/8` is more likely a slip than an intention.
fn range(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().filter(|range| range.trunc() == *range)
}

fn tls_ca(value: &Given<'_>) -> Result<TlsCa, String> {
    let path = value.text(|text| Some(PathBuf::from(text)))?;
    let pem = std::fs::read_to_string(&path)
        .map_err(|error| format!("a file that cannot be read ({})", error.kind()))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err("a file without a certificate in PEM".to_owned());
    }
    Ok(TlsCa { path, pem })
}

fn log_filter(text: &str) -> Option<String> {
    crate::telemetry::logs::is_filter(text).then(|| text.to_owned())
}

fn log_format(text: &str) -> Option<LogFormat> {
    [LogFormat::Text, LogFormat::Json]
        .into_iter()
        .find(|format| format.name() == text)
}
