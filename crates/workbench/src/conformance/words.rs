//! What the report says, in both languages at once: the reader chooses when it is shown.

use ringback_server::api::Language;
use serde::Serialize;

/// Words of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

impl Text {
    /// In one of the languages.
    #[must_use]
    pub const fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// Words that were made for one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Said {
    /// Both at once.
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            zh: zh.into(),
        }
    }

    /// In one of the languages.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }

    /// One after the other.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        Self::new(
            format!("{}{}", self.en, other.en),
            format!("{}{}", self.zh, other.zh),
        )
    }

    /// What this is about, and what is said of it.
    pub(crate) fn followed_by(&self, other: &Self) -> Self {
        Self::new(
            format!("{}: {}", self.en, other.en),
            format!("{}：{}", self.zh, other.zh),
        )
    }
}

impl From<Text> for Said {
    fn from(text: Text) -> Self {
        Self::new(text.en, text.zh)
    }
}
