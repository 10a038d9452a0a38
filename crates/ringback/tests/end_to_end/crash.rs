//! The real process is killed at random moments under load, again and again, and started again on the same directory.
//! What the receivers have in their journals, which outlive it, must fit what was answered:
//!
//! - every event that was answered is delivered, none is lost;
//! - a request that broke at a kill is repeated, and makes one event;
//! - the body of an event is the same on every send;
//! - a send is repeated only across a kill, early only then, and no more often than sends can be in flight;
//! - the events of one call arrive in the order in which they were accepted.
//!
//! The seed is printed. `CRASH_SEED` sets it, and more variables ([`Campaign`]) make a campaign of it: `cargo xtask crash`
//! sets them, and runs this against the release binary.

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

/// What failed is sent again after this, in milliseconds: the shortest gap that is allowed, so that retries cross kills.
const GAP_MS: i64 = 500;

/// The receivers, one for each company: how they answer.
const ANSWERS: [(i64, &str); 3] = [
    (1, "success"),
    (2, "fail*2,success"),
    (3, "delay:40ms:fail,delay:40ms:success"),
];

/// How much is done to the process.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) seed: u64,
    /// At least so many kills…
    pub(crate) kills: usize,
    /// …and at least so many events.
    pub(crate) events: u64,
    /// Clients at work.
    pub(crate) clients: u64,
    /// The longest pause of a client between two requests, in milliseconds.
    pub(crate) pause_ms: u64,
    /// Sends in flight to one endpoint at most: as many as it takes to keep up with the clients.
    pub(crate) max_in_flight: u64,
}

impl Campaign {
    /// As the environment says; by default so much load that the backlog of a debug build is gone soon after the last
    /// kill.
    fn from_environment() -> Self {
        let number = |name: &str, default: u64| {
            let text = std::env::var(name).ok();
            text.map_or(default, |text| {
                text.parse().unwrap_or_else(|_| panic!("{name} is no number"))
            })
        };
        Self {
            seed: number("CRASH_SEED", u64::from(std::process::id())),
            kills: usize::try_from(number("CRASH_KILLS", 20)).unwrap(),
            events: number("CRASH_EVENTS", 0),
            clients: number("CRASH_CLIENTS", 6),
            pause_ms: number("CRASH_PAUSE_MS", 8),
            max_in_flight: number("CRASH_MAX_IN_FLIGHT", 16),
        }
    }
}

#[test]
fn nothing_is_lost_when_the_process_is_killed_again_and_again() {
    let campaign = Campaign::from_environment();
    println!("crash: {campaign:?} (CRASH_SEED={} repeats it)", campaign.seed);
    let mut random = Random::new(campaign.seed);
    // Beside the build, not in /tmp: that may be in memory, where nothing is lost or slow as on a disk.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let receivers: Vec<_> = ANSWERS
        .iter()
        .map(|(company_id, answers)| Receiver::start(directory.path(), *company_id, answers))
        .collect();
    let mut service = Service::start(&directory.path().join("store"));
    service.wait_until_up();
    for receiver in &receivers {
        configure(&service, receiver, campaign.max_in_flight);
    }

    let load = Load::start(
        &campaign,
        &mut random,
        service.address(),
        ANSWERS.map(|(company_id, _)| company_id),
    );
    while service.killed() < campaign.kills || load.accepted() < campaign.events {
        service.kill_at_random(&mut random);
        if service.killed().is_multiple_of(100) {
            println!("crash: {} kills, {} events", service.killed(), load.accepted());
        }
    }
    service.wait_until_up();
    let accepted = load.stop();
    for receiver in &receivers {
        // A campaign leaves a backlog: it may take its time as long as it gets less.
        let mut left = pending(&service, receiver);
        while left > 0 {
            let before = left;
            left = wait_for("a delivery to be settled", || {
                Some(pending(&service, receiver)).filter(|left| *left == 0 || *left < before)
            });
        }
    }

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
        max_in_flight: campaign.max_in_flight,
    };
    println!("crash: {}", findings.check());
}

/// Deliveries of a receiver that are not settled; counting stops somewhere.
fn pending(service: &Service, receiver: &Receiver) -> u64 {
    let path = format!("/v1/companies/{}/endpoints/crm", receiver.company_id);
    service.api().get(&path)["open"]["pending"].as_u64().unwrap()
}

/// A company with an endpoint.
fn configure(service: &Service, receiver: &Receiver, max_in_flight: u64) {
    let company = format!("/v1/companies/{}", receiver.company_id);
    let api = service.api();
    api.expect(201, "PUT", &company, r#"{"name": "under load"}"#);
    let endpoint: Value = json!({
        "url": format!("http://{}/", receiver.address),
        "callbacks": ["call", "correction"],
        "schedule": { "gaps": vec![format!("{GAP_MS}ms"); 100], "maxAge": "24h" },
        "maxInFlight": max_in_flight,
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
