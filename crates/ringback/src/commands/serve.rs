//! `ringback serve`: the service, until a signal ends it.

use std::path::PathBuf;
use std::sync::Arc;

use ringback_server::app::{App, StartError};
use ringback_server::clock::RealClock;
use ringback_server::{tasks, telemetry};
use tokio::signal::unix::{SignalKind, signal};

use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::signals::Signals;

const EXAMPLES: &str = "\
Examples:
  ringback serve
  ringback serve --config /etc/ringback.toml
  RINGBACK_LISTEN=0.0.0.0:7700 RINGBACK_STORE=sqlite:/var/lib/ringback ringback serve

Every setting has a default: see `ringback check-config`. The first start with an empty store writes an operator token \
to the file operator-token in the store's directory, unless RINGBACK_OPERATOR_TOKEN is set.

SIGTERM and Ctrl-C end it in order: the intake stops, requests under way get up to 10 s, then sends in flight up to 10 s. A \
second one ends it at once, which loses nothing: what was in flight is sent again at the next start. SIGHUP is ignored; settings are read at \
the start only.";

/// Runs the service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration file, TOML; the environment wins over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let config = environment::configuration(args.config.as_deref())?;
    telemetry::logs::init(&config.log, config.log_format).map_err(|error| Failure::caused(&error))?;
    runtime::run(async {
        let mut signals = Signals::catch()?;
        ignore_hangups()?;
        let app = App::start(&config, Arc::new(RealClock))
            .await
            .map_err(|error| not_started(&error, "RINGBACK_LISTEN, or listen in the file"))?;
        announce(&app);
        signals.next().await;
        tracing::info!("shutting down");
        signals.unless_repeated(app.shut_down()).await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Why the service does not run; where its address is in use, `option` is where another one can be given.
pub(super) fn not_started(error: &StartError, option: &str) -> Failure {
    match error {
        StartError::Listen { address, source } => {
            Failure::failed(format_args!("cannot listen on {address}, {option}: {source}"))
        }
        other => Failure::failed(other),
    }
}

/// Scripts read the address here when they let the system choose the port. Nobody reading is no reason not to serve.
fn announce(app: &App) {
    let _ = output::line(format_args!("listening on http://{}", app.address));
    if let Some(path) = &app.token_file {
        let _ = output::line(format_args!("operator token in {}", path.display()));
    }
}

/// Without this, a closed terminal would end the service without its orderly end.
fn ignore_hangups() -> Result<(), Failure> {
    let mut hangups = signal(SignalKind::hangup())
        .map_err(|error| Failure::failed(format_args!("signals cannot be caught: {error}")))?;
    tasks::spawn_detached(async move {
        while hangups.recv().await.is_some() {
            tracing::warn!("SIGHUP is ignored: settings are read at the start only");
        }
    });
    Ok(())
}
