//! What every handler shares.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, Semaphore};

use super::body::BodyMemory;
use super::caller::Caller;
use super::endpoints::Tested;
use super::log_level::LogLevel;
use super::problem::{Problem, Type};
use super::shares::Shares;
use crate::alerts::Alerts;
use crate::clock::Clock;
use crate::config::{Config, OperatorToken, Rates};
use crate::outbound::Outbound;
use crate::rate::Rate;
use crate::service::Service;
use crate::telemetry::Metrics;

/// Endpoint tests under way at once; further ones wait.
const TESTS_AT_ONCE: usize = 16;

/// Batches that are read at a time; further ones wait for their turn, which lasts a few events. All of them together would
/// keep the sends, which share the threads, waiting for as many turns: less would be delivered than taken in.
const BATCHES_AT_ONCE: usize = 2;

/// Failed-callback queries and reconciliations under way at once; further ones wait. One may take half a second of a reader, and the other readers are left to other requests.
const COUNTS_AT_ONCE: usize = 2;

/// What the API needs of the rest of the program.
#[derive(Debug)]
pub struct ApiState {
    /// The running service.
    pub(crate) service: Service,
    /// The client that endpoint tests go through.
    pub(crate) outbound: Outbound,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The clocks.
    pub(crate) clock: Arc<dyn Clock>,
    /// The zone of the dates in callbacks.
    pub(crate) zone: TimeZone,
    /// Held while settings are read, changed and written back: changes happen one after the other.
    pub(crate) changes: Mutex<()>,
    /// Bounds the endpoint tests.
    pub(crate) tests: Semaphore,
    /// The endpoints that are tested now.
    pub(crate) tested: Tested,
    /// Bounds the batches that are read.
    pub(crate) batches: Semaphore,
    /// Bounds what counts: failed-callback queries and reconciliations.
    pub(crate) counts: Semaphore,
    /// Bounds what tokens for one company ask for at once.
    pub(crate) shares: Shares,
    /// Bounds the bodies in memory.
    pub(crate) bodies: BodyMemory,
    /// What is logged now.
    pub(crate) log: Arc<LogLevel>,
    /// The alerts and their channels.
    pub(crate) alerts: Arc<Alerts>,
    operator_token: Option<OperatorToken>,
    /// What the operator's token of the configuration has used of its rate.
    operator_rate: Rate,
    rates: Rates,
    metrics_open: bool,
}

impl ApiState {
    /// The state of an API over this service.
    #[must_use]
    pub fn new(
        service: Service,
        outbound: Outbound,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        config: &Config,
    ) -> Self {
        let alerts = Alerts::new(service.clone(), outbound.clone(), Arc::clone(&metrics), config);
        Self {
            log: Arc::new(LogLevel::new(config.log.clone())),
            alerts: Arc::new(alerts),
            service,
            outbound,
            metrics,
            clock,
            zone: config.zone.clone(),
            changes: Mutex::new(()),
            tests: Semaphore::new(TESTS_AT_ONCE),
            tested: Tested::default(),
            batches: Semaphore::new(BATCHES_AT_ONCE),
            counts: Semaphore::new(COUNTS_AT_ONCE),
            shares: Shares::default(),
            bodies: BodyMemory::new(),
            operator_token: config.operator_token.clone(),
            operator_rate: Rate::default(),
            rates: config.rates,
            metrics_open: config.metrics_open,
        }
    }

    /// The alerts, for whoever runs their rounds.
    #[must_use]
    pub fn alerts(&self) -> Arc<Alerts> {
        Arc::clone(&self.alerts)
    }

    /// Whether the metrics need no token.
    pub(crate) const fn metrics_open(&self) -> bool {
        self.metrics_open
    }

    /// Counts a request of this caller, unless he has made too many.
    pub(crate) fn check_rate(&self, caller: &Caller) -> Result<(), Problem> {
        let (own, rate) = caller.own_rate().unwrap_or((None, &self.operator_rate));
        let Some(per_second) = own.or(self.rates.of(caller.scope())) else {
            return Ok(());
        };
        rate.take(self.clock.boot_us(), per_second)
            .map_err(|retry_after_s| Problem {
                retry_after_s: Some(retry_after_s),
                ..Problem::new(
                    Type::TooManyRequests,
                    format!("the token may make {per_second} requests per second, and as many at once"),
                )
            })
    }

    /// Who sent a request with these headers. Tokens are known by their SHA-256 only, and compared by it.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let unauthorized = |detail| Problem::new(Type::Unauthorized, detail);
        let token = bearer(headers)
            .ok_or_else(|| unauthorized("send the header Authorization: Bearer and a token"))?;
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let is_operator = self
            .operator_token
            .as_ref()
            .is_some_and(|operator| bool::from(operator.sha256().ct_eq(&hash)));
        if is_operator {
            return Ok(Caller::operator());
        }
        let known = self
            .service
            .directory()
            .token(&hash)
            .ok_or_else(|| unauthorized("the token is not known: it was revoked, or never made here"))?;
        let now_ms = self.clock.wall_ms();
        if known.token.is_expired(now_ms) {
            return Err(unauthorized(
                "the token has expired: ask the operator for another",
            ));
        }
        known.note_use(now_ms);
        Ok(Caller::of(known))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn bearer_tokens_are_read() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("abc", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(bearer(&headers), expected, "{value:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
