//! Clients that send the callbacks of one call after the other, each until it is acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ringback_core::id::EventId;
use serde_json::json;

use super::Address;
use crate::support::{Random, http, pause};

const CLIENTS: i64 = 6;

/// A callback that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) call_id: i64,
    /// Every second call's callbacks have none.
    pub(super) event_id: Option<String>,
    /// The level of a correction; `None` for the call itself.
    pub(super) level: Option<&'static str>,
    /// How often it was sent in vain before.
    pub(super) broke: u32,
}

/// The clients at work.
pub(super) struct Load {
    stopping: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Sent>>>,
}

impl Load {
    pub(super) fn start(address: &Address, random: &mut Random) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let clients = (0..CLIENTS)
            .map(|number| {
                let (address, stopping) = (Arc::clone(address), Arc::clone(&stopping));
                let random = Random::new(random.next());
                std::thread::Builder::new()
                    .name(format!("client-{number}"))
                    .spawn(move || work(&address, &stopping, random, number))
                    .expect("a thread can be started")
            })
            .collect();
        Self { stopping, clients }
    }

    /// Lets every client finish its call, and tells what was acknowledged: the callbacks of one call in their order.
    pub(super) fn stop(self) -> Vec<Sent> {
        self.stopping.store(true, Ordering::Relaxed);
        self.clients
            .into_iter()
            .flat_map(|client| client.join().expect("no client panics"))
            .collect()
    }
}

/// A call result.
pub(super) fn call(call_id: impl Into<serde_json::Value>) -> String {
    json!({ "data": { "dataType": "CALL_INSTANCE_RESULT", "data": {
        "sceneInstance": { "callInstanceId": call_id.into(), "companyId": 1, "padding": "x".repeat(3000) },
    } } })
    .to_string()
}

fn correction(call_id: i64, level: &str) -> String {
    json!({ "data": { "dataType": "CALL_INSTANCE_RESULT", "data": { "taskResult": [
        { "companyId": 1, "sceneInstanceId": call_id, "resultName": "客户意向等级", "resultValue": level },
    ] } } })
    .to_string()
}

fn work(address: &Address, stopping: &AtomicBool, mut random: Random, number: i64) -> Vec<Sent> {
    let mut all = Vec::new();
    let mut call_id = 1 + number * 1_000_000;
    while !stopping.load(Ordering::Relaxed) {
        for (place, level) in [None, Some("B"), Some("C"), Some("B")].into_iter().enumerate() {
            let place = i64::try_from(place).expect("it is small");
            let mut sent = Sent {
                call_id,
                event_id: (call_id % 2 == 0).then(|| EventId(call_id * 10 + place).to_string()),
                level,
                broke: 0,
            };
            let body = level.map_or_else(|| call(call_id), |level| correction(call_id, level));
            while !acknowledged(address, sent.event_id.as_deref(), &body) {
                sent.broke += 1;
            }
            all.push(sent);
            pause(Duration::from_millis(random.within(0..8)));
        }
        call_id += 1;
    }
    all
}

/// Sends it once, as soon as the inbox is up.
fn acknowledged(address: &Address, event_id: Option<&str>, body: &str) -> bool {
    let now = loop {
        let now = *address.lock().expect("no holder panics");
        match now {
            Some(now) => break now,
            None => pause(Duration::from_millis(5)),
        }
    };
    let headers: Vec<_> = event_id.map(|id| ("webhook-id", id)).into_iter().collect();
    match http::request(now, "POST", "/", &headers, body) {
        Ok(answer) => answer.status == 200 && answer.body == "success",
        Err(_) => false,
    }
}
