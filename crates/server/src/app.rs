//! The whole service in one process: store, engine, outbound client and API, put together from a configuration.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringback_core::audit::{Action, Actor, Entry};
use ringback_core::limits;
use ringback_core::store::{Store, StoreError, Write, Written};
use ringback_core::time::Millis;
use ringback_core::token::{Scope, Token};
use ringback_store::secrets::Secrets;
use ringback_store::sqlite::Sqlite;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::alerts::Alerts;
use crate::api::{self, ApiState};
use crate::chain::Chain;
use crate::clock::{self, Clock};
use crate::config::{Config, StoreSetting};
use crate::outbound::{self, AddressPolicy, Outbound, OutboundProblem};
use crate::random;
use crate::service::{self, OpenStore, Running, Service, Unavailable};
use crate::tasks;
use crate::telemetry::Metrics;
use crate::trace::{self, Collector, Exporter, Tracer};

/// The name of the file in the store's directory that holds the first operator token.
pub const OPERATOR_TOKEN_FILE: &str = "operator-token";

/// How often the last uses of tokens are stored.
const TOKEN_USES_EVERY: Duration = Duration::from_secs(60);
/// How long storing them, and what was told of alerts, may take when the service ends.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error("the store cannot be opened: {0}")]
    Store(String),
    /// The outbound client's settings.
    #[error(transparent)]
    Outbound(#[from] OutboundProblem),
    /// The collector of traces.
    #[error(transparent)]
    Traces(#[from] trace::StartError),
    /// The address of the API.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The file of the first operator token.
    #[error("cannot write the operator token to {path}: {source}")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The first operator token could not be kept.
    #[error("cannot keep the operator token: {0}")]
    Token(#[from] Unavailable),
}

/// The running program.
#[derive(Debug)]
pub struct App {
    /// The handle of the service.
    pub service: Service,
    /// Where the API listens.
    pub address: SocketAddr,
    /// The file with the first operator token, when one was written just now.
    pub token_file: Option<PathBuf>,
    running: Running,
    alerts: Arc<Alerts>,
    clock: Arc<dyn Clock>,
    stop_api: oneshot::Sender<()>,
    api: tokio::task::JoinHandle<()>,
    exporter: Option<Exporter>,
}

impl App {
    /// Opens the store, begins to send, and listens.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs on.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|source| StartError::Listen {
            address: config.listen,
            source,
        })?;
        let outbound = Outbound::new(outbound::Options {
            policy: AddressPolicy::new(config.outbound_allow.clone()),
            tls_ca: config.tls_ca.as_ref().map(|ca| ca.pem.clone()),
            bind: config.outbound_bind,
            proxy: config.outbound_proxy.clone(),
            ..outbound::Options::new(Arc::clone(&clock))
        })?;
        for address in config.outbound_bind.absent() {
            // It may come later, as the address of a fail-over does; until then sends say why they fail.
            tracing::warn!(%address, "the address of RINGBACK_OUTBOUND_BIND is not one of this machine now");
        }
        let metrics = Arc::new(Metrics::new(api::ROUTES.iter().copied()));
        let (tracer, exporter) = start_traces(config, &clock, &metrics)?;
        let StoreSetting::Sqlite(dir) = &config.store;
        let (service, running) = Service::start(service::Options {
            open_store: open_store(dir, &config.secrets),
            outbound: outbound.clone(),
            clock: Arc::clone(&clock),
            disk_free_least: config.disk_free_least_mib.saturating_mul(1024 * 1024),
            retention_ms: config.retention_ms,
            metrics: Arc::clone(&metrics),
            tracer,
        })
        .map_err(|error| StartError::Store(Chain(&error).to_string()))?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), store = %config.store, "the store is open");
        let token_file = match first_token(config, &service, dir, &*clock).await {
            Ok(token_file) => token_file,
            Err(error) => {
                running.shut_down().await;
                return Err(error);
            }
        };
        let state = ApiState::new(service.clone(), outbound, metrics, Arc::clone(&clock), config);
        let alerts = state.alerts();
        tasks::spawn_detached(Arc::clone(&alerts).run());
        let (stop_api, stopped) = oneshot::channel();
        let stopped = async move {
            // A dropped sender stops the API as well.
            let _ = stopped.await;
        };
        let api = tasks::spawn(
            "api",
            api::serve(listener, Arc::new(state), config.connections, stopped),
        );
        tasks::spawn_detached(keep_token_uses(service.clone(), Arc::clone(&clock)));
        if let Some(age_ms) = config.audit_retention_ms {
            tasks::spawn_detached(prune_audit(service.clone(), Arc::clone(&clock), age_ms));
        }
        Ok(Self {
            service,
            address,
            token_file,
            running,
            alerts,
            clock,
            stop_api,
            api,
            exporter,
        })
    }

    /// Ends it: first the intake, then the sending (see [`Running::shut_down`]).
    pub async fn shut_down(self) {
        let _ = self.stop_api.send(());
        let _ = self.api.await;
        let last = async {
            store_token_uses(&self.service).await;
            self.alerts.finish().await;
        };
        // A store that does not answer must not hold up the end.
        let _ = clock::timeout(&*self.clock, LAST_WRITES, last).await;
        self.running.shut_down().await;
        if let Some(exporter) = self.exporter {
            exporter.finish().await;
        }
    }
}

/// Begins to tell the collector, where there is one.
fn start_traces(
    config: &Config,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> Result<(Tracer, Option<Exporter>), trace::StartError> {
    let Some(address) = config.otlp.clone() else {
        return Ok((Tracer::default(), None));
    };
    let collector = Collector {
        address,
        sample: config.otlp_sample,
        tls_ca: config.tls_ca.as_ref().map(|ca| ca.pem.clone()),
    };
    tracing::info!(collector = %collector.address, sample = collector.sample, "traces are told to a collector");
    let (tracer, exporter) = Tracer::start(collector, Arc::clone(clock), Arc::clone(metrics))?;
    Ok((tracer, Some(exporter)))
}

/// Stores the last uses of tokens, again and again.
async fn keep_token_uses(service: Service, clock: Arc<dyn Clock>) {
    loop {
        clock
            .sleep_until(clock::after(clock.boot_us(), TOKEN_USES_EVERY))
            .await;
        store_token_uses(&service).await;
    }
}

async fn store_token_uses(service: &Service) {
    let uses = service.directory().take_token_uses();
    if !uses.is_empty() {
        // It is there for people who look for tokens that nobody needs: a use that is not stored does no harm.
        let _ = service.write(Write::UseTokens(uses)).await;
    }
}

/// Removes what is too old from the audit log, again and again, a bounded part at a time.
async fn prune_audit(service: Service, clock: Arc<dyn Clock>, age_ms: u64) {
    loop {
        let before = Millis(service.time().now().0.saturating_sub_unsigned(age_ms));
        let written = service.write(Write::PruneAudit(before)).await;
        // A store that cannot be written now is tried again like one in which nothing is left to remove.
        let more = matches!(written, Ok(Written::AuditPruned(limits::AUDIT_PRUNE_ROWS)));
        let pause_ms = if more {
            limits::AUDIT_PRUNE_REST_MS
        } else {
            limits::AUDIT_PRUNE_PAUSE_MS
        };
        let pause = Duration::from_millis(pause_ms);
        clock.sleep_until(clock::after(clock.boot_us(), pause)).await;
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

fn open_store(dir: &Path, secrets: &Secrets) -> OpenStore {
    let (dir, secrets) = (dir.to_owned(), secrets.clone());
    Box::new(move || match Sqlite::open_with(&dir, &secrets) {
        Ok(store) => Ok(Box::new(store) as Box<dyn Store>),
        Err(error) => Err(StoreError {
            what: "open the store",
            fault: error.fault(&dir),
            source: Box::new(error),
        }),
    })
}

/// With an empty store and no token configured, makes the first operator token, so that somebody can configure the rest.
async fn first_token(
    config: &Config,
    service: &Service,
    dir: &Path,
    clock: &dyn Clock,
) -> Result<Option<PathBuf>, StartError> {
    let directory = service.directory();
    if config.operator_token.is_some() || !directory.tokens().is_empty() || !directory.companies().is_empty()
    {
        return Ok(None);
    }
    let path = dir.join(OPERATOR_TOKEN_FILE);
    let text = format!("rbt_{}", random::token());
    write_secret(&path, &text).map_err(|source| StartError::TokenFile {
        path: path.clone(),
        source,
    })?;
    let token = Token {
        id: format!("tok_{}", &random::token()[..16]),
        name: "operator".to_owned(),
        hash: Sha256::digest(text.as_bytes()).into(),
        scope: Scope::Operator,
        company_id: None,
        created_wall_ms: clock.wall_ms(),
        expires_wall_ms: None,
        last_used_wall_ms: None,
        rate_limit: None,
    };
    let entry = Entry {
        actor: Actor::named(Actor::SERVICE),
        peer: None,
        wall_ms: token.created_wall_ms,
        action: Action::TokenMake,
        company_id: None,
        object: token.id.clone(),
        before: None,
        after: Some(r#"{"name":"operator","scope":"operator"}"#.to_owned()),
    };
    service
        .write(Write::AddToken(Box::new(token)).audited(entry))
        .await?;
    Ok(Some(path))
}

/// The file comes before the token is kept: after a crash between the two the store is still empty, and the next start
/// writes another.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
