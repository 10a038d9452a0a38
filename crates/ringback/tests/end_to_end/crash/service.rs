//! The service under test: one `ringback serve` after the other on the same directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::api::TOKEN;
use crate::support::{Api, Process, Random, boot_us, pause};

/// Where the service listens now; `None` while it is down.
pub(crate) type Address = Arc<Mutex<Option<SocketAddr>>>;

/// One kill and the start after it, by the boot clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    /// When the process was still alive, just before the signal.
    pub(crate) alive_us: i64,
    /// When it was gone.
    pub(crate) gone_us: i64,
    /// When the next one was up, or gone again.
    pub(crate) back_us: i64,
    /// How long that took, where it came up.
    pub(crate) recovery_us: Option<i64>,
}

/// The service and its kills.
pub(crate) struct Service {
    dir: PathBuf,
    process: Option<Process>,
    address: Address,
    kills: Vec<Kill>,
}

impl Service {
    pub(crate) fn start(dir: &Path) -> Self {
        let process = Some(Process::serve(dir, TOKEN));
        Self {
            dir: dir.to_owned(),
            process,
            address: Address::default(),
            kills: Vec::new(),
        }
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    #[track_caller]
    pub(crate) fn api(&self) -> Api {
        let address = self
            .address
            .lock()
            .expect("no holder panics")
            .expect("the service is up");
        Api::new(address, TOKEN)
    }

    pub(crate) fn wait_until_up(&mut self) {
        let address = self.process.as_mut().expect("the service runs").address();
        *self.address.lock().expect("no holder panics") = Some(address);
        self.back();
        if let Some(kill) = self.kills.last_mut() {
            kill.recovery_us.get_or_insert(boot_us() - kill.gone_us);
        }
    }

    /// Kills the process – now and then before it is up, else under load – and starts the next one.
    pub(crate) fn kill_at_random(&mut self, random: &mut Random) {
        if random.within(0..4) == 0 {
            pause(Duration::from_millis(random.within(0..150)));
        } else {
            self.wait_until_up();
            pause(Duration::from_millis(random.within(50..900)));
        }
        *self.address.lock().expect("no holder panics") = None;
        let alive_us = boot_us();
        self.process.take().expect("the service runs").kill();
        self.back();
        self.kills.push(Kill {
            alive_us,
            gone_us: boot_us(),
            back_us: i64::MAX,
            recovery_us: None,
        });
        self.process = Some(Process::serve(&self.dir, TOKEN));
    }

    /// How often it was killed.
    pub(crate) const fn killed(&self) -> usize {
        self.kills.len()
    }

    fn back(&mut self) {
        if let Some(kill) = self.kills.last_mut() {
            kill.back_us = kill.back_us.min(boot_us());
        }
    }

    /// All items of a list of the API.
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        all(&self.api(), path)
    }

    /// Ends the last process in order, and tells the kills.
    pub(crate) fn stop(mut self) -> Vec<Kill> {
        self.process.take().expect("the service runs").stop();
        self.kills
    }
}

/// All items of a list of the API, company by company.
pub(crate) fn all(api: &Api, path: &str) -> Vec<Value> {
    let companies = pages(api, "/v1/companies?limit=500");
    let of_company = |company: &Value| {
        let company_id = company["companyId"].as_i64().expect("a company has its number");
        pages(
            api,
            &format!("{path}?companyId={company_id}&from=1970-01-01T00:00:00Z&limit=500"),
        )
    };
    companies.iter().flat_map(of_company).collect()
}

/// All items of a list, page by page.
fn pages(api: &Api, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{path}{cursor}"));
        items.extend(
            page["items"]
                .as_array()
                .expect("a list has items")
                .iter()
                .cloned(),
        );
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}
