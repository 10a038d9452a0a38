//! Where ringback keeps events and deliveries: [`memory`], the model by which the others are judged, and [`sqlite`],
//! the embedded default, in which settings are encrypted with the keys of [`secrets`].
//!
//! What a write means is decided in one place, `rules`, over the narrow seam `tables`; a store supplies look-ups by key
//! and writes of rows. So the rules are the same everywhere, and what differs between stores (statements, indexes,
//! durability) is what the randomised histories in `tests/` compare.
#![warn(missing_docs)]

mod directory;
mod filter;
mod look;
pub mod memory;
mod missed;
mod reconcile;
mod replay;
mod rules;
pub mod secrets;
pub mod sqlite;
mod tables;
