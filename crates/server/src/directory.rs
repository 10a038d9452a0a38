//! Companies, endpoints and tokens as they are now: a copy in memory of what the store holds, kept up to date by the
//! driver after each commit. Reading it takes a short lock and no I/O.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ringback_core::company::Company;
use ringback_core::endpoint::Endpoint;
use ringback_core::store::Start;
use ringback_core::token::Token;

use crate::rate::Rate;

/// The directory.
#[derive(Debug, Default)]
pub struct Directory {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    companies: BTreeMap<i64, Entry>,
    tokens: HashMap<[u8; 32], Arc<KnownToken>>,
}

/// A token, and when it was last used.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) token: Token,
    /// The wall clock, Unix milliseconds; 0 before the first use.
    used_wall_ms: AtomicI64,
    /// What the store knows of it.
    stored_wall_ms: AtomicI64,
    /// What it has used of its rate.
    pub(crate) rate: Rate,
}

impl KnownToken {
    pub(crate) fn new(token: Token) -> Self {
        let used = token.last_used_wall_ms.unwrap_or(0);
        Self {
            token,
            used_wall_ms: AtomicI64::new(used),
            stored_wall_ms: AtomicI64::new(used),
            rate: Rate::default(),
        }
    }

    pub(crate) fn note_use(&self, wall_ms: i64) {
        self.used_wall_ms.store(wall_ms, Ordering::Relaxed);
    }

    /// When it was last used, Unix milliseconds.
    pub(crate) fn last_used(&self) -> Option<i64> {
        Some(self.used_wall_ms.load(Ordering::Relaxed)).filter(|used| *used != 0)
    }

    /// The last use, if the store has not been told yet.
    fn take_unstored(&self) -> Option<(String, i64)> {
        let used = self.last_used()?;
        let stored = self.stored_wall_ms.swap(used, Ordering::Relaxed);
        (stored != used).then(|| (self.token.id.clone(), used))
    }
}

#[derive(Debug)]
struct Entry {
    company: Arc<Company>,
    endpoints: BTreeMap<String, Arc<Endpoint>>,
}

impl Directory {
    /// Replaces everything by what the store told at its start.
    pub(crate) fn reset(&self, start: &Start) {
        let mut inner = Inner::default();
        for company in &start.companies {
            inner.put_company(company.clone());
        }
        for endpoint in start.endpoints.iter().filter(|endpoint| !endpoint.deleted) {
            inner.put_endpoint(Arc::clone(endpoint));
        }
        for token in &start.tokens {
            inner.put_token(token.clone());
        }
        *self.write() = inner;
    }

    pub(crate) fn put_company(&self, company: Company) {
        self.write().put_company(company);
    }

    pub(crate) fn remove_company(&self, company_id: i64) {
        self.write().companies.remove(&company_id);
    }

    pub(crate) fn put_endpoint(&self, endpoint: Arc<Endpoint>) {
        self.write().put_endpoint(endpoint);
    }

    pub(crate) fn remove_endpoint(&self, company_id: i64, name: &str) {
        if let Some(entry) = self.write().companies.get_mut(&company_id) {
            entry.endpoints.remove(name);
        }
    }

    pub(crate) fn put_token(&self, token: Token) {
        self.write().put_token(token);
    }

    pub(crate) fn remove_token(&self, id: &str) {
        self.write().tokens.retain(|_, known| known.token.id != id);
    }

    /// A company, configured or not.
    pub fn company(&self, company_id: i64) -> Option<Arc<Company>> {
        self.read()
            .companies
            .get(&company_id)
            .map(|entry| Arc::clone(&entry.company))
    }

    /// The companies that have this key, by number.
    pub(crate) fn companies_of_key(&self, app_key: &str) -> Vec<Arc<Company>> {
        self.read()
            .companies
            .values()
            .filter(|entry| entry.company.app_key.as_deref() == Some(app_key))
            .map(|entry| Arc::clone(&entry.company))
            .collect()
    }

    /// Every company, configured or not, by number.
    pub fn companies(&self) -> Vec<Arc<Company>> {
        self.read()
            .companies
            .values()
            .map(|entry| Arc::clone(&entry.company))
            .collect()
    }

    /// An endpoint by company and name.
    pub fn endpoint(&self, company_id: i64, name: &str) -> Option<Arc<Endpoint>> {
        self.read()
            .companies
            .get(&company_id)?
            .endpoints
            .get(name)
            .cloned()
    }

    /// How many endpoints a company has.
    pub(crate) fn count_endpoints(&self, company_id: i64) -> usize {
        let inner = self.read();
        inner
            .companies
            .get(&company_id)
            .map_or(0, |entry| entry.endpoints.len())
    }

    /// A company's endpoints, by name.
    pub fn endpoints(&self, company_id: i64) -> Vec<Arc<Endpoint>> {
        self.read()
            .companies
            .get(&company_id)
            .map_or_else(Vec::new, |entry| entry.endpoints.values().cloned().collect())
    }

    /// Every endpoint.
    pub(crate) fn all_endpoints(&self) -> Vec<Arc<Endpoint>> {
        let inner = self.read();
        let entries = inner.companies.values();
        entries
            .flat_map(|entry| entry.endpoints.values().cloned())
            .collect()
    }

    /// The token whose text has this SHA-256.
    pub(crate) fn token(&self, hash: &[u8; 32]) -> Option<Arc<KnownToken>> {
        self.read().tokens.get(hash).cloned()
    }

    /// Every token, oldest first.
    pub(crate) fn tokens(&self) -> Vec<Arc<KnownToken>> {
        let mut tokens: Vec<_> = self.read().tokens.values().cloned().collect();
        tokens.sort_by(|a, b| {
            (a.token.created_wall_ms, &a.token.id).cmp(&(b.token.created_wall_ms, &b.token.id))
        });
        tokens
    }

    /// The last uses of tokens that were not taken from here before.
    pub(crate) fn take_token_uses(&self) -> Vec<(String, i64)> {
        self.read()
            .tokens
            .values()
            .filter_map(|known| known.take_unstored())
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put_token(&mut self, token: Token) {
        self.tokens.insert(token.hash, Arc::new(KnownToken::new(token)));
    }

    fn put_company(&mut self, company: Company) {
        let company = Arc::new(company);
        self.companies
            .entry(company.company_id)
            .and_modify(|entry| entry.company = Arc::clone(&company))
            .or_insert_with(|| Entry {
                company,
                endpoints: BTreeMap::new(),
            });
    }

    fn put_endpoint(&mut self, endpoint: Arc<Endpoint>) {
        if let Some(entry) = self.companies.get_mut(&endpoint.company_id) {
            entry.endpoints.insert(endpoint.name.clone(), endpoint);
        }
    }
}
