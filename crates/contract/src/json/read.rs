//! Reading: level by level, each level one pass of `serde_json` that leaves what is inside as raw text.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Member, Node, Object, Text, shortlex};
use crate::intake::{Found, Invalid, Problem};

/// The most arrays and objects within each other, the outermost counted.
const DEPTH_MAX: usize = 64;

/// An object of which only the outermost level was read: what is inside a member was seen to be JSON, no more.
pub(crate) struct Shallow<'a> {
    members: Vec<(Text<'a>, &'a RawValue)>,
}

impl<'a> Shallow<'a> {
    /// Reads the outermost level of a document, which must be one object and nothing else.
    pub(crate) fn document(input: &'a [u8]) -> Result<Self, Invalid> {
        let text = str::from_utf8(input).map_err(|error| {
            Invalid::body(Problem::NotUtf8 {
                valid_up_to: error.valid_up_to(),
            })
        })?;
        match serde_json::from_str(text) {
            Ok(members) => Self::of(members),
            Err(_) => Err(Invalid::body(why_no_object(text))),
        }
    }

    /// Reads the outermost level of a value inside a document, which must be an object.
    pub(crate) fn value(raw: &'a RawValue) -> Result<Self, Invalid> {
        match serde_json::from_str(raw.get()) {
            Ok(members) => Self::of(members),
            Err(_) => Err(Invalid::here(why_no_object(raw.get()))),
        }
    }

    fn of(members: Members<'a>) -> Result<Self, Invalid> {
        let members = members
            .0
            .into_iter()
            .map(|(name, value)| Ok((Text::read(name.get())?, value)))
            .collect::<Result<Vec<_>, Invalid>>()?;
        refuse_duplicates(&members, |(name, _)| name)?;
        Ok(Self { members })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members
            .iter()
            .find(|(member, _)| member.as_str() == name)
            .map(|(_, value)| *value)
    }

    /// Reads on, down to the leaves. This object counts as the first of the [`DEPTH_MAX`] levels.
    pub(crate) fn deepen(self) -> Result<Object<'a>, Invalid> {
        read_members(self.members, DEPTH_MAX - 1)
    }
}

/// Tells why a text is not one JSON object and nothing else.
fn why_no_object(text: &str) -> Problem {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Problem::WrongType {
            found: Found::of(raw),
            allowed: "an object",
        },
        Err(error) => Problem::not_json(&error),
    }
}

/// `depth_left`: how many levels may still be below this one.
fn read_members<'a>(
    members: Vec<(Text<'a>, &'a RawValue)>,
    depth_left: usize,
) -> Result<Object<'a>, Invalid> {
    let members = members
        .into_iter()
        .map(|(name, value)| match read_node(value, depth_left) {
            Ok(value) => Ok(Member { name, value }),
            Err(invalid) => Err(invalid.under(name.as_str())),
        })
        .collect::<Result<Vec<_>, Invalid>>()?;
    Ok(Object { members })
}

fn read_node(raw: &RawValue, depth_left: usize) -> Result<Node<'_>, Invalid> {
    let text = raw.get();
    match Found::of(raw) {
        Found::Null => Ok(Node::Null),
        Found::Boolean => Ok(Node::Boolean(text == "true")),
        Found::Number => Ok(Node::Number(text)),
        Found::Text => Text::read(text).map(Node::Text),
        Found::Array | Found::Object if depth_left == 0 => Err(Invalid::here(Problem::TooDeep)),
        Found::Array => read_array(raw, depth_left - 1),
        Found::Object => Shallow::value(raw)
            .and_then(|shallow| read_members(shallow.members, depth_left - 1))
            .map(Node::Object),
    }
}

fn read_array(raw: &RawValue, depth_left: usize) -> Result<Node<'_>, Invalid> {
    // Most arrays have only objects: those are read together with their members, which saves a pass.
    if depth_left > 0
        && let Ok(objects) = serde_json::from_str::<Vec<Members<'_>>>(raw.get())
    {
        return read_entries(objects, |members| {
            read_members(Shallow::of(members)?.members, depth_left - 1).map(Node::Object)
        });
    }
    let entries: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|error| Invalid::here(Problem::not_json(&error)))?;
    read_entries(entries, |entry| read_node(entry, depth_left))
}

fn read_entries<'a, E>(
    entries: Vec<E>,
    read: impl Fn(E) -> Result<Node<'a>, Invalid>,
) -> Result<Node<'a>, Invalid> {
    entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| read(entry).map_err(|invalid| invalid.at(index)))
        .collect::<Result<Vec<_>, Invalid>>()
        .map(Node::Array)
}

/// The members of one level, names still in quotes.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Up to this many members every pair is compared; above, the names are sorted first.
const PAIRS_MAX: usize = 8;

fn refuse_duplicates<M>(members: &[M], name: impl Fn(&M) -> &Text<'_>) -> Result<(), Invalid> {
    let duplicate = if members.len() <= PAIRS_MAX {
        (1..members.len()).find(|&later| {
            members[..later]
                .iter()
                .any(|earlier| name(earlier).as_str() == name(&members[later]).as_str())
        })
    } else {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_unstable_by(|&one, &other| {
            shortlex(name(&members[one]).as_str(), name(&members[other]).as_str())
        });
        order
            .windows(2)
            .find(|pair| name(&members[pair[0]]).as_str() == name(&members[pair[1]]).as_str())
            .map(|pair| pair[1])
    };
    match duplicate {
        Some(place) => Err(Invalid::here(Problem::Duplicate).under(name(&members[place]).as_str())),
        None => Ok(()),
    }
}
