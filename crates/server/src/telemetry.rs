//! What the service tells about itself: a log on stderr, and metrics.

pub mod logs;
pub mod metrics;

pub use metrics::Metrics;
