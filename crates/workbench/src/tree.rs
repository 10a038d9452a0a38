//! JSON whose members keep their order, to be changed place by place: what the workbench makes callbacks of.
//!
//! `serde_json`'s own value sorts members, and callbacks are to look as the platform writes them.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

/// A JSON value. Members keep their order; of members with the same name the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, integers with 64 bits.
    Number(Number),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Tree>),
    /// An object.
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads JSON.
    ///
    /// # Errors
    /// When the text is none.
    pub fn read(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    /// Writes JSON without white space.
    #[must_use]
    pub fn write(&self) -> String {
        // Text keys and finite numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The value at a path, if there is one.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Self> {
        path.steps.iter().try_fold(self, |at, step| match (at, step) {
            (Self::Object(members), Step::Member(name)) => members
                .iter()
                .find(|(there, _)| there == name)
                .map(|(_, value)| value),
            (Self::List(items), Step::Item(index)) => items.get(*index),
            _ => None,
        })
    }

    /// Puts a value at a path. Members that are missing on the way are made, in objects and in the place of null; an
    /// item can be replaced, or added behind the last.
    ///
    /// # Errors
    /// When the path leads through a value that has no members or no such item.
    pub fn set(&mut self, path: &Path, value: Self) -> Result<(), NoSuchPlace> {
        let mut at = self;
        for step in &path.steps {
            at = at.step(step).ok_or_else(|| NoSuchPlace(path.to_string()))?;
        }
        *at = value;
        Ok(())
    }

    /// Takes the member at a path away, if it is there.
    pub fn remove(&mut self, path: &Path) {
        let Some((Step::Member(last), before)) = path.steps.split_last() else {
            return;
        };
        let mut at = self;
        for step in before {
            match at.step(step) {
                Some(next) => at = next,
                None => return,
            }
        }
        if let Self::Object(members) = at {
            members.retain(|(name, _)| name != last);
        }
    }

    fn step(&mut self, step: &Step) -> Option<&mut Self> {
        match step {
            Step::Member(name) => {
                if *self == Self::Null {
                    *self = Self::Object(Vec::new());
                }
                let Self::Object(members) = self else { return None };
                let at = members.iter().position(|(there, _)| there == name);
                let at = at.unwrap_or_else(|| {
                    members.push((name.clone(), Self::Null));
                    members.len() - 1
                });
                Some(&mut members[at].1)
            }
            Step::Item(index) => {
                let Self::List(items) = self else { return None };
                if *index == items.len() {
                    items.push(Self::Null);
                }
                items.get_mut(*index)
            }
        }
    }
}

impl From<i64> for Tree {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The way to a value: member names separated by points, items in brackets, such as
/// `data.data.taskResult[0].resultValue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

/// The longest way through a value.
const STEPS_MAX: usize = 32;
/// The furthest item, so that a typing mistake cannot make a body of any size.
const ITEM_MAX: usize = 100_000;

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no path; write member names with points between and items in brackets: data.data.taskResult[0].resultValue"
)]
pub struct InvalidPath(String);

/// Why nothing could be put at a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} leads nowhere: a member is only in an object, and an item only where the ones before it are")]
pub struct NoSuchPlace(String);

impl FromStr for Path {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let invalid = || InvalidPath(text.chars().take(80).collect());
        let mut steps = Vec::new();
        for part in text.split('.') {
            let mut brackets = part.split('[');
            let name = brackets
                .next()
                .filter(|name| !name.is_empty() && !name.contains(']'));
            steps.push(Step::Member(name.ok_or_else(invalid)?.to_owned()));
            for bracket in brackets {
                let index = bracket.strip_suffix(']').and_then(|index| index.parse().ok());
                let index = index.filter(|index| *index <= ITEM_MAX).ok_or_else(invalid)?;
                steps.push(Step::Item(index));
            }
        }
        if steps.len() > STEPS_MAX {
            return Err(invalid());
        }
        Ok(Self { steps })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Member(name) if at == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        let number = Number::from_f64(value);
        number
            .map(Tree::Number)
            .ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members: Vec<(String, Tree)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Tree>()? {
            if members.iter().any(|(there, _)| *there == name) {
                return Err(A::Error::custom("an object names a member twice"));
            }
            members.push((name, value));
        }
        Ok(Tree::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use ringback_contract::samples;

    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn order_and_numbers_stay() {
        for json in [
            r#"{"b":1,"a":[null,true,{"z":-1,"y":1.5}],"c":"\u0001張"}"#,
            "[18446744073709551615,-9223372036854775808]",
        ] {
            assert_eq!(Tree::read(json).unwrap().write(), json);
        }
        let sample = Tree::read(samples::CALL).unwrap();
        assert_eq!(Tree::read(&sample.write()).unwrap(), sample);
        assert!(Tree::read(r#"{"a":1,"a":2}"#).is_err());
    }

    #[test]
    fn places_are_found_made_and_taken_away() {
        for (at, value, expected) in [
            ("a", "2", Some(r#"{"a":2,"l":[1,{"m":null}]}"#)),
            ("l[0]", "{}", Some(r#"{"a":1,"l":[{},{"m":null}]}"#)),
            ("l[2]", "3", Some(r#"{"a":1,"l":[1,{"m":null},3]}"#)),
            (
                "l[1].m.n.o",
                "\"x\"",
                Some(r#"{"a":1,"l":[1,{"m":{"n":{"o":"x"}}}]}"#),
            ),
            (
                "b.c",
                "true",
                Some(r#"{"a":1,"l":[1,{"m":null}],"b":{"c":true}}"#),
            ),
            ("l[3]", "3", None),
            ("a.b", "3", None),
            ("a[0]", "3", None),
            ("l.x", "3", None),
        ] {
            let mut tree = Tree::read(r#"{"a":1,"l":[1,{"m":null}]}"#).unwrap();
            let value = Tree::read(value).unwrap();
            let done = tree.set(&path(at), value.clone());
            assert_eq!(
                done.is_ok().then(|| tree.write()),
                expected.map(str::to_owned),
                "{at}"
            );
            if expected.is_some() {
                assert_eq!(tree.get(&path(at)), Some(&value), "{at}");
                tree.remove(&path(at));
                assert_eq!(tree.get(&path(at)).is_some(), at.ends_with(']'), "{at}");
            }
        }
    }

    #[test]
    fn what_is_no_path() {
        for text in [
            "",
            ".",
            "a.",
            "a[",
            "a[x]",
            "a]",
            "[0]",
            "a[100001]",
            &"a.".repeat(40),
        ] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
        assert_eq!(path("a.b[1][2].c").to_string(), "a.b[1][2].c");
    }
}
