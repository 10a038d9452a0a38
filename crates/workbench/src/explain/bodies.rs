//! What happens to bodies between a socket and a signature check, undone: for each change the body that may have been signed.

use super::cause::Cause;

/// A body that may have been signed instead of the one at hand.
pub(super) struct Candidate {
    how: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Candidate {
    /// The cause that it shows: how, and where the body at hand differs first.
    pub(super) fn cause(&self, found: &[u8]) -> Cause {
        let at = self
            .bytes
            .iter()
            .zip(found)
            .position(|(signed, found)| signed != found)
            .unwrap_or_else(|| self.bytes.len().min(found.len()));
        let near = |bytes: &[u8]| {
            let end = bytes.len().min(at + 12);
            String::from_utf8_lossy(&bytes[at.min(end)..end]).into_owned()
        };
        Cause::BodyChanged {
            how: self.how,
            at,
            signed: near(&self.bytes),
            found: near(found),
        }
    }
}

/// Every body that may have been signed, but for the one at hand.
pub(super) fn candidates(body: &[u8]) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    let mut add = |how, bytes: Vec<u8>| {
        if bytes != body && all.iter().all(|known| known.bytes != bytes) {
            all.push(Candidate { how, bytes });
        }
    };
    add("a line end was added", trim_end(body).to_vec());
    add("a line end was cut off", [body, b"\n"].concat());
    if let Some(rest) = body.strip_prefix("\u{feff}".as_bytes()) {
        add("a byte order mark was added", rest.to_vec());
    }
    if let Ok(text) = std::str::from_utf8(body) {
        if let Some(bytes) = once_decoded(text) {
            add(
                "it was read as ISO 8859-1 and written as UTF-8 (wrong charset)",
                bytes,
            );
        }
        if text.contains('%') {
            add("it was URL-encoded", url_decoded(text));
        }
        add(
            "line ends were changed to CR LF",
            text.replace("\r\n", "\n").into_bytes(),
        );
        for (how, rewritten) in rewritings(text) {
            add(how, rewritten.into_bytes());
        }
    }
    all
}

fn trim_end(body: &[u8]) -> &[u8] {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    body.strip_suffix(b"\r").unwrap_or(body)
}

/// The bytes that were taken for characters one by one.
fn once_decoded(text: &str) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return None;
    }
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn url_decoded(text: &str) -> Vec<u8> {
    let text = text.trim_end_matches('=');
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        let decoded = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = decoded {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = &tail[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    bytes
}

const WRITTEN_AGAIN: &str = "it was parsed and written again";

/// The JSON as others write it: with or without spaces, escapes and escaped slashes.
fn rewritings(text: &str) -> Vec<(&'static str, String)> {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for spaces in [Spaces::None, Spaces::AfterCommaAndColon, Spaces::Kept] {
        for escapes in [Escapes::None, Escapes::NonAscii, Escapes::Kept] {
            for slashes in [Slashes::Plain, Slashes::Escaped] {
                let how = match (spaces, escapes, slashes) {
                    (_, Escapes::None, _) if text.contains("\\u") => {
                        "it was parsed and written again, with \\u escapes"
                    }
                    (Spaces::None, _, _) if text.contains(": ") || text.contains('\n') => {
                        "it was parsed and written again, with spaces or line ends between its parts"
                    }
                    (_, _, Slashes::Plain) if text.contains("\\/") => {
                        "it was parsed and written again, with escaped slashes"
                    }
                    _ => WRITTEN_AGAIN,
                };
                all.push((how, rewrite(text, spaces, escapes, slashes)));
            }
        }
    }
    all
}

#[derive(Clone, Copy)]
enum Spaces {
    None,
    AfterCommaAndColon,
    Kept,
}

#[derive(Clone, Copy)]
enum Escapes {
    None,
    NonAscii,
    Kept,
}

#[derive(Clone, Copy)]
enum Slashes {
    Plain,
    Escaped,
}

/// Writes JSON again without touching order, numbers and the meaning of strings.
fn rewrite(text: &str, spaces: Spaces, escapes: Escapes, slashes: Slashes) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let end = string_end(rest);
            string(&rest[..end], escapes, slashes, &mut out);
            rest = &rest[end..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match spaces {
            Spaces::Kept => out.push(c),
            Spaces::None | Spaces::AfterCommaAndColon if c.is_whitespace() => {}
            Spaces::None => out.push(c),
            Spaces::AfterCommaAndColon => {
                out.push(c);
                if matches!(c, ',' | ':') {
                    out.push(' ');
                }
            }
        }
    }
    out
}

/// The length of the string that begins here, with both quotes.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Writes a string, quotes included.
fn string(raw: &str, escapes: Escapes, slashes: Slashes, out: &mut String) {
    if matches!(escapes, Escapes::Kept) {
        out.push_str(&match slashes {
            Slashes::Plain => raw.replace("\\/", "/"),
            Slashes::Escaped => raw.replace("\\/", "/").replace('/', "\\/"),
        });
        return;
    }
    let Ok(meaning) = serde_json::from_str::<String>(raw) else {
        out.push_str(raw);
        return;
    };
    // serde_json escapes what must be escaped, and no more.
    let plain = serde_json::to_string(&meaning).unwrap_or_else(|_| raw.to_owned());
    for c in plain.chars() {
        match (c, escapes, slashes) {
            ('/', _, Slashes::Escaped) => out.push_str("\\/"),
            (c, Escapes::NonAscii, _) if !c.is_ascii() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            (c, _, _) => out.push(c),
        }
    }
}

/// Whether every object with several members has them in alphabetical order, and one has several.
pub(super) fn is_sorted(text: &str) -> bool {
    let (mut stack, mut any, mut rest): (Vec<Option<String>>, _, _) = (Vec::new(), false, text);
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let end = string_end(rest);
            let (raw, after) = rest.split_at(end);
            rest = after;
            if after.trim_start().starts_with(':')
                && let Some(last) = stack.last_mut()
            {
                if let Some(before) = last {
                    if before.as_str() > raw {
                        return false;
                    }
                    any = true;
                }
                *last = Some(raw.to_owned());
            }
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '{' => stack.push(None),
            '}' => {
                stack.pop();
            }
            _ => {}
        }
    }
    any
}

/// Whether a number is beyond what a floating-point number holds, and looks as if it had been one.
pub(super) fn has_rounded(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() >= 17)
        .any(|digits| digits.ends_with("00"))
}
