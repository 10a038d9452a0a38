//! A receiver's journal.

use std::path::Path;

use serde::Deserialize;

/// One send as the receiver saw it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Send {
    /// When it had arrived, by the boot clock.
    pub(crate) boot_us: i64,
    pub(crate) event_id: String,
    /// The number that it gives itself.
    pub(crate) send: u32,
    pub(crate) kind: String,
    pub(crate) entity_id: i64,
    pub body_sha256: String,
    /// How it was answered.
    pub(crate) answer: String,
}

impl Send {
    pub(crate) fn acknowledged(&self) -> bool {
        self.answer.ends_with("success")
    }
}

/// All sends, in the order of their arrival.
pub(crate) fn read(path: &Path) -> Vec<Send> {
    let text = std::fs::read_to_string(path).expect("the journal can be read");
    let mut sends: Vec<Send> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the journal"))
        .collect();
    sends.sort_by_key(|send| send.boot_us);
    sends
}
