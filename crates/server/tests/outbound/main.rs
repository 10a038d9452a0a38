//! The outbound client against receivers on loopback that behave in every way receivers do. The tests play the
//! receiver themselves, byte by byte, and turn the clock by hand.

#![expect(clippy::unwrap_used, reason = "tests, their helpers included")]

mod addresses;
mod answers;
mod bounds;
mod credentials;
mod limits;
mod lookups;
mod reuse;
mod rig;
mod route;
mod tls;
mod wire;
