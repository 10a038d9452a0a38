//! One scenario, in which each single write and each single sync of the disk fails once, and after it the process goes
//! on, is killed, or the power goes. What must hold after every run must hold after each of these.

use ringback_sim::{Nth, Operation, Options, Report, StoreKind, Then, create, recover, run};

/// A seed whose life has corrections, jobs, retries, waiting deliveries, a disabled endpoint and checkpoints in it.
const SEED: u64 = 7;

fn scenario(nth: Option<Nth>) -> Options {
    Options {
        store: StoreKind::Sqlite,
        events: 4,
        days: 0,
        faults: 1,
        crash_per_million: 0,
        commit_fails_per_million: 0,
        disk_fails: true,
        nth,
    }
}

fn live(nth: Nth) -> Report {
    match run(SEED, &scenario(Some(nth))) {
        Ok(report) => report,
        Err(failure) => panic!("{nth:?}: {failure}"),
    }
}

/// How many operations there are when none fails.
fn undisturbed() -> Report {
    let report = live(Nth {
        operation: Operation::Write,
        n: u64::MAX,
        then: Then::Nothing,
    });
    assert!(report.disk_writes > 100 && report.disk_syncs > 30, "{report:?}");
    eprintln!("{} writes, {} syncs", report.disk_writes, report.disk_syncs);
    assert_eq!(report.unsettled, 0, "{report:?}");
    report
}

#[test]
fn each_sync_may_fail() {
    let mut noticed = 0;
    for n in 1..=undisturbed().disk_syncs {
        for then in [Then::Nothing, Then::Kill, Then::PowerCut] {
            let report = live(Nth {
                operation: Operation::Sync,
                n,
                then,
            });
            noticed += report.unsettled + report.failed_starts;
        }
    }
    assert!(noticed > 50, "{noticed}");
}

/// By turns with each of what may happen then; `cargo xtask sim` meets the others.
#[test]
fn each_write_may_fail() {
    let mut noticed = 0;
    for n in 1..=undisturbed().disk_writes {
        let turns = [Then::Nothing, Then::Kill, Then::PowerCut];
        let then = turns[usize::try_from(n % 3).unwrap()];
        let report = live(Nth {
            operation: Operation::Write,
            n,
            then,
        });
        noticed += report.unsettled + report.failed_starts;
    }
    assert!(noticed > 100, "{noticed}");
}

/// The same while the store is made.
#[test]
fn a_store_is_made_whole_or_not_at_all() {
    let undisturbed = Nth {
        operation: Operation::Write,
        n: u64::MAX,
        then: Then::Nothing,
    };
    let whole = create(SEED, undisturbed).unwrap();
    assert!(
        whole.writes > 20 && whole.syncs > 3 && !whole.noticed,
        "{whole:?}"
    );
    let mut noticed = 0;
    for (operation, count) in [(Operation::Write, whole.writes), (Operation::Sync, whole.syncs)] {
        for n in 1..=count {
            for then in [Then::Nothing, Then::Kill, Then::PowerCut] {
                for seed in SEED..SEED + 2 {
                    let nth = Nth { operation, n, then };
                    match create(seed, nth) {
                        Ok(creation) => noticed += u64::from(creation.noticed),
                        Err(what) => panic!("seed {seed}, {nth:?}: {what}"),
                    }
                }
            }
        }
    }
    assert!(noticed > 100, "{noticed}");
}

/// The power goes at each operation of opening a store whose last sync failed, and of the commit after it.
#[test]
fn a_log_whose_sync_failed_is_not_built_upon() {
    for seed in 0..8 {
        for operations in 0..50 {
            if let Err(what) = recover(seed, operations) {
                panic!("seed {seed}, after {operations} operations: {what}");
            }
        }
    }
}
