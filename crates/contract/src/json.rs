//! A light tree over JSON text that keeps what the text says: the order of members, and the text of numbers,
//! strings and names byte for byte. `serde_json` does not keep that, and reads in one pass per level what it leaves raw,
//! which was a third of all that an event cost; so the grammar is checked here, in one pass, and compared with
//! `serde_json`'s by a test.
//!
//! It refuses what would be read differently by different receivers: duplicate member names (compared decoded),
//! lone surrogates, depth beyond a limit. Written out, the tree has no white space.

mod canonical;
mod read;
mod tape;
mod text;

use crate::intake::Found;

pub(crate) use canonical::canonical;
use canonical::shortlex;
pub(crate) use read::{Document, Place, Shallow};
pub(crate) use text::Text;

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
