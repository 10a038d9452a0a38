//! What a measurement of backlogs tells: as a table for people, and as one line of JSON for scripts.

use std::fmt;

use serde_json::{Value, json};

use super::{Pair, Scale};
use crate::bench::figure::{Figure, mb, rounded};
use crate::bench::soundness::Soundness;

/// The most memory that is to be resident, in megabytes.
const GOAL_RSS_MB: f64 = 300.0;
/// The longest that a start is to take, in seconds.
const GOAL_FIRST_SEND_S: f64 = 5.0;

/// A measurement of backlogs.
#[derive(Clone, Debug)]
pub struct ScaleReport {
    found: Vec<Scale>,
    store_in_memory: bool,
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

impl Pair {
    /// Events per second of the hot path beside the backlog, as a part of those of an empty store.
    #[must_use]
    pub fn rate_ratio(&self) -> f64 {
        self.beside.e2e / self.empty.e2e.max(f64::MIN_POSITIVE)
    }

    /// CPU time per event of the hot path beside the backlog, probes included, as a multiple of that of an empty store.
    #[must_use]
    pub fn cpu_ratio(&self) -> f64 {
        self.beside.cpu_us / self.empty.cpu_us.max(f64::MIN_POSITIVE)
    }

    fn json(&self) -> Value {
        json!({
            "firstSendS": rounded(seconds(self.first_send_us), 3),
            "quietS": rounded(seconds(self.quiet_us), 1),
            "probesPerS": rounded(self.probes_per_s, 1),
            "emptyE2e": rounded(self.empty.e2e, 0),
            "besideE2e": rounded(self.beside.e2e, 0),
            "rateRatio": rounded(self.rate_ratio(), 3),
            "emptyCpuUsPerEvent": rounded(self.empty.cpu_us, 2),
            "besideCpuUsPerEvent": rounded(self.beside.cpu_us, 2),
            "cpuRatio": rounded(self.cpu_ratio(), 3),
            "rssMb": rounded(mb(self.peak_rss_bytes), 1),
        })
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "first send after {:.2} s, quiet after {:.0} s at {:.0} probes/s; empty {:.0}/s, beside {:.0}/s; ratio of \
             rates {:.2}, of CPU per event {:.2}; memory {:.0} MB",
            seconds(self.first_send_us),
            seconds(self.quiet_us),
            self.probes_per_s,
            self.empty.e2e,
            self.beside.e2e,
            self.rate_ratio(),
            self.cpu_ratio(),
            mb(self.peak_rss_bytes),
        )
    }
}

impl Scale {
    fn figure(&self, of: impl Fn(&Pair) -> f64) -> Figure {
        Figure::of(self.pairs.iter().map(of))
    }

    /// The most memory that any service with the backlog had resident, in megabytes.
    fn rss_mb(&self) -> f64 {
        let beside = self.figure(|pair| mb(pair.peak_rss_bytes)).most;
        beside.max(mb(self.filling_rss_bytes))
    }

    fn json(&self) -> Value {
        let first_send = self.figure(|pair| seconds(pair.first_send_us));
        json!({
            "shape": self.shape.name,
            "endpoints": self.shape.endpoints_in_all(),
            "pending": self.pending,
            "filledPerS": rounded(self.filled_per_s, 0),
            "diskMb": rounded(mb(self.disk_bytes), 0),
            "rssMb": rounded(self.rss_mb(), 1),
            "fillingRssMb": rounded(mb(self.filling_rss_bytes), 1),
            "firstSendS": rounded(first_send.median, 3),
            "firstSendLongestS": rounded(first_send.most, 3),
            "rateRatio": rounded(self.figure(Pair::rate_ratio).median, 3),
            "cpuRatio": rounded(self.figure(Pair::cpu_ratio).median, 3),
            "pairs": self.pairs.iter().map(Pair::json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Scale {
    /// Lines of a table; they end with a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} pending over {} endpoints; filled with {:.0} events/s, {:.0} MB on disk",
            self.shape.name,
            self.pending,
            self.shape.endpoints_in_all(),
            self.filled_per_s,
            mb(self.disk_bytes)
        )?;
        for (number, pair) in self.pairs.iter().enumerate() {
            writeln!(f, "  pair {}: {pair}", number + 1)?;
        }
        let row = |f: &mut fmt::Formatter<'_>, name: &str, unit: &str, figure: Figure, wanted: &str| {
            writeln!(
                f,
                "  {name:<44}{:>8.2} {unit:<2} ({:.2} – {:.2}){wanted}",
                figure.median, figure.least, figure.most
            )
        };
        let first_send = self.figure(|pair| seconds(pair.first_send_us));
        let wanted = format!("; wanted: below {GOAL_FIRST_SEND_S}");
        row(
            f,
            "start after a kill to the first send",
            "s",
            first_send,
            &wanted,
        )?;
        let rate = self.figure(Pair::rate_ratio);
        row(f, "rate of the hot path / that of an empty store", "", rate, "")?;
        let cpu = self.figure(Pair::cpu_ratio);
        row(f, "CPU per event / that of an empty store", "", cpu, "")?;
        writeln!(
            f,
            "  memory, peak: {:.0} MB, while it was filled {:.0} MB; wanted: below {GOAL_RSS_MB}",
            self.rss_mb(),
            mb(self.filling_rss_bytes)
        )
    }
}

impl ScaleReport {
    pub(super) const fn new(found: Vec<Scale>, store_in_memory: bool) -> Self {
        Self {
            found,
            store_in_memory,
        }
    }

    /// What was measured, backlog by backlog.
    #[must_use]
    pub fn found(&self) -> &[Scale] {
        &self.found
    }

    fn soundness(&self) -> Soundness<'_> {
        let pairs = self.found.iter().flat_map(|scale| &scale.pairs);
        let throughs = pairs.flat_map(|pair| [&pair.empty, &pair.beside]);
        Soundness::of(throughs, self.store_in_memory)
    }

    /// Whether every accepted event of the hot path arrived exactly once, and no request failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.soundness().is_sound()
    }

    /// One line of JSON: medians over the pairs, for each backlog.
    #[must_use]
    pub fn json(&self) -> Value {
        let backlogs: Vec<Value> = self.found.iter().map(Scale::json).collect();
        let mut figures = json!({ "backlogs": backlogs });
        self.soundness().add_to(&mut figures);
        json!({ "scale": figures })
    }
}

impl fmt::Display for ScaleReport {
    /// A table; it ends with a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scale in &self.found {
            scale.fmt(f)?;
        }
        self.soundness().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scale::SHAPES;
    use crate::bench::stage::Through;
    use crate::bench::timings::Delivered;

    fn through(e2e: f64, cpu_us: f64) -> Through {
        Through {
            accepted: e2e,
            e2e,
            cpu_us,
            delivered: Delivered {
                accepted: 100,
                ..Delivered::default()
            },
            failures: std::collections::BTreeMap::new(),
        }
    }

    fn pair(beside: f64, first_send_us: i64, rss_mb: u64) -> Pair {
        Pair {
            empty: through(1_000.0, 100.0),
            beside: through(beside, 110.0),
            first_send_us,
            quiet_us: 70_000_000,
            probes_per_s: 3.0,
            peak_rss_bytes: rss_mb * 1_000_000,
        }
    }

    fn report(pairs: Vec<Pair>) -> ScaleReport {
        let scale = Scale {
            shape: SHAPES[1],
            pending: 10_000_000,
            filled_per_s: 300.4,
            disk_bytes: 2_500_000_000,
            filling_rss_bytes: 150_000_000,
            pairs,
        };
        ScaleReport::new(vec![scale], false)
    }

    #[test]
    fn medians_and_the_worst_start_and_peak_are_told() {
        let report = report(vec![
            pair(900.0, 700_000, 140),
            pair(800.0, 2_100_000, 160),
            pair(990.0, 600_000, 120),
        ]);
        assert!(report.is_sound());
        let json = report.json();
        let backlog = &json["scale"]["backlogs"][0];
        for (name, expected) in [
            ("endpoints", 10_000.0),
            ("pending", 10_000_000.0),
            ("diskMb", 2_500.0),
            ("rssMb", 160.0),
            ("fillingRssMb", 150.0),
            ("firstSendS", 0.7),
            ("firstSendLongestS", 2.1),
            ("rateRatio", 0.9),
            ("cpuRatio", 1.1),
        ] {
            assert_eq!(backlog[name].as_f64(), Some(expected), "{name} of {backlog}");
        }
        let text = report.to_string();
        assert!(
            text.starts_with("scattered: 10000000 pending over 10000 endpoints; filled with 300 events/s"),
            "{text}"
        );
        assert!(
            text.ends_with("every one of 600 accepted events arrived exactly once\n"),
            "{text}"
        );
    }

    #[test]
    fn a_lost_event_of_the_hot_path_is_told() {
        let mut report = report(vec![pair(900.0, 1, 1)]);
        report.found[0].pairs[0].beside.delivered.lost = 1;
        assert!(!report.is_sound());
        assert_eq!(report.json()["scale"]["lost"], 1);
    }
}
