//! What other processes see of ringback: the callbacks with their fields and enumerations, the rules of
//! acknowledgement, the schedules of re-sending, and the signatures.
//!
//! This crate is pure: no clock, no randomness, no I/O. A receiver written in Rust can use it alone:
//! [`callback`] has the callbacks as types, [`webhook`] and [`sign`] check where they come from, and
//! [`enums`] names their numbers.
//!
//! A receiver in short: check the signature over the raw body, read the callback, store it, and only then answer
//! `success`.
//!
//! ```
//! use ringback_contract::{callback::Callback, samples, webhook};
//!
//! let secret = webhook::Secret::from_bytes(&[7; 32])?;
//! let body = samples::CALL.as_bytes();
//! let (id, now_s) = ("evt_1", 1_548_314_889);
//! let signature = webhook::signature_header(&[secret.clone()], id, now_s, body);
//! let timestamp = now_s.to_string();
//!
//! let headers = webhook::Headers { id: Some(id), timestamp: Some(&timestamp), signature: Some(&signature) };
//! webhook::verify(&headers, body, &[secret], now_s + 2, webhook::TOLERANCE_S)?;
//! match Callback::read(body)? {
//!     Callback::Call(call) => assert_eq!(call.scene_instance.duration, Some(35)),
//!     other => panic!("the sample is a call result, not {:?}", other.kind()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
pub mod v2;
pub mod webhook;
pub mod wire;

pub use unknown_name::UnknownName;
