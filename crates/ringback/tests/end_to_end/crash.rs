//! The real process is killed at random moments under load, again and again, and started again on the same directory.
//! What the receivers have in their journals, which outlive it, must fit what was answered:
//!
//! - every event that was answered is delivered, none is lost;
//! - a request that broke at a kill is repeated, and makes one event;
//! - the body of an event is the same on every send;
//! - a send is repeated only across a kill, early only then, and no more often than sends can be in flight;
//! - the events of one call arrive in the order in which they were accepted.
//!
//! The seed is printed; `CRASH_SEED` sets it, `CRASH_KILLS` the number of kills.

pub(crate) mod journal;
pub(crate) mod load;
pub(crate) mod service;
mod verdict;

use std::net::SocketAddr;
use std::path::Path;

use crate::support::process::command;
use crate::support::{Process, Random, wait_for};
use serde_json::{Value, json};

use load::Load;
use service::Service;
use verdict::Findings;

/// Kills, unless `CRASH_KILLS` says otherwise.
const KILLS: u64 = 20;
/// Sends in flight to one endpoint at most.
const MAX_IN_FLIGHT: u64 = 16;
/// What failed is sent again after this, in milliseconds: the shortest gap that is allowed, so that retries cross kills.
const GAP_MS: i64 = 500;

/// The receivers, one for each company: how they answer.
const ANSWERS: [(i64, &str); 3] = [
    (1, "success"),
    (2, "fail*2,success"),
    (3, "delay:40ms:fail,delay:40ms:success"),
];

#[test]
fn nothing_is_lost_when_the_process_is_killed_again_and_again() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let kills = from_environment("CRASH_KILLS").unwrap_or(KILLS);
    println!("crash: seed {seed} (CRASH_SEED={seed} repeats it)");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let receivers: Vec<_> = ANSWERS
        .iter()
        .map(|(company_id, answers)| Receiver::start(directory.path(), *company_id, answers))
        .collect();
    let mut service = Service::start(&directory.path().join("store"));
    service.wait_until_up();
    for receiver in &receivers {
        configure(&service, receiver);
    }

    let load = Load::start(
        &mut random,
        service.address(),
        ANSWERS.map(|(company_id, _)| company_id),
    );
    for _ in 0..kills {
        service.kill_at_random(&mut random);
    }
    service.wait_until_up();
    let accepted = load.stop();
    wait_for("every delivery to be settled", || {
        let pending = service.api().get("/v1/deliveries?state=pending&limit=1");
        pending["items"].as_array().unwrap().is_empty().then_some(())
    });

    let events = service.all("/v1/events");
    let deliveries = service.all("/v1/deliveries");
    let kills = service.stop();
    let journals: Vec<_> = receivers.into_iter().map(Receiver::stop).collect();
    let findings = Findings {
        accepted: &accepted,
        events: &events,
        deliveries: &deliveries,
        journals: &journals,
        kills: &kills,
    };
    println!("crash: {}", findings.check());
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A company with an endpoint.
fn configure(service: &Service, receiver: &Receiver) {
    let company = format!("/v1/companies/{}", receiver.company_id);
    let api = service.api();
    api.expect(201, "PUT", &company, r#"{"name": "under load"}"#);
    let endpoint: Value = json!({
        "url": format!("http://{}/", receiver.address),
        "callbacks": ["call", "correction"],
        "schedule": { "gaps": vec![format!("{GAP_MS}ms"); 100], "maxAge": "24h" },
        "maxInFlight": MAX_IN_FLIGHT,
    });
    api.expect(
        201,
        "PUT",
        &format!("{company}/endpoints/crm"),
        &endpoint.to_string(),
    );
}

/// A receiver in a process of its own, which is never killed while there is load.
struct Receiver {
    company_id: i64,
    process: Process,
    address: SocketAddr,
    journal: std::path::PathBuf,
}

impl Receiver {
    fn start(directory: &Path, company_id: i64, answers: &str) -> Self {
        let journal = directory.join(format!("journal-{company_id}.ndjson"));
        let mut command = command(["listen", "127.0.0.1:0", "--answer", answers, "--journal"]);
        command.arg(&journal);
        let mut process = Process::start(command);
        let address = process.address();
        Self {
            company_id,
            process,
            address,
            journal,
        }
    }

    fn stop(self) -> Vec<journal::Send> {
        self.process.stop();
        journal::read(&self.journal)
    }
}
