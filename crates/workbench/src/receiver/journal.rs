//! The journal: a file with one JSON line per received callback, in the kernel's hands before the answer goes out.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::record::Received;

/// An open journal. Lines are appended whole; a killed receiver loses none whose answer went out. They are not
/// synchronised to the disk: a machine that loses its power may lose the last ones.
#[derive(Debug)]
pub(super) struct Journal {
    file: Mutex<File>,
}

impl Journal {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            file: Mutex::new(file),
        })
    }

    pub(super) fn append(&self, received: &Received) -> io::Result<()> {
        let mut line = received.to_json(false)?;
        line.push('\n');
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes())
    }
}
