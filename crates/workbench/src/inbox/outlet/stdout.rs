//! `--to stdout`: JSON lines. A batch is confirmed once it is written and flushed.

use std::fmt;
use std::io;
use std::sync::PoisonError;

use ringback_server::tasks;

use super::line::lines;
use super::{Outcome, Output};
use crate::inbox::store::Stored;

pub(in super::super) struct Stdout {
    output: Output,
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout").finish_non_exhaustive()
    }
}

impl Stdout {
    pub(super) fn new(output: Output) -> Self {
        Self { output }
    }

    pub(super) async fn write(&self, batch: &[(Stored, u32)]) -> Outcome {
        let lines = match lines(batch) {
            Ok(lines) => lines,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let output = std::sync::Arc::clone(&self.output);
        let written = tasks::spawn_blocking("inbox stdout", move || {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(lines.as_bytes())?;
            output.flush()
        });
        match written.await {
            Ok(Ok(())) => Outcome::Confirmed,
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Gone,
            Ok(Err(error)) => Outcome::Unreachable(format!("stdout cannot be written: {error}")),
            Err(_) => Outcome::Unreachable("stdout cannot be written".to_owned()),
        }
    }
}
