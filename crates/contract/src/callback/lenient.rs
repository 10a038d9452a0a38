//! Types that the seed's table and its samples disagree about: both are read (contract, section 3).

use serde::{Deserialize, Deserializer, de};

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Boolean(bool),
    Number(i64),
}

/// `artificialChanged`: a number, or a boolean.
pub(super) fn number_or_boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(
        Option::<Either>::deserialize(deserializer)?.map(|either| match either {
            Either::Boolean(set) => i64::from(set),
            Either::Number(number) => number,
        }),
    )
}

/// `aiUnknown`: a boolean, 0 or 1.
pub(super) fn boolean_or_bit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Boolean(set)) => Ok(Some(set)),
        Some(Either::Number(0)) => Ok(Some(false)),
        Some(Either::Number(1)) => Ok(Some(true)),
        Some(Either::Number(_)) => Err(de::Error::custom("aiUnknown: is another number than 0 and 1")),
    }
}
