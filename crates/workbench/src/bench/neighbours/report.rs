//! What a measurement of neighbours tells: as a table for people, and as one line of JSON for scripts.

use std::fmt;

use serde_json::{Value, json};

use super::{Neighbours, PART_OF_CAPACITY, Pair, Phase};
use crate::bench::figure::{Figure, mb, ms, rounded};
use crate::bench::histogram::Histogram;
use crate::bench::soundness::Soundness;

/// The most that the median of the ratios is to be.
const GOAL: f64 = 1.2;

/// A measurement of neighbours.
#[derive(Clone, Debug)]
pub struct NeighboursReport {
    found: Neighbours,
}

fn p99_ms(latency: &Histogram) -> f64 {
    ms(latency.quantile_us(0.99))
}

impl Phase {
    fn latency(&self) -> &Histogram {
        &self.good.delivered.latency
    }
}

impl Pair {
    /// The ratio of the 99th percentiles, with the bad ones to without, from the moment at which an event was to be
    /// sent to the service.
    #[must_use]
    pub fn p99_ratio(&self) -> f64 {
        p99_ms(self.with.latency()) / p99_ms(self.without.latency()).max(0.001)
    }

    /// The same from the answer to intake on.
    #[must_use]
    pub fn since_accepted_p99_ratio(&self) -> f64 {
        let p99 = |phase: &Phase| p99_ms(&phase.good.delivered.since_accepted);
        p99(&self.with) / p99(&self.without).max(0.001)
    }

    fn json(&self) -> Value {
        let phase = |phase: &Phase| {
            let (latency, good) = (phase.latency(), &phase.good);
            json!({
                "perS": rounded(good.e2e, 0),
                "p50Ms": rounded(ms(latency.quantile_us(0.50)), 2),
                "p99Ms": rounded(p99_ms(latency), 2),
                "maxMs": rounded(ms(latency.max_us()), 2),
                "sinceAcceptedP99Ms": rounded(p99_ms(&good.delivered.since_accepted), 2),
                "rssMb": rounded(mb(phase.peak_rss_bytes), 1),
            })
        };
        json!({
            "without": phase(&self.without),
            "with": phase(&self.with),
            "p99Ratio": rounded(self.p99_ratio(), 3),
            "sinceAcceptedP99Ratio": rounded(self.since_accepted_p99_ratio(), 3),
        })
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = |phase: &Phase| {
            let latency = phase.latency();
            let p50 = ms(latency.quantile_us(0.50));
            format!(
                "{p50:.2} / {:.2} / {:.2} ms",
                p99_ms(latency),
                ms(latency.max_us())
            )
        };
        write!(
            f,
            "without {}, with {}; ratio of p99 {:.2}, since accepted {:.2}",
            phase(&self.without),
            phase(&self.with),
            self.p99_ratio(),
            self.since_accepted_p99_ratio(),
        )
    }
}

impl NeighboursReport {
    pub(super) const fn new(found: Neighbours) -> Self {
        Self { found }
    }

    /// What was measured.
    #[must_use]
    pub const fn found(&self) -> &Neighbours {
        &self.found
    }

    /// The median of the ratios of the 99th percentiles: what the goal is set for.
    #[must_use]
    pub fn p99_ratio_median(&self) -> f64 {
        Figure::of(self.found.pairs.iter().map(Pair::p99_ratio)).median
    }

    fn since_accepted_p99_ratio_median(&self) -> f64 {
        Figure::of(self.found.pairs.iter().map(Pair::since_accepted_p99_ratio)).median
    }

    /// Deliveries of the endpoint that is behind that were pending after the last phase, at least.
    #[must_use]
    pub fn backlog_left(&self) -> u64 {
        let drained: u64 = self.found.pairs.iter().map(|pair| pair.with.drained).sum();
        self.found.backlog.saturating_sub(drained)
    }

    fn phases(&self) -> impl Iterator<Item = &Phase> {
        let pairs = self.found.pairs.iter();
        pairs.flat_map(|pair| [&pair.without, &pair.with])
    }

    fn soundness(&self) -> Soundness<'_> {
        let throughs = self.phases().map(|phase| &phase.good);
        let throughs = std::iter::once(&self.found.capacity).chain(throughs);
        Soundness::of(throughs, self.found.store_in_memory)
    }

    /// Whether every accepted event of a good endpoint arrived exactly once, and no request failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.soundness().is_sound()
    }

    /// One line of JSON. Rates are per second, latencies count from the moment at which an event was to be sent to the
    /// service, or, where so named, from its answer.
    #[must_use]
    pub fn json(&self) -> Value {
        let pairs: Vec<Value> = self.found.pairs.iter().map(Pair::json).collect();
        let rss = Figure::of(self.phases().map(|phase| mb(phase.peak_rss_bytes)));
        let mut figures = json!({
            "p99RatioMedian": rounded(self.p99_ratio_median(), 3),
            "sinceAcceptedP99RatioMedian": rounded(self.since_accepted_p99_ratio_median(), 3),
            "pairs": pairs,
            "capacity": rounded(self.found.capacity.e2e, 0),
            "rate": self.found.rate,
            "backlog": self.found.backlog,
            "backlogLeft": self.backlog_left(),
            "rssMb": rounded(rss.most, 1),
        });
        self.soundness().add_to(&mut figures);
        json!({ "neighbours": figures })
    }
}

impl fmt::Display for NeighboursReport {
    /// A table; it ends with a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = &self.found;
        writeln!(
            f,
            "the good 97 alone, saturated: {:.0}/s; open loop over all hundred at {PART_OF_CAPACITY} of it: {}/s",
            found.capacity.e2e, found.rate
        )?;
        writeln!(
            f,
            "latencies of the good 97, to be sent → acknowledged: p50 / p99 / longest"
        )?;
        for (number, pair) in found.pairs.iter().enumerate() {
            writeln!(f, "  pair {}: {pair}", number + 1)?;
        }
        let ratios = Figure::of(found.pairs.iter().map(Pair::p99_ratio));
        writeln!(
            f,
            "median of the ratios of p99: {:.2} ({:.2} – {:.2}); wanted: at most {GOAL}",
            ratios.median, ratios.least, ratios.most
        )?;
        writeln!(
            f,
            "  counted from the answer to intake on: {:.2}",
            self.since_accepted_p99_ratio_median()
        )?;
        let left = self.backlog_left();
        writeln!(
            f,
            "backlog of one endpoint: {} before the first phase, at least {left} after the last",
            found.backlog
        )?;
        if left == 0 {
            writeln!(f, "  IT RAN OUT: choose a larger one")?;
        }
        let rss = Figure::of(self.phases().map(|phase| mb(phase.peak_rss_bytes)));
        writeln!(f, "memory of the service, peak: {:.0} MB", rss.most)?;
        self.soundness().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bench::stage::Through;
    use crate::bench::timings::Delivered;

    fn phase(p99_us: u64, since_accepted_us: u64) -> Phase {
        let mut delivered = Delivered {
            accepted: 100,
            ..Delivered::default()
        };
        delivered.latency.record(p99_us);
        delivered.since_accepted.record(since_accepted_us);
        Phase {
            good: Through {
                accepted: 50.0,
                e2e: 50.0,
                cpu_us: 100.0,
                delivered,
                failures: BTreeMap::new(),
            },
            peak_rss_bytes: p99_us * 1_000,
            drained: 30,
        }
    }

    /// A measurement with pairs of such 99th percentiles, without and with the bad ones.
    fn report(pairs: &[(u64, u64)]) -> NeighboursReport {
        let pair = |(without, with): &(u64, u64)| Pair {
            without: phase(*without, 10),
            with: phase(*with, 30),
        };
        NeighboursReport::new(Neighbours {
            capacity: phase(9, 9).good,
            rate: 12,
            pairs: pairs.iter().map(pair).collect(),
            backlog: 100,
            store_in_memory: false,
        })
    }

    #[test]
    fn the_median_of_the_ratios_counts_not_the_ratio_of_the_medians() {
        let report = report(&[(1_000, 1_100), (2_000, 1_000), (4_000, 8_000)]);
        let json = &report.json()["neighbours"];
        assert_eq!(json["p99RatioMedian"], 1.1, "{json}");
        assert_eq!(json["sinceAcceptedP99RatioMedian"], 3.0, "{json}");
        assert_eq!(json["pairs"][2]["p99Ratio"], 2.0, "{json}");
        assert_eq!(json["pairs"][2]["with"]["p99Ms"], 8.0, "{json}");
        assert_eq!((&json["rssMb"], &json["backlogLeft"]), (&json!(8.0), &json!(10)));
        assert!(report.is_sound());
        let text = report.to_string();
        for line in [
            "  pair 2: without 2.00 / 2.00 / 2.00 ms, with 1.00 / 1.00 / 1.00 ms; ratio of p99 0.50, since accepted 3.00",
            "median of the ratios of p99: 1.10 (0.50 – 2.00); wanted: at most 1.2",
            "every one of 700 accepted events arrived exactly once",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn what_went_wrong_is_told() {
        let mut report = report(&[(1_000, 1_000), (1_000, 1_000), (1, 1), (1, 1)]);
        report.found.pairs[1].with.good.delivered.lost = 2;
        report.found.capacity.delivered.repeated = 1;
        assert!(!report.is_sound());
        let json = &report.json()["neighbours"];
        assert_eq!((&json["lost"], &json["repeated"]), (&json!(2), &json!(1)));
        assert_eq!(json["backlogLeft"], 0);
        let text = report.to_string();
        assert!(text.contains("NOT SOUND: of 900"), "{text}");
        assert!(text.contains("IT RAN OUT"), "{text}");
    }
}
