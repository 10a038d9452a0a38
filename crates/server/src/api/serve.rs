//! Serves the API over HTTP/1.1: a bounded number of connections, limits on heads and idle time, and a shutdown that lets
//! requests under way finish. Clients that do not read their answers are given up.

mod patience;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use ringback_core::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::caller::Peer;
use super::state::ApiState;
use crate::clock::{self, Clock};
use crate::tasks;
use patience::Patience;

/// How long the head of a request may take, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// How long a client may take nothing of what is written to it.
const WRITE_TIME: Duration = Duration::from_millis(limits::API_WRITE_MS);
/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// How long to wait after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API on `listener` until `shutdown` is done, with at most `connections` at once; further ones wait to be
/// accepted. After `shutdown` no connection is accepted any more, requests under way finish, and what is not finished
/// after [`limits::SHUTDOWN_MS`] is cut.
pub async fn serve(
    listener: TcpListener,
    state: Arc<ApiState>,
    connections: usize,
    shutdown: impl Future<Output = ()>,
) {
    let clock = Arc::clone(&state.clock);
    let open = state.metrics.http_connections.clone();
    let router = super::router(state);
    let places = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    // Told, by being dropped, when time is up.
    let (cut, is_cut) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places, &*clock) => accepted,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            service.call(request)
        });
        let open = Open::count(&open);
        let patient = Patience::new(stream, WRITE_TIME, Arc::clone(&clock));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_header_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(patient), service);
        let connection = graceful.watch(connection);
        let mut is_cut = is_cut.clone();
        tasks::spawn("API connection", async move {
            let _held = (place, open);
            tokio::select! {
                // Clients break off as they like; there is nothing to say about it.
                _ = connection => {}
                _ = is_cut.changed() => {}
            }
        });
    }
    drop(listener);
    let limit = Duration::from_millis(limits::SHUTDOWN_MS);
    if clock::timeout(&*clock, limit, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way did not finish in time: their connections are cut");
    }
    drop(cut);
}

/// The next connection, when there is a place for it. `None` where an accept failed: the next may not.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    clock: &dyn Clock,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Without it small answers may wait for the client's delayed acknowledgement; it fails on a dead socket only.
            let _ = stream.set_nodelay(true);
            Some((stream, Peer(peer.ip()), place))
        }
        Err(error) => {
            if !is_of_one_connection(&error) {
                tracing::warn!(%error, "a connection could not be accepted");
                clock
                    .sleep_until(clock::after(clock.boot_us(), ACCEPT_PAUSE))
                    .await;
            }
            None
        }
    }
}

/// Whether an accept failed only because that client went away.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// One counted connection.
struct Open(Gauge);

impl Open {
    fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
