//! Schedules of re-sending: a list of gaps and a maximum age, with the published presets (contract,
//! section 2), and the shape they have in the API: `"seed"` or `{"gaps": ["1s", "2s"], "maxAge": "24h"}`.

mod api;

use std::str::FromStr;
use std::sync::Arc;

use crate::{UnknownName, duration};

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// The most gaps that a custom schedule may have.
pub const GAPS_MAX: usize = 100;
/// The shortest gap of a custom schedule, in milliseconds.
pub const GAP_MIN_MS: u64 = 500;
/// The longest gap of a custom schedule, in milliseconds.
pub const GAP_MAX_MS: u64 = 24 * HOUR_MS;
/// The longest maximum age of a custom schedule, in milliseconds.
pub const MAX_AGE_MAX_MS: u64 = 30 * 24 * HOUR_MS;

/// The published schedules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preset {
    /// The seed's "at most 10 times", read as ten re-sends: 1, 2, 4 … 512 minutes.
    #[default]
    Seed,
    /// The seed's "at most 10 times", read as ten sends: 1, 2, 4 … 256 minutes.
    Seed10,
    /// The table of the vendor's revision of 2019, with 27 gaps.
    Table2019,
    /// The table of the vendor's second version, with 15 gaps.
    V2,
}

impl Preset {
    /// Every preset, in the order of the contract's table.
    pub const ALL: [Self; 4] = [Self::Seed, Self::Seed10, Self::Table2019, Self::V2];

    /// The name in the API and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Seed10 => "seed-10",
            Self::Table2019 => "table-2019",
            Self::V2 => "v2",
        }
    }

    /// The preset of this [`Preset::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    fn gaps_ms(self) -> Vec<u64> {
        let minutes = |list: &[u64]| list.iter().map(|minutes| minutes * MINUTE_MS).collect::<Vec<_>>();
        let doubling = |gaps: u32| (0..gaps).map(|n| (1 << n) * MINUTE_MS).collect();
        let first = vec![10 * SECOND_MS, 30 * SECOND_MS];
        match self {
            Self::Seed => doubling(10),
            Self::Seed10 => doubling(9),
            Self::Table2019 => {
                let early = minutes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30]);
                [first, early, vec![HOUR_MS, 2 * HOUR_MS], vec![2 * HOUR_MS; 11]].concat()
            }
            Self::V2 => {
                let early = minutes(&[1, 2, 3, 5, 6, 7, 8, 9, 10, 20, 30]);
                [first, early, vec![HOUR_MS, 2 * HOUR_MS]].concat()
            }
        }
    }

    const fn max_age_ms(self) -> u64 {
        match self {
            Self::Seed | Self::Seed10 | Self::V2 => 24 * HOUR_MS,
            Self::Table2019 => 28 * HOUR_MS,
        }
    }
}

impl FromStr for Preset {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::from_name(name).ok_or(UnknownName {
            what: "preset of a schedule",
            allowed: "seed, seed-10, table-2019, v2",
        })
    }
}

/// When a delivery is sent again: the gaps after each failed send, and the age at which it ends. All figures
/// are milliseconds. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    gaps_ms: Arc<[u64]>,
    max_age_ms: u64,
}

impl Schedule {
    /// A published schedule.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        Self {
            gaps_ms: preset.gaps_ms().into(),
            max_age_ms: preset.max_age_ms(),
        }
    }

    /// A schedule of one's own, in milliseconds.
    ///
    /// # Errors
    /// When there are more than 100 gaps, a gap is not within 500 ms to 24 h, or the maximum age is not
    /// within 1 ms to 30 d.
    pub fn custom(gaps_ms: Vec<u64>, max_age_ms: u64) -> Result<Self, InvalidSchedule> {
        if gaps_ms.len() > GAPS_MAX {
            return Err(InvalidSchedule::TooManyGaps { found: gaps_ms.len() });
        }
        if let Some(index) = gaps_ms
            .iter()
            .position(|gap| !(GAP_MIN_MS..=GAP_MAX_MS).contains(gap))
        {
            return Err(InvalidSchedule::Gap {
                index,
                found_ms: gaps_ms[index],
            });
        }
        if !(1..=MAX_AGE_MAX_MS).contains(&max_age_ms) {
            return Err(InvalidSchedule::MaxAge { found_ms: max_age_ms });
        }
        Ok(Self {
            gaps_ms: gaps_ms.into(),
            max_age_ms,
        })
    }

    /// The gap after failed send number `sends` (the first send is 1); `None` when the schedule ends there.
    /// A gap counts from the end of the failed send.
    #[must_use]
    pub fn gap_after(&self, sends: u32) -> Option<u64> {
        let index = usize::try_from(sends).ok()?.checked_sub(1)?;
        self.gaps_ms.get(index).copied()
    }

    /// All gaps, in milliseconds.
    #[must_use]
    pub fn gaps_ms(&self) -> &[u64] {
        &self.gaps_ms
    }

    /// The maximum age of a delivery, in milliseconds.
    #[must_use]
    pub const fn max_age_ms(&self) -> u64 {
        self.max_age_ms
    }

    /// How often a delivery is sent if its age does not end it before: the first send and one per gap.
    #[must_use]
    pub fn sends_at_most(&self) -> u32 {
        // No schedule has more than GAPS_MAX gaps.
        u32::try_from(self.gaps_ms.len()).map_or(u32::MAX, |gaps| gaps + 1)
    }

    /// How long after the first send the last one comes, if sending itself took no time; in milliseconds.
    #[must_use]
    pub fn last_send_after_ms(&self) -> u64 {
        self.gaps_ms.iter().sum()
    }

    /// The preset that this schedule equals, if any.
    #[must_use]
    pub fn as_preset(&self) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| {
            preset.max_age_ms() == self.max_age_ms && preset.gaps_ms().as_slice() == &*self.gaps_ms
        })
    }
}

impl Default for Schedule {
    /// The preset `seed`.
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

/// Why a custom schedule is refused. The text begins with the field, as the API names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// More than 100 gaps.
    #[error("gaps: has {found} entries; allowed are 0 to {GAPS_MAX}")]
    TooManyGaps {
        /// How many there are.
        found: usize,
    },
    /// A gap that is too short or too long.
    #[error("gaps[{index}]: is {}; allowed are 500ms to 24h", duration::format(*found_ms))]
    Gap {
        /// Its place in the list, counted from 0.
        index: usize,
        /// Its milliseconds.
        found_ms: u64,
    },
    /// A maximum age that is zero or too long.
    #[error("maxAge: is {}; allowed are 1ms to 720h (30 d)", duration::format(*found_ms))]
    MaxAge {
        /// Its milliseconds.
        found_ms: u64,
    },
}

#[cfg(test)]
mod tests;
