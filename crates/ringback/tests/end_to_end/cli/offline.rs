//! Commands that need no service.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{assert_refused, outcome};
use crate::support::process::{command, run};

/// Every command, with what its help shows as an example.
const COMMANDS: &[&[&str]] = &[
    &["serve"],
    &["dev"],
    &["listen"],
    &["trigger"],
    &["conformance"],
    &["explain-signature"],
    &["companies"],
    &["endpoints"],
    &["calls"],
    &["events"],
    &["deliveries"],
    &["replay"],
    &["replay", "start"],
    &["reconcile"],
    &["tail"],
    &["token"],
    &["token", "create"],
    &["token", "list"],
    &["token", "revoke"],
    &["check-config"],
    &["robot"],
    &["alerts"],
    &["audit"],
    &["health"],
    &["backup"],
    &["migrate"],
    &["forget-settings"],
    &["bench"],
    &["openapi"],
    &["completions"],
];

#[test]
fn every_command_has_help_and_the_help_has_examples() {
    let (code, all, _) = outcome(&run(["--help"]));
    assert_eq!(code, 0);
    for path in COMMANDS {
        let (code, help, stderr) = outcome(&run(path.iter().copied().chain(["--help"])));
        let name = path.join(" ");
        assert_eq!((code, stderr.as_str()), (0, ""), "{name}");
        assert!(
            help.contains(&format!("Usage: ringback {name}")),
            "{name}: {help}"
        );
        if let [name] = path {
            assert!(
                help.contains(&format!("Examples:\n  ringback {name}")) || help.contains("  RINGBACK_"),
                "{help}"
            );
            assert!(all.contains(&format!("  {name} ")), "{name} is not listed: {all}");
        }
    }
}

/// A request that does not verify is explained, and one that does is not.
#[test]
fn a_signature_is_explained() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("request.http");
    let file = file.to_str().unwrap();
    let body = r#"{"code":200}"#;
    let signature = ringback_contract::webhook::Secret::parse(secret).unwrap().sign(
        "evt_1",
        1_790_000_000,
        body.as_bytes(),
    );
    let head = format!(
        "POST / HTTP/1.1\r\nwebhook-id: evt_1\r\nwebhook-timestamp: 1790000000\r\nwebhook-signature: {signature}\r\n\r\n"
    );
    let explain = |body: &str, more: &[&str]| {
        std::fs::write(file, format!("{head}{body}")).unwrap();
        let arguments = ["explain-signature", file, "--secret", secret].into_iter();
        outcome(&run(arguments.chain(more.iter().copied())))
    };
    let right = (0, "webhook-signature verifies\n".to_owned(), String::new());
    assert_eq!(explain(body, &["--at", "request"]), right);
    let in_file = directory.path().join("secrets");
    std::fs::write(&in_file, format!("\n{secret}\n")).unwrap();
    let in_file = format!("@{}", in_file.display());
    assert_eq!(
        outcome(&run([
            "explain-signature",
            file,
            "--secret",
            &in_file,
            "--at",
            "request"
        ])),
        right
    );
    let (code, old, _) = explain(body, &[]);
    assert!(code == 1 && old.contains("s in the past"), "{old}");
    let (code, json, _) = explain(r#"{"code": 200}"#, &["--at", "2026-09-21T14:13:20Z", "--json"]);
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, &told["causes"][0]["cause"], &told["causes"][0]["at"]),
        (1, &json!("body-changed"), &json!(8))
    );
    assert_refused(&run(["explain-signature", "-"]), 2, &["--secret"]);
    let (code, no_secret, _) = outcome(&run(["explain-signature", file, "--secret", "abc"]));
    assert!(
        code == 1 && no_secret.contains("A secret given is no signing secret"),
        "{no_secret}"
    );
    assert_refused(
        &run(["explain-signature", "/nowhere", "--app", "k:s"]),
        1,
        &["cannot be read"],
    );
    assert_refused(&run(["explain-signature", "-", "--app", "k"]), 2, &["--app"]);
}

#[test]
fn version_and_no_command() {
    let version = format!("ringback {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(outcome(&run(["--version"])), (0, version, String::new()));
    let (code, stdout, stderr) = outcome(&run::<&str>([]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("Usage: ringback <COMMAND>"), "{stderr}");
}

#[test]
fn a_wrong_call_is_explained_in_one_line() {
    for (arguments, mistake) in [
        (&["listn"][..], "'listen'"),
        (&["serve", "now"], "unexpected argument 'now'"),
        (&["listen", "somewhere"], "an IP address and a port"),
        (&["listen", "--answer", "maybe"], "allowed are success, fail"),
        (
            &["listen", "--secret", "whsec_not-to-be-shown"],
            "--secret is no signing secret",
        ),
        (
            &["listen", "--app", "key-without-a-secret"],
            "--app takes an appKey and its appSecret",
        ),
        (
            &["conformance", "http://127.0.0.1:1/", "--secret", "@/nowhere"],
            "--secret: /nowhere cannot be read",
        ),
        (
            &["trigger", "call", "http://127.0.0.1:1/", "--app", "@/dev/null"],
            "--app takes one, and the file has 0 lines",
        ),
        (&["trigger", "call"], "<URL>"),
        (
            &["trigger", "sms", "http://127.0.0.1:1/"],
            "call, correction, inbound, job",
        ),
        (
            &["trigger", "call", "http://127.0.0.1:1/", "--timeout", "soon"],
            "is no duration",
        ),
        (
            &["trigger", "call", "http://127.0.0.1:1/", "--header", "x"],
            "--header: allowed is",
        ),
        (
            &["trigger", "job", "http://127.0.0.1:1/", "--set", "status=x"],
            "status: is a string; allowed is an integer",
        ),
        (
            &["trigger", "job", "http://127.0.0.1:1/", "--template", "long"],
            "--template: long is none of a job",
        ),
        (
            &["conformance", "http://127.0.0.1:1/", "--only", "nul"],
            "--only: \"nul\" is no check",
        ),
        (&["dev", "--rate", "0"], "0.01 to 1000"),
        (&["bench", "--seconds", "0"], "0 is not in 1..="),
        (&["token", "list"], "a token is needed"),
        (
            &["token", "list", "--token", "x", "--server", "https://127.0.0.1"],
            "--server: allowed is http://",
        ),
        (
            &["token", "revoke", "../companies/1", "--token", "x"],
            "ID: allowed is",
        ),
        (&["completions", "cmd"], "bash"),
        (
            &["check-config", "--config", "/nowhere/ringback.toml"],
            "a file that cannot be read",
        ),
    ] {
        let output = run(arguments);
        assert_refused(&output, 2, &[mistake]);
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("not-to-be-shown"),
            "{arguments:?}"
        );
    }
}

#[test]
fn all_mistakes_of_the_configuration_are_reported_by_every_command_that_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ringback.toml");
    std::fs::write(
        &file,
        "listen = 7700\nzoen = \"Asia/Shanghai\"\nconnections = 0\n",
    )
    .unwrap();
    for name in ["serve", "check-config", "migrate"] {
        let output = command([name, "--config"])
            .arg(&file)
            .env("RINGBACK_LOG", "loud")
            .env("RINGBACK_OPERATOR_TOKEN", "not-to-be-shown")
            .output()
            .unwrap();
        let mistakes = [
            "listen (",
            "zoen (",
            "connections (",
            "RINGBACK_LOG",
            "RINGBACK_OPERATOR_TOKEN",
        ];
        let (_, _, stderr) = outcome(&output);
        assert_eq!(stderr.lines().count(), mistakes.len(), "{stderr}");
        for mistake in mistakes {
            assert!(
                stderr
                    .lines()
                    .any(|line| line.starts_with(&format!("ringback: {mistake}"))),
                "{name}: {stderr}"
            );
        }
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(!stderr.contains("not-to-be-shown"), "{stderr}");
    }
    assert!(!std::path::Path::new("ringback-data").exists());
}

#[test]
fn check_config_shows_values_and_sources_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ringback.toml");
    std::fs::write(&file, "zone = \"UTC\"\n").unwrap();
    let with = |arguments: &[&str]| {
        let mut command = command(["check-config", "--config"]);
        command.arg(&file).args(arguments);
        command
            .env("RINGBACK_OPERATOR_TOKEN", "not-to-be-shown-0123456789abcdef")
            .output()
            .unwrap()
    };
    let (code, lines, stderr) = outcome(&with(&[]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    for (key, value, source) in [
        ("listen", "\"127.0.0.1:7700\"", "default"),
        ("zone", "\"UTC\"", "file"),
        ("operator_token", "(set)", "environment: RINGBACK_OPERATOR_TOKEN"),
    ] {
        let line = lines.lines().find(|line| line.starts_with(key)).unwrap();
        let (setting, from) = line.split_once(" # ").unwrap();
        assert!(
            setting.contains(&format!("= {value}")) && from.trim() == source,
            "{line}"
        );
    }
    let (_, json, _) = outcome(&with(&["--json"]));
    let settings: Value = serde_json::from_str(&json).unwrap();
    let shown = |key: &str| {
        let settings = settings["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["key"] == key).unwrap()
    };
    for (key, value, note, source) in [
        ("zone", json!("UTC"), None, "file"),
        ("connections", json!(4096), None, "default"),
        ("metrics_open", json!(true), None, "default"),
        ("outbound_allow", json!([]), None, "default"),
        ("tls_ca", Value::Null, Some("not set"), "default"),
        ("operator_token", Value::Null, Some("set"), "environment"),
        ("alerts", Value::Null, Some("no channel"), "default"),
    ] {
        let mut expected = json!({ "key": key, "value": value, "source": source });
        expected["environment"] = format!("RINGBACK_{}", key.to_ascii_uppercase()).into();
        if let Some(note) = note {
            expected["note"] = note.into();
        }
        assert_eq!(*shown(key), expected);
    }
    assert!(!lines.contains("not-to-be-shown") && !json.contains("not-to-be-shown"));
    // What receivers see: without a setting it depends on the machine.
    let seen = lines.lines().last().unwrap();
    assert!(
        seen.starts_with("# receivers see ") || seen.starts_with("# this machine"),
        "{seen}"
    );

    // The default file is itself a configuration.
    let (_, defaults, _) = outcome(&run(["check-config", "--defaults"]));
    std::fs::write(&file, defaults).unwrap();
    assert_eq!(outcome(&with(&[])).0, 0);
}

#[test]
fn check_config_shows_the_source_address_of_callbacks() {
    for (variable, value, sentence, address) in [
        (
            "RINGBACK_OUTBOUND_BIND",
            "127.0.0.1",
            "# receivers see 127.0.0.1 (outbound_bind), unless it is translated on the way",
            json!({"address": "127.0.0.1", "from": "outbound_bind", "usable": true}),
        ),
        (
            "RINGBACK_OUTBOUND_BIND",
            "192.0.2.1",
            "# 192.0.2.1 (outbound_bind) is not an address of this machine: nothing can be sent from it",
            json!({"address": "192.0.2.1", "from": "outbound_bind", "usable": false}),
        ),
        (
            "RINGBACK_OUTBOUND_PROXY",
            "http://u:not-to-be-shown@proxy.example:3128",
            "# receivers see an address of the proxy http://proxy.example:3128: ask its operator for it",
            json!({"address": "http://proxy.example:3128", "from": "outbound_proxy", "usable": true}),
        ),
    ] {
        let with = |arguments: &[&str]| {
            let mut command = command(["check-config"]);
            outcome(&command.args(arguments).env(variable, value).output().unwrap()).1
        };
        let (lines, json) = (with(&[]), with(&["--json"]));
        assert_eq!(lines.lines().last(), Some(sentence));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["sourceAddresses"], json!([address]));
        assert!(!lines.contains("not-to-be-shown"), "{lines}");
    }
}

#[test]
fn migrate_says_what_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("new").display());
    let migrate = |arguments: &[&str]| {
        outcome(
            &command(["migrate"])
                .args(arguments)
                .env("RINGBACK_STORE", &store)
                .output()
                .unwrap(),
        )
    };
    let (code, first, stderr) = migrate(&["--json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let first: Value = serde_json::from_str(&first).unwrap();
    let version = first["version"].as_u64().unwrap();
    let all: Vec<u64> = (1..=version).collect();
    assert_eq!(first["applied"], json!(all));
    let (code, again, _) = migrate(&[]);
    assert_eq!(
        (code, again),
        (
            0,
            format!("{store}: nothing to do, the schema has version {version}\n")
        )
    );
}

#[test]
fn openapi_is_the_committed_document() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let (code, document, _) = outcome(&run(["openapi"]));
    assert_eq!(code, 0);
    assert_eq!(document, std::fs::read_to_string(golden).unwrap());
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, _) = outcome(&run(["completions", shell]));
        assert_eq!(code, 0);
        assert!(
            script.contains("check-config") && script.contains("ack-rule"),
            "{shell}"
        );
    }
}

/// The pipe is closed before anything is written to it.
#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    for arguments in [
        &["openapi"][..],
        &["check-config"],
        &["--help"],
        &["completions", "zsh"],
        &["listen", "0"],
    ] {
        let mut child = command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            outcome(&output),
            (0, String::new(), String::new()),
            "{arguments:?}"
        );
    }
}
