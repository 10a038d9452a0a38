//! Backups of a store that is being written to.

use std::ops::ControlFlow;
use std::path::Path;

use bytes::Bytes;
use ringback_core::event::NewEvent;
use ringback_core::limits::BACKUP_WAL_BYTES;
use ringback_core::store::{Filter, PageRequest, Store, Write};
use ringback_store::sqlite::{BackedUp, BackupError, Progress, Sqlite, backup, migrate};

use crate::lab::{T0, call};

const MIB: usize = 1024 * 1024;

/// Takes in as many events with bodies of 1 MiB, from this number on.
fn fill(store: &mut Sqlite, first: i64, count: i64) {
    let writes: Vec<Write> = (first..first + count)
        .map(|id| {
            let body = Bytes::from(vec![b' '; MIB]);
            Write::Accept(Box::new(NewEvent { body, ..call(id) }))
        })
        .collect();
    store.commit(T0, &writes).unwrap();
}

fn events(dir: &Path) -> usize {
    let store = Sqlite::open(dir).unwrap();
    let request = PageRequest {
        limit: 1000,
        before: None,
    };
    let page = store
        .reader()
        .unwrap()
        .events(&Filter::default(), &request)
        .unwrap();
    page.items.len()
}

/// A directory in which the copy is a store.
fn restore(copy: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(copy, dir.path().join("ringback.db")).unwrap();
    dir
}

#[test]
fn the_copy_is_that_of_one_moment_whatever_is_written_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("copy.db");
    let mut store = Sqlite::open(dir.path()).unwrap();
    fill(&mut store, 1, 10);
    let (mut next, mut told) = (100, Vec::new());
    let made = backup(dir.path(), &target, BACKUP_WAL_BYTES, &mut |progress| {
        told.push(progress);
        fill(&mut store, next, 2);
        next += 100;
        ControlFlow::Continue(())
    })
    .unwrap();
    let BackedUp {
        bytes,
        version,
        secrets_key_id,
    } = made;
    assert_eq!(secrets_key_id, None);
    assert_eq!(bytes, target.metadata().unwrap().len());
    let schema = migrate(restore(&target).path()).unwrap();
    assert_eq!((schema.applied, schema.version), (Vec::new(), version));
    assert!(bytes > 10 * MIB as u64);
    let last = Progress::Copying {
        done: bytes,
        of: bytes,
    };
    assert_eq!(told[told.len() - 2..], [last, Progress::Checking]);
    assert!(told.len() > 3, "it is copied in steps: {told:?}");
    drop(store);
    assert_eq!(events(restore(&target).path()), 10);
    assert_eq!(events(dir.path()), 10 + 2 * told.len());
}

#[test]
fn a_store_that_nobody_uses_is_copied_with_what_is_in_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(dir.path()).unwrap();
    fill(&mut store, 1, 3);
    // What a crash leaves behind: the files as they are, the log among them.
    for name in ["ringback.db", "ringback.db-wal"] {
        std::fs::copy(dir.path().join(name), crashed.path().join(name)).unwrap();
    }
    drop(store);
    let target = dir.path().join("copy.db");
    backup(crashed.path(), &target, 0, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(events(restore(&target).path()), 3);
}

#[test]
fn a_log_that_gets_too_long_ends_the_backup() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("copy.db");
    let mut store = Sqlite::open(dir.path()).unwrap();
    fill(&mut store, 1, 10);
    let most = dir.path().join("ringback.db-wal").metadata().unwrap().len();
    let refused = backup(dir.path(), &target, 1, &mut |_| {
        fill(&mut store, 100, 1);
        ControlFlow::Continue(())
    });
    match refused.unwrap_err() {
        BackupError::LogTooLong { most_mib } => assert_eq!(most_mib, most / MIB as u64),
        other => panic!("{other:?}"),
    }
    assert_eq!(left(dir.path()), Vec::<String>::new());
}

#[test]
fn what_stands_in_the_way_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("copy.db");
    let go_on = &mut |_| ControlFlow::Continue(());
    let refused = backup(dir.path(), &target, 0, go_on).unwrap_err();
    assert!(matches!(refused, BackupError::NoStore { .. }), "{refused:?}");
    drop(Sqlite::open(dir.path()).unwrap());
    for name in ["copy.db", "copy.db.unfinished"] {
        let path = dir.path().join(name);
        std::fs::write(&path, "mine").unwrap();
        let refused = backup(dir.path(), &target, 0, go_on).unwrap_err();
        match refused {
            BackupError::Exists { path: found } => assert_eq!(found, path),
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        std::fs::remove_file(&path).unwrap();
    }
    // One that appears meanwhile is not overwritten either.
    let refused = backup(dir.path(), &target, 0, &mut |_| {
        std::fs::write(&target, "mine").unwrap();
        ControlFlow::Continue(())
    });
    assert!(matches!(refused, Err(BackupError::Exists { .. })), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
    std::fs::remove_file(&target).unwrap();
    let stopped = backup(dir.path(), &target, 0, &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(BackupError::Stopped)), "{stopped:?}");
    assert_eq!(left(dir.path()), Vec::<String>::new());
}

/// Files of a backup that there are.
fn left(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("copy"))
        .collect()
}
