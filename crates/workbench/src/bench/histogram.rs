//! A histogram of durations with buckets that widen with the value: exact below 128 µs, within 1 % above.

use serde::{Deserialize, Serialize};

/// Each doubling of the value is divided into so many buckets, as a power of two.
const RESOLUTION_BITS: u32 = 7;
const PER_DOUBLING: usize = 1 << RESOLUTION_BITS;
/// Doublings from the first bucket that is wider than one to that of `u64::MAX`.
const DOUBLINGS: usize = (u64::BITS - RESOLUTION_BITS) as usize;
const BUCKETS: usize = PER_DOUBLING * (DOUBLINGS + 1);

/// A histogram of durations in microseconds. It takes 58 kB, whatever is recorded.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
            sum: 0,
            max: 0,
        }
    }
}

/// The bucket of a value.
const fn bucket(value: u64) -> usize {
    if value < PER_DOUBLING as u64 {
        return in_memory(value);
    }
    let doubling = value.ilog2() - RESOLUTION_BITS;
    let within = in_memory(value >> doubling) - PER_DOUBLING;
    (doubling as usize + 1) * PER_DOUBLING + within
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "called with values below twice PER_DOUBLING only"
)]
const fn in_memory(value: u64) -> usize {
    value as usize
}

/// The largest value of a bucket.
const fn upper_end(bucket: usize) -> u64 {
    if bucket < PER_DOUBLING {
        return bucket as u64;
    }
    let doubling = bucket / PER_DOUBLING - 1;
    let lower = ((bucket % PER_DOUBLING + PER_DOUBLING) as u64) << doubling;
    lower + ((1u64 << doubling) - 1)
}

impl Histogram {
    /// Adds a duration in microseconds.
    pub fn record(&mut self, us: u64) {
        self.buckets[bucket(us)] += 1;
        self.count += 1;
        self.sum += u128::from(us);
        self.max = self.max.max(us);
    }

    /// Adds all that another histogram holds.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// How many durations it holds.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest duration, exactly; 0 when empty.
    #[must_use]
    pub const fn max_us(&self) -> u64 {
        self.max
    }

    /// The duration that a share `q` of all, 0 to 1, does not exceed: never below it, and above it by less than 1 %;
    /// 0 when empty.
    #[must_use]
    pub fn quantile_us(&self, q: f64) -> u64 {
        let rank = rank(q, self.count);
        let mut seen = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return upper_end(place).min(self.max);
            }
        }
        self.max
    }

    /// The percentiles that reports show.
    #[must_use]
    pub fn summary(&self) -> Latency {
        Latency {
            count: self.count,
            p50_us: self.quantile_us(0.50),
            p90_us: self.quantile_us(0.90),
            p99_us: self.quantile_us(0.99),
            p999_us: self.quantile_us(0.999),
            max_us: self.max,
        }
    }
}

/// The number of the duration in ascending order that is the quantile, from 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both factors are clamped to be positive, and counts stay far below 2^53"
)]
fn rank(q: f64, count: u64) -> u64 {
    ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1)
}

/// Percentiles of a histogram, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How many durations.
    pub count: u64,
    /// The median.
    pub p50_us: u64,
    /// 90 of a hundred.
    pub p90_us: u64,
    /// 99 of a hundred.
    pub p99_us: u64,
    /// 999 of a thousand.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap() {
        for place in 1..BUCKETS {
            let lowest = upper_end(place - 1) + 1;
            assert_eq!((bucket(lowest), bucket(upper_end(place))), (place, place));
        }
        assert_eq!(upper_end(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn empty_and_single() {
        assert_eq!(Histogram::default().summary(), Latency::default());
        let mut one = Histogram::default();
        one.record(1_234_567);
        for q in [0.0, 0.5, 1.0, 7.0, f64::NAN] {
            assert_eq!(one.quantile_us(q), 1_234_567, "{q}");
        }
    }

    #[test]
    fn merging_is_recording_both() {
        let (mut low, mut high, mut both) =
            (Histogram::default(), Histogram::default(), Histogram::default());
        for us in 0..1000 {
            low.record(us);
            high.record(us * 1000);
            both.record(us);
            both.record(us * 1000);
        }
        low.merge(&high);
        assert_eq!(low.summary(), both.summary());
        assert_eq!(low.count(), 2000);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_one_percent(
            mut values in prop::collection::vec(0u64..10_000_000_000, 1..500),
            q in 0.0f64..=1.0,
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.record(*value));
            values.sort_unstable();
            let place = usize::try_from(rank(q, histogram.count())).unwrap() - 1;
            let (exact, found) = (values[place], histogram.quantile_us(q));
            prop_assert!(found >= exact && found <= exact + exact / 100, "{} for {}", found, exact);
            prop_assert_eq!(histogram.max_us(), *values.last().unwrap());
        }
    }
}
