//! Seeds that every build runs. `cargo run -p ringback-sim -- --seeds N` runs more.

use ringback_sim::{Options, Report, StoreKind, run};

fn run_all(seeds: std::ops::Range<u64>, options: &Options) -> Report {
    let mut sum = Report::default();
    for seed in seeds {
        match run(seed, options) {
            Ok(report) => sum.add(&report),
            Err(failure) => panic!("{failure}"),
        }
    }
    sum
}

/// A simulation that no longer meets what it is there for would go on passing.
#[test]
fn two_hundred_seeds_hold_on_the_model_and_meet_everything() {
    let sum = run_all(0..200, &Options::default());
    let met = [
        sum.repeats,
        sum.failed_commits,
        sum.delivered,
        sum.exhausted,
        sum.parked,
        sum.cancelled,
        sum.crashes,
        sum.pages,
        sum.pruned,
    ];
    assert!(met.iter().all(|count| *count >= 50), "{sum:?}");
    assert!(sum.sends > 20 * sum.repeats, "{sum:?}");
}

#[test]
fn without_crashes_nothing_is_repeated() {
    let calm = Options {
        faults: 0,
        crash_per_million: 0,
        commit_fails_per_million: 0,
        ..Options::default()
    };
    let sum = run_all(1_000..1_030, &calm);
    assert_eq!((sum.crashes, sum.repeats, sum.lost_sends), (0, 0, 0), "{sum:?}");
    assert!(sum.delivered > 500, "{sum:?}");
}

#[test]
fn a_backlog_that_does_not_fit_into_memory_is_paged() {
    let flood = Options {
        events: 4_000,
        crash_per_million: 100,
        ..Options::default()
    };
    run_all(2_000..2_002, &flood);
}

/// The same seed lives the same life on every store.
#[test]
fn twenty_seeds_hold_on_sqlite_as_on_the_model() {
    let sqlite = Options {
        store: StoreKind::Sqlite,
        disk_fails: false,
        ..Options::default()
    };
    for seed in 3_000..3_020 {
        let seeds = seed..seed + 1;
        let model = run_all(seeds.clone(), &Options::default());
        let found = run_all(seeds, &sqlite);
        assert!(found.disk_syncs > 0);
        let found = Report {
            disk_writes: 0,
            disk_syncs: 0,
            ..found
        };
        assert_eq!(found, model, "seed {seed}");
    }
}
