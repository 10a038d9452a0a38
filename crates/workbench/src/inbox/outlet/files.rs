//! `--files`: a file of JSON lines for each day, `2026-11-23.ndjson`. A batch is confirmed once it is synced.
//!
//! The length of a file of which every line is confirmed is recorded in the same commit as the confirmation. What stands
//! behind it after a crash was written, and not recorded: whole lines are taken for confirmed, and a torn one is cut off.
//! So each callback stands there once, however the process ended.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringback_server::tasks;

use super::line::{lines, number};
use super::{Making, Outcome};
use crate::inbox::store::Stored;
use crate::inbox::time::Time;

const SUFFIX: &str = ".ndjson";
/// The file that says whose directory it is.
const OWNER: &str = ".ringback-inbox";

#[derive(Debug)]
pub(in super::super) struct Files {
    dir: Arc<Path>,
    zone: TimeZone,
    time: Time,
    open: Arc<Mutex<Option<Day>>>,
    /// Locked as long as the directory is in use.
    owner: Mutex<Option<File>>,
}

/// The file that is written to.
#[derive(Debug)]
struct Day {
    name: String,
    file: File,
    /// Its length with all that was confirmed; behind it may stand the rest of a write that failed.
    bytes: u64,
}

/// What was found in a file behind its recorded length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Tail {
    pub(in super::super) name: String,
    /// Its length, torn lines cut off.
    pub(in super::super) bytes: u64,
    /// The callbacks of the whole lines.
    pub(in super::super) numbers: Vec<i64>,
}

impl Files {
    pub(super) fn new(dir: &Path, making: &Making) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Ok(Self {
            dir: dir.into(),
            zone: making.zone.clone(),
            time: making.time.clone(),
            open: Arc::default(),
            owner: Mutex::default(),
        })
    }

    /// Takes the directory for the inbox with this id, and reads what an earlier life wrote without recording it. `known`
    /// are the recorded lengths.
    pub(in super::super) fn recover(&self, id: &str, known: &[(String, u64)]) -> io::Result<Vec<Tail>> {
        let owner = own(&self.dir, id)?;
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(owner);
        let mut tails = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|name| is_day(name)) else {
                continue;
            };
            let recorded = known
                .iter()
                .find(|(known, _)| known == name)
                .map_or(0, |(_, bytes)| *bytes);
            tails.extend(tail(&self.dir, name, recorded)?);
        }
        Ok(tails)
    }

    pub(super) async fn write(&self, batch: &[(Stored, u32)]) -> Outcome {
        let lines = match lines(batch) {
            Ok(lines) => lines,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let day = Timestamp::from_millisecond(self.time.now_ms())
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone());
        let name = format!("{}{SUFFIX}", day.date());
        let (dir, open) = (Arc::clone(&self.dir), Arc::clone(&self.open));
        let written =
            tasks::spawn_blocking("inbox files", move || append(&dir, &open, name, lines.as_bytes())).await;
        match written {
            Ok(Ok((name, bytes))) => Outcome::Written { name, bytes },
            Ok(Err(error)) => Outcome::Unreachable(format!("the file cannot be written: {error}")),
            Err(_) => Outcome::Unreachable("the file cannot be written".to_owned()),
        }
    }
}

/// Locks the directory for the inbox with this id. Another inbox's files are left alone: its numbers are not ours, and two
/// that write cut off each other's lines.
fn own(dir: &Path, id: &str) -> io::Result<File> {
    let path = dir.join(OWNER);
    let is_new = !path.exists();
    if is_new
        && fs::read_dir(dir)?
            .any(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(is_day)))
    {
        return Err(io::Error::other("it holds files that this inbox has not written"));
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::Error::other("another process writes there"),
        TryLockError::Error(error) => error,
    })?;
    let mut found = String::new();
    file.read_to_string(&mut found)?;
    // Empty after a crash in the moment of its making.
    if found.is_empty() {
        file.write_all(id.as_bytes())?;
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
    } else if found != id {
        return Err(io::Error::other("it belongs to another inbox"));
    }
    Ok(file)
}

/// `2026-11-23.ndjson`.
fn is_day(name: &str) -> bool {
    name.strip_suffix(SUFFIX)
        .is_some_and(|day| day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok())
}

/// Appends and syncs; the name and the length of the file then. What a failed write left behind is cut off first.
fn append(dir: &Path, open: &Mutex<Option<Day>>, name: String, lines: &[u8]) -> io::Result<(String, u64)> {
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(yesterday) = open.as_ref().filter(|day| day.name != name) {
        // The rest of a write that failed comes into the new file.
        yesterday.cut()?;
    }
    let mut day = match open.take() {
        Some(day) if day.name == name && dir.join(&name).exists() => day,
        _ => Day::open(dir, name)?,
    };
    let written = day.append(lines);
    let (name, bytes) = (day.name.clone(), day.bytes);
    *open = Some(day);
    written.map(|()| (name, bytes))
}

impl Day {
    fn open(dir: &Path, name: String) -> io::Result<Self> {
        let path = dir.join(&name);
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        if is_new {
            File::open(dir)?.sync_all()?;
        }
        let bytes = file.metadata()?.len();
        Ok(Self { name, file, bytes })
    }

    /// Cuts off what was not confirmed.
    fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.bytes)?;
        self.file.sync_all()
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.set_len(self.bytes)?;
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(lines)?;
        self.file.sync_all()?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

/// What stands behind the recorded length; `None` where nothing does.
fn tail(dir: &Path, name: &str, recorded: u64) -> io::Result<Option<Tail>> {
    let path: PathBuf = dir.join(name);
    let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
    let length = file.metadata()?.len();
    // A shorter one was made anew by somebody else: nothing in it is known.
    let from = if length < recorded { 0 } else { recorded };
    if length == from {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let numbers = bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter_map(number)
        .collect();
    let kept = from + whole as u64;
    file.set_len(kept)?;
    // It may have been seen without being on disk.
    file.sync_all()?;
    Ok(Some(Tail {
        name: name.to_owned(),
        bytes: kept,
        numbers,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Part of a write that failed stands in the file of its day, and the whole of it is written on the next.
    #[test]
    fn what_a_failed_write_left_does_not_stand_in_two_days() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = ("2026-11-23.ndjson", "2026-11-24.ndjson");
        let open = Mutex::new(None);
        append(dir.path(), &open, first.to_owned(), b"one\n").unwrap();
        let mut torn = OpenOptions::new()
            .append(true)
            .open(dir.path().join(first))
            .unwrap();
        torn.write_all(b"two\nth").unwrap();
        append(dir.path(), &open, second.to_owned(), b"two\nthree\n").unwrap();
        let read = |name| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(
            (read(first).as_str(), read(second).as_str()),
            ("one\n", "two\nthree\n")
        );
    }
}
