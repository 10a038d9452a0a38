//! The stand-in as a server: it answers requests, lets the robot's time pass, and hands over what happens.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use jiff::tz::TimeZone;
use ringback_contract::date_time::{format_local, parse_local};
use ringback_contract::sign::EnvelopeCode;
use ringback_server::clock::Clock;
use ringback_server::random;
use tokio::sync::Notify;

use super::super::event::Line;
use super::super::feed::{Feed, FeedProblem};
use super::super::pace::{RobotClock, Speed};
use super::super::world::World;
use super::envelope::{self, Fault};
use super::{App, Asked, Platform};
use crate::receiver::server::{Dropped, Server};

/// The longest body of a request: 10,000 customers with some properties.
const BODY_BYTES: usize = 8 * 1024 * 1024;
/// Hexadecimal digits of a request's id.
const REQUEST_ID_DIGITS: usize = 32;
/// The bits of an id that count within one millisecond: the ids of two stand-ins do not meet.
const ID_BITS: u32 = 10;

/// What a stand-in is made of.
#[derive(Debug)]
pub struct Options {
    /// Who may ask.
    pub apps: Vec<App>,
    /// How many calls can go on at once.
    pub lines: usize,
    /// How fast its time passes.
    pub speed: Speed,
    /// The day on which its time begins, at 9:00: `yyyy-MM-dd`; today unless it is said.
    pub date: Option<String>,
    /// Where its clocks are.
    pub zone: TimeZone,
    /// Decides how calls go.
    pub seed: u64,
}

/// A stand-in that answers already.
#[derive(Debug)]
pub struct StandIn {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told after each request: there may be more to do.
    changed: Notify,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State {
    platform: Platform,
    time: RobotClock,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets the time pass in which nothing happened. What is due is left to whoever hands it over.
    fn pass(&mut self, now_us: i64) {
        let now_ms = self.time.now_ms(now_us);
        let world = &mut self.platform.world;
        world.advance(world.next_at().map_or(now_ms, |at| now_ms.min(at - 1)));
    }
}

impl StandIn {
    /// Begins to answer.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(addr: SocketAddr, options: Options, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let wall_ms = clock.wall_ms();
        let date = options.date.unwrap_or_else(|| {
            let now = format_local(wall_ms, &options.zone);
            now.get(..10).unwrap_or_default().to_owned()
        });
        let begin_ms = parse_local(&format!("{date} 09:00:00"), &options.zone).unwrap_or(wall_ms);
        let first_id = wall_ms.max(1) << ID_BITS;
        let world = World::new(options.seed, options.zone, begin_ms, options.lines, first_id).keeping_calls();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                platform: Platform {
                    world,
                    apps: options.apps,
                    lines: options.lines,
                },
                time: RobotClock::new(options.speed, begin_ms, clock.boot_us()),
            }),
            changed: Notify::new(),
            clock,
        });
        let answering = Arc::clone(&shared);
        let server = Server::bind(addr, move |request, _| {
            let shared = Arc::clone(&answering);
            async move { Ok::<_, Dropped>(shared.answer(request).await) }
        })
        .await?;
        Ok(Self { server, shared })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.local_addr())
    }

    /// Lets time pass and hands over what happens, until `stop` is ready.
    ///
    /// # Errors
    /// When an event could not be handed over.
    pub async fn run(self, feed: &mut Feed, stop: impl Future<Output = ()>) -> Result<(), FeedProblem> {
        let Self { server, shared } = self;
        let work = async {
            // Keys of this process only: what it knows ends with it.
            let name = random::token()[..REQUEST_ID_DIGITS].to_owned();
            let mut number = 0_u64;
            loop {
                let wake_us = match shared.next() {
                    Next::Event(event) => {
                        let key = format!("stand-in/{name}/{number}");
                        number += 1;
                        feed.hand_over(Line { key, event }).await?;
                        continue;
                    }
                    Next::Wait(wake_us) => wake_us,
                };
                let changed = shared.changed.notified();
                match wake_us {
                    Some(wake_us) => tokio::select! {
                        () = shared.clock.sleep_until(wake_us) => {}
                        () = changed => {}
                    },
                    None => changed.await,
                }
            }
        };
        let ended = tokio::select! {
            ended = work => ended,
            () = stop => Ok(()),
        };
        server.stop(&*shared.clock).await;
        ended
    }
}

/// What is to be done next.
enum Next {
    Event(super::super::event::Event),
    /// Nothing, until the boot clock shows this, or somebody orders something.
    Wait(Option<i64>),
}

impl Shared {
    fn next(&self) -> Next {
        let now_us = self.clock.boot_us();
        let mut state = self.state();
        let State { platform, time } = &mut *state;
        let world = &mut platform.world;
        loop {
            if let Some(event) = world.take() {
                return Next::Event(event);
            }
            let Some(at_ms) = world.next_at() else {
                return Next::Wait(None);
            };
            if at_ms > time.now_ms(now_us) {
                let wake_us = time.await_ms(at_ms, now_us);
                if wake_us > now_us {
                    return Next::Wait(Some(wake_us));
                }
            }
            world.advance(at_ms);
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Response<impl Body<Data = Bytes, Error = Dropped> + Send + use<>> {
        let (head, body) = request.into_parts();
        let result = match Limited::new(body, BODY_BYTES).collect().await {
            Ok(body) => {
                let asked = Asked {
                    method: &head.method,
                    path: head.uri.path(),
                    query: head.uri.query().unwrap_or_default(),
                    headers: &head.headers,
                    body: &body.to_bytes(),
                };
                let mut state = self.state();
                state.pass(self.clock.boot_us());
                state.platform.answer(&asked, self.clock.wall_ms())
            }
            Err(_) => Err(Fault::new(
                EnvelopeCode::BadParameter,
                "body: is longer than 8 MiB, or broke off",
            )),
        };
        self.changed.notify_one();
        let request_id = random::token();
        let body = envelope::body(result, &request_id[..REQUEST_ID_DIGITS]);
        let mut response = Response::new(Full::new(body).map_err(|never: Infallible| match never {}));
        let json = HeaderValue::from_static("application/json;charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
