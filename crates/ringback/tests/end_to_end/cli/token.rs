//! `token` against a running service.

use serde_json::Value;

use super::{assert_refused, outcome};
use crate::support::api::TOKEN;
use crate::support::process::command;
use crate::support::{Api, Process};

#[test]
fn a_token_is_made_listed_and_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = Process::serve(&directory.path().join("store"), TOKEN);
    let address = serve.address();
    let server = format!("http://localhost:{}", address.port());
    let run = |arguments: &[&str], token: &str| {
        command(["token"])
            .args(arguments)
            .args(["--server", &server])
            .env("RINGBACK_OPERATOR_TOKEN", token)
            .output()
            .unwrap()
    };
    let (code, made, note) = outcome(&run(&["create", "call platform"], TOKEN));
    assert_eq!(code, 0);
    assert!(note.contains("shown this once"), "{note}");
    let made = made.trim_end();
    Api::new(address, made).get("/v1/companies");

    let (_, lines, _) = outcome(&run(&["list"], made));
    let line = lines
        .lines()
        .find(|line| line.ends_with("  call platform"))
        .unwrap();
    assert!(!lines.contains(made));
    let id = line.split_whitespace().next().unwrap();
    let (_, json, _) = outcome(&run(&["list", "--json"], made));
    let listed: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(listed["items"][0]["id"], id);

    let tenant = [
        "create",
        "151",
        "--scope",
        "tenant",
        "--company",
        "151",
        "--expires",
        "2999-01-31T00:00:00Z",
        "--rate-limit",
        "50",
        "--json",
    ];
    let (_, tenant, _) = outcome(&run(&tenant, TOKEN));
    let tenant: Value = serde_json::from_str(&tenant).unwrap();
    assert_eq!(
        (&tenant["scope"], &tenant["companyId"], &tenant["expiresAt"]),
        (&"tenant".into(), &151.into(), &"2999-01-31T00:00:00.000Z".into())
    );
    assert_eq!(tenant["rateLimit"], 50);
    let tenant = tenant["token"].as_str().unwrap();
    assert_refused(&run(&["list"], tenant), 1, &["the service answered 403"]);
    assert_refused(
        &run(&["create", "a", "--scope", "tenant"], TOKEN),
        2,
        &["--company is missing"],
    );

    let file = directory.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let (code, revoked, _) = outcome(&run(&["revoke", id, "--token-file", file.to_str().unwrap()], ""));
    assert_eq!((code, revoked), (0, format!("{id} is revoked\n")));
    assert_refused(&run(&["list"], made), 1, &["the service answered 401"]);
    assert_refused(&run(&["revoke", id], TOKEN), 1, &["the service answered 404"]);
    serve.stop();
    assert_refused(&run(&["list"], TOKEN), 1, &["cannot be connected to"]);
}
