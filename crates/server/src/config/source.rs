//! Where each setting comes from, for `check-config`.

use std::path::Path;

use super::{Config, key};

/// Where a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File,
    /// An environment variable, which wins over the file.
    Environment,
}

impl Source {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

impl Config {
    /// Where each setting comes from, in the order of [`Config::describe`]: for a file and an environment that
    /// [`Config::load`] has found to be without mistakes. A file that cannot be read counts as empty.
    #[must_use]
    pub fn sources(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Vec<Source> {
        let text = file
            .and_then(|path| std::fs::read_to_string(path).ok())
            .unwrap_or_default();
        let (table, _) = toml::de::DeTable::parse_recoverable(&text);
        let variables: Vec<String> = environment
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name)
            .collect();
        key::ALL
            .iter()
            .map(|key| {
                if variables.contains(&key.environment()) {
                    Source::Environment
                } else if table.get_ref().contains_key(key.name) {
                    Source::File
                } else {
                    Source::Default
                }
            })
            .collect()
    }
}
