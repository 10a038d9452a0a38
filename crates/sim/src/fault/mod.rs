//! A file system in memory that fails as real ones do, for SQLite.
//!
//! [`file`] and [`machine`] hold the model, without any `unsafe`; [`vfs`] is the thin layer by which SQLite calls it.
//! What is assumed, and what is not simulated, stands in `docs/reliability.md`.

pub(crate) mod file;
mod locks;
pub(crate) mod machine;
#[expect(
    unsafe_code,
    reason = "SQLite calls a file system through C function pointers"
)]
pub(crate) mod vfs;
