//! What driver and receiver noted of each event, the files in which they hand it over, and what both together say.
//!
//! Both processes read the boot clock, which is one for the whole machine: their readings can be subtracted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::histogram::Histogram;

/// A request of the driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The callInstanceId of its first event.
    pub first_id: u64,
    /// How many events it held, with ids that follow each other.
    pub events: u64,
    /// When it was to be sent, in microseconds of the boot clock.
    pub intended_us: i64,
    /// When the answer had come, in microseconds of the boot clock.
    pub answered_us: i64,
    /// Whether all its events were accepted.
    pub accepted: bool,
}

/// A callback at the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its callInstanceId.
    pub id: u64,
    /// When it was answered, in microseconds of the boot clock.
    pub at_us: i64,
}

/// A record with a fixed number of 64-bit words: its form in a file, little-endian.
pub trait Record: Sized {
    /// How many words.
    const WORDS: usize;
    /// Its words.
    fn to_words(&self) -> impl IntoIterator<Item = u64>;
    /// The record of these words; there are [`Record::WORDS`].
    fn from_words(words: &[u64]) -> Self;
}

impl Record for Sent {
    const WORDS: usize = 5;

    fn to_words(&self) -> impl IntoIterator<Item = u64> {
        [
            self.first_id,
            self.events,
            self.intended_us.cast_unsigned(),
            self.answered_us.cast_unsigned(),
            u64::from(self.accepted),
        ]
    }

    fn from_words(words: &[u64]) -> Self {
        Self {
            first_id: words[0],
            events: words[1],
            intended_us: words[2].cast_signed(),
            answered_us: words[3].cast_signed(),
            accepted: words[4] != 0,
        }
    }
}

impl Record for Arrival {
    const WORDS: usize = 2;

    fn to_words(&self) -> impl IntoIterator<Item = u64> {
        [self.id, self.at_us.cast_unsigned()]
    }

    fn from_words(words: &[u64]) -> Self {
        Self {
            id: words[0],
            at_us: words[1].cast_signed(),
        }
    }
}

/// Writes records to a file.
///
/// # Errors
/// When the file cannot be written.
pub fn write<R: Record>(path: &Path, records: &[R]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for record in records {
        for word in record.to_words() {
            file.write_all(&word.to_le_bytes())?;
        }
    }
    file.flush()
}

/// Reads all records of a file.
///
/// # Errors
/// When the file cannot be read, or ends within a record.
pub fn read<R: Record>(path: &Path) -> io::Result<Vec<R>> {
    let mut bytes = Vec::new();
    BufReader::new(File::open(path)?).read_to_end(&mut bytes)?;
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() || !words.len().is_multiple_of(R::WORDS) {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the file ends within a record",
        ));
    }
    let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    Ok(words.chunks_exact(R::WORDS).map(R::from_words).collect())
}

/// A span of the boot clock, in microseconds: from `begin_us` on, up to but without `end_us`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Its first moment.
    pub begin_us: i64,
    /// The first moment after it.
    pub end_us: i64,
}

impl Window {
    /// Whether a moment is in it.
    #[must_use]
    pub const fn contains(&self, moment_us: i64) -> bool {
        self.begin_us <= moment_us && moment_us < self.end_us
    }

    /// Its length in seconds; not zero.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end_us - self.begin_us).max(1) as f64 / 1e6
    }
}

/// What became of the events of one load.
#[derive(Clone, Debug, Default)]
pub struct Delivered {
    /// Events accepted, in and around the window.
    pub accepted: u64,
    /// Accepted with an answer in the window.
    pub accepted_in_window: u64,
    /// Events that arrived for the first time in the window.
    pub arrived_in_window: u64,
    /// Accepted events that did not arrive.
    pub lost: u64,
    /// Arrivals beyond the first of an event.
    pub repeated: u64,
    /// Arrivals of events that the driver does not know.
    pub unknown: u64,
    /// From the intended moment of sending to the receiver's answer, of the events intended in the window.
    pub latency: Histogram,
    /// From the answer to the request to the receiver's answer, of the same events; 0 where the receiver was faster.
    pub since_accepted: Histogram,
}

/// Brings together what the driver sent and what the receiver got.
#[must_use]
pub fn join(sent: &[Sent], arrivals: &[Arrival], window: Window) -> Delivered {
    let mut delivered = Delivered::default();
    let mut firsts: HashMap<u64, i64> = HashMap::with_capacity(arrivals.len());
    for arrival in arrivals {
        // They are in the order in which they came.
        match firsts.entry(arrival.id) {
            Entry::Occupied(_) => delivered.repeated += 1,
            Entry::Vacant(first) => {
                first.insert(arrival.at_us);
                delivered.arrived_in_window += u64::from(window.contains(arrival.at_us));
            }
        }
    }
    let mut known = 0;
    for request in sent {
        if request.accepted {
            delivered.accepted += request.events;
            if window.contains(request.answered_us) {
                delivered.accepted_in_window += request.events;
            }
        }
        for id in request.first_id..request.first_id + request.events {
            let Some(at_us) = firsts.get(&id) else {
                delivered.lost += u64::from(request.accepted);
                continue;
            };
            known += 1;
            if window.contains(request.intended_us) {
                let since = |us: i64| u64::try_from(at_us - us).unwrap_or(0);
                delivered.latency.record(since(request.intended_us));
                delivered.since_accepted.record(since(request.answered_us));
            }
        }
    }
    delivered.unknown = firsts.len() as u64 - known;
    delivered
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        begin_us: 1_000,
        end_us: 2_000,
    };

    fn sent(first_id: u64, events: u64, intended_us: i64, answered_us: i64) -> Sent {
        Sent {
            first_id,
            events,
            intended_us,
            answered_us,
            accepted: true,
        }
    }

    fn arrival(id: u64, at_us: i64) -> Arrival {
        Arrival { id, at_us }
    }

    #[test]
    fn files_give_back_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("records");
        let requests = [
            sent(1, 32, -5, i64::MAX),
            Sent {
                accepted: false,
                ..sent(u64::MAX, 1, 0, 7)
            },
        ];
        write(&path, &requests).unwrap();
        assert_eq!(read::<Sent>(&path).unwrap(), requests);
        let arrivals = [arrival(7, 8), arrival(9, -1)];
        write(&path, &arrivals).unwrap();
        assert_eq!(read::<Arrival>(&path).unwrap(), arrivals);
        assert_eq!(
            read::<Sent>(&path).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
        std::fs::write(&path, "123").unwrap();
        assert!(read::<Arrival>(&path).is_err());
    }

    #[test]
    fn the_window_decides_what_counts() {
        let requests = [
            sent(1, 1, 900, 999),
            sent(2, 1, 990, 1_000),
            sent(3, 2, 1_500, 1_999),
            sent(5, 1, 1_990, 2_000),
            Sent {
                accepted: false,
                ..sent(6, 1, 1_500, 1_600)
            },
        ];
        let arrivals = [
            arrival(1, 1_000),
            arrival(2, 1_300),
            arrival(3, 1_700),
            arrival(4, 2_500),
            arrival(5, 1_999),
        ];
        let found = join(&requests, &arrivals, WINDOW);
        assert_eq!(
            (found.accepted, found.accepted_in_window, found.arrived_in_window),
            (5, 3, 4)
        );
        assert_eq!((found.lost, found.repeated, found.unknown), (0, 0, 0));
        assert_eq!((found.latency.count(), found.latency.max_us()), (3, 1_000));
        assert_eq!(
            (found.since_accepted.count(), found.since_accepted.max_us()),
            (3, 501)
        );
    }

    #[test]
    fn losses_repetitions_and_strangers_are_told() {
        let requests = [
            sent(1, 3, 1_000, 1_100),
            Sent {
                accepted: false,
                ..sent(4, 1, 1_000, 1_100)
            },
        ];
        let arrivals = [
            arrival(1, 1_200),
            arrival(1, 1_300),
            arrival(3, 1_200),
            arrival(4, 1_200),
            arrival(99, 1_200),
        ];
        let found = join(&requests, &arrivals, WINDOW);
        assert_eq!(
            (found.accepted, found.lost, found.repeated, found.unknown),
            (3, 1, 1, 1)
        );
        assert_eq!(found.arrived_in_window, 4);
    }
}
