//! What an inbox is made from, and why one does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ringback_core::limits;
use ringback_server::clock::{Clock, RealClock};

use super::outlet::{OutletError, OutletSetting};
use super::require::Require;
use super::store::OpenError;
use crate::receiver::{Plan, Verifier};

/// What an inbox is to do.
#[derive(Debug)]
pub struct Options {
    /// Where callbacks come in; with port 0 the system chooses one.
    pub addr: SocketAddr,
    /// Where the page is, if there is one. Whoever reaches it sees everything.
    pub page: Option<SocketAddr>,
    /// Where everything is kept.
    pub dir: PathBuf,
    /// What callbacks are checked with.
    pub verifier: Verifier,
    /// What has to be verified.
    pub require: Require,
    /// The answers to begin with.
    pub plan: Plan,
    /// What callbacks are handed on to, each at most once.
    pub outlets: Vec<OutletSetting>,
    /// An outlet that was never in use begins with the oldest callback that is kept, not with the next one.
    pub from_oldest: bool,
    /// Late callbacks of which a newer one says all are not handed on.
    pub drop_stale: bool,
    /// How many callbacks `exec` and `forward` work on at a time.
    pub at_once: usize,
    /// How long each of them may take.
    pub timeout: Duration,
    /// How long after its first failed attempt a callback is given up.
    pub give_up_after: Duration,
    /// How long callbacks are kept.
    pub keep: Duration,
    /// Prints JSON lines instead of readable ones.
    pub json: bool,
    /// Prints each body below its line.
    pub body: bool,
    /// The zone of printed times and of the days of files.
    pub zone: TimeZone,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// The defaults: no page, no outlet, nothing required that cannot be checked, 30 days.
    #[must_use]
    pub fn new(addr: SocketAddr, dir: PathBuf) -> Self {
        Self {
            addr,
            page: None,
            dir,
            verifier: Verifier::default(),
            require: Require::All,
            plan: Plan::default(),
            outlets: Vec::new(),
            from_oldest: false,
            drop_stale: false,
            at_once: limits::INBOX_AT_ONCE,
            timeout: Duration::from_millis(limits::INBOX_HAND_ON_MS),
            give_up_after: Duration::from_millis(limits::INBOX_GIVE_UP_MS),
            keep: Duration::from_millis(limits::RETENTION_MS),
            json: false,
            body: false,
            zone: TimeZone::system(),
            clock: Arc::new(RealClock),
        }
    }
}

/// Why an inbox does not run.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// Its directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An outlet.
    #[error(transparent)]
    Outlet(#[from] OutletError),
    /// An address.
    #[error("cannot listen on {addr}, {option}")]
    Listen {
        /// Where the address was given, and so where another one can be.
        option: &'static str,
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// What an earlier run has left cannot be read.
    #[error("cannot take up what an earlier run has left: {0}")]
    Recover(String),
    /// The output cannot be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
}
