//! Measurements, not part of a normal run: how long the write-ahead log gets, and what pruning costs. `docs/benchmarks.md` has
//! figures. `cargo test --release -p ringback-store --test suite -- --ignored --nocapture measure`

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ringback_core::delivery::{Outcome, State};
use ringback_core::event::NewEvent;
use ringback_core::id::{DeliveryId, EndpointId, EventId};
use ringback_core::limits::{ALERT_PAGE, ENDPOINTS_PER_COMPANY};
use ringback_core::settle::Next;
use ringback_core::store::{Accepted, Filter, PageRequest, Reader, Store, Write, Written};
use ringback_core::time::Millis;
use ringback_store::sqlite::Sqlite;
use rusqlite::{Connection, OpenFlags};

use crate::lab::{COMPANY, T0, call, kinds, put_company, put_endpoint, report};

/// About the seed's call sample.
const BODY_BYTES: usize = 3_600;
const MIB: u64 = 1024 * 1024;

#[expect(clippy::disallowed_methods, reason = "a measurement is made in real time")]
fn now() -> Instant {
    Instant::now()
}

/// On the disk of the build: the one for temporary files may be in memory.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A store with a writer that accepts calls and records that each was delivered.
struct Load {
    store: Sqlite,
    next: i64,
    open: Vec<DeliveryId>,
}

impl Load {
    fn start(dir: &Path) -> Self {
        let mut store = Sqlite::open(dir).unwrap();
        let kinds = kinds(&ringback_contract::kind::Kind::ALL);
        store
            .commit(T0, &[put_company(COMPANY, kinds), put_endpoint("erp", |_| {})])
            .unwrap();
        Self {
            store,
            next: 1,
            open: Vec::new(),
        }
    }

    /// One commit: as many new calls, and the outcomes of those of the commit before.
    fn commit(&mut self, time: Millis, calls: usize) {
        let mut writes: Vec<Write> = self
            .open
            .drain(..)
            .map(|id| report(id, 1, Outcome::Acknowledged, Next::Delivered))
            .collect();
        for _ in 0..calls {
            let body = Bytes::from(vec![b' '; BODY_BYTES]);
            writes.push(Write::Accept(Box::new(NewEvent {
                body,
                ..call(self.next)
            })));
            self.next += 1;
        }
        for written in self.store.commit(time, &writes).unwrap() {
            if let Written::Accepted(Accepted { deliveries, .. }) = written {
                self.open.extend(deliveries.iter().map(|delivery| delivery.id));
            }
        }
    }
}

/// Searches without a pause.
fn search(reader: &mut dyn Reader, ending: &AtomicBool) {
    let filter = Filter {
        state: Some(State::Exhausted),
        ..Filter::default()
    };
    let request = PageRequest {
        limit: 50,
        before: None,
    };
    while !ending.load(Ordering::Relaxed) {
        reader.deliveries(&filter, &request).unwrap();
        reader.events(&Filter::default(), &request).unwrap();
    }
}

/// Holds one read transaction after the other for as long as a read may last: it counts something that takes longer, and
/// is stopped.
fn hold(dir: &Path, ending: &AtomicBool) {
    let mut connection =
        Connection::open_with_flags(dir.join("ringback.db"), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    while !ending.load(Ordering::Relaxed) {
        let transaction = connection.transaction().unwrap();
        let _: i64 = transaction
            .query_row("SELECT count(*) FROM event", [], |row| row.get(0))
            .unwrap();
        let began = now();
        while now() - began < Duration::from_secs(1) {
            std::thread::yield_now();
        }
        drop(transaction);
    }
}

#[test]
#[ignore = "a measurement of half a minute, for a release build"]
fn measure_the_log_at_saturation_with_readers_beside_it() {
    for (held, name) in [
        (0, "4 searching readers"),
        (1, "4 searching readers, and one that holds each read for 1 s"),
    ] {
        let dir = directory();
        let mut load = Load::start(dir.path());
        let ending = Arc::new(AtomicBool::new(false));
        let begin = Arc::new(Barrier::new(5 + held));
        let mut threads = Vec::new();
        for number in 0..4 + held {
            let (ending, begin, dir) = (Arc::clone(&ending), Arc::clone(&begin), dir.path().to_owned());
            let mut reader = load.store.reader().unwrap();
            let builder = std::thread::Builder::new().name(format!("reader-{number}"));
            let work = move || {
                begin.wait();
                if number < 4 {
                    search(&mut *reader, &ending);
                } else {
                    hold(&dir, &ending);
                }
            };
            threads.push(builder.spawn(work).unwrap());
        }
        begin.wait();
        let began = now();
        let (mut longest, mut slowest) = (0, Duration::ZERO);
        let log = dir.path().join("ringback.db-wal");
        while now() - began < Duration::from_secs(12) {
            let committing = now();
            load.commit(T0.plus(u64::try_from(load.next).unwrap()), 256);
            slowest = slowest.max(now() - committing);
            longest = longest.max(log.metadata().unwrap().len());
        }
        ending.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
        let events = load.next - 1;
        println!(
            "{name}: {events} events in 12 s, the log grew to {} MiB, the slowest commit took {slowest:?}",
            longest / MIB
        );
        assert!(longest < 512 * MIB, "{longest}");
    }
}

#[test]
#[ignore = "a measurement of half a minute, for a release build"]
fn measure_what_pruning_costs() {
    let dir = directory();
    let mut load = Load::start(dir.path());
    for _ in 0..250 {
        load.commit(T0, 256);
    }
    load.commit(T0, 0);
    let old = load.next - 1;
    let later = T0.plus(60_000);
    let mut alone = Vec::new();
    for _ in 0..500 {
        let began = now();
        load.commit(later, 8);
        alone.push(now() - began);
    }
    // As the committer does it: a part after a commit, when it has rested four times as long as it worked.
    let (mut beside, mut parts, mut pruned, mut after) = (Vec::new(), Vec::new(), 0, None::<EventId>);
    let mut rest_until = now();
    loop {
        let began = now();
        load.commit(later, 8);
        beside.push(now() - began);
        if now() < rest_until {
            continue;
        }
        let began = now();
        let before = T0.plus(1_000);
        let written = load
            .store
            .commit(later, &[Write::Prune { before, after }])
            .unwrap();
        let worked = now() - began;
        parts.push(worked);
        rest_until = now() + worked * 4;
        let [Written::Pruned(part)] = written[..] else {
            panic!("{written:?}")
        };
        (pruned, after) = (pruned + part.events, part.reached);
        if !part.more {
            break;
        }
    }
    assert_eq!(i64::try_from(pruned).unwrap(), old);
    println!("commits of 8 calls, alone:  {}", spread(&mut alone));
    println!("the same between parts:     {}", spread(&mut beside));
    println!("parts of the pruning:       {}", spread(&mut parts));
    println!("{pruned} events pruned in {} parts", parts.len());
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100))
}

/// A round of the alerts over 10,000 endpoints with 20 pending deliveries each, half of them sent before.
#[test]
#[ignore = "a measurement"]
fn measure_the_oldest_of_ten_thousand_endpoints() {
    let dir = directory();
    let mut store = Sqlite::open(dir.path()).unwrap();
    let every = kinds(&ringback_contract::kind::Kind::ALL);
    let mut deliveries = Vec::new();
    for company_id in 1..=100 {
        let endpoint = |at: usize| match put_endpoint(&format!("e{at}"), |_| {}) {
            Write::PutEndpoint { name, settings, .. } => Write::PutEndpoint {
                company_id,
                name,
                settings,
            },
            other => other,
        };
        let mut writes = vec![put_company(company_id, every)];
        writes.extend((0..ENDPOINTS_PER_COMPANY).map(endpoint));
        writes.extend((0..20).map(|id| {
            Write::Accept(Box::new(NewEvent {
                company_id,
                ..call(id)
            }))
        }));
        for written in store.commit(T0, &writes).unwrap() {
            if let Written::Accepted(accepted) = written {
                deliveries.extend(accepted.deliveries.iter().map(|delivery| delivery.id));
            }
        }
    }
    let refused = |id: &DeliveryId| report(*id, 1, Outcome::Refused, Next::Retry(T0.plus(60_000)));
    let halves: Vec<DeliveryId> = deliveries.iter().copied().step_by(2).collect();
    for part in halves.chunks(1_000) {
        store
            .commit(T0.plus(1), &part.iter().map(refused).collect::<Vec<_>>())
            .unwrap();
    }
    let endpoints: Vec<EndpointId> = (1..=10_000).map(EndpointId).collect();
    let mut reader = store.reader().unwrap();
    for round in 0..3 {
        let (began, mut longest) = (now(), Duration::ZERO);
        for page in endpoints.chunks(ALERT_PAGE) {
            let page_began = now();
            let found = reader.oldest(T0.plus(1_000), page).unwrap();
            assert!(found.iter().all(Option::is_some));
            longest = longest.max(now().duration_since(page_began));
        }
        println!(
            "round {round}: {:?} for {} pending deliveries, the longest read {longest:?}",
            now().duration_since(began),
            deliveries.len()
        );
    }
}
