//! A company's share of the API: of the requests that read or repair, a token for one company has a few under way at a time,
//! and its further ones wait. So nobody who asks as fast as the rate allows keeps the readers of the store from others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ringback_core::limits::COMPANY_REQUESTS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Entries beyond which those that nobody uses are dropped.
const KEPT: usize = 256;

/// The shares that are in use.
#[derive(Debug, Default)]
pub(crate) struct Shares(Mutex<HashMap<i64, Weak<Semaphore>>>);

impl Shares {
    /// A place among the company's own, when there is one. It is given back when it is dropped.
    pub(crate) async fn enter(&self, company_id: i64) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed; if it were, going on without a place would do no harm.
        self.of(company_id).acquire_owned().await.ok()
    }

    fn of(&self, company_id: i64) -> Arc<Semaphore> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&company_id).and_then(Weak::upgrade) {
            return share;
        }
        if shares.len() >= KEPT {
            shares.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(Semaphore::new(COMPANY_REQUESTS));
        shares.insert(company_id, Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_company_waits_for_itself_and_for_nobody_else() {
        let shares = Shares::default();
        let mut held = Vec::new();
        for _ in 0..COMPANY_REQUESTS {
            held.push(shares.enter(1).await.unwrap());
        }
        let mut next = pin!(shares.enter(1));
        let mut context = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut context).is_pending());
        let other = shares.enter(2).await;
        assert!(other.is_some());
        held.pop();
        assert!(next.await.is_some());
    }

    #[tokio::test]
    async fn what_nobody_uses_is_not_kept() {
        let shares = Shares::default();
        let held = shares.enter(0).await;
        for company_id in 1..10 * KEPT {
            drop(shares.enter(i64::try_from(company_id).unwrap()).await);
        }
        assert!(shares.0.lock().unwrap().len() <= KEPT);
        assert!(shares.0.lock().unwrap().contains_key(&0), "{held:?}");
    }
}
