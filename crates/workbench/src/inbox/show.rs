//! The lines that the inbox prints about what came in.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::store::Accepted;
use crate::listen::line;
use crate::pretty::pretty;
use crate::receiver::Received;

/// What came in, and what became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    #[serde(flatten)]
    received: Received,
    repeated: bool,
    stale: bool,
    refused: Option<String>,
    /// Its share of the memory for what is told.
    #[serde(skip)]
    _room: OwnedSemaphorePermit,
}

impl Told {
    pub(super) fn new(
        received: Received,
        refused: Option<String>,
        accepted: Option<Accepted>,
        room: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            _room: room,
            received,
            repeated: accepted.is_some_and(|accepted| accepted.repeated),
            stale: accepted.is_some_and(|accepted| accepted.stale),
            refused,
        }
    }
}

/// How lines are printed.
#[derive(Clone, Debug)]
pub(super) struct Printer {
    pub(super) json: bool,
    pub(super) body: bool,
    pub(super) zone: TimeZone,
}

impl Printer {
    pub(super) fn print(&self, out: &mut dyn Write, told: &Told) -> io::Result<()> {
        if self.json {
            return writeln!(out, "{}", serde_json::to_string(told)?);
        }
        let mut line = line(&told.received, &self.zone);
        if let Some(refused) = &told.refused {
            // Its answer is empty.
            line = format!("{}REFUSED {refused}", line.trim_end_matches("→ "));
        }
        for (mark, words) in [(told.repeated, "(again)"), (told.stale, "(stale)")] {
            if mark {
                line.push(' ');
                line.push_str(words);
            }
        }
        writeln!(out, "{line}")?;
        if self.body {
            writeln!(out, "{}", pretty(&told.received.body))?;
        }
        Ok(())
    }
}
