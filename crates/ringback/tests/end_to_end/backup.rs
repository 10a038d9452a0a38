//! A backup of a running service under load, and what a service does that is started on it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{assert_refused, outcome};
use crate::crash::Campaign;
use crate::crash::journal;
use crate::crash::load::{Accepted, Load};
use crate::crash::service::{Address, all};
use crate::support::api::TOKEN;
use crate::support::process::{command, run};
use crate::support::{Api, Process, Random, wait_for};

/// The companies of the load: one whose receiver acknowledges, one that needs three sends, one whose receiver is away
/// until the store is restored.
const COMPANIES: [i64; 3] = [1, 2, 3];

fn configure(api: &Api, company_id: i64, url: &str) {
    let company = format!("/v1/companies/{company_id}");
    api.expect(201, "PUT", &company, r#"{"name": "under load"}"#);
    let endpoint = json!({
        "url": url,
        "callbacks": ["call", "correction"],
        "schedule": { "gaps": vec!["500ms"; 100], "maxAge": "24h" },
    });
    api.expect(
        201,
        "PUT",
        &format!("{company}/endpoints/crm"),
        &endpoint.to_string(),
    );
}

fn listen(journal: &Path, answers: &str, port: u16) -> (Process, u16) {
    let address = format!("127.0.0.1:{port}");
    let mut command = command(["listen", &address, "--answer", answers, "--journal"]);
    command.arg(journal);
    let mut process = Process::start(command);
    let port = process.address().port();
    (process, port)
}

/// The events that a receiver acknowledged.
fn acknowledged(journal: &Path) -> BTreeSet<String> {
    journal::read(journal)
        .into_iter()
        .filter(journal::Send::acknowledged)
        .map(|send| send.event_id)
        .collect()
}

fn backup(store: &Path, target: &Path) -> Value {
    let (store, target) = (store.to_str().unwrap(), target.to_str().unwrap());
    let output = run(["backup", "--store", store, "--json", target]);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The states of the deliveries, by event: each has one.
fn states(api: &Api) -> BTreeMap<String, String> {
    let text = |item: &Value, member: &str| item[member].as_str().unwrap().to_owned();
    all(api, "/v1/events")
        .iter()
        .map(|event| (text(event, "eventId"), text(&event["deliveries"][0], "state")))
        .collect()
}

/// A service that was copied under load, and is gone now.
struct Copied {
    /// What it accepted, before the copy and after it.
    accepted: Vec<Accepted>,
    /// The events that there were when the copy was asked for.
    before: BTreeSet<String>,
}

fn copy_under_load(store: &Path, target: &Path, ports: [u16; 3]) -> Copied {
    let mut serve = Process::serve(store, TOKEN);
    let address = Address::default();
    *address.lock().unwrap() = Some(serve.address());
    let api = Api::new(serve.address(), TOKEN);
    for (company_id, port) in COMPANIES.into_iter().zip(ports) {
        configure(&api, company_id, &format!("http://127.0.0.1:{port}/"));
    }
    let campaign = Campaign {
        seed: 7,
        kills: 0,
        events: 0,
        clients: 6,
        pause_ms: 8,
        max_in_flight: 16,
    };
    let load = Load::start(&campaign, &mut Random::new(campaign.seed), &address, COMPANIES);
    wait_for("some events to be delivered", || {
        let delivered = states(&api).into_values().filter(|state| state == "delivered");
        (delivered.count() > 40).then_some(())
    });
    let before: BTreeSet<String> = states(&api).into_keys().collect();
    let made = backup(store, target);
    assert_eq!(made["bytes"].as_u64().unwrap(), target.metadata().unwrap().len());
    wait_for("events after the backup", || {
        (states(&api).len() > before.len() + 20).then_some(())
    });
    let accepted = load.stop();
    serve.kill();
    Copied { accepted, before }
}

#[test]
fn a_restored_backup_has_what_was_accepted_before_it_and_delivers_what_was_pending() {
    let directory = tempfile::tempdir().unwrap();
    let (store, target) = (directory.path().join("store"), directory.path().join("copy.db"));
    let journal = |number: u8| directory.path().join(format!("journal-{number}"));
    let (first, first_port) = listen(&journal(1), "success", 0);
    let (second, second_port) = listen(&journal(2), "fail*2,success", 0);
    // A port that nobody listens on for now.
    let (third, third_port) = listen(&journal(0), "success", 0);
    third.stop();
    let Copied { accepted, before } = copy_under_load(&store, &target, [first_port, second_port, third_port]);

    let restored = restore(directory.path(), &target);
    // Without the key it is not started, and no other key is made.
    let mut keyless = command(["serve"]);
    keyless.env("RINGBACK_STORE", format!("sqlite:{}", restored.display()));
    let keyless = keyless.env("RINGBACK_LISTEN", "127.0.0.1:0").output().unwrap();
    assert_refused(
        &keyless,
        1,
        &["the settings in the store are encrypted with the key"],
    );
    assert!(!restored.join("secrets-key").exists());
    std::fs::copy(store.join("secrets-key"), restored.join("secrets-key")).unwrap();
    let (third, _) = listen(&journal(3), "success", third_port);
    let mut serve = Process::serve(&restored, TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    let in_copy: BTreeSet<String> = states(&api).into_keys().collect();
    assert!(
        before.is_subset(&in_copy),
        "the copy lacks what was there before it"
    );
    let all: BTreeSet<String> = accepted
        .iter()
        .map(|accepted| accepted.event_id.clone())
        .collect();
    assert!(
        in_copy.is_subset(&all) && in_copy != all,
        "the copy is older than the end"
    );
    wait_for("every delivery of the copy", || {
        let states = states(&api);
        states.values().all(|state| state != "pending").then_some(())
    });
    for (event_id, state) in states(&api) {
        assert_eq!(state, "delivered", "{event_id}");
    }
    let of_third: BTreeSet<String> = accepted
        .iter()
        .filter(|accepted| accepted.company_id == 3 && in_copy.contains(&accepted.event_id))
        .map(|accepted| accepted.event_id.clone())
        .collect();
    assert!(!of_third.is_empty());
    assert_eq!(acknowledged(&journal(3)), of_third);
    // New events are taken in, with ids that were never given before.
    let call = r#"{"sceneInstance": {"callInstanceId": 99000000, "companyId": 1}}"#;
    let next = api.expect(202, "POST", "/v1/calls", call)["eventId"].clone();
    assert!(
        all.iter()
            .all(|event_id| event_id.as_str() < next.as_str().unwrap())
    );
    serve.stop();
    for receiver in [first, second, third] {
        receiver.stop();
    }
}

/// As the operator's manual says.
fn restore(directory: &Path, copy: &Path) -> PathBuf {
    let dir = directory.join("restored");
    std::fs::create_dir(&dir).unwrap();
    std::fs::copy(copy, dir.join("ringback.db")).unwrap();
    dir
}

#[test]
fn a_backup_that_cannot_be_made_says_why_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let backup = |store: &str, target: &str| run(["backup", "--store", store, target]);
    let none = format!("there is no store in {}", path("store"));
    assert_refused(&backup(&path("store"), &path("copy")), 1, &[&none]);
    let mut migrate = command(["migrate"]);
    migrate.env("RINGBACK_STORE", format!("sqlite:{}", path("store")));
    assert!(migrate.output().unwrap().status.success());
    let nowhere = path("nowhere/copy");
    let refused = format!("cannot make {nowhere}.unfinished");
    assert_refused(&backup(&path("store"), &nowhere), 1, &[&refused]);
    let made = backup(&format!("sqlite:{}", path("store")), &path("copy"));
    let (code, said, _) = outcome(&made);
    assert_eq!((code, said.starts_with(&path("copy"))), (0, true), "{made:?}");
    let exists = format!("{} exists already", path("copy"));
    assert_refused(&backup(&path("store"), &path("copy")), 1, &[&exists]);
    let mut left: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["copy", "store"]);
}

#[test]
fn a_store_whose_key_is_lost_forgets_its_settings_and_delivers_what_waited_when_they_are_put_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let forget = |more: &[&str]| {
        let mut command = command(["forget-settings"]);
        command.args(more);
        command.env("RINGBACK_STORE", format!("sqlite:{}", store.display()));
        command.output().unwrap()
    };
    assert_refused(&forget(&["--yes"]), 1, &["cannot find"]);
    assert!(!store.exists());

    let mut serve = Process::serve(&store, TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    // A port that nobody listens on.
    let (receiver, port) = listen(&directory.path().join("journal"), "success", 0);
    receiver.stop();
    configure(&api, 1, &format!("http://127.0.0.1:{port}/"));
    let call = r#"{"sceneInstance": {"callInstanceId": 1, "companyId": 1}}"#;
    api.expect(202, "POST", "/v1/calls", call);
    let in_use = format!("the store in {} is in use by another process", store.display());
    assert_refused(&forget(&["--yes"]), 1, &[&in_use]);
    serve.stop();

    let key = store.join("secrets-key");
    assert_refused(&forget(&["--yes"]), 1, &["nothing was forgotten"]);
    std::fs::remove_file(&key).unwrap();
    assert_refused(&forget(&[]), 2, &["--yes"]);
    let (code, said, note) = outcome(&forget(&["--yes"]));
    assert_eq!(
        (code, said.as_str()),
        (0, "company 1\ncompany 1, endpoint crm\n"),
        "{note}"
    );
    assert!(note.contains("of 1 companies and 1 endpoints"), "{note}");

    let mut serve = Process::serve(&store, TOKEN);
    let api = Api::new(serve.address(), TOKEN);
    assert!(key.exists());
    wait_for("the callback to be parked", || {
        states(&api).values().all(|state| state == "parked").then_some(())
    });
    let path = "/v1/companies/1/endpoints/crm";
    let shown = api.expect(200, "GET", path, "");
    assert_eq!(
        (&shown["enabled"], &shown["url"]),
        (&json!(false), &json!("https://forgotten.invalid/"))
    );
    let (receiver, port) = listen(&directory.path().join("journal"), "success", 0);
    let endpoint = json!({"url": format!("http://127.0.0.1:{port}/")}).to_string();
    api.expect(201, "PUT", "/v1/companies/1", "{}");
    let put = api.expect(200, "PUT", path, &endpoint);
    assert!(put["secret"].as_str().unwrap().starts_with("whsec_"));
    wait_for("the callback to be delivered", || {
        states(&api)
            .values()
            .all(|state| state == "delivered")
            .then_some(())
    });
    let audit = api.expect(200, "GET", "/v1/audit?action=settings-forget", "");
    assert_eq!(audit["items"][0]["actor"]["id"], "command-line");
    assert_eq!(
        audit["items"][0]["after"],
        json!({"companies": 1, "endpoints": 1})
    );
    serve.stop();
    receiver.stop();
}
