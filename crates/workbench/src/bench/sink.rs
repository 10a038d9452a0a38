//! The receiver of a benchmark: answers every POST with `success`, notes which event came when, and does nothing else.
//! Under other paths it is a bad receiver: `/after/MS` answers `success` so many milliseconds late, `/status/CODE`
//! answers with that status. What comes there is counted only.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use ringback_server::clock::{self, Clock, RealClock};
use serde::{Deserialize, Serialize};

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

#[derive(Debug, Default)]
struct Tally {
    seen: Seen,
    note: bool,
    arrivals: Vec<Arrival>,
}

/// What came in since the last [`Sink::reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Callbacks that were to be answered at once with `success`.
    pub received: u64,
    /// Callbacks under the paths of bad receivers, by path.
    pub elsewhere: BTreeMap<String, u64>,
    /// When the first of all had come, in microseconds of the boot clock.
    pub first_us: Option<i64>,
}

/// How a callback is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    AtOnce,
    After(Duration),
    Status(StatusCode),
}

impl Manner {
    /// What a path asks for; one that asks for nothing is answered at once.
    fn of(path: &str) -> Self {
        let late = path.strip_prefix("/after/").and_then(|ms| ms.parse().ok());
        let status = path.strip_prefix("/status/").and_then(|code| code.parse().ok());
        match (late, status) {
            (Some(ms), _) => Self::After(Duration::from_millis(ms)),
            (None, Some(status)) => Self::Status(status),
            (None, None) => Self::AtOnce,
        }
    }
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

    /// What came since the last reset.
    #[must_use]
    pub fn seen(&self) -> Seen {
        lock(&self.tally).seen.clone()
    }

    /// How many callbacks came since the last reset that were to be answered at once.
    #[must_use]
    pub fn received(&self) -> u64 {
        lock(&self.tally).seen.received
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
    let (head, body) = request.into_parts();
    let body = client::read(body).await.map_err(|_| Dropped)?;
    let manner = Manner::of(head.uri.path());
    let at_us = RealClock.boot_us();
    note(tally, manner, head.uri.path(), &body, at_us);
    let status = match manner {
        Manner::AtOnce => StatusCode::OK,
        Manner::After(span) => {
            RealClock.sleep_until(clock::after(at_us, span)).await;
            StatusCode::OK
        }
        Manner::Status(status) => status,
    };
    let text = if status.is_success() { "success" } else { "" };
    Ok(whole(
        status,
        "text/plain;charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    ))
}

fn note(tally: &Mutex<Tally>, manner: Manner, path: &str, body: &[u8], at_us: i64) {
    let id = (manner == Manner::AtOnce).then(|| find_id(body)).flatten();
    let mut tally = lock(tally);
    tally.seen.first_us.get_or_insert(at_us);
    if manner != Manner::AtOnce {
        *tally.seen.elsewhere.entry(path.to_owned()).or_default() += 1;
        return;
    }
    tally.seen.received += 1;
    if tally.note
        && tally.arrivals.len() < ARRIVALS_MAX
        && let Some(id) = id
    {
        tally.arrivals.push(Arrival { id, at_us });
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::Method;

    use super::*;

    #[tokio::test]
    async fn paths_decide_how_it_answers_and_what_it_notes() {
        let sink = Sink::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        sink.reset(true);
        let body = "{\"callInstanceId\":7}";
        for (path, status, text) in [
            ("/", 200, "success"),
            ("/other", 200, "success"),
            ("/after/1", 200, "success"),
            ("/after/soon", 200, "success"),
            ("/status/503", 503, ""),
            ("/status/503", 503, ""),
            ("/status/7", 200, "success"),
        ] {
            let url = format!("http://{}{path}", sink.local_addr());
            let answer = client::once(Method::POST, &url, None, "application/json", body)
                .await
                .unwrap();
            assert_eq!(
                (answer.status.as_u16(), &answer.body[..]),
                (status, text.as_bytes()),
                "{path}"
            );
        }
        let seen = sink.seen();
        assert_eq!((seen.received, sink.take_arrivals().len()), (4, 4));
        let elsewhere = [("/after/1".to_owned(), 1), ("/status/503".to_owned(), 2)];
        assert_eq!(seen.elsewhere, elsewhere.into());
        assert!(seen.first_us.is_some());
        sink.reset(false);
        assert_eq!(sink.seen(), Seen::default());
    }
}
