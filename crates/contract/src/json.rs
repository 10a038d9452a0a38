//! JSON text that keeps what the text says: the order of members, and the text of numbers, strings and names byte for byte.
//! `serde_json` does not keep that, and reads in one pass per level what it leaves raw, which was a third of all that an
//! event cost; so the grammar is checked here, in one pass, and compared with `serde_json`'s by a test.
//!
//! What intake does goes from token to token of a [`Document`]: it checks, puts right, digests and writes without building
//! anything. The light tree is for what is put together anew.
//!
//! Refused is what would be read differently by different receivers: duplicate member names (compared decoded),
//! lone surrogates, depth beyond a limit. Written out, there is no white space.

mod canonical;
mod document;
mod tape;
mod text;

use std::cmp::Ordering;

use crate::intake::{Found, Invalid};

pub(crate) use canonical::digest;
pub(crate) use document::{Document, Place};
use tape::Kind;
pub(crate) use text::Text;

/// The order of names: the shorter first, then by bytes. Most comparisons end at the length.
fn shortlex(one: &[u8], other: &[u8]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

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

impl<'a> Object<'a> {
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

impl<'a> Node<'a> {
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

impl<'a> Document<'a> {
    /// The object there as a tree.
    pub(crate) fn object(&self, place: Place) -> Result<Object<'a>, Invalid> {
        self.sound(place)?;
        self.tree_object(place)
    }

    fn tree_object(&self, place: Place) -> Result<Object<'a>, Invalid> {
        let mut members = Vec::with_capacity(self.count(place));
        let mut walk = self.walk(place);
        while let Some((name, value)) = walk.member(self) {
            members.push(Member {
                name: self.text(name)?,
                value: self.tree(value)?,
            });
        }
        Ok(Object { members })
    }

    fn tree(&self, place: Place) -> Result<Node<'a>, Invalid> {
        Ok(match self.kind(place) {
            Kind::Null => Node::Null,
            Kind::True => Node::Boolean(true),
            Kind::False => Node::Boolean(false),
            Kind::Integer | Kind::Number => Node::Number(self.raw(place)),
            Kind::Plain | Kind::Escaped | Kind::Unicode => Node::Text(self.text(place)?),
            Kind::Array => {
                let mut entries = Vec::with_capacity(self.count(place));
                let mut walk = self.walk(place);
                while let Some(entry) = walk.entry(self) {
                    entries.push(self.tree(entry)?);
                }
                Node::Array(entries)
            }
            Kind::Object => Node::Object(self.tree_object(place)?),
        })
    }

    fn text(&self, place: Place) -> Result<Text<'a>, Invalid> {
        Ok(Text::new(self.raw(place), self.string(place)?))
    }
}
