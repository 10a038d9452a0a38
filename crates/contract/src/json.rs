//! A light tree over JSON text that keeps what the text says: the order of members, and the text of numbers,
//! strings and names byte for byte. The parsing is `serde_json`'s; this module only keeps its raw values.
//!
//! It refuses what would be read differently by different receivers: duplicate member names (compared decoded),
//! lone surrogates, depth beyond a limit. Written out, the tree has no white space.

mod canonical;
mod text;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::intake::{Found, Invalid, Problem};

pub(crate) use canonical::canonical;
pub(crate) use text::Text;

/// The most arrays and objects within each other, the outermost counted.
pub(crate) const DEPTH_MAX: usize = 64;

/// A JSON value over the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Boolean(bool),
    /// The number's text.
    Number(&'a str),
    Text(Text<'a>),
    Array(Vec<Self>),
    Object(Object<'a>),
}

/// The members of an object, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<Member<'a>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) value: Node<'a>,
}

/// An object of which only the outermost level was read: what is inside a member was seen to be JSON, no more.
pub(crate) struct Shallow<'a> {
    members: Vec<(Text<'a>, &'a RawValue)>,
}

/// Checks that `input` is one JSON value, and nothing else.
pub(crate) fn document(input: &[u8]) -> Result<&RawValue, Invalid> {
    let text = str::from_utf8(input).map_err(|error| {
        Invalid::body(Problem::NotUtf8 {
            valid_up_to: error.valid_up_to(),
        })
    })?;
    serde_json::from_str(text).map_err(|error| Invalid::body(Problem::not_json(&error)))
}

impl<'a> Shallow<'a> {
    /// The outermost level of an object; the error is the kind of what is no object.
    pub(crate) fn read(raw: &'a RawValue) -> Result<Self, Invalid> {
        let members = members(raw)?;
        let members = members
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

    /// Reads on, down to the leaves. This object counts as the first of the `DEPTH_MAX` levels.
    pub(crate) fn deepen(self) -> Result<Object<'a>, Invalid> {
        let members = self
            .members
            .into_iter()
            .map(|(name, value)| Member::read(name, value, DEPTH_MAX - 1))
            .collect::<Result<Vec<_>, Invalid>>()?;
        Ok(Object { members })
    }
}

impl<'a> Object<'a> {
    /// Reads an object down to its leaves.
    pub(crate) fn read(raw: &'a RawValue) -> Result<Self, Invalid> {
        Shallow::read(raw)?.deepen()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members
            .iter()
            .find(|member| member.name.as_str() == name)
            .map(|member| &member.value)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node<'a>> {
        self.members
            .iter_mut()
            .find(|member| member.name.as_str() == name)
            .map(|member| &mut member.value)
    }

    /// Gives the member this value, at its place if it is there, else at the end. `quoted` is the name with
    /// its quotes.
    pub(crate) fn set(&mut self, quoted: &'static str, value: Node<'a>) {
        let name = Text::plain(quoted);
        match self.get_mut(name.as_str()) {
            Some(place) => *place = value,
            None => self.members.push(Member { name, value }),
        }
    }

    pub(crate) fn write(&self, out: &mut String) {
        out.push('{');
        for (place, member) in self.members.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(member.name.raw());
            out.push(':');
            member.value.write(out);
        }
        out.push('}');
    }
}

impl<'a> Member<'a> {
    fn read(name: Text<'a>, value: &'a RawValue, depth_left: usize) -> Result<Self, Invalid> {
        match Node::read(value, depth_left) {
            Ok(value) => Ok(Self { name, value }),
            Err(invalid) => Err(invalid.under(name.as_str())),
        }
    }
}

impl<'a> Node<'a> {
    fn read(raw: &'a RawValue, depth_left: usize) -> Result<Self, Invalid> {
        let text = raw.get();
        match Found::of(raw) {
            Found::Null => Ok(Self::Null),
            Found::Boolean => Ok(Self::Boolean(text == "true")),
            Found::Number => Ok(Self::Number(text)),
            Found::Text => Text::read(text).map(Self::Text),
            Found::Array | Found::Object if depth_left == 0 => Err(Invalid::here(Problem::TooDeep)),
            Found::Array => Self::read_array(raw, depth_left - 1),
            Found::Object => {
                let mut object = Vec::new();
                for (name, value) in members(raw)? {
                    object.push(Member::read(Text::read(name.get())?, value, depth_left - 1)?);
                }
                refuse_duplicates(&object, |member| &member.name)?;
                Ok(Self::Object(Object { members: object }))
            }
        }
    }

    fn read_array(raw: &'a RawValue, depth_left: usize) -> Result<Self, Invalid> {
        let entries: Vec<&'a RawValue> = from_raw(raw)?;
        entries
            .into_iter()
            .enumerate()
            .map(|(index, entry)| Self::read(entry, depth_left).map_err(|invalid| invalid.at(index)))
            .collect::<Result<Vec<_>, Invalid>>()
            .map(Self::Array)
    }

    pub(crate) fn found(&self) -> Found {
        match self {
            Self::Null => Found::Null,
            Self::Boolean(_) => Found::Boolean,
            Self::Number(_) => Found::Number,
            Self::Text(_) => Found::Text,
            Self::Array(_) => Found::Array,
            Self::Object(_) => Found::Object,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text.as_str())
        } else {
            None
        }
    }

    /// The number, if it is written as an integer and fits 64 bits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        if let Self::Number(text) = self {
            text.parse().ok()
        } else {
            None
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Boolean(true) => out.push_str("true"),
            Self::Boolean(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => out.push_str(text.raw()),
            Self::Array(entries) => {
                out.push('[');
                for (place, entry) in entries.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    entry.write(out);
                }
                out.push(']');
            }
            Self::Object(object) => object.write(out),
        }
    }
}

/// The members of one level, names still in quotes.
fn members(raw: &RawValue) -> Result<Vec<(&RawValue, &RawValue)>, Invalid> {
    let found = Found::of(raw);
    if found != Found::Object {
        return Err(Invalid::here(Problem::WrongType {
            found,
            allowed: "an object",
        }));
    }
    from_raw::<Members<'_>>(raw).map(|members| members.0)
}

/// Reads one level of a value that was already seen to be JSON.
fn from_raw<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Invalid> {
    serde_json::from_str(raw.get()).map_err(|error| Invalid::here(Problem::not_json(&error)))
}

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
        order.sort_unstable_by_key(|&place| name(&members[place]).as_str());
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
