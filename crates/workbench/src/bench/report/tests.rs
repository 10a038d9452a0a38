//! The report of runs that were never made.

use std::collections::BTreeMap;

use super::*;
use crate::bench::timings::Delivered;

fn through(e2e: f64, cpu_us: f64, latency_us: u64) -> Through {
    let mut delivered = Delivered {
        accepted: 1_000,
        ..Delivered::default()
    };
    delivered.latency.record(latency_us);
    Through {
        accepted: e2e + 10.0,
        e2e,
        cpu_us,
        delivered,
        failures: BTreeMap::new(),
    }
}

fn run(raw: f64, e2e: f64) -> Run {
    Run {
        raw,
        raw_cpu_us: 22.126,
        saturated: through(e2e, 60.0, 900_000),
        open: through(2_000.0, 80.0, 4_000),
        batch: Some(through(e2e * 2.0, 30.0, 900_000)),
        peak_rss_bytes: 51_200_000,
        store_in_memory: false,
    }
}

fn report(runs: Vec<Run>) -> BenchReport {
    BenchReport::new(BenchOptions::new("ringback".into()), runs)
}

#[test]
fn one_run_is_its_own_median() {
    let report = report(vec![run(80_000.0, 16_000.0)]);
    assert!(report.is_sound());
    let json = report.json();
    for (name, expected) in [
        ("raw", 80_000.0),
        ("rawCpuUs", 22.13),
        ("e2e", 16_000.0),
        ("ratio", 0.2),
        ("cpuUsPerEvent", 60.0),
        ("p50Ms", 4.0),
        ("p99Ms", 4.0),
        ("rssMb", 51.2),
        ("batchE2e", 32_000.0),
        ("batchRatio", 0.4),
    ] {
        assert_eq!(json[name].as_f64(), Some(expected), "{name} of {json}");
    }
    let table = report.to_string();
    assert!(table.contains("(a) driver → receiver"), "{table}");
    assert!(
        table.ends_with("every one of 3000 accepted events arrived exactly once\n"),
        "{table}"
    );
}

#[test]
fn medians_are_taken_of_each_figure_and_of_the_ratios_of_each_run() {
    let report = report(vec![
        run(100.0, 10.0),
        run(50.0, 20.0),
        run(80.0, 40.0),
        run(10.0, 3.0),
    ]);
    let json = report.json();
    assert_eq!(
        (json["raw"].as_f64(), json["e2e"].as_f64()),
        (Some(65.0), Some(15.0))
    );
    // 0.1, 0.3, 0.4, 0.5
    assert_eq!(json["ratio"].as_f64(), Some(0.35));
    assert!(
        report.to_string().contains("65.00 /s      (10.00 – 100.00)"),
        "{report}"
    );
}

#[test]
fn what_was_lost_repeated_or_refused_is_said() {
    let mut unsound = run(80_000.0, 16_000.0);
    unsound.saturated.delivered.lost = 2;
    unsound.open.delivered.repeated = 3;
    unsound.open.failures.insert("status 503".to_owned(), 5);
    let report = report(vec![unsound]);
    assert!(!report.is_sound());
    let json = report.json();
    assert_eq!(
        (&json["lost"], &json["repeated"], &json["failed"]),
        (&2.into(), &3.into(), &5.into())
    );
    let table = report.to_string();
    assert!(
        table.contains("NOT SOUND: of 3000 accepted events 2 did not arrive; 3 arrivals"),
        "{table}"
    );
    assert!(table.contains("5 × status 503"), "{table}");
}

#[test]
fn without_batches_their_figures_are_null() {
    let report = report(vec![Run {
        batch: None,
        store_in_memory: true,
        ..run(10.0, 1.0)
    }]);
    assert!(report.json()["batchE2e"].is_null());
    let table = report.to_string();
    assert!(
        !table.contains("(d)") && table.contains("the store was on a file system in memory"),
        "{table}"
    );
}
