//! `conformance` against `listen`: its exit codes, and the forms of its report.

use serde_json::{Value, json};

use super::outcome;
use crate::support::process::{command, run};
use crate::support::{Process, http};

/// Two checks, so that a run is short; the ordinary callbacks go with them.
const ONLY: [&str; 2] = ["--only", "duplicate,unverified"];

#[test]
fn a_receiver_is_judged_and_the_exit_code_says_how() {
    let mut listen = Process::start(command(["listen", "0"]));
    let address = listen.address();
    let url = format!("http://{address}/");
    let directory = tempfile::tempdir().unwrap();
    let (page, xml) = (directory.path().join("r.html"), directory.path().join("r.xml"));

    let mut good = command(["conformance", &url, "--json", "--html"]);
    good.arg(&page).arg("--junit").arg(&xml).args(ONLY);
    let (code, stdout, stderr) = outcome(&good.output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&report["counts"]["findings"], &report["counts"]["warnings"]),
        (&0.into(), &1.into()),
        "{report}"
    );
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert!(read(page).contains("id=\"unverified\""));
    assert!(read(xml).starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "));

    let fail = json!({ "answer": "fail" }).to_string();
    http::request(address, "PUT", "/_control/answer", &[], &fail).unwrap();
    let mut bad = command(["conformance", &url]);
    bad.args(ONLY).env("LC_ALL", "zh_CN.UTF-8");
    let (code, stdout, stderr) = outcome(&bad.output().unwrap());
    assert_eq!((code, stderr.as_str()), (3, ""), "{stdout}");
    assert!(stdout.starts_with("问题 call: 普通的通话记录回调\n"), "{stdout}");
    let english = run(["conformance", &url, "--lang", "en"].iter().chain(&ONLY));
    let (_, stdout, _) = outcome(&english);
    assert!(
        stdout.starts_with("FINDING call: an ordinary call result\n"),
        "{stdout}"
    );
    listen.stop();

    // A journal that cannot be read leaves what was asked for undone.
    let none = ["conformance", &url, "--journal", "http://127.0.0.1:1/"];
    let (code, stdout, stderr) = outcome(&run(none.iter().chain(&ONLY)));
    assert_eq!(
        (code, stdout.as_str(), stderr.lines().count()),
        (1, "", 1),
        "{stderr}"
    );
    let (code, list, _) = outcome(&run(["conformance", "--list", "--lang", "en"]));
    assert!(
        code == 0 && list.contains("\nduplicate ") && list.contains("\nburst "),
        "{list}"
    );
}
