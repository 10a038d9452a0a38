//! The durable inbox behind `ringback listen --data`: callbacks are verified, stored, acknowledged – in this order – and
//! handed on.
//!
//! It promises that
//!
//! - `success` is answered after the callback is on disk, or was recognised as one that is;
//! - what was acknowledged is handed on to each outlet in use until the outlet confirms it, or it is given up and then
//!   listed; a confirmation that was recorded is final, whenever the process is killed;
//! - the callbacks of one call, and of one job, are handed on one after the other; no key waits for another;
//! - memory is bounded: bodies, queues, batches, and what is in flight.
//!
//! It does not promise exactly once: a target that confirmed something just before the process was killed gets it again,
//! with the same number. Only files are free of that.

mod decode;
mod failures;
mod faults;
mod fingerprint;
mod hand_on;
mod intake;
mod options;
mod outlet;
mod page;
mod require;
mod retention;
mod show;
mod store;
#[cfg(test)]
mod tests;
mod time;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use ringback_core::limits;
use ringback_server::clock::{self, Clock};
use ringback_server::tasks;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::receiver::respond::AnswerBody;
use crate::receiver::server::{Connection, Dropped, Server};

pub use options::{InboxError, Options};
pub use outlet::{InvalidForward, OutletError, OutletName, OutletSetting};
pub use require::{InvalidRequire, Require};
pub use store::OpenError;

use faults::Faults;
use hand_on::HandOn;
use intake::Intake;
use outlet::{Making, Output, Target};
use page::Page;
use show::{Printer, Told};
use store::{Beginning, Store};
use time::Time;

/// Lines that may wait to be printed; when the output is slower, further ones are not shown.
const WAITING: usize = 1024;

/// An inbox that listens already.
pub struct Inbox {
    intake: Server,
    page: Option<Server>,
    store: Store,
    #[cfg(test)]
    memory: Arc<tokio::sync::Semaphore>,
    time: Time,
    outlets: Vec<JoinHandle<()>>,
    gone: watch::Receiver<bool>,
    retention: JoinHandle<()>,
    stop: watch::Sender<bool>,
    told: mpsc::Receiver<Told>,
    printer: Printer,
    /// Whether lines are printed: with `--to stdout` the output is for callbacks alone.
    prints: bool,
    output: Output,
}

impl Inbox {
    /// Opens the inbox and begins to listen. `output` gets the lines about what comes in, or the callbacks themselves
    /// where stdout is an outlet.
    ///
    /// # Errors
    /// When the directory or an outlet cannot be used, or an address not be listened on.
    pub async fn bind(options: Options, output: impl Write + Send + 'static) -> Result<Self, InboxError> {
        let time = Time::new(Arc::clone(&options.clock));
        let output: Output = Arc::new(Mutex::new(output));
        let (store, hand_ons) = open(&options, &time, &output).await?;
        let faults = Arc::new(Faults::new(options.plan.clone()));
        let names: Vec<OutletName> = hand_ons.iter().map(HandOn::name).collect();
        let prints = !names.contains(&OutletName::Stdout);
        let (sender, told) = mpsc::channel(WAITING);
        let memory = Intake::memory();
        let intake = Arc::new(Intake {
            store: store.clone(),
            outlets: names,
            verifier: options.verifier,
            require: options.require,
            drop_stale: options.drop_stale,
            faults: Arc::clone(&faults),
            time: time.clone(),
            memory: Arc::clone(&memory),
            shown: Intake::shown(),
            told: prints.then_some(sender),
        });
        let intake = listen(
            "the ADDRESS of callbacks",
            options.addr,
            move |request, connection| {
                let intake = Arc::clone(&intake);
                async move { intake.handle(request, &connection).await }
            },
        )
        .await?;
        let page = Page {
            store: store.clone(),
            outlets: hand_ons.clone(),
            faults,
            time: time.clone(),
            listens: format!("http://{}/", intake.local_addr()),
        };
        let page = match options.page {
            Some(addr) => Some(page.listen(addr).await?),
            None => None,
        };
        let (stop, stopped) = watch::channel(false);
        let (gone, any_gone) = watch::channel(false);
        let gone = Arc::new(gone);
        let start = |hand_on: HandOn| tasks::spawn("outlet", hand_on.run(stopped.clone(), Arc::clone(&gone)));
        Ok(Self {
            intake,
            page,
            outlets: hand_ons.into_iter().map(start).collect(),
            gone: any_gone,
            retention: tasks::spawn(
                "retention",
                retention::run(store.clone(), time.clone(), ms(options.keep)),
            ),
            store,
            #[cfg(test)]
            memory,
            time,
            stop,
            told,
            printer: Printer {
                json: options.json,
                body: options.body,
                zone: options.zone,
            },
            prints,
            output,
        })
    }

    /// The URL where callbacks come in. Every path is taken alike.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.intake.local_addr())
    }

    /// The URL of the page, if there is one.
    #[must_use]
    pub fn page_url(&self) -> Option<String> {
        self.page
            .as_ref()
            .map(|page| format!("http://{}/", page.local_addr()))
    }

    /// Whether the output is for callbacks alone, so that nothing else may be printed there.
    #[must_use]
    pub const fn output_is_taken(&self) -> bool {
        !self.prints
    }

    /// Works until `stop` is ready or the output is closed, then ends in order: what is being answered and handed on
    /// may finish.
    ///
    /// # Errors
    /// When the output cannot be written. Everything that was acknowledged is kept.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), InboxError> {
        let mut stop = std::pin::pin!(stop);
        let mut gone = self.gone.clone();
        let result = loop {
            tokio::select! {
                biased;
                told = self.told.recv(), if self.prints => {
                    // The intake holds the other end.
                    let Some(told) = told else { break Ok(()) };
                    if let Err(error) = self.print(&told) {
                        break Err(error);
                    }
                }
                () = stop.as_mut() => break Ok(()),
                Ok(_) = gone.wait_for(|gone| *gone) => break Err(io::ErrorKind::BrokenPipe.into()),
            }
        };
        self.end().await;
        result.map_err(InboxError::Output)
    }

    async fn end(mut self) {
        let clock = Arc::clone(self.time.clock());
        self.intake.stop(clock.as_ref()).await;
        while let Ok(told) = self.told.try_recv() {
            // The end of the output was told before.
            let _ = self.printer.print(&mut *lock(&self.output), &told);
        }
        self.stop.send_replace(true);
        let finishing = async {
            for outlet in self.outlets {
                // One that panicked has said so.
                let _ = outlet.await;
            }
        };
        let limit = Duration::from_millis(limits::INBOX_SHUTDOWN_MS);
        if clock::timeout(clock.as_ref(), limit, finishing).await.is_err() {
            tracing::warn!("what is being handed on is let go; it will be handed on again");
        }
        if let Some(page) = self.page {
            page.stop(clock.as_ref()).await;
        }
        self.retention.abort();
        self.store.close();
    }

    fn print(&self, told: &Told) -> io::Result<()> {
        let mut output = lock(&self.output);
        self.printer.print(&mut *output, told)?;
        output.flush()
    }
}

/// Forgets an outlet in an inbox that does not run: what is on its way to it is let go. Returns how many callbacks were.
///
/// # Errors
/// When the inbox cannot be opened, or not be written.
pub async fn forget(dir: &Path, outlet: OutletName, clock: Arc<dyn Clock>) -> Result<usize, InboxError> {
    let store = Store::open(dir, &[], Beginning::Now, clock.wall_ms())?;
    let forgotten = store
        .forget(outlet)
        .await
        .map_err(|fault| InboxError::Recover(fault.to_string()));
    store.close();
    forgotten
}

/// Opens the store and the outlets, and records what an earlier run has left unrecorded.
async fn open(options: &Options, time: &Time, output: &Output) -> Result<(Store, Vec<HandOn>), InboxError> {
    let making = Making {
        time: time.clone(),
        timeout: options.timeout,
        zone: options.zone.clone(),
        secrets: options.verifier.secrets.clone(),
    };
    let targets = options
        .outlets
        .iter()
        .map(|setting| Target::new(setting, &making, output))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<OutletName> = targets.iter().map(Target::name).collect();
    let beginning = if options.from_oldest {
        Beginning::Oldest
    } else {
        Beginning::Now
    };
    let store = Store::open(&options.dir, &names, beginning, time.now_ms())?;
    let hand_ons: Vec<HandOn> = targets
        .into_iter()
        .map(|target| {
            HandOn::new(
                store.clone(),
                target,
                time.clone(),
                options.at_once,
                ms(options.give_up_after),
            )
        })
        .collect();
    for hand_on in &hand_ons {
        hand_on.recover().await.map_err(InboxError::Recover)?;
    }
    Ok((store, hand_ons))
}

/// Listens, with an error that names the address.
async fn listen<H, F>(option: &'static str, addr: SocketAddr, handle: H) -> Result<Server, InboxError>
where
    H: Fn(Request<Incoming>, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<AnswerBody>, Dropped>> + Send + 'static,
{
    Server::bind(addr, handle)
        .await
        .map_err(|source| InboxError::Listen { option, addr, source })
}

fn lock(output: &Output) -> MutexGuard<'_, dyn Write + Send + 'static> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
