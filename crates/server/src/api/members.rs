//! The members of a JSON object in the order of the text.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// The members of a JSON object, in their order. A name that comes twice is an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Members<V>(pub(crate) Vec<(String, V)>);

impl<V> Members<V> {
    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<V> {
        let at = self.0.iter().position(|(member, _)| member == name)?;
        Some(self.0.remove(at).1)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for MembersVisitor<V> {
    type Value = Members<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<V>, A::Error> {
        let mut members: Vec<(String, V)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, V>()? {
            if members.iter().any(|(member, _)| *member == name) {
                return Err(de::Error::custom("a member comes twice in its object"));
            }
            members.push((name, value));
        }
        Ok(Members(members))
    }
}
