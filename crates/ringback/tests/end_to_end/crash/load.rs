//! The load: clients that hand over calls and corrections, and repeat what broke until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use crate::support::api::TOKEN;
use crate::support::{Api, Random, pause};

use super::Campaign;
use super::service::Address;

/// A request that was answered.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) event_id: String,
    pub(crate) company_id: i64,
    pub(crate) call_id: i64,
    /// How often it broke before.
    pub(crate) broke: u32,
    /// Whether the answer was that of an earlier request, whose answer had been lost.
    pub(crate) replayed: bool,
}

/// The clients.
pub(crate) struct Load {
    stopping: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Vec<Accepted>>>,
}

impl Load {
    pub(crate) fn start(
        campaign: &Campaign,
        random: &mut Random,
        address: &Address,
        company_ids: [i64; 3],
    ) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let counted = Arc::new(AtomicU64::new(0));
        let clients = (0..i64::try_from(campaign.clients).expect("it is small"))
            .map(|number| {
                let client = Client {
                    random: Random::new(random.next()),
                    address: Arc::clone(address),
                    stopping: Arc::clone(&stopping),
                    company_ids,
                    pause_ms: campaign.pause_ms.max(1),
                    accepted: Vec::new(),
                    counted: Arc::clone(&counted),
                };
                std::thread::Builder::new()
                    .name(format!("client-{number}"))
                    .spawn(move || client.work(1 + number * 1_000_000))
                    .expect("a thread can be started")
            })
            .collect();
        Self {
            stopping,
            accepted: counted,
            clients,
        }
    }

    /// How many requests were answered so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Lets every client finish its call, and tells what was answered: the events of one call in their order.
    pub(crate) fn stop(self) -> Vec<Accepted> {
        self.stopping.store(true, Ordering::Relaxed);
        self.clients
            .into_iter()
            .flat_map(|client| client.join().expect("no client panics"))
            .collect()
    }
}

struct Client {
    random: Random,
    address: Address,
    stopping: Arc<AtomicBool>,
    company_ids: [i64; 3],
    pause_ms: u64,
    accepted: Vec<Accepted>,
    counted: Arc<AtomicU64>,
}

impl Client {
    fn work(mut self, first_call_id: i64) -> Vec<Accepted> {
        for call_id in first_call_id.. {
            if self.stopping.load(Ordering::Relaxed) {
                break;
            }
            let company_id = self.company_ids[self.random.place(3)];
            let scene = json!({ "callInstanceId": call_id, "companyId": company_id, "duration": self.random.within(0..600) });
            self.hand_over(
                company_id,
                call_id,
                "POST",
                "/v1/calls",
                &json!({ "sceneInstance": scene }).to_string(),
            );
            for level in ["A", "B", "C"]
                .iter()
                .take(self.random.place(6).saturating_sub(2))
            {
                let correction = json!({ "companyId": company_id, "resultValue": level }).to_string();
                self.hand_over(
                    company_id,
                    call_id,
                    "PUT",
                    &format!("/v1/calls/{call_id}/intent"),
                    &correction,
                );
            }
        }
        self.accepted
    }

    /// Sends a request until it is answered. What is answered by nobody, or with a 503, is repeated as it is.
    fn hand_over(&mut self, company_id: i64, call_id: i64, method: &str, path: &str, body: &str) {
        let mut broke = 0;
        loop {
            pause(Duration::from_millis(self.random.within(0..self.pause_ms)));
            let address = *self.address.lock().expect("no holder panics");
            let Some(address) = address else { continue };
            match Api::new(address, TOKEN).request(method, path, body) {
                Ok(answer) if answer.status == 202 || answer.status == 200 => {
                    let body = answer.json();
                    self.counted.fetch_add(1, Ordering::Relaxed);
                    self.accepted.push(Accepted {
                        event_id: body["eventId"].as_str().expect("an event has an id").to_owned(),
                        company_id,
                        call_id,
                        broke,
                        replayed: body["replayed"] == true,
                    });
                    return;
                }
                // After a 503 the event may exist as well.
                Ok(answer) => assert_eq!(answer.status, 503, "{method} {path}: {}", answer.body),
                Err(_) => {}
            }
            broke += 1;
        }
    }
}
