//! What the grammar does not say: names that differ, whole surrogate pairs, and a bounded depth. What is refused here would
//! be read differently by different receivers.

use super::super::shortlex;
use super::super::tape::Kind;
use super::{Document, Place};
use crate::intake::{Invalid, Problem};

/// The most arrays and objects within each other, the outermost counted.
const DEPTH_MAX: usize = 64;

/// Up to this many members a name is compared with the earlier ones that look like it; above, the names are sorted.
const FEW: usize = 256;

impl Document<'_> {
    /// Checks the object there down to its leaves. It counts as the first of the [`DEPTH_MAX`] levels.
    pub(crate) fn sound(&self, object: Place) -> Result<(), Invalid> {
        self.sound_names(object)?;
        self.sound_members(object)
    }

    /// As [`Document::sound`], for an object whose names were checked already.
    pub(crate) fn sound_members(&self, object: Place) -> Result<(), Invalid> {
        self.sound_within(object, DEPTH_MAX - 1)
    }

    /// Checks the names of the members of the object there.
    pub(crate) fn sound_names(&self, object: Place) -> Result<(), Invalid> {
        self.object_at(object)?;
        let duplicate = if self.count(object) <= FEW {
            self.duplicate_of_few(object)?
        } else {
            self.duplicate_of_many(object)?
        };
        match duplicate {
            Some(name) => Err(Invalid::here(Problem::Duplicate).under(&self.string(name)?)),
            None => Ok(()),
        }
    }

    /// The first name that came before. A name that is no Unicode text is refused first, wherever it is.
    fn duplicate_of_few(&self, object: Place) -> Result<Option<Place>, Invalid> {
        let mut seen = Marks::default();
        let mut duplicate = None;
        let mut walk = self.walk(object);
        while let Some((name, _)) = walk.member(self) {
            if seen.meet(&self.bytes(name)?) && duplicate.is_none() && self.is_met(object, name)? {
                duplicate = Some(name);
            }
        }
        Ok(duplicate)
    }

    /// Whether the name comes before in its object.
    fn is_met(&self, object: Place, name: Place) -> Result<bool, Invalid> {
        let text = self.string(name)?;
        let first = self.member(object, &text);
        Ok(first.is_some_and(|value| value.0 < name.0))
    }

    fn duplicate_of_many(&self, object: Place) -> Result<Option<Place>, Invalid> {
        let mut names = Vec::with_capacity(self.count(object));
        let mut walk = self.walk(object);
        while let Some((name, _)) = walk.member(self) {
            names.push((self.bytes(name)?, name));
        }
        names.sort_unstable_by(|(one, _), (other, _)| shortlex(one, other));
        let duplicate = names.windows(2).find(|pair| pair[0].0 == pair[1].0);
        Ok(duplicate.map(|pair| pair[1].1))
    }

    /// `depth_left`: how many levels may still be below this one.
    fn sound_within(&self, object: Place, depth_left: usize) -> Result<(), Invalid> {
        let mut walk = self.walk(object);
        while let Some((name, value)) = walk.member(self) {
            if let Err(invalid) = self.sound_value(value, depth_left) {
                return Err(invalid.under(&self.string(name)?));
            }
        }
        Ok(())
    }

    fn sound_entries(&self, array: Place, depth_left: usize) -> Result<(), Invalid> {
        let mut walk = self.walk(array);
        let mut index = 0;
        while let Some(entry) = walk.entry(self) {
            self.sound_value(entry, depth_left)
                .map_err(|invalid| invalid.at(index))?;
            index += 1;
        }
        Ok(())
    }

    #[inline]
    fn sound_value(&self, value: Place, depth_left: usize) -> Result<(), Invalid> {
        match self.kind(value) {
            Kind::Null
            | Kind::True
            | Kind::False
            | Kind::Integer
            | Kind::Number
            | Kind::Plain
            | Kind::Escaped => Ok(()),
            Kind::Unicode => self.string(value).map(drop),
            Kind::Array | Kind::Object if depth_left == 0 => Err(Invalid::here(Problem::TooDeep)),
            Kind::Array => self.sound_entries(value, depth_left - 1),
            Kind::Object => {
                self.sound_names(value)?;
                self.sound_within(value, depth_left - 1)
            }
        }
    }
}

/// A mark for each name that was met. Different names may share one.
#[derive(Default)]
struct Marks([u64; 16]);

impl Marks {
    /// Sets a name's mark; whether it was set before.
    #[inline]
    fn meet(&mut self, name: &[u8]) -> bool {
        let mark = mark_of(name);
        let (word, bit) = ((mark >> 6) as usize % self.0.len(), 1 << (mark & 63));
        let is_set = self.0[word] & bit != 0;
        self.0[word] |= bit;
        is_set
    }
}

/// Ten bits of a name's length, beginning and end.
#[inline]
fn mark_of(name: &[u8]) -> u64 {
    /// An odd number whose bits look like chance, so that all of a product's bits go into its upper ones.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = match (name.first_chunk(), name.last_chunk()) {
        (Some(start), Some(end)) => u64::from_le_bytes(*start) ^ u64::from_le_bytes(*end).rotate_left(29),
        _ => name
            .iter()
            .fold(0, |mixed: u64, byte| mixed << 8 | u64::from(*byte)),
    };
    (mixed ^ (name.len() as u64) << 40).wrapping_mul(SPREAD) >> 54
}
