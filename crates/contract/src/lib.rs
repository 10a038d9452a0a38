//! What other processes see of ringback: the callbacks with their fields and enumerations, the rules of
//! acknowledgement, the schedules of re-sending, and the signatures.
//!
//! This crate is pure: no clock, no randomness, no I/O. A receiver written in Rust can use it alone:
//! [`callback`] has the callbacks as types, [`webhook`] and [`sign`] check where they come from, and
//! [`enums`] names their numbers.
//!
//! The documents behind it are the platform's published description of its callbacks (*the seed*) and the
//! project's reading of it (*the contract*); comments say which of the two a fact comes from.
#![warn(missing_docs)]

pub mod ack;
pub mod callback;
pub mod date_time;
pub mod duration;
pub mod enums;
pub mod headers;
pub mod intake;
mod json;
pub mod kind;
pub mod samples;
pub mod schedule;
pub mod sign;
mod unknown_name;
pub mod webhook;

pub use unknown_name::UnknownName;
