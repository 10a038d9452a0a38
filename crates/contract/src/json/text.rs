//! A JSON string or member name: its text with the quotes, and what it stands for.

use crate::intake::{Invalid, Problem};

/// Keeps the text byte for byte beside the decoded string; without escapes the second lies in the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    /// What the text stands for, where that is not simply what lies between the quotes.
    unescaped: Option<Box<str>>,
}

impl<'a> Text<'a> {
    /// Reads a string with its quotes, already seen to be JSON and to have escapes or none.
    pub(super) fn read(raw: &'a str, is_escaped: bool) -> Result<Self, Invalid> {
        let unescaped = if is_escaped {
            let text: String =
                serde_json::from_str(raw).map_err(|_| Invalid::here(Problem::LoneSurrogate))?;
            Some(text.into())
        } else {
            None
        };
        Ok(Self { raw, unescaped })
    }

    /// A string with its quotes that has no escapes.
    pub(crate) const fn plain(quoted: &'static str) -> Self {
        Self {
            raw: quoted,
            unescaped: None,
        }
    }

    /// The text as it came, with its quotes.
    pub(crate) const fn raw(&self) -> &'a str {
        self.raw
    }

    /// What the text stands for.
    pub(crate) fn as_str(&self) -> &str {
        self.unescaped
            .as_deref()
            .unwrap_or(&self.raw[1..self.raw.len() - 1])
    }
}
