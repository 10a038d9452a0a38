//! `bench`, as short as it can be: not the figures are tested, but that there are some.

use serde_json::Value;

use super::outcome;
use crate::support::process::command;

/// Runs `bench --json` with these arguments in a directory of its own, and returns its last line.
fn figures(arguments: &[&str]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(["bench", "--json", "--dir"]);
    command.arg(directory.path()).args(arguments);
    let (code, stdout, stderr) = outcome(&command.output().unwrap());
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn it_ends_with_a_line_of_figures_and_leaves_nothing_behind() {
    let arguments = "--seconds 1 --warmup 0 --rate 50 --connections 4 --batch 0";
    let figures = figures(&arguments.split(' ').collect::<Vec<_>>());
    for name in [
        "raw",
        "rawCpuUs",
        "e2e",
        "ratio",
        "cpuUsPerEvent",
        "p50Ms",
        "p99Ms",
        "rssMb",
    ] {
        assert!(
            figures[name].as_f64().is_some_and(|figure| figure > 0.0),
            "{name} in {figures}"
        );
    }
}

#[test]
fn neighbours_are_measured_with_and_without_the_bad_ones() {
    let arguments = "--neighbours --seconds 1 --warmup 0 --connections 4 --pairs 1 --backlog 200";
    let figures = figures(&arguments.split(' ').collect::<Vec<_>>());
    let figures = &figures["neighbours"];
    for path in [
        "/p99RatioMedian",
        "/sinceAcceptedP99RatioMedian",
        "/capacity",
        "/rate",
        "/rssMb",
        "/pairs/0/p99Ratio",
        "/pairs/0/with/p99Ms",
        "/pairs/0/without/p50Ms",
    ] {
        let figure = figures.pointer(path).and_then(Value::as_f64);
        assert!(figure.is_some_and(|figure| figure > 0.0), "{path} in {figures}");
    }
    assert!(figures["backlog"].as_u64() >= Some(200), "{figures}");
    assert_eq!((&figures["lost"], &figures["failed"]), (&0.into(), &0.into()));
}

#[test]
fn options_of_one_benchmark_are_refused_by_another() {
    for arguments in [
        &["--pairs", "3"][..],
        &["--backlog", "3"],
        &["--neighbours", "--rate", "3"],
        &["--neighbours", "--runs", "3"],
        &["--scale", "--batch", "3"],
        &["--scale", "--neighbours"],
    ] {
        let mut command = command(["bench"]);
        let (code, stdout, stderr) = outcome(&command.args(arguments).output().unwrap());
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
    }
}
