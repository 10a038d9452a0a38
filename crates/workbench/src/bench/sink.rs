//! The receiver of a benchmark: answers every POST with `success`, notes which event came when, and does nothing else.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use ringback_server::clock::{Clock, RealClock};

use super::template::find_id;
use super::timings::Arrival;
use crate::client;
use crate::receiver::respond::{AnswerBody, whole};
use crate::receiver::server::{Dropped, Server};

/// Arrivals that are noted at most; further ones are counted only. It bounds the memory to 512 MB.
const ARRIVALS_MAX: usize = 32 * 1024 * 1024;

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    server: Server,
    tally: Arc<Mutex<Tally>>,
}

/// What came in since the last [`Sink::reset`].
#[derive(Debug, Default)]
struct Tally {
    received: u64,
    note: bool,
    arrivals: Vec<Arrival>,
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink {
    /// Starts a sink that counts; with port 0 the system chooses one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let tally: Arc<Mutex<Tally>> = Arc::default();
        let noted = Arc::clone(&tally);
        let server = Server::bind(addr, move |request, _connection| {
            let noted = Arc::clone(&noted);
            async move { answer(&noted, request).await }
        })
        .await?;
        Ok(Self { server, tally })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Forgets everything, and from now on notes each arrival or only counts.
    pub fn reset(&self, note: bool) {
        *lock(&self.tally) = Tally {
            note,
            ..Tally::default()
        };
    }

    /// How many callbacks came since the last reset.
    #[must_use]
    pub fn received(&self) -> u64 {
        lock(&self.tally).received
    }

    /// Stops, as [`crate::receiver::Receiver::stop`] does.
    pub async fn stop(self) {
        self.server.stop(&RealClock).await;
    }

    /// Hands over the arrivals noted so far.
    #[must_use]
    pub fn take_arrivals(&self) -> Vec<Arrival> {
        std::mem::take(&mut lock(&self.tally).arrivals)
    }
}

async fn answer(tally: &Mutex<Tally>, request: Request<Incoming>) -> Result<Response<AnswerBody>, Dropped> {
    let body = client::read(request.into_body()).await.map_err(|_| Dropped)?;
    let id = find_id(&body);
    let at_us = RealClock.boot_us();
    let mut tally = lock(tally);
    tally.received += 1;
    if tally.note
        && tally.arrivals.len() < ARRIVALS_MAX
        && let Some(id) = id
    {
        tally.arrivals.push(Arrival { id, at_us });
    }
    drop(tally);
    Ok(whole(
        StatusCode::OK,
        "text/plain;charset=utf-8",
        Bytes::from_static(b"success"),
    ))
}
