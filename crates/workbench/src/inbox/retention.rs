//! Removing what is old and was handed on.

use ringback_core::limits;

use super::store::Store;
use super::time::Time;

/// Removes what is older than `keep_ms`, in small steps, for ever. A step that fails is tried again with the next round.
pub(super) async fn run(store: Store, time: Time, keep_ms: i64) {
    let mut after = 0;
    loop {
        let cutoff_ms = time.now_ms().saturating_sub(keep_ms);
        let rest_ms = match store.prune(after, cutoff_ms).await {
            Ok(pruned) => {
                after = pruned.next.unwrap_or(0);
                pruned.next.map(|_| limits::INBOX_PRUNE_REST_MS)
            }
            // The writer has said why.
            Err(_) => None,
        };
        time.sleep(rest_ms.unwrap_or(limits::INBOX_PRUNE_PAUSE_MS)).await;
    }
}
