//! What other processes see of ringback: the callbacks with their fields and enumerations, the rules of
//! acknowledgement, the schedules of re-sending, and the signatures.
//!
//! This crate is pure: no clock, no randomness, no I/O. A receiver written in Rust can use it alone.

pub mod ack;
pub mod kind;
pub mod schedule;
