//! The signals that end a command.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// The numbers, which are the same on every Unix.
const INTERRUPT: u8 = 2;
const TERMINATE: u8 = 15;

/// SIGINT (Ctrl-C) and SIGTERM, caught from the moment this is made.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches the signals; needs a runtime.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let catch = |kind| {
            signal(kind).map_err(|error| Failure::failed(format_args!("signals cannot be caught: {error}")))
        };
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one and returns its number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => TERMINATE,
        }
    }

    /// Does the work of an orderly end; a further signal ends the process at once.
    pub(crate) async fn unless_repeated(&mut self, ending: impl Future<Output = ()>) {
        tokio::select! {
            () = ending => {}
            number = self.next() => std::process::exit(128 + i32::from(number)),
        }
    }
}
