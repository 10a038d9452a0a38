//! This repository keeps its own rules, so that `cargo test` alone says so too.

use std::path::Path;

use xtask::checkout::Checkout;
use xtask::tidy;

#[test]
fn the_repository_is_tidy() {
    let checkout = Checkout::load(Path::new(".")).expect("the repository can be read");
    let report = tidy::check(&checkout);
    assert!(report.is_clean(), "\n{report}");
}
