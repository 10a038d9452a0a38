//! The ringback service: HTTP API, outbound client, and the driver that performs the delivery engine's effects.

pub mod api;
pub mod clock;
pub mod config;
pub mod directory;
pub mod outbound;
pub mod random;
pub mod service;
pub mod tasks;
pub mod telemetry;
