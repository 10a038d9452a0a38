//! Repository chores that are no part of the product: `cargo xtask tidy` and, beside it, whatever else a
//! contributor or CI has to run over the whole repository.
//!
//! xtask depends on no crate of the product, so that the tidy rules build in seconds; a chore that needs the product
//! runs its binary.

pub mod checkout;
pub mod cli;
pub mod crash;
pub mod graph;
pub mod markdown;
pub mod policy;
pub mod sim;
pub mod tidy;
