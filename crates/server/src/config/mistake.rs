//! What is wrong with a setting.

use std::fmt;
use std::path::Path;

use super::{ENVIRONMENT_PREFIX, key, suggest};

/// One mistake: which setting, where, the kind of value that was found, and what is allowed. It never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key of the file, the environment variable, or the file itself.
    pub setting: String,
    /// File and line, for a mistake in a file.
    pub place: Option<String>,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.setting)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        write!(f, ": found {}; allowed: {}", self.found, self.allowed)
    }
}

impl Mistake {
    pub(super) fn value(setting: &str, place: Option<String>, found: String, allowed: &str) -> Self {
        Self {
            setting: setting.to_owned(),
            place,
            found,
            allowed: allowed.to_owned(),
        }
    }

    pub(super) fn unknown(setting: &str, place: Option<String>) -> Self {
        let allowed = match suggest::nearest(setting, key::names()) {
            Some(name) => format!("perhaps {name} is meant"),
            None => key::names().collect::<Vec<_>>().join(", "),
        };
        Self::value(setting, place, "an unknown setting".to_owned(), &allowed)
    }

    pub(super) fn unknown_variable(variable: &str, setting: &str) -> Self {
        let nearest = suggest::nearest(setting, key::names()).unwrap_or_default();
        let allowed = format!(
            "perhaps {ENVIRONMENT_PREFIX}{} is meant",
            nearest.to_ascii_uppercase()
        );
        Self::value(variable, None, "an unknown setting".to_owned(), &allowed)
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::value(
            &path.display().to_string(),
            None,
            format!("a file that cannot be read ({})", error.kind()),
            "a readable TOML file in UTF-8",
        )
    }

    pub(super) fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let place = error
            .span()
            .map_or_else(|| file.to_owned(), |span| place(file, text, span.start));
        Self::value(&place, None, error.message().to_owned(), "TOML")
    }
}

/// File and line of a byte of the file's text.
pub(super) fn place(file: &str, text: &str, byte: usize) -> String {
    let line = text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1;
    format!("{file}:{line}")
}
