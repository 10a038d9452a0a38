//! A small generator of numbers that only look random: the same seed gives the same numbers, on every machine. For
//! samples and loads, never for secrets.

/// SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom Number Generators*, 2014).
#[derive(Clone, Debug)]
pub struct Prng {
    state: u64,
}

impl Prng {
    /// The generator of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included; `low` where `high` is less.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let Ok(span) = u128::try_from(i128::from(high) - i128::from(low) + 1) else {
            return low;
        };
        // The upper half of the product is evenly enough spread for samples. The span is at most 2^64.
        let offset = (u128::from(self.bits()) * span) >> 64;
        low.saturating_add_unsigned(u64::try_from(offset).unwrap_or(0))
    }

    /// Whether something that happens `percent` times of a hundred happens now.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// A place in a list of so many; 0 for an empty one.
    pub fn index(&mut self, count: usize) -> usize {
        let last = i64::try_from(count).unwrap_or(i64::MAX) - 1;
        usize::try_from(self.between(0, last)).unwrap_or(0)
    }

    /// One of several; they must not be none.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// One of several, each as often as its weight says beside the others.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub fn weighted<'a, T>(&mut self, from: &'a [(i64, T)]) -> &'a T {
        let total = from.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.between(1, total);
        let found = from.iter().find(|(weight, _)| {
            rest -= weight;
            rest <= 0
        });
        &found.unwrap_or(&from[0]).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_numbers() {
        // The first outputs for the seed 1234567, as other implementations of SplitMix64 give them.
        let mut prng = Prng::new(1_234_567);
        assert_eq!(
            [prng.bits(), prng.bits(), prng.bits()],
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut prng = Prng::new(1);
        let numbers: Vec<i64> = (0..1000).map(|_| prng.between(-2, 2)).collect();
        for number in -2..=2 {
            assert!(numbers.contains(&number));
        }
        assert!(numbers.iter().all(|number| (-2..=2).contains(number)));
        assert_eq!((prng.between(5, 5), prng.between(5, 4)), (5, 5));
        assert!(prng.between(i64::MIN, i64::MAX) != prng.between(i64::MIN, i64::MAX));
    }

    #[test]
    fn weights_decide_how_often() {
        let mut prng = Prng::new(2);
        let mut seen = [0; 3];
        for _ in 0..1000 {
            seen[*prng.weighted(&[(1, 0), (0, 1), (9, 2)])] += 1;
        }
        assert!(seen[0] > 50 && seen[1] == 0 && seen[2] > 850, "{seen:?}");
    }
}
