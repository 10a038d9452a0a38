//! Reading the configuration, case by case.

use std::collections::BTreeSet;

use super::*;

mod alerts;
mod secrets;

/// Loads a file's text and an environment; mistakes come as their texts, with the file called `f`.
fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    std::fs::write(&path, file).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&path), environment).map_err(|mistakes| {
        mistakes
            .iter()
            .map(|mistake| mistake.to_string().replace(&*path.display().to_string(), "f"))
            .collect()
    })
}

#[track_caller]
fn check(file: &str, environment: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(
        load(file, environment).err().unwrap_or_default(),
        expected,
        "{file} {environment:?}"
    );
}

#[test]
fn the_default_file_is_the_default() {
    assert_eq!(load(DEFAULT_FILE, &[]), Ok(Config::default()));
    assert_eq!(load("", &[]), Ok(Config::default()));
    assert_eq!(Config::load(None, []), Ok(Config::default()));
}

#[test]
fn the_default_file_explains_every_key() {
    for key in key::ALL {
        let explained = DEFAULT_FILE
            .split("\n\n")
            .any(|part| part.contains(&key.environment()) && part.contains(&format!("{} = ", key.name)));
        assert!(explained, "{}", key.name);
    }
}

/// What the default file shows as examples must be right as well.
#[test]
fn the_examples_of_the_default_file_are_valid() {
    let mut seen = BTreeSet::new();
    for example in DEFAULT_FILE.lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((name, _)) = example
            .split_once(" = ")
            .filter(|(name, _)| key::find(name).is_some())
        else {
            continue;
        };
        seen.insert(name);
        if name != "tls_ca" {
            check(example, &[], &[]);
        }
    }
    assert_eq!(
        seen,
        BTreeSet::from([
            "alerts",
            "operator_token",
            "otlp",
            "outbound_allow",
            "outbound_bind",
            "outbound_proxy",
            "secrets_key",
            "tls_ca"
        ])
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load(
        "listen = \"127.0.0.1:1\"\nconnections = 7\nzone = \"UTC\"",
        &[
            ("RINGBACK_LISTEN", "[::1]:2"),
            ("RINGBACK_STORE", "sqlite:/var/lib/ringback"),
            ("RINGBACK_OPERATOR_TOKEN", "0123456789abcdef0123456789abcdef"),
            ("RINGBACK_OUTBOUND_ALLOW", "10.0.0.0/8, ::1/128"),
            ("RINGBACK_OUTBOUND_BIND", "2001:db8::9, 203.0.113.9"),
            ("RINGBACK_OUTBOUND_PROXY", "http://u:p@proxy.example"),
            ("RINGBACK_LOG", "warn,ringback_server=debug"),
            ("RINGBACK_LOG_FORMAT", "json"),
            ("RINGBACK_METRICS_OPEN", "false"),
            ("RINGBACK_DISK_FREE_LEAST_MIB", "0"),
            ("RINGBACK_RETENTION", "12h"),
            ("RINGBACK_OTLP", "http://127.0.0.1:4318"),
            ("RINGBACK_OTLP_SAMPLE", "0.01"),
            ("RINGBACK_ZONE", ""),
            ("PATH", "/bin"),
            ("RINGBACK_TOKEN", "of a command"),
        ],
    )
    .unwrap();
    let expected = Config {
        listen: "[::1]:2".parse().unwrap(),
        store: StoreSetting::Sqlite("/var/lib/ringback".into()),
        operator_token: OperatorToken::new("0123456789abcdef0123456789abcdef"),
        outbound_allow: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        outbound_bind: Bind {
            v4: Some("203.0.113.9".parse().unwrap()),
            v6: Some("2001:db8::9".parse().unwrap()),
        },
        outbound_proxy: Proxy::parse("http://u:p@proxy.example:80/"),
        zone: TimeZone::get("UTC").unwrap(),
        log: "warn,ringback_server=debug".to_owned(),
        log_format: LogFormat::Json,
        metrics_open: false,
        connections: 7,
        disk_free_least_mib: 0,
        retention_ms: Some(12 * 60 * 60 * 1000),
        otlp: Some("http://127.0.0.1:4318/".parse().unwrap()),
        otlp_sample: 0.01,
        ..Config::default()
    };
    assert_eq!(config, expected);
}

#[test]
fn every_mistake_is_reported_at_once() {
    check(
        "listen = 7700\nlisten_port = 7\nlog_fromat = \"json\"\nconnections = 0\n[store]\npath = \"x\"",
        &[("RINGBACK_ZONE", "Asia/Shangai"), ("RINGBACK_METRICS_OPENS", "1")],
        &[
            "connections (f:4): found an integer out of range; allowed: an integer from 1 to 100000",
            "listen (f:1): found an integer; allowed: an IP address and a port, such as 127.0.0.1:7700 or [::1]:7700",
            "listen_port (f:2): found an unknown setting; allowed: listen, store, secrets_key, operator_token, outbound_allow, \
             outbound_bind, outbound_proxy, tls_ca, zone, log, log_format, metrics_open, connections, rate_limit, rate_limit_read, disk_free_least_mib, retention, audit_retention, otlp, otlp_sample, alerts",
            "log_fromat (f:3): found an unknown setting; allowed: perhaps log_format is meant",
            "store (f:5): found a table; allowed: sqlite: and a directory, such as sqlite:./ringback-data",
            "RINGBACK_METRICS_OPENS: found an unknown setting; allowed: perhaps RINGBACK_METRICS_OPEN is meant",
            "RINGBACK_ZONE: found a text that is no such name; allowed: a name of the IANA time zone database, such as Asia/Shanghai",
        ],
    );
}

#[test]
fn each_key_says_what_was_found() {
    for (file, found) in [
        (
            "listen = \"localhost:7700\"",
            "listen (f:1): found another text; ",
        ),
        (
            "store = \"postgres://u:hidden@h/db\"",
            "store (f:1): found a postgres:// address, which this version does not support yet; ",
        ),
        ("store = \"sqlite:\"", "store (f:1): found another text; "),
        ("store = \"./data\"", "store (f:1): found another text; "),
        (
            "operator_token = \"hidden\"",
            "operator_token (f:1): found another text; ",
        ),
        (
            "operator_token = \"0123456789abcdef 0123456789abcdef\"",
            "operator_token (f:1): found another text; ",
        ),
        (
            "outbound_allow = \"10.0.0.0/8\"",
            "outbound_allow (f:1): found another text; ",
        ),
        (
            "outbound_allow = [\"10.0.0.0/8\", \"10.1.0.0/8\"]",
            "outbound_allow (f:1): found another text as entry 2 of the list; ",
        ),
        (
            "outbound_allow = [1]",
            "outbound_allow (f:1): found an integer as entry 1 of the list; ",
        ),
        (
            "tls_ca = \"/nonexistent/ca.pem\"",
            "tls_ca (f:1): found a file that cannot be read (entity not found); ",
        ),
        ("log = \"loud\"", "log (f:1): found another text; "),
        ("log = \"info,=x=y\"", "log (f:1): found another text; "),
        ("log_format = \"yaml\"", "log_format (f:1): found another text; "),
        (
            "metrics_open = \"true\"",
            "metrics_open (f:1): found another text; ",
        ),
        ("metrics_open = 2019-01-12", "metrics_open (f:1): found a date; "),
        (
            "connections = 1.5",
            "connections (f:1): found a number with a point; ",
        ),
        (
            "connections = -1",
            "connections (f:1): found an integer out of range; ",
        ),
        ("retention = 30", "retention (f:1): found an integer; "),
        (
            "retention = \"59m\"",
            "retention (f:1): found a duration out of range; ",
        ),
        (
            "retention = \"3651d\"",
            "retention (f:1): found a duration out of range; ",
        ),
        (
            "disk_free_least_mib = true",
            "disk_free_least_mib (f:1): found a boolean; ",
        ),
    ] {
        check_found(file, found);
    }
}

#[test]
fn the_keys_of_traces_say_what_was_found() {
    for (file, found) in [
        (
            "otlp_sample = 1.5",
            "otlp_sample (f:1): found a number out of range; ",
        ),
        ("otlp_sample = \"1\"", "otlp_sample (f:1): found another text; "),
        (
            "otlp_sample = 2",
            "otlp_sample (f:1): found a number out of range; ",
        ),
        (
            "otlp_sample = nan",
            "otlp_sample (f:1): found a number with a point; ",
        ),
        (
            "otlp = \"http://a?key=secret\"",
            "otlp (f:1): found another text; ",
        ),
    ] {
        check_found(file, found);
    }
}

/// One mistake, which begins so.
#[track_caller]
fn check_found(file: &str, found: &str) {
    let mistakes = load(file, &[]).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with(found), "{}", mistakes[0]);
    assert!(!mistakes[0].contains("hidden"));
}

#[test]
fn the_way_out_says_what_was_found() {
    for (file, found) in [
        (
            "outbound_bind = [\"203.0.113.9\", \"0.0.0.0\"]",
            "outbound_bind (f:1): found another text as entry 2 of the list; ",
        ),
        (
            "outbound_bind = [\"203.0.113.9\", \"203.0.113.8\"]",
            "outbound_bind (f:1): found two addresses of one kind; ",
        ),
        (
            "outbound_proxy = \"socks5://u:hidden@proxy.example\"",
            "outbound_proxy (f:1): found another text; ",
        ),
    ] {
        check_found(file, found);
    }
}

#[test]
fn a_broken_file_is_placed_and_the_rest_is_still_read() {
    let mistakes = load("zone = \"UTC\"\nlisten = \nconnections = 0\n", &[]).unwrap_err();
    assert!(mistakes[0].starts_with("f:2: found "), "{mistakes:?}");
    assert!(
        mistakes
            .iter()
            .any(|mistake| mistake.starts_with("connections (f:3)")),
        "{mistakes:?}"
    );
    let twice = load("zone = \"UTC\"\nzone = \"UTC\"", &[]).unwrap_err();
    assert!(twice[0].contains("duplicate key"), "{twice:?}");
    let missing = Config::load(Some(Path::new("/nonexistent/f")), []).unwrap_err();
    assert_eq!(
        missing[0].to_string(),
        "/nonexistent/f: found a file that cannot be read (entity not found); allowed: a readable TOML file in UTF-8"
    );
}

#[test]
fn a_description_shows_every_key_and_no_secret() {
    let file = "operator_token = \"hidden-hidden-hidden-hidden-hidden\"\noutbound_bind = [\"203.0.113.9\"]\n\
                outbound_proxy = \"http://u:hidden-hidden@proxy.example\"";
    let config = load(file, &[]).unwrap();
    let described = config.describe();
    assert_eq!(described.len(), key::ALL.len());
    let value = |key: &str| described.iter().find(|d| d.key == key).unwrap().value.to_string();
    assert_eq!(value("operator_token"), "(set)");
    assert_eq!(value("tls_ca"), "(not set)");
    assert_eq!(value("outbound_bind"), "[\"203.0.113.9\"]");
    assert_eq!(value("outbound_proxy"), "\"http://proxy.example:80\"");
    assert_eq!(value("zone"), "\"Asia/Shanghai\"");
    assert_eq!(value("store"), "\"sqlite:./ringback-data\"");
    assert!(!format!("{config:?}{described:?}").contains("hidden-hidden"));
}

#[test]
fn what_a_description_shows_can_be_written_into_a_file() {
    let file: String = Config::default()
        .describe()
        .iter()
        .filter(|described| matches!(described.value, Shown::Value(_)))
        .map(|described| format!("{} = {}\n", described.key, described.value))
        .collect();
    assert_eq!(load(&file, &[]), Ok(Config::default()));
}

#[test]
fn the_environment_wins_over_the_file_and_both_over_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    std::fs::write(&path, "connections = 4096\nlog = \"info\"\nzone = \"UTC\"\n").unwrap();
    let environment = [("RINGBACK_LOG", "warn"), ("RINGBACK_ZONE", ""), ("OTHER", "x")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load(Some(&path), environment.clone()).unwrap();
    let sources = Config::sources(Some(&path), environment);
    let found: Vec<_> = config
        .describe()
        .iter()
        .zip(&sources)
        .filter(|(_, source)| **source != Source::Default)
        .map(|(described, source)| (described.key, described.value.to_string(), source.name()))
        .collect();
    assert_eq!(
        found,
        [
            ("zone", "\"UTC\"".to_owned(), "file"),
            ("log", "\"warn\"".to_owned(), "environment"),
            ("connections", "4096".to_owned(), "file"),
        ]
    );
    assert_eq!(sources.len(), key::ALL.len());
    assert!(
        Config::sources(None, [])
            .iter()
            .all(|source| *source == Source::Default)
    );
}

#[test]
fn retention_is_shown_as_it_may_be_written() {
    for (text, ms, shown) in [
        ("30d", Some(30 * 24 * 60 * 60 * 1000), "\"30d\""),
        ("36h", Some(36 * 60 * 60 * 1000), "\"36h\""),
        ("1h", Some(60 * 60 * 1000), "\"1h\""),
        ("off", None, "\"off\""),
        ("0", None, "\"off\""),
    ] {
        let config = load("", &[("RINGBACK_RETENTION", text)]).unwrap();
        assert_eq!(config.retention_ms, ms, "{text}");
        let described = config.describe();
        let found = described.iter().find(|found| found.key == "retention").unwrap();
        assert_eq!(found.value.to_string(), shown, "{text}");
    }
}
