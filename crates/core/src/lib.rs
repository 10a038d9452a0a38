//! The domain of ringback and its delivery engine.
//!
//! Everything here is pure and synchronous: time, randomness and results are passed in, effects come out. The crate
//! knows no socket, no file, no thread and no clock. It owns
//!
//! - the domain types: [`company`], [`endpoint`], [`event`], [`delivery`], [`replay`];
//! - the rules that every store applies inside its transaction: [`fanout`], [`hold`], [`settle`];
//! - the [`engine`], which decides what is sent when;
//! - the [`alert`]s: what is wrong, and when to say so;
//! - the [`store`] traits, which a store implements;
//! - every [`limits`] that bounds memory, work and time.
#![warn(missing_docs)]

pub mod alert;
pub mod audit;
pub mod company;
pub mod credentials;
pub mod delivery;
pub mod endpoint;
pub mod engine;
pub mod event;
pub mod fanout;
pub mod hold;
pub mod id;
pub mod language;
pub mod limits;
pub mod planted;
pub mod replay;
pub mod settle;
pub mod store;
pub mod time;

pub use planted::planted;
pub mod token;
