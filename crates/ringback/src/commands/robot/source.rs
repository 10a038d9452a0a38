//! Where the events come from: a simulation, or a file.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use ringback_workbench::robot::{Line, Plan};

use crate::failure::Failure;

/// The longest line of a file that is read: an event of 1 MiB with what a recording puts around it.
const LINE_BYTES: u64 = 2 * 1024 * 1024;

/// Events in their order.
pub(super) struct Source {
    from: From,
    length: u64,
    position: u64,
}

enum From {
    Simulation(Box<dyn Iterator<Item = (Line, (usize, usize))> + Send>),
    File {
        reader: BufReader<File>,
        name: String,
        line: u64,
    },
}

impl Source {
    pub(super) fn simulated(plan: &Plan) -> Self {
        let plan = plan.clone();
        let world = plan.world();
        let (_, length) = world.progress();
        Self {
            from: From::Simulation(Box::new(plan.into_lines(world))),
            length: length.try_into().unwrap_or(u64::MAX),
            position: 0,
        }
    }

    pub(super) fn played(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format_args!("{} cannot be read: {error}", path.display()))
        };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self {
            from: From::File {
                reader: BufReader::new(file),
                name: path.display().to_string(),
                line: 0,
            },
            length,
            position: 0,
        })
    }

    /// Of a simulation its customers, of a file its bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// How far it has come.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        match &mut self.from {
            From::Simulation(lines) => Ok(lines.next().map(|(line, (settled, _))| {
                self.position = settled.try_into().unwrap_or(u64::MAX);
                line
            })),
            From::File { reader, name, line } => loop {
                let mut text = String::new();
                let read = reader
                    .take(LINE_BYTES)
                    .read_line(&mut text)
                    .map_err(|error| Failure::failed(format_args!("{name} cannot be read: {error}")))?;
                if read == 0 {
                    return Ok(None);
                }
                self.position += u64::try_from(read).unwrap_or(0);
                *line += 1;
                let is_whole = text.ends_with('\n') || self.position >= self.length;
                if !is_whole {
                    return Err(Failure::failed(format_args!("{name}: line {line} is too long")));
                }
                if text.trim().is_empty() {
                    continue;
                }
                return Line::read(text.trim_end(), *line)
                    .map(Some)
                    .map_err(|problem| Failure::failed(format_args!("{name}: line {line} {problem}")));
            },
        }
    }
}
