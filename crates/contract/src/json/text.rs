//! A JSON string or member name: its text with the quotes, and what it stands for.

use std::borrow::Cow;

/// Keeps the text byte for byte beside the decoded string; without escapes the second lies in the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    /// What the text stands for, where that is not simply what lies between the quotes.
    unescaped: Option<Box<str>>,
}

impl<'a> Text<'a> {
    /// A string: its text with the quotes, and what that stands for.
    pub(super) fn new(raw: &'a str, text: Cow<'a, str>) -> Self {
        let unescaped = match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text.into()),
        };
        Self { raw, unescaped }
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
