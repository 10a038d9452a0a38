//! `ringback backup`: a consistent copy of the store, also while a service uses it.

use std::io::{self, IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringback_core::limits;
use ringback_server::config::StoreSetting;
use ringback_server::tasks;
use ringback_store::sqlite::{self, BackupError, Progress};

use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::signals::Signals;

const EXAMPLES: &str = "\
Examples:
  ringback backup /backup/ringback-2026-11-23.db
  ringback backup --store /var/lib/ringback --json /backup/ringback.db

The service may run meanwhile. The copy is that of one moment, is checked, and overwrites nothing. To restore it, stop the \
service, put the copy as ringback.db into an empty directory, with the file secrets-key of the store unless RINGBACK_SECRETS_KEY is \
set, and start the service on that.

Exit codes: 0 done, 1 failed and nothing left behind, 2 called or configured wrongly.";

/// Makes a consistent copy of the store, also while the service runs
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file to make
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// The store's directory; without it the one of the configuration
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The configuration file, TOML
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    config: Option<PathBuf>,
    /// How long the store's write-ahead log may get, in MiB, before the backup gives up
    #[arg(long, value_name = "MIB", default_value_t = limits::BACKUP_WAL_BYTES / MIB)]
    wal_most: u64,
    /// Prints one JSON object instead of a sentence, and shows no progress
    #[arg(long)]
    json: bool,
}

const MIB: u64 = 1024 * 1024;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let dir = match &args.store {
        Some(dir) => without_prefix(dir),
        None => {
            let StoreSetting::Sqlite(dir) = environment::configuration(args.config.as_deref())?.store;
            dir
        }
    };
    runtime::run(async {
        let mut signals = Signals::catch()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let mut bar = Bar::new(!args.json && io::stderr().is_terminal());
        let (target, wal_most) = (args.target.clone(), args.wal_most.saturating_mul(MIB));
        let copying = {
            let stopped = Arc::clone(&stopped);
            tasks::spawn_blocking("backup", move || {
                let made = sqlite::backup(&dir, &target, wal_most, &mut |progress| {
                    bar.show(progress);
                    if stopped.load(Ordering::Relaxed) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                bar.clear();
                made
            })
        };
        tokio::pin!(copying);
        let mut signalled = None;
        let made = loop {
            tokio::select! {
                made = &mut copying => break made.map_err(|error| Failure::caused(&error))?,
                number = signals.next() => {
                    stopped.store(true, Ordering::Relaxed);
                    signalled = Some(number);
                }
            }
        };
        match (made, signalled) {
            (Ok(made), _) if args.json => output::json(&serde_json::json!({
                "target": args.target,
                "bytes": made.bytes,
                "schemaVersion": made.version,
                "secretsKeyId": made.secrets_key_id,
            })),
            (Ok(made), _) => {
                if let Some(id) = &made.secrets_key_id {
                    output::note(format_args!(
                        "its settings are encrypted with the key {id}, which is not in it: keep the file secrets-key, or \
                         RINGBACK_SECRETS_KEY, in another place"
                    ));
                }
                output::line(format_args!("{}: {}", args.target.display(), size(made.bytes)))
            }
            (Err(BackupError::Stopped), Some(number)) => Err(Failure::signalled(number)),
            (Err(error), _) => Err(Failure::caused(&error)),
        }
    })
}

/// `sqlite:DIR` is how the configuration writes it, and is understood here too.
fn without_prefix(dir: &std::path::Path) -> PathBuf {
    let text = dir.to_str().and_then(|text| text.strip_prefix("sqlite:"));
    text.map_or_else(|| dir.to_owned(), PathBuf::from)
}

/// A length for people.
fn size(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / MIB;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// The progress, on one line of a terminal.
struct Bar {
    shown: bool,
    last: Option<u64>,
}

impl Bar {
    const WIDTH: u64 = 30;

    const fn new(shown: bool) -> Self {
        Self { shown, last: None }
    }

    fn show(&mut self, progress: Progress) {
        let (percent, text) = match progress {
            Progress::Copying { done, of } => {
                let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
                (percent, format!("{} of {}", size(done), size(of)))
            }
            Progress::Checking => (101, "checking the copy".to_owned()),
        };
        if !self.shown || self.last == Some(percent) {
            return;
        }
        self.last = Some(percent);
        let full = percent.min(100) * Self::WIDTH / 100;
        let bar: String = (0..Self::WIDTH)
            .map(|place| if place < full { '#' } else { '.' })
            .collect();
        let mut err = io::stderr().lock();
        // A terminal that is gone needs no progress.
        let _ = write!(err, "\r[{bar}] {text}\x1b[K").and_then(|()| err.flush());
    }

    fn clear(&self) {
        if self.shown && self.last.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
