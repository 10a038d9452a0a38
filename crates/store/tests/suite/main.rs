//! The conformance suite: the rules as cases, each run against every store, and random histories in which the stores
//! must agree.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod histories;
mod hold;
mod invariants;
mod lab;

mod accept;
mod alerts;
mod audit;
mod backup;
mod measure;
mod missed;
mod order;
mod pages;
mod prune;
mod reading;
mod reconcile;
mod record;
mod repair;
mod replay;
mod search;
mod secrets;
mod settings;
mod sweep;
