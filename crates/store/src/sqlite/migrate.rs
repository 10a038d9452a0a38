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
        version: 2,
        name: "deliveries_by_place",
        sql: include_str!("../../migrations/0002_deliveries_by_place.sql"),
    },
    Migration {
        version: 3,
        name: "audit_and_queries",
        sql: include_str!("../../migrations/0003_audit_and_queries.sql"),
    },
    Migration {
        version: 4,
        name: "alerts",
        sql: include_str!("../../migrations/0004_alerts.sql"),
    },
    Migration {
        version: 5,
        name: "secrets_key",
        sql: include_str!("../../migrations/0005_secrets_key.sql"),
    },
    Migration {
        version: 6,
        name: "events_by_number",
        sql: include_str!("../../migrations/0006_events_by_number.sql"),
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
        // A store that is new has nothing that could take long.
        if version > 0 {
            let (version, name) = (migration.version, migration.name);
            tracing::info!(
                version,
                name,
                "the schema is brought up to date; a large store takes minutes"
            );
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A store of version `version`, with only the tables in it.
    fn at_version(version: u32) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE schema_migration (version INTEGER PRIMARY KEY, name TEXT, checksum TEXT)",
            )
            .unwrap();
        for migration in MIGRATIONS.iter().filter(|migration| migration.version <= version) {
            apply(&mut connection, migration).unwrap();
        }
        connection
    }

    /// A number may be left out: they are given before the migrations are written.
    #[test]
    fn versions_rise_by_one() {
        let versions: Vec<u32> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=KNOWN).collect::<Vec<_>>());
    }

    #[test]
    fn the_second_notes_the_deliveries_that_were_made_later() {
        let mut connection = at_version(1);
        // (event, delivery): what follows its event, and what was made later.
        let rows = [
            (10, 11),
            (10, 12),
            (20, 21),
            (10, 22),
            (10, 23),
            (30, 31),
            (40, 45),
            (40, 46),
            (20, 50),
        ];
        for (event, delivery) in rows {
            connection
                .execute(
                    "INSERT INTO delivery (id, event_id, company_id, kind, key_class, key_id, state, age_ms, sends, \
                       profile, schedule) VALUES (?1, ?2, 7, 0, 0, 1, 3, 0, 0, 0, '\"seed\"')",
                    [delivery, event],
                )
                .unwrap();
        }
        migrate(&mut connection).unwrap();
        let mut later = connection
            .prepare(
                "SELECT event_id, delivery_id FROM later_delivery WHERE company_id = 7 ORDER BY delivery_id",
            )
            .unwrap();
        let later: Vec<(i64, i64)> = later
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(later, [(10, 22), (10, 23), (20, 50)]);
    }
}
