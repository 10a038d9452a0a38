//! What `dev` puts in place before anything can happen: its settings, its token, a company and an endpoint.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use http::Method;
use ringback_contract::webhook::Secret;
use ringback_server::app::OPERATOR_TOKEN_FILE;
use ringback_server::config::{Config, OperatorToken, StoreSetting};
use ringback_server::random;
use serde_json::json;

use crate::api::Api;
use crate::environment;
use crate::failure::Failure;

/// The company that everything happens to.
pub(super) const COMPANY_ID: i64 = 151;

/// Gaps short enough to watch, after which the schedule goes on for an hour.
const GAPS: [&str; 10] = ["2s", "5s", "10s", "20s", "30s", "1m", "2m", "5m", "10m", "20m"];

/// The environment's settings as `dev` needs them, and the token by which its API can be used.
pub(super) fn configuration(dir: &Path, listen: Option<SocketAddr>) -> Result<(Config, String), Failure> {
    let mut config = environment::configuration(None)?;
    config.store = StoreSetting::Sqlite(dir.to_owned());
    config.listen = listen.unwrap_or(config.listen);
    for range in ["127.0.0.0/8", "::1/128"] {
        config.outbound_allow.extend(range.parse::<ipnet::IpNet>());
    }
    if std::env::var_os("RINGBACK_LOG").is_none_or(|log| log.is_empty()) {
        "warn".clone_into(&mut config.log);
    }
    let token = match std::env::var("RINGBACK_OPERATOR_TOKEN") {
        Ok(token) if config.operator_token.is_some() => token,
        _ => kept_token(dir).map_err(|error| {
            Failure::failed(format_args!(
                "{} cannot be used: {error}",
                dir.join(OPERATOR_TOKEN_FILE).display()
            ))
        })?,
    };
    config.operator_token = OperatorToken::new(&token);
    Ok((config, token))
}

/// The token in the directory; a new one the first time. So a token of yesterday's shell history is still valid.
fn kept_token(dir: &Path) -> io::Result<String> {
    let path = dir.join(OPERATOR_TOKEN_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if OperatorToken::new(text.trim()).is_some() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let token = format!("rbt_{}", random::token());
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    writeln!(file, "{token}")?;
    Ok(token)
}

/// The company, with an endpoint at the receiver that takes everything.
pub(super) async fn endpoint(api: &Api, url: &str, secret: &Secret) -> Result<(), Failure> {
    let company = format!("/v1/companies/{COMPANY_ID}");
    api.expect(
        Method::PUT,
        &company,
        json!({ "name": "ringback dev" }).to_string(),
    )
    .await?;
    let settings = json!({
        "url": url,
        "callbacks": ["call", "correction", "inbound", "job"],
        "schedule": { "gaps": GAPS, "maxAge": "1h" },
        "secret": secret.to_text(),
    });
    api.expect(
        Method::PUT,
        &format!("{company}/endpoints/dev"),
        settings.to_string(),
    )
    .await?;
    Ok(())
}
