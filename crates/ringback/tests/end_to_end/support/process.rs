//! The built program as a child process: its output line by line, signals, and a sure end.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::wait_for;

/// A command of the built program with none of its variables set.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RINGBACK_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// Runs a command to its end.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    command(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started")
}

/// A running program. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: Arc<Mutex<Vec<String>>>,
    stderr: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let (stdout, out_reader) = collect(child.stdout.take().expect("stdout is piped"));
        let (stderr, err_reader) = collect(child.stderr.take().expect("stderr is piped"));
        Self {
            child,
            stdout,
            stderr,
            readers: vec![out_reader, err_reader],
        }
    }

    /// `ringback serve` on the store in `dir` and a free port, callbacks to this machine allowed.
    pub(crate) fn serve(dir: &Path, token: &str) -> Self {
        let mut command = command(["serve"]);
        command
            .env("RINGBACK_LISTEN", "127.0.0.1:0")
            .env("RINGBACK_STORE", format!("sqlite:{}", dir.display()))
            .env("RINGBACK_OUTBOUND_ALLOW", "127.0.0.0/8")
            .env("RINGBACK_OPERATOR_TOKEN", token);
        Self::start(command)
    }

    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.lock().expect("no reader panics").clone()
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lock().expect("no reader panics").clone()
    }

    /// Waits for a line of stdout that fits.
    #[track_caller]
    pub(crate) fn line<T>(&mut self, what: &str, fits: impl Fn(&str) -> Option<T>) -> T {
        wait_for(what, || {
            if let Some(found) = self.stdout().iter().find_map(|line| fits(line)) {
                return Some(found);
            }
            let ended = self.child.try_wait().expect("the child can be asked");
            assert!(
                ended.is_none(),
                "ended before {what}: {ended:?} {:?}",
                self.stderr()
            );
            None
        })
    }

    /// The address in the line that says where it listens.
    #[track_caller]
    pub(crate) fn address(&mut self) -> SocketAddr {
        self.line("where it listens", |line| {
            let (_, url) = line.split_once("listening on http://")?;
            url.split(['/', ',', ' ']).next()?.parse().ok()
        })
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the child can be signalled");
    }

    /// Ends it without warning, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the child can be killed");
        self.child.wait().expect("the child can be waited for");
    }

    /// Waits for its end, and for all of its output.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = wait_for("the end of the program", || {
            self.child.try_wait().expect("the child can be asked")
        });
        for reader in self.readers.drain(..) {
            reader.join().expect("no reader panics");
        }
        status
    }

    /// Ends it in order and checks that it says so.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status} {:?}", self.stderr());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(pipe: impl Read + Send + 'static) -> (Arc<Mutex<Vec<String>>>, JoinHandle<()>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&lines);
    let reader = std::thread::Builder::new()
        .name("output".to_owned())
        .spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                collected.lock().expect("no reader panics").push(line);
            }
        })
        .expect("a thread can be started");
    (lines, reader)
}
