//! Making the file shorter when much of it is free.
//!
//! What was removed leaves free pages, and what comes in uses them first: a store whose events come and go at one pace
//! keeps its size. Only when a large part is free are pages moved from the end of the file into the gaps, a few at a
//! time, since each moved page is written.

use ringback_core::limits::{SHRINK_FREE_BYTES, SHRINK_STEP_BYTES};
use rusqlite::{Connection, Result};

use super::open::PAGE_BYTES;

/// [`SHRINK_FREE_BYTES`] in pages.
pub(super) const FREE_PAGES: u64 = SHRINK_FREE_BYTES / PAGE_BYTES as u64;
/// [`SHRINK_STEP_BYTES`] in pages.
pub(super) const STEP_PAGES: u64 = SHRINK_STEP_BYTES / PAGE_BYTES as u64;

/// Takes at most `pages` off the file, if at least `least` and a quarter of it are free; whether there is more to take.
pub(super) fn step(connection: &Connection, least: u64, pages: u64) -> Result<bool> {
    if !is_much(connection, least)? {
        return Ok(false);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut steps = vacuum.query([])?;
    // Each step takes off one page.
    while steps.next()?.is_some() {}
    is_much(connection, least)
}

fn is_much(connection: &Connection, least: u64) -> Result<bool> {
    let figure = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let (free, all) = (figure("freelist_count")?, figure("page_count")?);
    Ok(free >= least && free >= all / 4)
}

#[cfg(test)]
mod tests {
    use super::super::open::{self, Home};
    use super::*;

    fn figures(connection: &Connection) -> (u64, u64) {
        let figure = |name| {
            connection
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap()
        };
        (figure("page_count"), figure("freelist_count"))
    }

    #[test]
    fn the_file_gets_shorter_in_steps_until_little_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open::writer(&Home::usual(dir.path())).unwrap();
        let fill = |rows: u32| {
            let page = vec![7_u8; PAGE_BYTES as usize];
            for _ in 0..rows {
                connection
                    .execute("INSERT INTO filler VALUES (?1)", [&page])
                    .unwrap();
            }
        };
        connection
            .execute_batch("CREATE TABLE filler (page BLOB)")
            .unwrap();
        fill(60);
        assert!(!step(&connection, 8, 4).unwrap());
        connection
            .execute("DELETE FROM filler WHERE rowid % 2 = 0", [])
            .unwrap();
        let (all, free) = figures(&connection);
        assert!(free >= all / 4, "{all} {free}");
        assert!(step(&connection, 8, 4).unwrap());
        assert_eq!(figures(&connection), (all - 4, free - 4));
        let mut steps = 1;
        while step(&connection, 8, 4).unwrap() {
            steps += 1;
        }
        let (left, free) = figures(&connection);
        assert!(
            steps > 1 && free < left / 4 && left < all,
            "{steps} {left} {free}"
        );

        // What is free now is used before the file grows.
        fill(5);
        assert_eq!(figures(&connection).0, left);
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        let length = std::fs::metadata(Home::usual(dir.path()).database())
            .unwrap()
            .len();
        assert_eq!(length, left * u64::from(PAGE_BYTES));
    }
}
