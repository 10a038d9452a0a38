//! (to be written)

pub mod clock;
pub mod outbound;
pub mod random;
pub mod tasks;
