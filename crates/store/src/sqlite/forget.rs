//! The last resort where the key of the settings is lost: what nobody can read any more is forgotten, and all else stays.
//!
//! Without it such a store could never be opened again, and whatever waits in it would be lost with the settings. Endpoints
//! keep their names and ids, so that what is theirs stays theirs: they come back disabled, which parks it, and go on when
//! they are put and enabled.

use std::path::Path;

use ringback_contract::kind::Kind;
use ringback_core::audit::{Action, Actor, Entry};
use ringback_core::company::Company;
use ringback_core::endpoint::Settings;
use ringback_core::store::Write;
use rusqlite::{Connection, Result, Row, params};

use super::error::{OpenError, opening};
use super::open::{self, Home};
use super::vault::Vault;
use super::writer::Writer;
use super::{migrate, query, rows};
use crate::rules;
use crate::secrets::Secrets;

/// Where a forgotten endpoint seems to point: to a name that never resolves (RFC 6761). It is disabled besides.
const NOWHERE: &str = "https://forgotten.invalid/";

/// What was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// The id of the key that is missing.
    pub key_id: String,
    /// The companies that were configured or known.
    pub companies: Vec<i64>,
    /// The company and the name of each endpoint.
    pub endpoints: Vec<(i64, String)>,
}

/// Forgets the settings of all companies and endpoints of the store in `dir`, of which none of the keys opens any: companies
/// become unconfigured, endpoints disabled. One entry of the audit log, at `wall_ms`, tells of it. The next opening encrypts
/// what is put then with the key that is set.
///
/// # Errors
/// As [`super::Sqlite::open_with`], and [`OpenError::KeyFits`] where there is nothing to forget. Then nothing has changed.
pub fn forget_settings(
    dir: &Path,
    secrets: &Secrets,
    wall_ms: i64,
) -> std::result::Result<Forgotten, OpenError> {
    let home = Home::usual(dir);
    home.database().metadata().map_err(|source| OpenError::Io {
        what: "find",
        path: home.database(),
        source,
    })?;
    let _lock = open::own(dir)?;
    home.renew_log(open::renew)?;
    let mut connection = open::writer(&home)?;
    migrate::migrate(&mut connection)?;
    let key_id = match Vault::unlock(&mut connection, secrets, dir) {
        Ok(_) => return Err(OpenError::KeyFits),
        Err(OpenError::NoSecretsKey { id } | OpenError::OtherSecretsKey { id, .. }) => id,
        Err(error) => return Err(error),
    };
    forget(connection, key_id, wall_ms).map_err(opening("forget the settings"))
}

/// In one transaction, which a connection that is dropped before its end rolls back.
fn forget(connection: Connection, key_id: String, wall_ms: i64) -> Result<Forgotten> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let companies = query::all(
        &connection,
        "SELECT company_id FROM company ORDER BY company_id",
        [],
        |row: &Row<'_>| row.get::<_, i64>(0),
    )?;
    for company_id in &companies {
        connection.execute(
            "UPDATE company SET settings = ?2 WHERE company_id = ?1",
            params![company_id, rows::to_json(&Company::unconfigured(*company_id))?],
        )?;
    }
    let endpoints = query::all(
        &connection,
        "SELECT company_id, name FROM endpoint WHERE deleted = 0 ORDER BY company_id, name",
        [],
        |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let settings = rows::to_json(&settings())?;
    // Beginning to sweep is what disabling does: it parks what is pending, from the first key on.
    connection.execute(
        "UPDATE endpoint SET settings = ?1, version = version + 1, sweeping = 1, swept_key_class = NULL, \
           swept_key_id = NULL, swept_delivery_id = NULL WHERE deleted = 0",
        [&settings],
    )?;
    connection.execute("UPDATE endpoint SET settings = ?1 WHERE deleted = 1", [&settings])?;
    connection.execute("UPDATE store SET secrets_key_id = NULL", [])?;
    let mut writer = Writer::load(connection)?;
    let now = writer.newest();
    let told = Write::ChangedOutside.audited(entry(&companies, &endpoints, wall_ms));
    rules::apply(&mut writer, now, &told)?;
    writer.connection.execute_batch("COMMIT")?;
    Ok(Forgotten {
        key_id,
        companies,
        endpoints,
    })
}

fn entry(companies: &[i64], endpoints: &[(i64, String)], wall_ms: i64) -> Entry {
    Entry {
        actor: Actor::named(Actor::COMMAND_LINE),
        peer: None,
        wall_ms,
        action: Action::SettingsForget,
        company_id: None,
        object: String::new(),
        before: None,
        after: Some(format!(
            "{{\"companies\":{},\"endpoints\":{}}}",
            companies.len(),
            endpoints.len()
        )),
    }
}

/// Those of an endpoint of which nothing is known but its name: disabled, every kind, and otherwise the defaults.
fn settings() -> Settings {
    Settings {
        callbacks: Kind::ALL.into_iter().collect(),
        enabled: false,
        ..Settings::at(NOWHERE.to_owned())
    }
}
