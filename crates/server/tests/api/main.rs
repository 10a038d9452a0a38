//! The whole API over the running service: a store in a temporary directory, virtual time, and a receiver on loopback.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it set it up"
)]

mod alert_channels;
mod alerts;
mod app;
mod audit;
mod calls;
mod companies;
mod credentials;
mod edges;
mod endpoints;
mod failures;
mod intake;
mod open_api;
mod probe;
mod profiles;
mod reconciliation;
mod records;
mod replays;
mod serving;
#[path = "../support/mod.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the service, which use more of it"
)]
mod support;
mod tokens;
mod traces;
mod waiting;
