//! The shape of a schedule in the API: a preset's name, or the gaps and the maximum age as durations.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{GAPS_MAX, Preset, Schedule};
use crate::duration;

const FIELDS: &[&str] = &["gaps", "maxAge"];

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(preset) = self.as_preset() {
            return serializer.serialize_str(preset.name());
        }
        let gaps: Vec<String> = self.gaps_ms().iter().map(|gap| duration::format(*gap)).collect();
        let mut map = serializer.serialize_struct("Schedule", 2)?;
        map.serialize_field("gaps", &gaps)?;
        map.serialize_field("maxAge", &duration::format(self.max_age_ms()))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScheduleVisitor)
    }
}

struct ScheduleVisitor;

impl<'de> Visitor<'de> for ScheduleVisitor {
    type Value = Schedule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a preset (seed, seed-10, table-2019, v2) or an object with gaps and maxAge")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Schedule, E> {
        name.parse::<Preset>().map(Schedule::preset).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Schedule, A::Error> {
        let mut gaps: Option<Vec<Text>> = None;
        let mut max_age: Option<Text> = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "gaps" if gaps.is_none() => gaps = Some(map.next_value().map_err(|e| within("gaps", &e))?),
                "maxAge" if max_age.is_none() => {
                    max_age = Some(map.next_value().map_err(|e| within("maxAge", &e))?);
                }
                "gaps" => return Err(de::Error::duplicate_field("gaps")),
                "maxAge" => return Err(de::Error::duplicate_field("maxAge")),
                _ => return Err(de::Error::unknown_field(&name, FIELDS)),
            }
        }
        let gaps = gaps.ok_or_else(|| de::Error::missing_field("gaps"))?;
        let max_age = max_age.ok_or_else(|| de::Error::missing_field("maxAge"))?;
        if gaps.len() > GAPS_MAX {
            return Err(de::Error::custom(super::InvalidSchedule::TooManyGaps {
                found: gaps.len(),
            }));
        }
        let gaps_ms = gaps
            .iter()
            .enumerate()
            .map(|(index, gap)| duration::parse(&gap.0).map_err(|e| within(&format!("gaps[{index}]"), &e)))
            .collect::<Result<Vec<u64>, A::Error>>()?;
        let max_age_ms = duration::parse(&max_age.0).map_err(|e| within("maxAge", &e))?;
        Schedule::custom(gaps_ms, max_age_ms).map_err(de::Error::custom)
    }
}

/// A duration's text, with an error that says what was expected.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"90s\" or \"1h30m\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

fn within<E: de::Error>(field: &str, error: &impl fmt::Display) -> E {
    E::custom(format_args!("{field}: {error}"))
}
