//! Migrations: numbered, embedded, never edited once landed. Each runs in a transaction of its own and is noted with the
//! checksum of its text.

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::error::{OpenError, opening};

struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "events_and_deliveries",
        sql: include_str!("../../migrations/0001_events_and_deliveries.sql"),
    },
    Migration {
        version: 5,
        name: "alerts",
        sql: include_str!("../../migrations/0005_alerts.sql"),
    },
];

/// The newest schema version that this program knows.
const KNOWN: u32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// What migrating did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The versions that were applied now, in order.
    pub applied: Vec<u32>,
    /// The version of the schema.
    pub version: u32,
}

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<Migrated, OpenError> {
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_migration (
                version INTEGER PRIMARY KEY,
                name TEXT NOT NULL,
                checksum TEXT NOT NULL
            ) STRICT",
        )
        .map_err(opening("make the table of migrations"))?;
    check_applied(connection)?;
    let version = version(connection).map_err(opening("read the table of migrations"))?;
    let mut applied = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > version) {
        apply(connection, migration).map_err(opening("apply a migration"))?;
        applied.push(migration.version);
    }
    Ok(Migrated {
        applied,
        version: KNOWN,
    })
}

/// The version of the schema.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row(
        "SELECT coalesce(max(version), 0) FROM schema_migration",
        [],
        |row| row.get(0),
    )
}

fn check_applied(connection: &Connection) -> Result<(), OpenError> {
    let found = version(connection).map_err(opening("read the table of migrations"))?;
    if found > KNOWN {
        return Err(OpenError::Newer { found, known: KNOWN });
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version <= found) {
        let noted: String = connection
            .query_row(
                "SELECT checksum FROM schema_migration WHERE version = ?1",
                [migration.version],
                |row| row.get(0),
            )
            .map_err(opening("read the table of migrations"))?;
        if noted != checksum(migration.sql) {
            return Err(OpenError::OtherMigration {
                version: migration.version,
            });
        }
    }
    Ok(())
}

fn apply(connection: &mut Connection, migration: &Migration) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO schema_migration (version, name, checksum) VALUES (?1, ?2, ?3)",
        params![migration.version, migration.name, checksum(migration.sql)],
    )?;
    transaction.commit()
}

fn checksum(sql: &str) -> String {
    Sha256::digest(sql.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
