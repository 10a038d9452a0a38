//! What a receiver says it has processed: an optional URL of a receiver under test, that answers with a JSON line for each
//! callback that it took in.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use ringback_core::id::EventId;
use ringback_server::clock::{self, Clock};
use serde::Deserialize;

use crate::client::{self, ClientError};

/// How long the journal may take.
const LIMIT: Duration = Duration::from_secs(15);

/// A line of the journal. Members that are not known here are passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    webhook_id: String,
    /// Whether it took effect; false for what was recognised as a repetition or dropped as overtaken.
    processed: bool,
}

/// How often each event took effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    processed: HashMap<String, u32>,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be fetched.
    #[error("--journal: {0}")]
    Client(#[from] ClientError),
    /// It is not answered in time.
    #[error("--journal: no answer within 15 s")]
    TimedOut,
    /// It is answered with another status than 200.
    #[error("--journal: the answer has status {0}; it must be 200")]
    Status(u16),
    /// A line is no line.
    #[error(
        "--journal: line {0} is none; a line is {{\"webhookId\": \"evt_…\", \"kind\": \"call\", \"processed\": true}}"
    )]
    Line(usize),
}

impl Journal {
    /// How often this event took effect.
    pub(crate) fn times(&self, event: EventId) -> u32 {
        self.processed.get(&event.to_string()).copied().unwrap_or(0)
    }

    /// Fetches it.
    pub(crate) async fn fetch(url: &str, clock: &dyn Clock) -> Result<Self, JournalError> {
        let asked = client::once(Method::GET, url, None, "application/x-ndjson", "");
        let answer = clock::timeout(clock, LIMIT, asked).await;
        let answer = answer.map_err(|_elapsed| JournalError::TimedOut)??;
        if answer.status != http::StatusCode::OK {
            return Err(JournalError::Status(answer.status.as_u16()));
        }
        Self::read(&answer.body)
    }

    fn read(lines: &[u8]) -> Result<Self, JournalError> {
        let mut journal = Self::default();
        for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(line).map_err(|_| JournalError::Line(number + 1))?;
            if line.processed {
                *journal.processed.entry(line.webhook_id).or_default() += 1;
            }
        }
        Ok(journal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_where_they_took_effect() {
        let text = "{\"webhookId\":\"evt_0000000000001\",\"kind\":\"call\",\"processed\":true}\n\n\
            {\"webhookId\":\"evt_0000000000001\",\"processed\":false,\"more\":1}\r\n\
            {\"webhookId\":\"evt_0000000000001\",\"processed\":true}";
        let journal = Journal::read(text.as_bytes()).unwrap();
        assert_eq!((journal.times(EventId(1)), journal.times(EventId(2))), (2, 0));
        for (text, line) in [
            ("{}", 1),
            ("\n[]\n", 2),
            ("{\"webhookId\":1,\"processed\":true}", 1),
        ] {
            let error = Journal::read(text.as_bytes()).unwrap_err();
            assert!(
                matches!(error, JournalError::Line(at) if at == line),
                "{text}: {error}"
            );
        }
    }
}
