//! The tape: one pass over a JSON text that checks all of its grammar and notes where every value begins and ends.
//! What is done afterwards goes from token to token and looks at no byte twice.
//!
//! The grammar is RFC 8259's, as `serde_json` reads it; a test compares the two. What the text *means* (half surrogate
//! pairs, duplicate names, depth) is not judged here.

/// What a token is. Numbers and strings tell what was seen of them on the way, so that nobody has to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    /// A number of digits alone, with or without a minus.
    Integer,
    /// A number with a fraction or an exponent.
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes, each of which stands for one byte.
    Escaped,
    /// A string with `\u` escapes, perhaps among others.
    Unicode,
    Array,
    Object,
}

/// A value, or the name of a member, which comes right before its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where its text begins and ends, quotes and brackets included.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The number of the token behind it and all that is inside it.
    pub(super) next: u32,
    /// Members or entries; of a string, its escapes.
    pub(super) count: u32,
}

/// All tokens of a text.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) tokens: Vec<Token>,
    /// Whether there is no white space but in strings and around the whole.
    pub(super) is_compact: bool,
}

/// Bytes of text for which a token is expected: samples have one for 8.
const BYTES_PER_TOKEN: usize = 8;

/// The tokens of a text that is one JSON value and nothing else; `None` for any other, and for one of 4 GiB.
pub(super) fn read(text: &str) -> Option<Tape> {
    u32::try_from(text.len()).ok()?;
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        tokens: Vec::with_capacity(text.len() / BYTES_PER_TOKEN + 8),
        open: Vec::with_capacity(8),
        is_compact: true,
    };
    scanner.run()?;
    Some(Tape {
        tokens: scanner.tokens,
        is_compact: scanner.is_compact,
    })
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    /// The arrays and objects around the present place, the innermost last.
    open: Vec<Open>,
    is_compact: bool,
}

/// An array or object whose end is not reached yet.
struct Open {
    token: usize,
    /// Members or entries that have begun.
    count: u32,
    /// The bracket that ends it.
    end: u8,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the text is shorter than 4 GiB, and has no more tokens than bytes"
)]
impl Scanner<'_> {
    fn run(&mut self) -> Option<()> {
        let first = self.skip_around()?;
        self.value(first)?;
        while let Some(open) = self.open.last_mut() {
            let byte = next_byte(self.bytes, &mut self.at, &mut self.is_compact)?;
            if byte == open.end {
                self.close();
                continue;
            }
            if open.count > 0 {
                if byte != b',' {
                    return None;
                }
                self.at += 1;
            }
            open.count += 1;
            let is_object = open.end == b'}';
            self.item(is_object)?;
        }
        self.skip_around().is_none().then_some(())
    }

    /// A member or an entry.
    fn item(&mut self, is_object: bool) -> Option<()> {
        let mut byte = self.peek()?;
        if is_object {
            if byte != b'"' {
                return None;
            }
            self.string()?;
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            byte = self.peek()?;
        }
        self.value(byte)
    }

    /// A whole scalar, or the bracket that opens an array or an object. `first` is the byte here.
    #[inline]
    fn value(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.word(b"null", Kind::Null),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'{' => self.open(Kind::Object, b'}'),
            b'[' => self.open(Kind::Array, b']'),
            _ => None,
        }
    }

    fn open(&mut self, kind: Kind, end: u8) -> Option<()> {
        self.open.push(Open {
            token: self.tokens.len(),
            count: 0,
            end,
        });
        let start = self.at;
        self.at += 1;
        // Its end and its count are known when it is closed.
        self.push(kind, start, 0);
        Some(())
    }

    fn close(&mut self) {
        self.at += 1;
        let next = self.tokens.len() as u32;
        if let Some(closed) = self.open.pop() {
            let token = &mut self.tokens[closed.token];
            token.end = self.at as u32;
            token.next = next;
            token.count = closed.count;
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<()> {
        let start = self.at;
        self.bytes[start..].starts_with(word).then_some(())?;
        self.at += word.len();
        self.push(kind, start, 0);
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let mut kind = Kind::Integer;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            kind = Kind::Number;
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            kind = Kind::Number;
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
        }
        self.push(kind, start, 0);
        Some(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    #[inline]
    fn string(&mut self) -> Option<()> {
        let start = self.at;
        self.at += 1;
        self.at += plain(&self.bytes[self.at..]);
        if *self.bytes.get(self.at)? != b'"' {
            return self.escaped(start);
        }
        self.at += 1;
        self.push(Kind::Plain, start, 0);
        Some(())
    }

    /// The rest of a string that began at `start`, from the first byte on that needs thought.
    fn escaped(&mut self, start: usize) -> Option<()> {
        let mut kind = Kind::Escaped;
        let mut count = 0;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => match self.bytes.get(self.at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
                    b'u' => {
                        let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        self.at += 6;
                        kind = Kind::Unicode;
                    }
                    _ => return None,
                },
                _ => return None,
            }
            count += 1;
            self.at += plain(&self.bytes[self.at..]);
        }
        self.at += 1;
        self.push(kind, start, count);
        Some(())
    }

    /// The next byte that is no white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        next_byte(self.bytes, &mut self.at, &mut self.is_compact)
    }

    /// As [`Self::peek`], where white space does not make a text less compact: it is outside of the value.
    fn skip_around(&mut self) -> Option<u8> {
        next_byte(self.bytes, &mut self.at, &mut true)
    }

    #[inline]
    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Notes a token that begins at `start` and ends here.
    #[inline]
    fn push(&mut self, kind: Kind, start: usize, count: u32) {
        let next = self.tokens.len() as u32 + 1;
        self.tokens.push(Token {
            kind,
            start: start as u32,
            end: self.at as u32,
            next,
            count,
        });
    }
}

/// The first byte from `at` on that is no white space, to which `at` is moved.
#[inline]
fn next_byte(bytes: &[u8], at: &mut usize, is_compact: &mut bool) -> Option<u8> {
    loop {
        let byte = *bytes.get(*at)?;
        if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
            return Some(byte);
        }
        *is_compact = false;
        *at += 1;
    }
}

/// How many bytes at the beginning need no thought inside a string: no quote, no backslash, no control character.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let more = rest.iter().position(is_special).unwrap_or(rest.len());
    bytes.len() - rest.len() + more
}

/// The top bit of the first byte of eight (the lowest) that is a quote, a backslash or a control character, is set, and
/// no bit below it. Bits above it may be set for other bytes by mistake: subtraction borrows upwards.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    // A byte below `least` borrows, which sets its top bit; a byte of 128 and more has that bit itself, and is left out.
    let below = |word: u64, least: u8| word.wrapping_sub(ONES * least as u64);
    let controls = below(word, 0x20);
    let quotes = below(word ^ (ONES * b'"' as u64), 1);
    let backslashes = below(word ^ (ONES * b'\\' as u64), 1);
    (controls | quotes | backslashes) & !word & TOPS
}

#[cfg(test)]
mod tests;
