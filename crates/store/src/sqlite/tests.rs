//! A disk that is full or read-only, and writes that break a constraint, with the real SQLite.

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::event::NewEvent;
use ringback_core::store::{Filter, PageRequest};

use rusqlite::Connection;

use super::*;

const NOW: Millis = Millis(1_790_000_000_000);

fn call(entity_id: i64, bytes: usize) -> Write {
    Write::Accept(Box::new(NewEvent {
        company_id: 1,
        kind: Kind::Call,
        entity_id,
        call_job_id: None,
        job_status: None,
        phone_hash: None,
        digest: [0; 32],
        body: Bytes::from(vec![b' '; bytes]),
        accepted_wall_ms: 0,
        idempotency: None,
    }))
}

fn events(store: &Sqlite) -> Vec<i64> {
    let request = PageRequest {
        limit: 100,
        before: None,
    };
    let page = store
        .reader()
        .unwrap()
        .events(&Filter::default(), &request)
        .unwrap();
    let mut ids: Vec<i64> = page.items.iter().map(|item| item.event.entity_id).collect();
    ids.reverse();
    ids
}

/// Breaks a store that holds one event, checks what its commits say, and what the proof that it can be written
/// says, and that it is whole when it is opened again.
#[track_caller]
fn check(break_it: impl Fn(&Connection), writes: &[Write], expected: Fault, proof: Option<Fault>) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(dir.path()).unwrap();
    store.commit(NOW, &[call(1, 10)]).unwrap();
    break_it(&store.writer.connection);
    let error = store.commit(NOW, writes).unwrap_err();
    assert_eq!(error.fault, expected, "{error:?}");
    // It is never tried again on the same connection, as if nothing had been.
    let error = store.commit(NOW, &[]).unwrap_err();
    assert!(error.source.is::<Failed>(), "{error:?}");
    drop(store);
    let mut store = Sqlite::open(dir.path()).unwrap();
    assert_eq!(events(&store), [1]);
    break_it(&store.writer.connection);
    let proved = store.commit(NOW, &[]);
    assert_eq!(proved.err().map(|error| error.fault), proof);
    drop(store);
    let mut store = Sqlite::open(dir.path()).unwrap();
    store.commit(NOW, &[call(2, 10)]).unwrap();
    assert_eq!(events(&store), [1, 2]);
}

#[test]
fn its_files_are_for_their_owner_only_wherever_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut store = Sqlite::open_with(dir.path(), &Secrets::OwnFile).unwrap();
    store.commit(Millis(1), &[]).unwrap();
    let files: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", file.file_name());
    }
}

#[test]
fn a_full_disk_is_told_from_others() {
    let full = |connection: &Connection| {
        connection
            .pragma_update_and_check(None, "max_page_count", 1, |_| Ok(()))
            .unwrap();
    };
    // The proof needs no further page: that there is room for more is looked at by its bytes.
    check(full, &[call(3, 300_000)], Fault::Full, None);
}

#[test]
fn a_read_only_disk_is_told_from_others() {
    let read_only = |connection: &Connection| {
        connection.pragma_update(None, "query_only", true).unwrap();
    };
    check(read_only, &[call(3, 10)], Fault::ReadOnly, Some(Fault::ReadOnly));
}

/// The store goes on, and gives no id twice and forgets none: what it remembered of the rolled back commit is gone.
#[test]
fn a_write_that_breaks_a_constraint_leaves_the_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(dir.path()).unwrap();
    store.commit(NOW, &[call(1, 10)]).unwrap();
    store
        .writer
        .connection
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON event WHEN NEW.entity_id = 3 \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    let other = |write| match write {
        Write::Accept(event) => Write::Accept(Box::new(NewEvent {
            company_id: 2,
            ..*event
        })),
        other => other,
    };
    let error = store
        .commit(NOW.plus(9), &[call(2, 10), other(call(4, 10)), call(3, 10)])
        .unwrap_err();
    assert_eq!(error.fault, Fault::Data, "{error:?}");
    assert_eq!((events(&store), store.start().unwrap().newest), (vec![1], NOW));
    let written = store.commit(NOW, &[other(call(4, 10))]).unwrap();
    let [Written::Accepted(accepted)] = &written[..] else {
        panic!("{written:?}")
    };
    assert!(
        accepted.discovered.is_some(),
        "the company is not known before its commit"
    );
    assert_eq!(events(&store), [1, 4]);
}
