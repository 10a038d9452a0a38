//! A store under test with a clock that only the test turns, and short words for writes and reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringback_contract::ack::AckRule;
use ringback_contract::kind::Kind;
use ringback_core::company::{Company, Kinds};
use ringback_core::delivery::{Attempt, Delivery, Outcome, State};
use ringback_core::endpoint::{Breaker, ContentType, Endpoint, Order, Profile, Settings};
use ringback_core::event::{IdempotencyKey, NewEvent};
use ringback_core::id::{DeliveryId, EndpointId};
use ringback_core::settle::Next;
use ringback_core::store::{
    Accepted, DeliveryRecord, DeliverySummary, Filter, PageRequest, Reader, Recorded, Refusal, Report,
    Resent, Store, Write, Written,
};
use ringback_core::time::Millis;
use ringback_store::memory::Memory;
use ringback_store::secrets::{Keys, Secrets};
use ringback_store::sqlite::Sqlite;
use tempfile::TempDir;

use crate::invariants;

/// Where the lab's clock begins.
pub(crate) const T0: Millis = Millis(1_790_000_000_000);

/// The company of most cases.
pub(crate) const COMPANY: i64 = 151;

/// A store does not look at the endpoint of a report.
const ANY_ENDPOINT: EndpointId = EndpointId(0);

enum Kept {
    Memory(Memory),
    /// With the time that a page may take.
    Sqlite(TempDir, Duration),
}

impl Kept {
    fn open(&self) -> Box<dyn Store> {
        match self {
            Self::Memory(memory) => Box::new(memory.clone()),
            Self::Sqlite(dir, page) => {
                let store = Sqlite::open_with(dir.path(), &secrets()).unwrap();
                Box::new(store.with_page_time(*page))
            }
        }
    }
}

/// A store encrypts its settings, which no case may notice.
fn secrets() -> Secrets {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    Secrets::Keys(Keys::parse([key]).unwrap())
}

pub(crate) struct Lab {
    store: Option<Box<dyn Store>>,
    reader: Option<Box<dyn Reader>>,
    kept: Kept,
    pub(crate) now: Millis,
}

/// Runs each named function against every store, and then the checks that hold after any history.
macro_rules! on_every_store {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $case() { $crate::lab::Lab::memory().run(super::$case); })*
        }
        mod sqlite {
            $(#[test] fn $case() { $crate::lab::Lab::sqlite().run(super::$case); })*
        }
    };
}
pub(crate) use on_every_store;

impl Lab {
    pub(crate) fn memory() -> Self {
        Self::on(Kept::Memory(Memory::new([7; 32])))
    }

    /// Its pages end because of rows only, not because the machine is busy.
    pub(crate) fn sqlite() -> Self {
        Self::on(Kept::Sqlite(tempfile::tempdir().unwrap(), Duration::MAX))
    }

    /// Opens the store again, with pages that end after this time: with none after their first row.
    pub(crate) fn set_page_time(&mut self, time: Duration) {
        match &mut self.kept {
            Kept::Memory(_) => {}
            Kept::Sqlite(_, page) => *page = time,
        }
        self.reopen();
    }

    fn on(kept: Kept) -> Self {
        let store = kept.open();
        let reader = store.reader().unwrap();
        Self {
            store: Some(store),
            reader: Some(reader),
            kept,
            now: T0,
        }
    }

    pub(crate) fn run(mut self, case: fn(&mut Self)) {
        case(&mut self);
        self.check();
        self.reopen();
        self.check();
    }

    /// What holds after any history.
    pub(crate) fn check(&mut self) {
        invariants::check(self);
        if let Kept::Sqlite(dir, _) = &self.kept {
            invariants::check_file(dir.path());
        }
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.reader = None;
        self.store = None;
        let store = self.kept.open();
        self.reader = Some(store.reader().unwrap());
        self.store = Some(store);
    }

    pub(crate) fn store(&mut self) -> &mut dyn Store {
        &mut **self.store.as_mut().unwrap()
    }

    pub(crate) fn read(&mut self) -> &mut dyn Reader {
        &mut **self.reader.as_mut().unwrap()
    }

    /// Turns the clock forward.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
    }

    pub(crate) fn commit(&mut self, writes: &[Write]) -> Vec<Written> {
        let now = self.now;
        let written = self.store().commit(now, writes).unwrap();
        assert_eq!(written.len(), writes.len());
        written
    }

    pub(crate) fn write(&mut self, write: Write) -> Written {
        self.commit(&[write]).remove(0)
    }

    pub(crate) fn refused(&mut self, write: Write) -> Refusal {
        match self.write(write) {
            Written::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Configures [`COMPANY`] with every kind of callback on.
    pub(crate) fn company(&mut self) -> Company {
        match self.write(put_company(COMPANY, Kind::ALL.into_iter().collect())) {
            Written::Company { company, .. } => company,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn endpoint(&mut self, name: &str, change: impl FnOnce(&mut Settings)) -> Arc<Endpoint> {
        match self.write(put_endpoint(name, change)) {
            Written::Endpoint { endpoint, .. } => endpoint,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn accept(&mut self, event: NewEvent) -> Accepted {
        match self.write(Write::Accept(Box::new(event))) {
            Written::Accepted(accepted) => accepted,
            other => panic!("{other:?}"),
        }
    }

    /// Accepts an event that gets one delivery.
    pub(crate) fn deliver(&mut self, event: NewEvent) -> DeliveryId {
        let accepted = self.accept(event);
        assert_eq!((accepted.replayed, accepted.deliveries.len()), (false, 1));
        accepted.deliveries[0].id
    }

    /// Reports the next send of a delivery.
    pub(crate) fn report(&mut self, id: DeliveryId, outcome: Outcome, next: Next) -> Recorded {
        let n = self.delivery(id).sends + 1;
        self.record(report(id, n, outcome, next))
    }

    pub(crate) fn record(&mut self, report: Write) -> Recorded {
        match self.write(report) {
            Written::Recorded(recorded) => recorded,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn settle(&mut self, id: DeliveryId) -> Recorded {
        self.report(id, Outcome::Acknowledged, Next::Delivered)
    }

    pub(crate) fn resend(&mut self, id: DeliveryId) -> Resent {
        match self.write(Write::Resend(id)) {
            Written::Resent(resent) => resent,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn record_of(&mut self, id: DeliveryId) -> DeliveryRecord {
        self.read().delivery(id).unwrap().unwrap()
    }

    pub(crate) fn delivery(&mut self, id: DeliveryId) -> Delivery {
        self.record_of(id).delivery
    }

    /// A delivery's state and due time, the latter from [`T0`].
    pub(crate) fn stands(&mut self, id: DeliveryId) -> (State, Option<u64>) {
        let delivery = self.delivery(id);
        (delivery.state, delivery.due.map(|due| due.since(T0)))
    }

    pub(crate) fn all_deliveries(&mut self) -> Vec<DeliverySummary> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let request = PageRequest { limit: 1000, before };
            let page = self.read().deliveries(&Filter::default(), &request).unwrap();
            all.extend(page.items);
            before = page.next;
            if before.is_none() {
                return all;
            }
        }
    }
}

pub(crate) fn put_company(company_id: i64, callbacks: Kinds) -> Write {
    Write::PutCompany(Box::new(Company {
        name: Some("百应".to_owned()),
        configured: true,
        callbacks,
        ..Company::unconfigured(company_id)
    }))
}

pub(crate) fn put_endpoint(name: &str, change: impl FnOnce(&mut Settings)) -> Write {
    let mut settings = settings();
    change(&mut settings);
    Write::PutEndpoint {
        company_id: COMPANY,
        name: name.to_owned(),
        settings: Box::new(settings),
    }
}

pub(crate) fn delete_endpoint(name: &str, cancel_open: bool) -> Write {
    Write::DeleteEndpoint {
        company_id: COMPANY,
        name: name.to_owned(),
        cancel_open,
    }
}

/// Enabled, for every kind, in order.
pub(crate) fn settings() -> Settings {
    Settings {
        url: "https://erp.example/callback".to_owned(),
        callbacks: Kind::ALL.into_iter().collect(),
        enabled: true,
        ack_rule: AckRule::Success,
        schedule: Arc::default(),
        jitter: 0.25,
        timeout_ms: 15_000,
        content_type: ContentType::Json,
        profile: Profile::V1,
        order: Order::Key,
        hold_quiet_ms: 5_000,
        hold_limit_ms: 600_000,
        max_in_flight: 32,
        rate_limit: None,
        breaker: Breaker::On,
        job_statuses: Settings::DEFAULT_JOB_STATUSES.to_vec(),
        headers: BTreeMap::from([("x-env".to_owned(), "prod".to_owned())]),
        secrets: Vec::new(),
        tls_ca: None,
        credentials: None,
        client_certificate: None,
    }
}

pub(crate) fn kinds(kinds: &[Kind]) -> Kinds {
    kinds.iter().copied().collect()
}

/// An event of [`COMPANY`] whose content is `content`: equal contents are repetitions.
pub(crate) fn event(kind: Kind, entity_id: i64, content: &str) -> NewEvent {
    let body = format!("{}/{entity_id}/{content}", kind.name());
    let mut digest = [0; 32];
    digest[..body.len()].copy_from_slice(body.as_bytes());
    NewEvent {
        company_id: COMPANY,
        kind,
        entity_id,
        call_job_id: None,
        job_status: (kind == Kind::Job).then_some(2),
        phone_hash: None,
        digest,
        body: Bytes::from(body),
        accepted_wall_ms: 1_547_280_572_000,
        idempotency: None,
    }
}

pub(crate) fn call(call_instance_id: i64) -> NewEvent {
    event(Kind::Call, call_instance_id, "call")
}

/// A correction of a call, by its new value.
pub(crate) fn correction(call_instance_id: i64, value: &str) -> NewEvent {
    event(Kind::Correction, call_instance_id, value)
}

pub(crate) fn with_key(event: NewEvent, key: &str) -> NewEvent {
    let idempotency = Some(IdempotencyKey {
        route: "/v1/calls",
        key: key.to_owned(),
    });
    NewEvent { idempotency, ..event }
}

pub(crate) fn attempt(n: u32, outcome: Outcome) -> Attempt {
    Attempt {
        n,
        started_wall_ms: 1_547_280_573_000 + i64::from(n),
        duration_ms: 12,
        outcome,
        status: (outcome != Outcome::Unreachable).then_some(200),
        address: Some("203.0.113.9:443".to_owned()),
        detail: (outcome == Outcome::Unreachable).then(|| "connection refused".to_owned()),
        body_start: Bytes::from_static(b"\xff success"),
    }
}

pub(crate) fn report(delivery: DeliveryId, n: u32, outcome: Outcome, next: Next) -> Write {
    Write::Record(Box::new(Report {
        delivery,
        endpoint: ANY_ENDPOINT,
        attempt: Some(attempt(n, outcome)),
        next,
    }))
}

/// The report that a delivery's maximum age ended.
pub(crate) fn age_ended(delivery: DeliveryId) -> Write {
    Write::Record(Box::new(Report {
        delivery,
        endpoint: ANY_ENDPOINT,
        attempt: None,
        next: Next::Exhausted,
    }))
}

/// `ms` after [`T0`].
pub(crate) const fn at(ms: i64) -> Millis {
    Millis(T0.0 + ms)
}
