//! For tests: PUT bodies applied without a running service.

use std::sync::Arc;

use super::*;
use crate::clock::test::TestClock;
use crate::outbound::Options;

/// Applies a body with a client that allows public addresses only.
pub(crate) fn apply(body: &str, present: Option<&Settings>) -> Result<Applied, Problem> {
    let outbound = Outbound::new(Options::new(Arc::new(TestClock::new()))).unwrap();
    super::apply(body.as_bytes(), present, &outbound)
}
