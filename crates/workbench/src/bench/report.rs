//! What a benchmark tells: medians over its runs, as a table for people and as one line of JSON for scripts.

use std::fmt;

use serde_json::{Value, json};

use super::BenchOptions;
use super::figure::{Figure, mb, ms, rounded};
use super::run::Run;
use super::soundness::Soundness;
use super::stage::Through;

/// The runs of a benchmark.
#[derive(Clone, Debug)]
pub struct BenchReport {
    options: BenchOptions,
    runs: Vec<Run>,
}

impl BenchReport {
    pub(super) const fn new(options: BenchOptions, runs: Vec<Run>) -> Self {
        Self { options, runs }
    }

    /// What each run measured.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    fn figure(&self, of: impl Fn(&Run) -> f64) -> Figure {
        Figure::of(self.runs.iter().map(of))
    }

    fn batch_figure(&self, of: impl Fn(&Run, &Through) -> f64) -> Option<Figure> {
        let all = self.runs.iter().all(|run| run.batch.is_some());
        all.then(|| self.figure(|run| run.batch.as_ref().map_or(0.0, |batch| of(run, batch))))
    }

    fn soundness(&self) -> Soundness<'_> {
        let throughs = self.runs.iter().flat_map(Run::throughs);
        Soundness::of(throughs, self.runs.iter().any(|run| run.store_in_memory))
    }

    /// Whether every accepted event arrived exactly once, and no request failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.soundness().is_sound()
    }

    /// One line of JSON, the last that `bench --json` prints. raw and e2e are events per second, times in
    /// microseconds or milliseconds as their names say; medians over the runs.
    #[must_use]
    pub fn json(&self) -> Value {
        let of = |places: i32, figure: Figure| json!(rounded(figure.median, places));
        let optional =
            |places: i32, figure: Option<Figure>| figure.map_or(Value::Null, |figure| of(places, figure));
        let mut figures = json!({
            "raw": of(0, self.figure(|run| run.raw)),
            "rawCpuUs": of(2, self.figure(|run| run.raw_cpu_us)),
            "e2e": of(0, self.figure(|run| run.saturated.e2e)),
            "ratio": of(4, self.figure(|run| run.saturated.e2e / run.raw)),
            "cpuUsPerEvent": of(2, self.figure(|run| run.saturated.cpu_us)),
            "p50Ms": of(2, self.figure(|run| ms(run.open.delivered.latency.quantile_us(0.50)))),
            "p99Ms": of(2, self.figure(|run| ms(run.open.delivered.latency.quantile_us(0.99)))),
            "rssMb": of(1, self.figure(|run| mb(run.peak_rss_bytes))),
            "openPerS": of(0, self.figure(|run| run.open.e2e)),
            "maxMs": of(2, self.figure(|run| ms(run.open.delivered.latency.max_us()))),
            "batch": self.options.batch,
            "batchE2e": optional(0, self.batch_figure(|_, batch| batch.e2e)),
            "batchRatio": optional(4, self.batch_figure(|run, batch| batch.e2e / run.raw)),
            "batchCpuUsPerEvent": optional(2, self.batch_figure(|_, batch| batch.cpu_us)),
            "runs": self.runs.len(),
            "connections": self.options.connections,
            "windowMs": self.options.window_ms,
        });
        self.soundness().add_to(&mut figures);
        figures
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, name: &str, unit: &str, figure: &Figure) -> fmt::Result {
        let places = if figure.median >= 1000.0 { 0 } else { 2 };
        write!(f, "{name:<48}{:>12.places$} {unit:<8}", figure.median)?;
        if self.runs.len() > 1 {
            write!(f, "({:.places$} – {:.places$})", figure.least, figure.most)?;
        }
        writeln!(f)
    }
}

impl fmt::Display for BenchReport {
    /// A table; it ends with a line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, batch) = (self.options.rate, self.options.batch);
        let latency = |q: f64| self.figure(move |run| ms(run.open.delivered.latency.quantile_us(q)));
        self.row(f, "(a) driver → receiver", "/s", &self.figure(|run| run.raw))?;
        self.row(
            f,
            "    CPU of driver and receiver",
            "µs",
            &self.figure(|run| run.raw_cpu_us),
        )?;
        self.row(
            f,
            "(b) end to end, saturated",
            "/s",
            &self.figure(|run| run.saturated.e2e),
        )?;
        self.row(
            f,
            "    accepted",
            "/s",
            &self.figure(|run| run.saturated.accepted),
        )?;
        self.row(
            f,
            "    end to end / raw",
            "",
            &self.figure(|run| run.saturated.e2e / run.raw),
        )?;
        self.row(
            f,
            "    CPU of the service per event",
            "µs",
            &self.figure(|run| run.saturated.cpu_us),
        )?;
        self.row(
            f,
            &format!("(c) end to end, open loop at {rate}/s"),
            "/s",
            &self.figure(|run| run.open.e2e),
        )?;
        self.row(f, "    to be sent → acknowledged, p50", "ms", &latency(0.50))?;
        self.row(f, "    to be sent → acknowledged, p99", "ms", &latency(0.99))?;
        self.row(f, "    to be sent → acknowledged, longest", "ms", &latency(1.0))?;
        self.row(
            f,
            "    CPU of the service per event",
            "µs",
            &self.figure(|run| run.open.cpu_us),
        )?;
        if let Some(figure) = self.batch_figure(|_, batch| batch.e2e) {
            self.row(
                f,
                &format!("(d) end to end, {batch} events per request"),
                "/s",
                &figure,
            )?;
        }
        if let Some(figure) = self.batch_figure(|run, batch| batch.e2e / run.raw) {
            self.row(f, "    end to end / raw", "", &figure)?;
        }
        if let Some(figure) = self.batch_figure(|_, batch| batch.cpu_us) {
            self.row(f, "    CPU of the service per event", "µs", &figure)?;
        }
        self.row(
            f,
            "memory of the service, peak",
            "MB",
            &self.figure(|run| mb(run.peak_rss_bytes)),
        )?;
        self.soundness().fmt(f)
    }
}

#[cfg(test)]
mod tests;
