//! The benchmark: load driver, receiver and service as separate processes on one machine, and what they measured.

pub mod histogram;
pub mod load;
mod pace;
pub mod process;
pub mod sink;
pub mod template;
pub mod timings;

pub use load::{Load, drive};
pub use pace::Pace;
