//! Reading: a document's tape first, then from it whatever is asked for, level by level or down to the leaves.

use serde_json::value::RawValue;

use super::tape::{self, Kind, Token};
use super::{Member, Node, Object, Text, shortlex};
use crate::intake::{Found, Invalid, Problem};

/// The most arrays and objects within each other, the outermost counted.
const DEPTH_MAX: usize = 64;

/// A text that is one JSON object and nothing else. Of what is inside only the grammar was checked.
pub(crate) struct Document<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

/// The members of one object, with their names read and seen to be different. What the values are is not looked at.
pub(crate) struct Shallow<'a> {
    members: Vec<(Text<'a>, Place)>,
}

impl Shallow<'_> {
    pub(crate) fn get(&self, name: &str) -> Option<Place> {
        self.members
            .iter()
            .find(|(member, _)| member.as_str() == name)
            .map(|(_, place)| *place)
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
        let tokens = tape::tokens(text).ok_or_else(|| Invalid::body(why_no_json(text)))?;
        let document = Self { text, tokens };
        document.object_at(Self::ALL)?;
        Ok(document)
    }

    /// The kind of a value.
    pub(crate) fn found(&self, place: Place) -> Found {
        match self.tokens[place.0].kind {
            Kind::Null => Found::Null,
            Kind::True | Kind::False => Found::Boolean,
            Kind::Number => Found::Number,
            Kind::Plain | Kind::Escaped => Found::Text,
            Kind::Array => Found::Array,
            Kind::Object => Found::Object,
        }
    }

    /// A string or a name.
    pub(crate) fn string(&self, place: Place) -> Result<Text<'a>, Invalid> {
        let token = self.tokens[place.0];
        Text::read(self.text_of(token), token.kind == Kind::Escaped)
    }

    /// The members of the object there.
    pub(crate) fn shallow(&self, place: Place) -> Result<Shallow<'a>, Invalid> {
        let token = self.object_at(place)?;
        let mut members = Vec::with_capacity(token.count as usize);
        let mut name = place.0 + 1;
        while name < token.next as usize {
            members.push((self.string(Place(name))?, Place(name + 1)));
            name = self.tokens[name + 1].next as usize;
        }
        refuse_duplicates(&members)?;
        Ok(Shallow { members })
    }

    /// The object there, down to its leaves. It counts as the first of the [`DEPTH_MAX`] levels.
    pub(crate) fn object(&self, place: Place) -> Result<Object<'a>, Invalid> {
        self.deepen(self.shallow(place)?)
    }

    /// An object whose members were read already, down to its leaves.
    pub(crate) fn deepen(&self, object: Shallow<'a>) -> Result<Object<'a>, Invalid> {
        self.read_members(object, DEPTH_MAX - 1)
    }

    fn object_at(&self, place: Place) -> Result<Token, Invalid> {
        match self.found(place) {
            Found::Object => Ok(self.tokens[place.0]),
            found => Err(Invalid::here(Problem::WrongType {
                found,
                allowed: "an object",
            })),
        }
    }

    fn text_of(&self, token: Token) -> &'a str {
        &self.text[token.start as usize..token.end as usize]
    }

    /// `depth_left`: how many levels may still be below this one.
    fn read_members(&self, object: Shallow<'a>, depth_left: usize) -> Result<Object<'a>, Invalid> {
        let mut members = Vec::with_capacity(object.members.len());
        for (name, place) in object.members {
            match self.read_node(place, depth_left) {
                Ok(value) => members.push(Member { name, value }),
                Err(invalid) => return Err(invalid.under(name.as_str())),
            }
        }
        Ok(Object { members })
    }

    fn read_node(&self, place: Place, depth_left: usize) -> Result<Node<'a>, Invalid> {
        let token = self.tokens[place.0];
        Ok(match token.kind {
            Kind::Null => Node::Null,
            Kind::True => Node::Boolean(true),
            Kind::False => Node::Boolean(false),
            Kind::Number => Node::Number(self.text_of(token)),
            Kind::Plain | Kind::Escaped => Node::Text(self.string(place)?),
            Kind::Array | Kind::Object if depth_left == 0 => return Err(Invalid::here(Problem::TooDeep)),
            Kind::Array => Node::Array(self.read_entries(place, depth_left - 1)?),
            Kind::Object => Node::Object(self.read_members(self.shallow(place)?, depth_left - 1)?),
        })
    }

    fn read_entries(&self, place: Place, depth_left: usize) -> Result<Vec<Node<'a>>, Invalid> {
        let token = self.tokens[place.0];
        let mut entries = Vec::with_capacity(token.count as usize);
        let mut entry = place.0 + 1;
        while entry < token.next as usize {
            let read = self.read_node(Place(entry), depth_left);
            entries.push(read.map_err(|invalid| invalid.at(entries.len()))?);
            entry = self.tokens[entry].next as usize;
        }
        Ok(entries)
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

/// Up to this many members a name is compared with the earlier ones that look like it; above, the names are sorted.
const FEW: usize = 256;

fn refuse_duplicates(members: &[(Text<'_>, Place)]) -> Result<(), Invalid> {
    let name = |member: usize| members[member].0.as_str();
    let duplicate = if members.len() <= FEW {
        let mut seen = Marks::default();
        (0..members.len()).find(|&later| {
            let name_of_it = name(later);
            seen.meet(name_of_it) && (0..later).any(|earlier| name(earlier) == name_of_it)
        })
    } else {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_unstable_by(|&one, &other| shortlex(name(one), name(other)));
        order
            .windows(2)
            .find(|pair| name(pair[0]) == name(pair[1]))
            .map(|pair| pair[1])
    };
    match duplicate {
        Some(place) => Err(Invalid::here(Problem::Duplicate).under(name(place))),
        None => Ok(()),
    }
}

/// A mark for each name that was met, by its length and its outer bytes. Different names may share one.
#[derive(Default)]
struct Marks([u64; 8]);

impl Marks {
    /// Sets a name's mark; whether it was set before.
    fn meet(&mut self, name: &str) -> bool {
        let bytes = name.as_bytes();
        let at = |place: usize| bytes.get(place).map_or(0, |byte| usize::from(*byte));
        let length = bytes.len();
        let mark = length
            + at(0) * 7
            + at(length / 2) * 31
            + at(length.wrapping_sub(1)) * 73
            + at(length.wrapping_sub(3)) * 151;
        let (word, bit) = (mark / 64 % self.0.len(), 1 << (mark % 64));
        let is_set = self.0[word] & bit != 0;
        self.0[word] |= bit;
        is_set
    }
}
