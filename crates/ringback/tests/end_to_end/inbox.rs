//! `ringback listen --data` is killed at random moments under load, again and again, and started again on the same
//! directory. What its outlets have got, in files and at a receiver whose journal outlives it, must fit what was
//! acknowledged:
//!
//! - every callback that was acknowledged is handed on, and none that nobody sent;
//! - in the files each stands once, and in the order of its call;
//! - the receiver gets one again after it confirmed it only where a kill came before that was on disk;
//! - repetitions after a broken connection are recognised, with a webhook-id and without, and B, C, B stay three.
//!
//! The seed is printed; `CRASH_SEED` sets it.

mod load;
mod outlets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

use crate::support::process::command;
use crate::support::{Process, Random, boot_us, http, pause, wait_for};

use load::Load;

const KILLS: usize = 12;

/// Where the inbox takes callbacks in now; `None` while it is down.
type Address = Arc<Mutex<Option<SocketAddr>>>;

/// One kill, by the boot clock.
#[derive(Clone, Copy, Debug)]
struct Kill {
    alive_us: i64,
    gone_us: i64,
}

/// The inbox under test.
struct Inbox {
    dir: PathBuf,
    forward: SocketAddr,
    process: Option<Process>,
    page: Option<SocketAddr>,
    address: Address,
    kills: Vec<Kill>,
}

impl Inbox {
    fn start(dir: &Path, forward: SocketAddr) -> Self {
        let mut inbox = Self {
            dir: dir.to_owned(),
            forward,
            process: None,
            page: None,
            address: Address::default(),
            kills: Vec::new(),
        };
        inbox.process = Some(inbox.run());
        inbox
    }

    fn run(&self) -> Process {
        let mut command = command([
            "listen",
            "127.0.0.1:0",
            "--page",
            "127.0.0.1:0",
            "--timeout",
            "10s",
        ]);
        command
            .arg("--data")
            .arg(self.dir.join("inbox"))
            .arg("--files")
            .arg(self.dir.join("files"))
            .arg("--forward")
            .arg(format!("http://{}/", self.forward));
        Process::start(command)
    }

    fn wait_until_up(&mut self) {
        let process = self.process.as_mut().expect("the inbox runs");
        let address = process.address();
        self.page = Some(page(process));
        *self.address.lock().expect("no holder panics") = Some(address);
    }

    fn kill_at_random(&mut self, random: &mut Random) {
        if random.within(0..4) > 0 {
            self.wait_until_up();
            pause(Duration::from_millis(random.within(100..700)));
        } else {
            pause(Duration::from_millis(random.within(0..100)));
        }
        *self.address.lock().expect("no holder panics") = None;
        let alive_us = boot_us();
        self.process.take().expect("the inbox runs").kill();
        self.kills.push(Kill {
            alive_us,
            gone_us: boot_us(),
        });
        self.process = Some(self.run());
    }

    /// Waits until nothing is on its way any more.
    fn wait_until_handed_on(&self) {
        let page = self.page.expect("the page is up");
        let pending = || -> i64 {
            let state = http::request(page, "GET", "/api/state", &[], "").unwrap().json();
            let outlets = state["outlets"].as_array().unwrap();
            assert_eq!(outlets.len(), 2, "{state}");
            outlets
                .iter()
                .map(|outlet| outlet["pending"].as_i64().unwrap())
                .sum()
        };
        let mut left = pending();
        while left > 0 {
            let before = left;
            left = wait_for("a callback to be handed on", || {
                Some(pending()).filter(|left| *left == 0 || *left < before)
            });
        }
    }
}

/// The address of the page in the line that says where it listens.
fn page(process: &mut Process) -> SocketAddr {
    process.line("where the page is", |line| {
        let (_, url) = line.split_once("what came in: http://")?;
        url.trim_end_matches('/').parse().ok()
    })
}

#[test]
fn nothing_acknowledged_is_lost_when_the_inbox_is_killed_again_and_again() {
    let seed = std::env::var("CRASH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("inbox: CRASH_SEED={seed} repeats it");
    let mut random = Random::new(seed);
    // Beside the build, not in /tmp: that may be in memory, where nothing is lost or slow as on a disk.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = directory.path().join("journal");
    // The first try of each callback fails.
    let mut receiver = command(["listen", "127.0.0.1:0", "--answer", "500,success", "--journal"]);
    receiver.arg(&journal);
    let mut receiver = Process::start(receiver);
    let mut inbox = Inbox::start(directory.path(), receiver.address());
    let load = Load::start(&inbox.address, &mut random);
    for _ in 0..KILLS {
        inbox.kill_at_random(&mut random);
    }
    inbox.wait_until_up();
    let sent = load.stop();
    inbox.wait_until_handed_on();
    inbox.process.take().unwrap().stop();
    receiver.stop();

    let lines = outlets::check_files(&directory.path().join("files"), &sent);
    let again = outlets::check_receiver(&journal, &sent, &inbox.kills);
    let broke = sent.iter().map(|sent| sent.broke).sum::<u32>();
    println!(
        "inbox: {KILLS} kills, {} acknowledged, lost 0; {lines} lines in files, twice 0; {again} confirmed again that were \
         not recorded at a kill; {broke} requests broke",
        sent.len()
    );
    // A run that breaks nothing proves nothing.
    assert!(broke > 0 && lines > 50, "{broke} {lines}");
}

/// A disk that takes nothing: callbacks are answered 503, and taken again once there is room.
#[test]
fn a_full_disk_is_told_and_survived() {
    let directory = tempfile::tempdir().unwrap();
    // With the signal ignored that would otherwise end a process at its limit.
    let mut command = std::process::Command::new("sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\" listen 0 --no-page --data \"$1\" --files \"$2\"",
            env!("CARGO_BIN_EXE_ringback"),
        ])
        .args([directory.path().join("inbox"), directory.path().join("files")]);
    let mut process = Process::start(command);
    let address = process.address();
    let limit = |bytes: Option<u64>| {
        let of_ours = getrlimit(Resource::Fsize);
        let limit = Rlimit {
            current: bytes.or(of_ours.current),
            maximum: of_ours.maximum,
        };
        prlimit(Some(process.pid()), Resource::Fsize, limit).unwrap();
    };
    let post = |id: u64| {
        http::request(
            address,
            "POST",
            "/",
            &[("webhook-id", &id.to_string())],
            &load::call(id),
        )
    };

    assert_eq!(post(1).unwrap().body, "success");
    limit(Some(0));
    for id in 2..5 {
        let refused = post(id).unwrap();
        assert_eq!(refused.status, 503, "{}", refused.body);
    }
    limit(None);
    for id in 1..5 {
        assert_eq!(post(id).unwrap().body, "success", "{id}");
    }
    let lines = || outlets::lines(&directory.path().join("files")).lines().count();
    wait_for("all of them to be handed on", || (lines() == 4).then_some(()));
    let told = process.stderr().concat();
    assert!(
        told.contains("cannot be stored") && told.contains("can be stored again"),
        "{told}"
    );
    process.stop();
    assert_eq!(lines(), 4);
}
