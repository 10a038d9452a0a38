//! The tape: one pass over a JSON text that checks all of its grammar and notes where every value begins and ends.
//! What is done afterwards goes from token to token and looks at no byte twice.
//!
//! The grammar is RFC 8259's, as `serde_json` reads it; a test compares the two. What the text *means* (half surrogate
//! pairs, duplicate names, depth) is not judged here.

/// What a token is. Strings tell whether they have escapes, so that nobody has to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    Plain,
    Escaped,
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
    /// Members or entries.
    pub(super) count: u32,
}

/// Bytes of text for which a token is expected: samples have one for 8.
const BYTES_PER_TOKEN: usize = 8;

/// The tokens of a text that is one JSON value and nothing else; `None` for any other, and for one of 4 GiB.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    u32::try_from(text.len()).ok()?;
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        tokens: Vec::with_capacity(text.len() / BYTES_PER_TOKEN + 8),
        open: Vec::with_capacity(8),
    };
    scanner.run()?;
    Some(scanner.tokens)
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    /// The tokens of the arrays and objects around the present place, the innermost last.
    open: Vec<usize>,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the text is shorter than 4 GiB, and has no more tokens than bytes"
)]
impl Scanner<'_> {
    fn run(&mut self) -> Option<()> {
        self.value()?;
        while let Some(&top) = self.open.last() {
            let token = self.tokens[top];
            let is_object = token.kind == Kind::Object;
            match self.peek()? {
                b'}' if is_object => self.close(top),
                b']' if !is_object => self.close(top),
                b',' if token.count > 0 => {
                    self.at += 1;
                    self.item(top, is_object)?;
                }
                _ if token.count == 0 => self.item(top, is_object)?,
                _ => return None,
            }
        }
        self.peek().is_none().then_some(())
    }

    /// A member or an entry of the token `top`.
    fn item(&mut self, top: usize, is_object: bool) -> Option<()> {
        self.tokens[top].count += 1;
        if is_object {
            if self.peek()? != b'"' {
                return None;
            }
            self.string()?;
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
        }
        self.value()
    }

    /// A whole scalar, or the bracket that opens an array or an object.
    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.word(b"null", Kind::Null),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'{' => self.open(Kind::Object),
            b'[' => self.open(Kind::Array),
            _ => None,
        }
    }

    fn open(&mut self, kind: Kind) -> Option<()> {
        self.open.push(self.tokens.len());
        let start = self.at;
        self.at += 1;
        // Its end is known when it is closed.
        self.push(kind, start);
        Some(())
    }

    fn close(&mut self, top: usize) {
        self.at += 1;
        self.open.pop();
        let next = self.tokens.len() as u32;
        let token = &mut self.tokens[top];
        token.end = self.at as u32;
        token.next = next;
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<()> {
        let start = self.at;
        self.bytes[start..].starts_with(word).then_some(())?;
        self.at += word.len();
        self.push(kind, start);
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
        }
        self.push(Kind::Number, start);
        Some(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let count = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += count;
        (count > 0).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        self.at += 1;
        let mut kind = Kind::Plain;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return None,
            }
            kind = Kind::Escaped;
        }
        self.at += 1;
        self.push(kind, start);
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Notes a token that begins at `start` and ends here.
    fn push(&mut self, kind: Kind, start: usize) {
        let next = self.tokens.len() as u32 + 1;
        self.tokens.push(Token {
            kind,
            start: start as u32,
            end: self.at as u32,
            next,
            count: 0,
        });
    }
}

/// How many bytes at the beginning need no thought inside a string: no quote, no backslash, no control character.
fn plain(bytes: &[u8]) -> usize {
    const WORD: usize = size_of::<u64>();
    let (words, _) = bytes.as_chunks::<WORD>();
    for (at, word) in words.iter().enumerate() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at * WORD + found.trailing_zeros() as usize / 8;
        }
    }
    let done = words.len() * WORD;
    let rest = &bytes[done..];
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    done + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The top bit of the first byte of eight (the lowest) that is a quote, a backslash or a control character, is set, and
/// no bit below it. Bits above it may be set for other bytes by mistake: subtraction borrows upwards.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let below = |word: u64, least: u8| word.wrapping_sub(ONES * least as u64) & !word;
    (below(word, 0x20) | below(word ^ (ONES * b'"' as u64), 1) | below(word ^ (ONES * b'\\' as u64), 1))
        & TOPS
}

#[cfg(test)]
mod tests;
