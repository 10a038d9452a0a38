//! Settings encrypted where they are stored: two functions of SQL, `sealed` and `unsealed`, through which every statement
//! writes and reads them, and the key that they use.
//!
//! A store has one key in use, whose id it notes. With another one first in the list, opening encrypts everything anew, in one
//! transaction; a store that knows no key yet is encrypted in the same way. A key that does not fit is an error of the opening.

use std::io;
use std::path::Path;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error, OptionalExtension as _, Result};

use super::error::{OpenError, opening};
use crate::secrets::{KEY_FILE, Keys, Sealed, Secrets, Unreadable};

/// The keys of a store that is open.
#[derive(Clone, Debug)]
pub(super) enum Vault {
    /// Settings are stored as they are.
    Plain,
    /// They are encrypted with the first of these.
    Keys(Keys),
}

/// Encrypts all settings anew, and overwrites what is freed by that. What was freed before stays until it is used again.
const RESEAL: &str = "\
    PRAGMA secure_delete = ON;
    BEGIN IMMEDIATE;
    UPDATE company SET settings = sealed('company', company_id, unsealed('company', company_id, settings));
    UPDATE endpoint SET settings = sealed('endpoint', id, unsealed('endpoint', id, settings));";

impl Vault {
    /// The keys for this store, which is encrypted with the first of them when this returns.
    pub(super) fn unlock(
        connection: &mut Connection,
        secrets: &Secrets,
        dir: &Path,
    ) -> std::result::Result<Self, OpenError> {
        let in_use: Option<String> = connection
            .query_row("SELECT secrets_key_id FROM store", [], |row| row.get(0))
            .optional()
            .map_err(opening("read which key the settings are encrypted with"))?
            .flatten();
        let keys = match (find(secrets, in_use.as_deref(), dir)?, &in_use) {
            (None, None) => return Ok(Self::Plain),
            (None, Some(id)) => return Err(OpenError::NoSecretsKey { id: id.clone() }),
            (Some(keys), Some(id)) if !keys.has(id) => {
                return Err(OpenError::OtherSecretsKey {
                    id: id.clone(),
                    given: keys.ids(),
                });
            }
            (Some(keys), _) => keys,
        };
        let is_current = in_use.as_deref() == Some(keys.id());
        let vault = Self::Keys(keys.clone());
        vault
            .install(connection)
            .map_err(opening("prepare the decryption"))?;
        if !is_current {
            reseal(connection, keys.id()).map_err(opening("encrypt the settings"))?;
            tracing::info!(
                key = keys.id(),
                "the settings in the store are encrypted with this key"
            );
        }
        Ok(vault)
    }

    /// Makes the functions of a connection. They take the table, the row's id and the text.
    pub(super) fn install(&self, connection: &Connection) -> Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        let vault = self.clone();
        connection.create_scalar_function("sealed", 3, flags, move |context| {
            let (place, json) = arguments(context)?;
            match &vault {
                Self::Plain => Ok(json.to_owned()),
                Self::Keys(keys) => keys.seal(&place, json).map_err(failed),
            }
        })?;
        let vault = self.clone();
        connection.create_scalar_function("unsealed", 3, flags, move |context| {
            let (place, json) = arguments(context)?;
            let Some(sealed) = Sealed::parse(json) else {
                return Ok(json.to_owned());
            };
            match &vault {
                Self::Plain => Err(failed(Unreadable::OtherKey(sealed.id().to_owned()))),
                Self::Keys(keys) => keys.open(&place, &sealed).map_err(failed),
            }
        })
    }
}

/// The keys that are set, or in their file; a new one where the store may make it.
fn find(secrets: &Secrets, in_use: Option<&str>, dir: &Path) -> std::result::Result<Option<Keys>, OpenError> {
    let of_file = |path: &Path| {
        Keys::of_file(path).map_err(|source| OpenError::Io {
            what: "read the keys in",
            path: path.to_owned(),
            source,
        })
    };
    match secrets {
        Secrets::Plain => Ok(None),
        Secrets::Keys(keys) => Ok(Some(keys.clone())),
        Secrets::File(path) => of_file(path).map(Some),
        Secrets::OwnFile => {
            let path = dir.join(KEY_FILE);
            match (path.try_exists(), in_use) {
                (Ok(false), Some(_)) => Ok(None),
                (Ok(false), None) => make(&path).map(Some),
                // What cannot be looked at cannot be read either, and reading says why.
                (Ok(true) | Err(_), _) => of_file(&path).map(Some),
            }
        }
    }
}

fn make(path: &Path) -> std::result::Result<Keys, OpenError> {
    let made: io::Result<Keys> = Keys::make_file(path);
    made.map_err(|source| OpenError::Io {
        what: "make the key in",
        path: path.to_owned(),
        source,
    })
}

fn reseal(connection: &Connection, key: &str) -> Result<()> {
    let sealed = connection.execute_batch(RESEAL).and_then(|()| {
        connection.execute("UPDATE store SET secrets_key_id = ?1", [key])?;
        connection.execute_batch("COMMIT")
    });
    if sealed.is_err() {
        // The first error counts; if this fails too, dropping the connection rolls back.
        let _ = connection.execute_batch("ROLLBACK");
    }
    sealed?;
    // What the log still holds of before goes with it. Nobody else has the store open.
    connection.execute_batch("PRAGMA secure_delete = OFF; PRAGMA wal_checkpoint(TRUNCATE);")
}

/// Where the text stands, and the text.
fn arguments<'a>(context: &'a Context<'_>) -> Result<(String, &'a str)> {
    let table = context.get_raw(0).as_str()?;
    let id = context.get_raw(1).as_i64()?;
    Ok((format!("{table}:{id}"), context.get_raw(2).as_str()?))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::UserFunctionError(Box::new(error))
}
