//! How far the files of the outlet `files` are confirmed.

use rusqlite::{Connection, params};

use super::{Fault, Reader, Store};

/// Files whose length is remembered: more than a year of days.
const FILES: i64 = 400;

pub(super) fn note(connection: &Connection, name: &str, bytes: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO file (name, bytes) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET bytes = ?2",
        )?
        .execute(params![name, i64::try_from(bytes).unwrap_or(i64::MAX)])?;
    connection
        .prepare_cached(
            "DELETE FROM file WHERE name <= (SELECT name FROM file ORDER BY name DESC LIMIT 1 OFFSET ?1)",
        )?
        .execute([FILES])?;
    Ok(())
}

impl Store {
    /// The id of the inbox, which no other one has, and how long each file is of which every line is confirmed.
    pub(in super::super) async fn owned_files(&self) -> Result<(String, Vec<(String, u64)>), Fault> {
        self.read(Reader::Outlets, |connection| {
            let id = connection.query_row("SELECT id FROM inbox", [], |row| row.get(0))?;
            let files = connection
                .prepare("SELECT name, bytes FROM file ORDER BY name")?
                .query_map([], |row| {
                    let bytes: i64 = row.get(1)?;
                    Ok((row.get(0)?, bytes.unsigned_abs()))
                })?
                .collect::<Result<_, _>>()?;
            Ok((id, files))
        })
        .await
    }
}
