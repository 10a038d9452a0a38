//! The ringback service: HTTP API, outbound client, and the driver that performs the delivery engine's effects.

pub mod alerts;
pub mod api;
pub mod app;
mod chain;
pub mod clock;
mod committer;
pub mod config;
pub mod directory;
mod driver;
pub mod outbound;
mod phone;
pub mod random;
mod rate;
mod readers;
mod sender;
pub mod service;
pub mod tasks;
pub mod telemetry;
pub mod time;
pub mod trace;
mod watch;
