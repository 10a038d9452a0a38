//! A document: a JSON text with its tape. Whatever is asked of it goes from token to token; nothing is built, and what was
//! put right lies beside the text.

mod sound;
mod write;

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::tape::{self, Kind, Tape, Token};
use crate::intake::{Found, Invalid, Problem};

/// A text that is one JSON object and nothing else. Of what is inside only the grammar was checked, until
/// [`Document::sound`] says more.
pub(crate) struct Document<'a> {
    text: &'a str,
    tape: Tape,
    /// What was put right, in the order of the text.
    fixes: Vec<Fix>,
}

/// Another text for a scalar or a name.
struct Fix {
    /// Where the text lies that it replaces.
    start: u32,
    end: u32,
    by: &'static str,
}

/// The `start` of a token whose text is in the fixes, at the number that its `end` says. No token starts here: a text of
/// 4 GiB has no tape.
const FIXED: u32 = u32::MAX;

/// The most bytes of a string that [`Document::few`] tells.
pub(super) const FEW: usize = 16;

/// A value or a name of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u32);

impl Place {
    /// The value of a member whose name is here.
    #[inline]
    pub(super) const fn value(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The way through the members of an object or the entries of an array. It holds no document, so that what it comes by can
/// be put right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    at: u32,
    end: u32,
}

impl Walk {
    /// The next member of an object: its name and its value.
    #[inline]
    pub(crate) fn member(&mut self, document: &Document<'_>) -> Option<(Place, Place)> {
        if self.at >= self.end {
            return None;
        }
        let name = Place(self.at);
        let value = name.value();
        self.at = document.token(value).next;
        Some((name, value))
    }

    /// The next entry of an array.
    #[inline]
    pub(crate) fn entry(&mut self, document: &Document<'_>) -> Option<Place> {
        if self.at >= self.end {
            return None;
        }
        let entry = Place(self.at);
        self.at = document.token(entry).next;
        Some(entry)
    }
}

impl<'a> Document<'a> {
    /// The document itself.
    pub(crate) const ALL: Place = Place(0);

    pub(crate) fn read(input: &'a [u8]) -> Result<Self, Invalid> {
        let text = str::from_utf8(input).map_err(|error| {
            Invalid::body(Problem::NotUtf8 {
                valid_up_to: error.valid_up_to(),
            })
        })?;
        let tape = tape::read(text).ok_or_else(|| Invalid::body(why_no_json(text)))?;
        let document = Self {
            text,
            tape,
            fixes: Vec::new(),
        };
        document.object_at(Self::ALL)?;
        Ok(document)
    }

    /// The kind of a value.
    pub(crate) fn found(&self, place: Place) -> Found {
        match self.kind(place) {
            Kind::Null => Found::Null,
            Kind::True | Kind::False => Found::Boolean,
            Kind::Integer | Kind::Number => Found::Number,
            Kind::Plain | Kind::Escaped | Kind::Unicode => Found::Text,
            Kind::Array => Found::Array,
            Kind::Object => Found::Object,
        }
    }

    #[inline]
    pub(super) fn kind(&self, place: Place) -> Kind {
        self.token(place).kind
    }

    /// The text of a value as it came or was put right, a string's with its quotes.
    #[inline]
    pub(crate) fn raw(&self, place: Place) -> &'a str {
        let token = self.token(place);
        if token.start == FIXED {
            return self.fixes[token.end as usize].by;
        }
        &self.text[token.start as usize..token.end as usize]
    }

    /// What lies between the quotes of a string or a name.
    #[inline]
    pub(super) fn inside(&self, place: Place) -> &'a [u8] {
        let token = self.token(place);
        let raw = if token.start == FIXED {
            self.fixes[token.end as usize].by.as_bytes()
        } else {
            &self.text.as_bytes()[token.start as usize..token.end as usize]
        };
        match raw {
            [_, inside @ .., _] => inside,
            _ => raw,
        }
    }

    /// Of a string or name of few bytes: these, with what follows them in the text, and how many they are. So much can be
    /// copied without asking how much it is, which is quicker.
    #[inline(always)]
    pub(super) fn few(&self, place: Place) -> Option<(&'a [u8; FEW], usize)> {
        let token = self.token(place);
        // What was put right has no text here.
        let from = self.text.as_bytes().get(token.start as usize + 1..)?;
        let count = (token.end - token.start) as usize - 2;
        Some((from.first_chunk().filter(|_| count <= FEW)?, count))
    }

    /// The bytes of what a string or a name stands for, as [`Self::string`].
    #[inline(always)]
    pub(crate) fn bytes(&self, place: Place) -> Result<Cow<'a, [u8]>, Invalid> {
        if self.kind(place) == Kind::Plain {
            return Ok(Cow::Borrowed(self.inside(place)));
        }
        self.decoded(place)
    }

    #[cold]
    fn decoded(&self, place: Place) -> Result<Cow<'a, [u8]>, Invalid> {
        Ok(Cow::Owned(self.string(place)?.into_owned().into_bytes()))
    }

    /// What a string or a name stands for. In a document that is [sound](Self::sound) there is always an answer.
    pub(crate) fn string(&self, place: Place) -> Result<Cow<'a, str>, Invalid> {
        let raw = self.raw(place);
        if self.kind(place) == Kind::Plain {
            return Ok(Cow::Borrowed(&raw[1..raw.len() - 1]));
        }
        match serde_json::from_str(raw) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => Err(Invalid::here(Problem::LoneSurrogate)),
        }
    }

    /// A string, if it is one.
    pub(crate) fn as_text(&self, place: Place) -> Option<Cow<'a, str>> {
        match self.found(place) {
            Found::Text => self.string(place).ok(),
            Found::Null | Found::Boolean | Found::Number | Found::Array | Found::Object => None,
        }
    }

    /// A number, if it is one that is written as an integer and fits 64 bits.
    pub(crate) fn as_i64(&self, place: Place) -> Option<i64> {
        match self.kind(place) {
            Kind::Integer => self.raw(place).parse().ok(),
            _ => None,
        }
    }

    /// Whether it is a number that is written as an integer and fits 64 bits.
    #[inline]
    pub(crate) fn is_i64(&self, place: Place) -> bool {
        /// So long a text always fits.
        const SURELY: usize = 18;
        self.kind(place) == Kind::Integer && (self.length(place) <= SURELY || self.as_i64(place).is_some())
    }

    /// How many members or entries an object or array has.
    pub(crate) fn count(&self, place: Place) -> usize {
        self.token(place).count as usize
    }

    /// The length of a value's text, in bytes; of what was put right, 0.
    #[inline]
    pub(crate) fn length(&self, place: Place) -> usize {
        let token = self.token(place);
        token.end.saturating_sub(token.start) as usize
    }

    /// The way through what is inside an object or array.
    #[inline]
    pub(crate) fn walk(&self, place: Place) -> Walk {
        Walk {
            at: place.0 + 1,
            end: self.token(place).next,
        }
    }

    /// The value of this name in the object there.
    pub(crate) fn member(&self, object: Place, name: &str) -> Option<Place> {
        let mut walk = self.walk(object);
        while let Some((member, value)) = walk.member(self) {
            if self.has_name(member, name) {
                return Some(value);
            }
        }
        None
    }

    /// The object of this name in the object there.
    pub(crate) fn object_member(&self, object: Place, name: &str) -> Option<Place> {
        self.member(object, name)
            .filter(|value| self.kind(*value) == Kind::Object)
    }

    #[inline]
    fn has_name(&self, member: Place, name: &str) -> bool {
        if self.kind(member) == Kind::Plain {
            return self.inside(member) == name.as_bytes();
        }
        self.string(member).is_ok_and(|member| member == name)
    }

    /// Seen to be an object.
    pub(crate) fn object_at(&self, place: Place) -> Result<(), Invalid> {
        match self.found(place) {
            Found::Object => Ok(()),
            found => Err(Invalid::here(Problem::WrongType {
                found,
                allowed: "an object",
            })),
        }
    }

    /// Puts a boolean in the place of a scalar. What is put right must come in the order of the text.
    pub(crate) fn fix_boolean(&mut self, place: Place, is_set: bool) {
        let (kind, by) = if is_set {
            (Kind::True, "true")
        } else {
            (Kind::False, "false")
        };
        self.fix(place, kind, by);
    }

    /// Puts an integer in the place of a scalar, in the order of the text.
    pub(crate) fn fix_integer(&mut self, place: Place, digits: &'static str) {
        self.fix(place, Kind::Integer, digits);
    }

    /// Puts a name, with its quotes and without escapes, in the place of another, in the order of the text.
    pub(crate) fn fix_name(&mut self, place: Place, quoted: &'static str) {
        self.fix(place, Kind::Plain, quoted);
    }

    fn fix(&mut self, place: Place, kind: Kind, by: &'static str) {
        let token = &mut self.tape.tokens[place.0 as usize];
        let fix = Fix {
            start: token.start,
            end: token.end,
            by,
        };
        debug_assert!(self.fixes.last().is_none_or(|last| last.end <= fix.start));
        token.kind = kind;
        token.start = FIXED;
        // There are no more fixes than tokens.
        token.end = u32::try_from(self.fixes.len()).unwrap_or(FIXED);
        self.fixes.push(fix);
    }

    #[inline]
    fn token(&self, place: Place) -> &Token {
        &self.tape.tokens[place.0 as usize]
    }
}

/// Tells why a text is not one JSON value and nothing else, in the words of `serde_json`.
fn why_no_json(text: &str) -> Problem {
    match serde_json::from_str::<&RawValue>(text) {
        Err(error) => Problem::not_json(&error),
        Ok(_) => Problem::NotJson {
            line: 1,
            column: text.len(),
            reason: "too long".to_owned(),
        },
    }
}
