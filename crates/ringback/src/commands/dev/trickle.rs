//! The traffic of `dev`: callbacks that never happened, handed over through the API as a call platform does.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::tz::TimeZone;
use ringback_contract::kind::Kind;
use ringback_server::clock::{self, Clock as _, RealClock};
use ringback_workbench::generator::{Generated, Generator, Setup};

use super::setup::COMPANY_ID;
use crate::api::{Api, refused};
use crate::failure::Failure;
use crate::output;

/// A steady trickle.
pub(super) struct Trickle {
    generator: Generator,
    gap: Duration,
}

impl Trickle {
    /// So many callbacks per second, from this seed. Ids of calls begin with the moment, so that those of the last run
    /// do not come again.
    pub(super) fn new(seed: u64, per_second: f64, zone: TimeZone) -> Self {
        let setup = Setup {
            first_call_id: RealClock.wall_ms(),
            zone,
            ..Setup::new(seed, COMPANY_ID)
        };
        Self {
            generator: Generator::new(setup),
            gap: Duration::from_secs_f64(1.0 / per_second),
        }
    }

    /// Hands over until that fails.
    pub(super) async fn run(mut self, api: &Api) -> Failure {
        let mut next_us = RealClock.boot_us();
        loop {
            let callback = self.generator.next(RealClock.wall_ms());
            if let Err(failure) = hand_over(api, &callback).await {
                return failure;
            }
            // After a suspend the missed ones are not made up for.
            next_us = clock::after(next_us, self.gap).max(RealClock.boot_us());
            RealClock.sleep_until(next_us).await;
        }
    }
}

/// Hands one callback over. Where the service has no room for it now, it is left out.
async fn hand_over(api: &Api, callback: &Generated) -> Result<(), Failure> {
    let (method, path) = match callback.kind {
        Kind::Call => (Method::POST, "/v1/calls".to_owned()),
        Kind::Inbound => (Method::POST, "/v1/inbound-calls".to_owned()),
        Kind::Job => (Method::POST, "/v1/jobs".to_owned()),
        Kind::Correction => (Method::PUT, format!("/v1/calls/{}/intent", callback.entity_id)),
    };
    let answer = api.request(method, &path, callback.body.clone()).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    let failure = refused(&answer);
    if answer.status != StatusCode::SERVICE_UNAVAILABLE {
        return Err(failure);
    }
    for line in failure.lines {
        output::note(format_args!("ringback: {line}"));
    }
    Ok(())
}
