//! The ringback service: HTTP API, outbound client, and the driver that performs the delivery engine's effects.

pub mod config;
pub mod directory;
pub mod service;
pub mod telemetry;
