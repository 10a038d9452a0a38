//! How a store fails.

/// What kind of failure a store had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full.
    Full,
    /// The disk, or the file, cannot be written to.
    ReadOnly,
    /// The disk failed: a read, a write or an fsync.
    Io,
    /// One of the writes, or a row that it met, cannot be: it broke a constraint. Nothing of the batch was written, and
    /// the disk is well: the batch may be committed without that write.
    Data,
    /// Anything else.
    #[default]
    Other,
}

impl Fault {
    /// What is wrong, in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "the disk is full",
            Self::ReadOnly => "the disk is read-only",
            Self::Io => "the disk failed",
            Self::Data => "it refuses what is written",
            Self::Other => "see the log",
        }
    }
}

/// The store failed. For a commit: whether the batch is durable is unknown.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    /// What was being done.
    pub what: &'static str,
    /// What kind of failure it was, as far as the store can tell.
    pub fault: Fault,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
