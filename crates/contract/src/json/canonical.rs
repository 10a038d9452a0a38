//! The canonical form that digests are taken of: two values have the same form exactly if they are the same
//! JSON value, whatever the order of members, the escapes of strings, or the way a number is written.
//!
//! Digests are stored, so the form is fixed: a change of it would make repetitions look new. It goes into the hash piece
//! by piece; a test compares it with a model that writes it down as plainly as it can be.

use std::borrow::Cow;
use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use super::document::FEW;
use super::tape::{self, Kind};
use super::{Document, Place, shortlex};
use crate::intake::Invalid;

/// The SHA-256 of the canonical form of a [sound](Document::sound) object, without the members of these names on its
/// first level.
pub(crate) fn digest(document: &Document<'_>, object: Place, but: &[&str]) -> Result<[u8; 32], Invalid> {
    let mut writer = Writer {
        document,
        form: Form::new(),
        order: Vec::with_capacity(128),
    };
    writer.object(object, but)?;
    Ok(writer.form.finish())
}

/// The beginning of a name as a number, in the order of [`shortlex`]: its length (two bytes) and its first six bytes. It
/// tells most names apart at the cost of comparing two integers. Names that are too long for it all look the same.
#[inline]
fn start_of(name: &[u8]) -> u64 {
    let Ok(length) = u16::try_from(name.len()) else {
        return u64::MAX;
    };
    let first = match name.first_chunk() {
        Some(first) => u64::from_be_bytes(*first) >> 16,
        None => (0..6).fold(0, |first, at| {
            first << 8 | name.get(at).map_or(0, |byte| u64::from(*byte))
        }),
    };
    u64::from(length) << 48 | first
}

struct Writer<'d, 'a> {
    document: &'d Document<'a>,
    form: Form,
    /// The members of the objects around the present place in the order of their names, those of the innermost last.
    order: Vec<Sorted>,
}

/// The beginning of a member's name, and its place.
type Sorted = (u64, Place);

impl Writer<'_, '_> {
    fn object(&mut self, object: Place, but: &[&str]) -> Result<(), Invalid> {
        let document = self.document;
        let base = self.order.len();
        let mut walk = document.walk(object);
        while let Some((name, _)) = walk.member(document) {
            let text = document.bytes(name)?;
            if but.is_empty() || but.iter().all(|but| but.as_bytes() != &*text) {
                self.order.push((start_of(&text), name));
            }
        }
        self.sort(base);
        self.form.byte(b'{');
        self.form.length(self.order.len() - base);
        for at in base..self.order.len() {
            let (_, name) = self.order[at];
            self.string(name)?;
            self.value(name.value())?;
        }
        self.order.truncate(base);
        Ok(())
    }

    /// Sorts the members of the innermost object.
    fn sort(&mut self, base: usize) {
        /// Up to so many, putting each in its place among those before is the quickest.
        const INSERTED: usize = 48;
        let document = self.document;
        // Names that are sound are always text.
        let text_of = |name| document.bytes(name).unwrap_or_default();
        let is_before = |one: &Sorted, other: &Sorted| {
            one.0 < other.0
                || one.0 == other.0 && shortlex(&text_of(one.1), &text_of(other.1)) == Ordering::Less
        };
        let members = &mut self.order[base..];
        if members.len() > INSERTED {
            return members.sort_unstable_by(|one, other| {
                let by_text = || shortlex(&text_of(one.1), &text_of(other.1));
                one.0.cmp(&other.0).then_with(by_text)
            });
        }
        for next in 1..members.len() {
            let member = members[next];
            let mut at = next;
            while at > 0 && is_before(&member, &members[at - 1]) {
                members[at] = members[at - 1];
                at -= 1;
            }
            members[at] = member;
        }
    }

    /// Each value begins with a byte of its kind; what has no fixed length says it first, so that no two forms
    /// run into each other.
    fn value(&mut self, value: Place) -> Result<(), Invalid> {
        let document = self.document;
        match document.kind(value) {
            Kind::Null => self.form.byte(b'n'),
            Kind::True => self.form.byte(b't'),
            Kind::False => self.form.byte(b'f'),
            Kind::Integer => self.form.integer(document.raw(value)),
            Kind::Number => self.form.number(document.raw(value)),
            Kind::Plain | Kind::Escaped | Kind::Unicode => {
                self.form.byte(b'"');
                self.string(value)?;
            }
            Kind::Array => {
                self.form.byte(b'[');
                self.form.length(document.count(value));
                let mut walk = document.walk(value);
                while let Some(entry) = walk.entry(document) {
                    self.value(entry)?;
                }
            }
            Kind::Object => self.object(value, &[])?,
        }
        Ok(())
    }

    /// What a string or a name stands for.
    #[inline]
    fn string(&mut self, string: Place) -> Result<(), Invalid> {
        let document = self.document;
        match document.kind(string) {
            Kind::Plain => match document.few(string) {
                Some((bytes, count)) => self.form.few(bytes, count),
                None => self.form.bytes(document.inside(string)),
            },
            Kind::Escaped => self
                .form
                .unescaped(document.inside(string), document.count(string)),
            _ => self.form.bytes(&document.bytes(string)?),
        }
        Ok(())
    }
}

/// Bytes of the form that are gathered before they are hashed.
const GATHERED: usize = 1024;

/// The form so far: hashed, but for its last bytes.
struct Form {
    hashed: Sha256,
    last: [u8; GATHERED],
    length: usize,
}

impl Form {
    fn new() -> Self {
        Self {
            hashed: Sha256::new(),
            last: [0; GATHERED],
            length: 0,
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.flush();
        self.hashed.finalize().into()
    }

    fn flush(&mut self) {
        self.hashed.update(&self.last[..self.length]);
        self.length = 0;
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        if self.length == GATHERED {
            self.flush();
        }
        self.last[self.length] = byte;
        self.length += 1;
    }

    /// Bytes as they are.
    #[inline]
    fn piece(&mut self, bytes: &[u8]) {
        if GATHERED - self.length < bytes.len() {
            self.flush();
            if bytes.len() > GATHERED {
                return self.hashed.update(bytes);
            }
        }
        self.last[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    #[inline]
    fn length(&mut self, mut length: usize) {
        loop {
            let low = (length & 0x7f).to_le_bytes()[0];
            length >>= 7;
            if length == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// Bytes with their length before them.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.piece(bytes);
    }

    /// As [`Self::bytes`], of the first `count` of these. Those behind are overwritten.
    #[inline(always)]
    fn few(&mut self, bytes: &[u8; FEW], count: usize) {
        if self.length + FEW >= GATHERED {
            self.flush();
        }
        self.last[self.length] = count.to_le_bytes()[0];
        self.last[self.length + 1..][..FEW].copy_from_slice(bytes);
        self.length += 1 + count;
    }

    /// As [`Self::bytes`], of a string with so many escapes, each of two bytes that stand for one.
    fn unescaped(&mut self, mut inside: &[u8], escapes: usize) {
        self.length(inside.len() - escapes);
        while let (plain, [_, escape, rest @ ..]) = inside.split_at(tape::plain(inside)) {
            self.piece(plain);
            self.byte(match escape {
                b'b' => 0x08,
                b'f' => 0x0c,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                itself => *itself,
            });
            inside = rest;
        }
        self.piece(inside);
    }

    /// The same form as [`Self::number`]'s, for digits alone, of which only the last may be cut: JSON has no zeros in front.
    fn integer(&mut self, text: &str) {
        let (sign, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (b'-', digits),
            digits => (b'+', digits),
        };
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        let significant = &digits[..digits.len() - zeros];
        if significant.is_empty() {
            return self.byte(b'0');
        }
        self.byte(sign);
        match u8::try_from(zeros) {
            Ok(zeros @ 0..10) => self.bytes(&[b'0' + zeros]),
            _ => self.bytes(zeros.to_string().as_bytes()),
        }
        self.bytes(significant);
    }

    /// A number by its value: sign, the power of ten of its last digit, and its digits without zeros at either end.
    fn number(&mut self, text: &str) {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (b'-', rest),
            None => (b'+', text),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (digits, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (Cow::Owned([whole, fraction].concat()), fraction),
            None => (Cow::Borrowed(mantissa), ""),
        };
        let without_end = digits.trim_end_matches('0');
        let significant = without_end.trim_start_matches('0');
        if significant.is_empty() {
            return self.byte(b'0');
        }
        // Lengths fit an i128 by far. An exponent that does not is kept as text: such numbers are compared by how
        // they are written.
        let zeros_cut = digits.len() - without_end.len();
        let shift = zeros_cut as i128 - fraction.len() as i128;
        let power = exponent.parse::<i128>().ok();
        match power.and_then(|power| power.checked_add(shift)) {
            Some(power) => {
                self.byte(sign);
                self.bytes(power.to_string().as_bytes());
                self.bytes(significant.as_bytes());
            }
            None => {
                self.byte(b'e');
                self.bytes(text.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests;
