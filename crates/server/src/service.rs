//! The handle by which the API reaches the running service: write through the committer, read from the store, look up
//! the configuration.

use std::sync::Arc;

use ringback_core::store::{Reader, StoreError, Write, Written};

use crate::directory::Directory;

/// Why the service cannot do something now. The request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The committer is behind: too many writes wait for it.
    #[error("the committer is behind")]
    Behind,
    /// The disk is nearly full: nothing new is taken in.
    #[error("the disk is nearly full")]
    DiskNearlyFull,
    /// The commit, or the read, failed. Whether the write is durable is unknown; its repetition is recognised.
    #[error("the store failed")]
    StoreFailed,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Unavailable {
    /// When to come again, in seconds: the `Retry-After` of the 503.
    #[must_use]
    pub const fn retry_after_s(self) -> u32 {
        match self {
            Self::Behind | Self::StoreFailed => 1,
            Self::DiskNearlyFull => 30,
            Self::ShuttingDown => 5,
        }
    }
}

/// Whether the service can do its work; what `/readyz` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// One sentence for each thing that is wrong; empty when ready.
    pub problems: Vec<String>,
}

/// The handle. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    directory: Arc<Directory>,
}

impl Service {
    /// Writes, durably. For an event the answer comes after the fsync.
    ///
    /// # Errors
    /// [`Unavailable`]; only after [`Unavailable::StoreFailed`] may the write exist after all.
    pub async fn write(&self, _write: Write) -> Result<Written, Unavailable> {
        Err(Unavailable::ShuttingDown)
    }

    /// Writes several, in order, with an answer for each. They need not share a transaction.
    pub async fn write_all(&self, _writes: Vec<Write>) -> Vec<Result<Written, Unavailable>> {
        Vec::new()
    }

    /// Reads from the store, on a thread of its own.
    ///
    /// # Errors
    /// [`Unavailable::Behind`] when too many reads wait, [`Unavailable::StoreFailed`].
    pub async fn read<T: Send + 'static>(
        &self,
        _read: impl FnOnce(&mut dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        Err(Unavailable::ShuttingDown)
    }

    /// Companies, endpoints and tokens as they are now.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// A keyed hash of a phone number, to search by.
    #[must_use]
    pub fn phone_hash(&self, _phone: &str) -> i64 {
        0
    }

    /// What is wrong now.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { problems: Vec::new() }
    }
}
