//! The one runtime of a command that waits for things.

use ringback_core::limits;

use crate::failure::Failure;

/// Runs the work to its end. Tasks that are left are cut off.
pub(crate) fn run(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Said here, since the bound on lookups of names counts on it.
        .max_blocking_threads(limits::BLOCKING_THREADS)
        .build()
        .map_err(|error| Failure::failed(format_args!("the runtime cannot be started: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
