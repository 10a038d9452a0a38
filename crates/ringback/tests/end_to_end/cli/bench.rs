//! `bench`, as short as it can be: not the figures are tested, but that there are some.

use serde_json::Value;

use super::outcome;
use crate::support::process::command;

#[test]
fn it_ends_with_a_line_of_figures_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command([
        "bench",
        "--seconds",
        "1",
        "--warmup",
        "0",
        "--rate",
        "50",
        "--connections",
        "4",
    ]);
    command
        .args(["--batch", "0", "--json", "--dir"])
        .arg(directory.path());
    let (code, stdout, stderr) = outcome(&command.output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    let figures: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
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
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
