//! The client itself: one send from its request to its [`Exchange`].

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use ringback_core::credentials::Credentials;
use rustls::ClientConfig;
use tokio::net::TcpStream;

use super::answer::{Seen, Verdict};
use super::classify;
use super::connect::{ConnectError, Connector, Host, Phase, Place};
use super::connection::{Connection, Outgoing};
use super::exchange::{Detail, Exchange, ProxyFault, TokenFault};
use super::lookup::Lookups;
use super::options::{Limits, Message, Options, OutboundProblem};
use super::outcome::Outcome;
use super::pool::{IdleBudget, Pool};
use super::stream::{Allowance, Stream};
use super::target::{self, Target, TargetProblem, TargetSettings};
use super::tls::Trust;
use super::token::{self, Failed, Token, Tokens};
use crate::clock::{after, timeout_at};

/// The one outbound client. Clones share everything.
#[derive(Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    trust: Trust,
    limits: Limits,
    idle: Arc<IdleBudget>,
}

impl Outbound {
    /// A client. Needs no runtime yet.
    ///
    /// # Errors
    /// [`OutboundProblem`] when the authorities of the installation cannot be read.
    pub fn new(options: Options) -> Result<Self, OutboundProblem> {
        let Options {
            policy,
            tls_ca,
            clock,
            resolver,
            limits,
            bind,
            proxy,
        } = options;
        let trust = Trust::new(tls_ca.as_deref(), Arc::clone(&clock)).map_err(OutboundProblem::TlsCa)?;
        let connector = Connector {
            policy,
            lookups: Lookups::new(resolver),
            clock,
            bind,
            proxy: proxy.map(|proxy| {
                let place = proxy.place();
                (proxy, place)
            }),
        };
        let idle = Arc::new(IdleBudget::new(limits.idle_total));
        Ok(Self {
            inner: Arc::new(Inner {
                connector,
                trust,
                limits,
                idle,
            }),
        })
    }

    /// Makes a target of an endpoint's settings; once per version of them. The address policy is not asked here,
    /// as it is at each send, where what it refuses is the outcome *blocked*; when settings are taken in,
    /// [`Outbound::check`] asks it at once.
    ///
    /// # Errors
    /// [`TargetProblem`] names the first setting that cannot be used.
    pub fn target(&self, settings: TargetSettings<'_>) -> Result<Arc<Target>, TargetProblem> {
        self.new_target(settings).map(Arc::new)
    }

    fn new_target(&self, settings: TargetSettings<'_>) -> Result<Target, TargetProblem> {
        let Inner {
            connector,
            trust,
            limits,
            idle,
        } = &*self.inner;
        let life = Duration::from_millis(u64::from(limits.idle_ms));
        let new_pool = || {
            Pool::new(
                limits.idle_per_target,
                life,
                Arc::clone(idle),
                Arc::clone(&connector.clock),
            )
        };
        Target::new(settings, trust, &connector.lookups, &new_pool)
    }

    /// A target that gets these headers and `Host`, and nothing of what callbacks have: for [`Outbound::post_plain`].
    ///
    /// # Errors
    /// As [`Outbound::target`].
    pub(crate) fn plain_target(
        &self,
        settings: TargetSettings<'_>,
        headers: HeaderMap,
    ) -> Result<Arc<Target>, TargetProblem> {
        let mut target = self.new_target(settings)?;
        target.replace_headers(headers);
        Ok(Arc::new(target))
    }

    /// Checks an endpoint's settings as they are taken in: everything that [`Outbound::target`] asks for, and that
    /// a host given as an address is within the address policy.
    ///
    /// # Errors
    /// [`TargetProblem`] names the first setting that cannot be used.
    pub fn check(&self, settings: TargetSettings<'_>) -> Result<(), TargetProblem> {
        self.check_url(settings.url)?;
        if let Some(Credentials::OAuth2(oauth2)) = settings.credentials {
            self.check_url(&oauth2.token_url).map_err(target::of_token_url)?;
        }
        self.target(settings).map(|_| ())
    }

    fn check_url(&self, url: &str) -> Result<(), TargetProblem> {
        let url = target::parse_url(url)?;
        let judged = self.inner.connector.policy.check_url(&url);
        judged.map_err(TargetProblem::Url)
    }

    /// How many connections are kept idle now, over all targets.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.inner.idle.used()
    }

    /// Sends one message and waits for what becomes of it; at most as long as the target's limit. Dropping the
    /// future closes the connection.
    ///
    /// Where the head of the answer decides, under the ack rule `status` and for every status but 2xx, the body is
    /// still read, up to its limit or until the time is up; a failure there only closes the connection.
    ///
    /// A message that may have been seen is never sent again by itself. Only a kept connection that turns out to
    /// be closed before a byte of the request was written is replaced by a fresh one, once.
    pub async fn post(&self, target: &Target, message: Message) -> Exchange {
        self.post_request(target, target.request(message), &mut Seen::default())
            .await
    }

    /// Sends a body to a target of [`Outbound::plain_target`], once, as [`Outbound::post`] does.
    pub(crate) async fn post_plain(&self, target: &Target, body: Bytes) -> Exchange {
        self.post_request(target, target.request_with(body), &mut Seen::default())
            .await
    }

    /// As [`Outbound::post`], and tells the headers of both sides.
    pub async fn probe(&self, target: &Target, message: Message) -> Probe {
        let mut seen = Seen::with_headers();
        let request = target.request(message);
        let sent = request.headers().clone();
        let exchange = self.post_request(target, request, &mut seen).await;
        Probe {
            exchange,
            sent,
            fetches_token: target.tokens.is_some(),
            received: seen.headers.map(|headers| *headers).unwrap_or_default(),
        }
    }

    /// A connection to the target for one exchange that the caller performs, and the request as [`Outbound::post`]
    /// would send it: for tests of receivers, which send slowly or leave before the answer. The address is judged as
    /// for every send, and at most 1 MiB can be read.
    ///
    /// # Errors
    /// What kept the connection from being made, in one line.
    pub async fn open(
        &self,
        target: &Target,
        message: Message,
    ) -> Result<(Stream, http::Request<Full<Bytes>>), Detail> {
        let Inner {
            connector, limits, ..
        } = &*self.inner;
        let limit = Duration::from_millis(u64::from(limits.connect_ms));
        let deadline_us = after(connector.clock.boot_us(), limit);
        let (mut phase, allowance) = (Phase::default(), Allowance::default());
        let opening = connector.secured(&target.place, deadline_us, &mut phase, &allowance);
        let opened = timeout_at(&*connector.clock, deadline_us, opening)
            .await
            .unwrap_or(Err(ConnectError::TimedOut));
        let (stream, _) = opened.map_err(|error| told(error, phase))?;
        Ok((stream, target.request(message)))
    }

    async fn post_request(&self, target: &Target, request: Outgoing, seen: &mut Seen) -> Exchange {
        let clock = &*self.inner.connector.clock;
        let started_wall_ms = clock.wall_ms();
        let started_us = clock.boot_us();
        let deadline_us = after(started_us, target.timeout);
        let verdict = match &target.tokens {
            None => {
                // Pinned here, since handing it on would copy it, and every send would carry the room for it twice.
                let exchange = pin!(self.exchange(target, request, deadline_us, seen));
                timeout_at(clock, deadline_us, exchange).await
            }
            // Boxed, so that sends that need no token do not carry the room for it.
            Some(tokens) => {
                let exchange = self.exchange_with_token(target, tokens, request, deadline_us, seen);
                timeout_at(clock, deadline_us, Box::pin(exchange)).await
            }
        };
        let (outcome, detail) = verdict.unwrap_or_else(|_elapsed| seen.timed_out());
        let duration_ms = clock.boot_us().saturating_sub(started_us) / 1_000;
        Exchange {
            outcome,
            status: seen.status,
            address: seen.address,
            started_wall_ms,
            duration_ms: u32::try_from(duration_ms).unwrap_or(u32::MAX),
            body_start: seen.body_start(),
            retry_after: seen.retry_after,
            detail,
        }
    }

    /// A connection for mail: TCP to an address of `host` that the policy admits.
    ///
    /// # Errors
    /// What kept it from being made, in one line.
    pub(crate) async fn mail_connection(&self, host: &str, port: u16) -> Result<TcpStream, Detail> {
        let Inner {
            connector, limits, ..
        } = &*self.inner;
        let host = match host.parse() {
            Ok(address) => Host::Literal(address),
            Err(_) => Host::Name(host.to_owned()),
        };
        let place = Place::new(host, port, None, connector.lookups.target(None));
        let limit = Duration::from_millis(u64::from(limits.connect_ms));
        let deadline_us = after(connector.clock.boot_us(), limit);
        let mut phase = Phase::default();
        let opening = connector.open(&place, deadline_us, &mut phase);
        let opened = timeout_at(&*connector.clock, deadline_us, opening)
            .await
            .unwrap_or(Err(ConnectError::TimedOut));
        opened
            .map(|(stream, _)| stream)
            .map_err(|error| told(error, phase))
    }

    /// TLS with the authorities of the installation, for protocols other than HTTP.
    pub(crate) fn mail_tls(&self) -> Arc<ClientConfig> {
        self.inner.trust.without_protocols()
    }

    /// An exchange that needs an access token. Where the receiver refuses the token with a 401, another is fetched and the
    /// request is sent once more: a request that was refused for its token was not taken in.
    async fn exchange_with_token(
        &self,
        target: &Target,
        tokens: &Tokens,
        request: Outgoing,
        deadline_us: i64,
        seen: &mut Seen,
    ) -> Verdict {
        let clock = &*self.inner.connector.clock;
        let mut refused: Option<Token> = None;
        loop {
            seen.phase = Phase::Token;
            let fetch = self.fetch_token(tokens, deadline_us);
            let token = match tokens.get(clock, refused.as_ref(), fetch).await {
                Ok(token) => token,
                Err(failed) => return failed.into(),
            };
            let mut request = request.clone();
            let authorization = token.authorization.clone();
            request.headers_mut().insert(header::AUTHORIZATION, authorization);
            let verdict = self.exchange(target, request, deadline_us, seen).await;
            let is_refused = seen.status == Some(StatusCode::UNAUTHORIZED.as_u16());
            if !is_refused || refused.is_some() || !token.is_worth_another(clock) {
                return verdict;
            }
            refused = Some(token);
            seen.reset();
        }
    }

    async fn fetch_token(&self, tokens: &Tokens, deadline_us: i64) -> Result<Token, Failed> {
        let asked_us = self.inner.connector.clock.boot_us();
        if asked_us >= deadline_us {
            // Who fetched before has used up the time of those who waited.
            return Err(Failed {
                outcome: Outcome::TimedOut,
                fault: TokenFault::TimedOut,
            });
        }
        let mut seen = Seen::default();
        let verdict = self
            .exchange(&tokens.target, tokens.request(), deadline_us, &mut seen)
            .await;
        token::read(verdict, &seen, asked_us)
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Outgoing,
        deadline_us: i64,
        seen: &mut Seen,
    ) -> Verdict {
        let (mut connection, response) = match self.send(target, request, deadline_us, seen).await {
            Ok(answered) => answered,
            Err(verdict) => return verdict,
        };
        seen.head(&response, target.ack_rule, &target.url);
        let (is_whole, verdict) = seen
            .body(&mut connection, response.into_body(), target.ack_rule)
            .await;
        if is_whole && connection.is_ready().await {
            target.pool.put(connection);
        }
        verdict
    }

    /// Sends the request on a kept connection or a fresh one, and waits for the head of the answer.
    async fn send(
        &self,
        target: &Target,
        mut request: Outgoing,
        deadline_us: i64,
        seen: &mut Seen,
    ) -> Result<(Connection, Response<Incoming>), Verdict> {
        if let Some(mut connection) = target.pool.take() {
            seen.phase = Phase::Answer;
            seen.address = Some(connection.address());
            match connection.send(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(unreachable(classify::http_error(error.error()))),
                },
            }
        }
        seen.address = None;
        // Boxed, since it is large and rarely needed: every send would carry the room for it.
        let mut connection = Box::pin(self.connect(target, deadline_us, seen)).await?;
        seen.phase = Phase::Answer;
        seen.address = Some(connection.address());
        match connection.send(request).await {
            Ok(response) => Ok((connection, response)),
            Err(error) => Err(unreachable(classify::http_error(error.error()))),
        }
    }

    async fn connect(
        &self,
        target: &Target,
        deadline_us: i64,
        seen: &mut Seen,
    ) -> Result<Connection, Verdict> {
        let Inner {
            connector, limits, ..
        } = &*self.inner;
        let limit = Duration::from_millis(u64::from(limits.connect_ms));
        let deadline_us = after(connector.clock.boot_us(), limit).min(deadline_us);
        connector
            .connect(&target.place, deadline_us, &mut seen.phase)
            .await
            .map_err(|error| match error {
                ConnectError::Blocked(refused) => {
                    (Outcome::Blocked, Some(Detail::AddressBlocked(refused.class)))
                }
                ConnectError::TimedOut | ConnectError::Failed(Detail::ConnectTimedOut) => seen.timed_out(),
                ConnectError::Failed(detail) => unreachable(detail),
            })
    }
}

/// A send of which the headers of both sides are told.
#[derive(Debug)]
pub struct Probe {
    /// What is known after it.
    pub exchange: Exchange,
    /// The headers that were sent; those that may hold secrets are marked as sensitive.
    pub sent: HeaderMap,
    /// Whether an access token was sent besides.
    pub fetches_token: bool,
    /// The headers of the answer, where there was one.
    pub received: HeaderMap,
}

/// What kept a connection from being made, in one line.
fn told(error: ConnectError, phase: Phase) -> Detail {
    match error {
        ConnectError::Blocked(refused) => Detail::AddressBlocked(refused.class),
        ConnectError::Failed(detail) => detail,
        ConnectError::TimedOut => match phase {
            Phase::Lookup => Detail::DnsTimedOut,
            Phase::Proxy => Detail::Proxy(ProxyFault::TimedOut),
            Phase::Tls => Detail::TlsTimedOut,
            Phase::Token | Phase::Connect | Phase::Answer => Detail::ConnectTimedOut,
        },
    }
}

const fn unreachable(detail: Detail) -> Verdict {
    (Outcome::Unreachable, Some(detail))
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("connector", &self.inner.connector)
            .finish_non_exhaustive()
    }
}
