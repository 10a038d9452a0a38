//! What a benchmark tells: medians over its runs, as a table for people and as one line of JSON for scripts.

use std::fmt;

use serde_json::{Value, json};

use super::BenchOptions;
use super::run::{Run, Through};

/// The runs of a benchmark.
#[derive(Clone, Debug)]
pub struct BenchReport {
    options: BenchOptions,
    runs: Vec<Run>,
}

/// A figure of each run.
struct Figure {
    median: f64,
    least: f64,
    most: f64,
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
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
        let mut values: Vec<f64> = self.runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() {
            0 => 0.0,
            count if count % 2 == 1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        let end = |value: Option<&f64>| value.copied().unwrap_or(0.0);
        Figure {
            median,
            least: end(values.first()),
            most: end(values.last()),
        }
    }

    fn batch_figure(&self, of: impl Fn(&Run, &Through) -> f64) -> Option<Figure> {
        let all = self.runs.iter().all(|run| run.batch.is_some());
        all.then(|| self.figure(|run| run.batch.as_ref().map_or(0.0, |batch| of(run, batch))))
    }

    fn sum(&self, of: impl Fn(&Through) -> u64) -> u64 {
        let phases = |run: &Run| {
            [Some(&run.saturated), Some(&run.open), run.batch.as_ref()]
                .into_iter()
                .flatten()
                .map(&of)
                .sum::<u64>()
        };
        self.runs.iter().map(phases).sum()
    }

    /// Whether every accepted event arrived exactly once, and no request failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.sum(|through| {
            let delivered = &through.delivered;
            delivered.lost + delivered.repeated + delivered.unknown + through.failures.values().sum::<u64>()
        }) == 0
    }

    /// One line of JSON, the last that `bench --json` prints. raw and e2e are events per second, times in
    /// microseconds or milliseconds as their names say; medians over the runs.
    #[must_use]
    pub fn json(&self) -> Value {
        let rounded = |figure: &Figure, places: i32| {
            let scale = 10f64.powi(places);
            (figure.median * scale).round() / scale
        };
        let of = |places: i32, figure: Figure| json!(rounded(&figure, places));
        let optional =
            |places: i32, figure: Option<Figure>| figure.map_or(Value::Null, |figure| of(places, figure));
        json!({
            "raw": of(0, self.figure(|run| run.raw)),
            "rawCpuUs": of(2, self.figure(|run| run.raw_cpu_us)),
            "e2e": of(0, self.figure(|run| run.saturated.e2e)),
            "ratio": of(4, self.figure(|run| run.saturated.e2e / run.raw)),
            "cpuUsPerEvent": of(2, self.figure(|run| run.saturated.cpu_us)),
            "p50Ms": of(2, self.figure(|run| ms(run.open.delivered.latency.quantile_us(0.50)))),
            "p99Ms": of(2, self.figure(|run| ms(run.open.delivered.latency.quantile_us(0.99)))),
            "rssMb": of(1, self.figure(|run| run.peak_rss_bytes as f64 / 1e6)),
            "openPerS": of(0, self.figure(|run| run.open.e2e)),
            "maxMs": of(2, self.figure(|run| ms(run.open.delivered.latency.max_us()))),
            "batch": self.options.batch,
            "batchE2e": optional(0, self.batch_figure(|_, batch| batch.e2e)),
            "batchRatio": optional(4, self.batch_figure(|run, batch| batch.e2e / run.raw)),
            "batchCpuUsPerEvent": optional(2, self.batch_figure(|_, batch| batch.cpu_us)),
            "lost": self.sum(|through| through.delivered.lost),
            "repeated": self.sum(|through| through.delivered.repeated + through.delivered.unknown),
            "failed": self.sum(|through| through.failures.values().sum()),
            "runs": self.runs.len(),
            "connections": self.options.connections,
            "windowMs": self.options.window_ms,
            "storeInMemory": self.runs.iter().any(|run| run.store_in_memory),
        })
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
            &self.figure(|run| run.peak_rss_bytes as f64 / 1e6),
        )?;
        self.notes(f)
    }
}

impl BenchReport {
    /// What a reader must know of the figures.
    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.sum(|through| through.delivered.accepted);
        if self.is_sound() {
            writeln!(f, "every one of {accepted} accepted events arrived exactly once")?;
        } else {
            let lost = self.sum(|through| through.delivered.lost);
            let repeated = self.sum(|through| through.delivered.repeated);
            let unknown = self.sum(|through| through.delivered.unknown);
            writeln!(
                f,
                "NOT SOUND: of {accepted} accepted events {lost} did not arrive; {repeated} arrivals were repeated, \
                 {unknown} of unknown events"
            )?;
            for (failure, count) in self
                .runs
                .iter()
                .flat_map(|run| {
                    [Some(&run.saturated), Some(&run.open), run.batch.as_ref()]
                        .into_iter()
                        .flatten()
                })
                .flat_map(|through| &through.failures)
            {
                writeln!(f, "  requests that failed: {count} × {failure}")?;
            }
        }
        if self.runs.iter().any(|run| run.store_in_memory) {
            writeln!(
                f,
                "the store was on a file system in memory: no disk was measured; choose another directory"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
