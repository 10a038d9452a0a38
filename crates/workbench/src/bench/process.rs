//! What a process has used, as the kernel tells in `/proc`: CPU time, and the most memory it ever had resident.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

/// What a process has used up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// CPU time of all its threads, in user and kernel mode, in microseconds. The kernel counts in ticks of 10 ms.
    pub cpu_us: u64,
    /// The most memory that was ever resident (`VmHWM`), in bytes.
    pub peak_rss_bytes: u64,
}

/// Reads the usage of a running process.
///
/// # Errors
/// When the process is gone, or `/proc` is not Linux's.
pub fn usage(pid: u32) -> io::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "/proc has another form than Linux's");
    Ok(Usage {
        cpu_us: cpu_ticks(&stat)
            .ok_or_else(unreadable)?
            .saturating_mul(1_000_000 / rustix::param::clock_ticks_per_second().max(1)),
        peak_rss_bytes: peak_rss_kib(&status).ok_or_else(unreadable)?.saturating_mul(1024),
    })
}

/// utime and stime of `/proc/PID/stat`: its fields 14 and 15. The second field, the name of the program, stands in
/// parentheses and may itself contain spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let (user, kernel): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + kernel)
}

/// VmHWM of `/proc/PID/status`, in KiB.
fn peak_rss_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat =
            "4711 (a (strange) name) S 1 4711 4711 0 -1 4194560 1 2 3 4 123 45 6 7 20 0 4 0 99 100 200";
        assert_eq!(cpu_ticks(stat), Some(168));
        assert_eq!(cpu_ticks("4711 (name) S 1"), None);
        assert_eq!(
            peak_rss_kib("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   51200 kB\n"),
            Some(51_200)
        );
        assert_eq!(peak_rss_kib("Name:\tkernel thread\n"), None);
    }

    #[test]
    fn this_process_uses_memory_and_a_missing_one_is_an_error() {
        assert!(usage(std::process::id()).unwrap().peak_rss_bytes > 1_000_000);
        assert!(usage(u32::MAX).is_err());
    }
}
