//! What integrators use: a receiver to try callbacks against, realistic samples to send, the run of checks for
//! receivers, a simulated call platform, the explanation of signatures that do not verify, and the load driver behind
//! `ringback bench`.
#![warn(missing_docs)]

pub mod bench;
pub mod client;
pub mod conformance;
pub mod explain;
pub mod generator;
pub mod inbox;
pub mod listen;
pub mod pretty;
pub mod prng;
pub mod receiver;
pub mod robot;
mod sample;
pub mod shape;
pub mod tree;
pub mod trigger;
