//! How a send ended.

pub use ringback_core::delivery::Outcome;
