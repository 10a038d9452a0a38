//! What may come in from outside, read from `deny.toml`: one policy for cargo-deny and for the tidy rules.

use crate::checkout::Checkout;

/// The part of `deny.toml` that the tidy rules enforce.
#[derive(Debug, Default)]
pub struct Policy {
    /// The target triples that ringback is built for.
    pub targets: Vec<String>,
    /// Licences that any package may have.
    pub licences: Vec<String>,
    /// Licences that one package may have: its name, and the licences.
    pub exceptions: Vec<(String, Vec<String>)>,
    /// Packages that must not be built: name and reason.
    pub banned: Vec<(String, String)>,
    /// Second versions that are put up with: name and the beginning of the version.
    pub skipped: Vec<(String, String)>,
    /// Registries that packages may come from.
    pub registries: Vec<String>,
}

/// What is wrong with `deny.toml`.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// There is no such file.
    #[error("is missing")]
    Missing,
    /// It is no TOML.
    #[error("is not valid TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// A key is absent or has another type.
    #[error("`{0}` is missing or has the wrong type")]
    Key(&'static str),
}

impl Policy {
    /// Reads the policy of a checkout.
    ///
    /// # Errors
    /// Where `deny.toml` is missing, or lacks a key that the rules need.
    pub fn of(checkout: &Checkout) -> Result<Self, PolicyError> {
        let table: toml::Table = checkout.text("deny.toml").ok_or(PolicyError::Missing)?.parse()?;
        let section = |name| table.get(name).and_then(toml::Value::as_table);
        let graph = section("graph").ok_or(PolicyError::Key("graph"))?;
        let licences = section("licenses").ok_or(PolicyError::Key("licenses"))?;
        let bans = section("bans").ok_or(PolicyError::Key("bans"))?;
        let sources = section("sources").ok_or(PolicyError::Key("sources"))?;
        Ok(Self {
            targets: strings(graph, "targets")?,
            licences: strings(licences, "allow")?,
            exceptions: tables(licences, "exceptions")?
                .into_iter()
                .map(|entry| Ok((string(entry, "crate")?, strings(entry, "allow")?)))
                .collect::<Result<_, PolicyError>>()?,
            banned: tables(bans, "deny")?
                .into_iter()
                .map(|entry| Ok((string(entry, "crate")?, string(entry, "reason")?)))
                .collect::<Result<_, PolicyError>>()?,
            skipped: tables(bans, "skip")?
                .into_iter()
                .map(skipped)
                .collect::<Result<_, PolicyError>>()?,
            registries: strings(sources, "allow-registry")?,
        })
    }
}

/// An entry of `bans.skip`: a version is part of the name, and a reason has to be there.
fn skipped(entry: &toml::Table) -> Result<(String, String), PolicyError> {
    string(entry, "reason")?;
    let name = string(entry, "crate")?;
    let (name, version) = name
        .split_once('@')
        .ok_or(PolicyError::Key("bans.skip: crate = \"name@version\""))?;
    Ok((name.to_owned(), version.to_owned()))
}

fn string(table: &toml::Table, key: &'static str) -> Result<String, PolicyError> {
    let value = table.get(key).and_then(toml::Value::as_str);
    value.map(str::to_owned).ok_or(PolicyError::Key(key))
}

fn strings(table: &toml::Table, key: &'static str) -> Result<Vec<String>, PolicyError> {
    let values = table.get(key).and_then(toml::Value::as_array);
    values
        .ok_or(PolicyError::Key(key))?
        .iter()
        .map(|value| value.as_str().map(str::to_owned).ok_or(PolicyError::Key(key)))
        .collect()
}

/// An array of tables; absent means empty.
fn tables<'a>(table: &'a toml::Table, key: &'static str) -> Result<Vec<&'a toml::Table>, PolicyError> {
    match table.get(key) {
        None => Ok(Vec::new()),
        Some(value) => value
            .as_array()
            .ok_or(PolicyError::Key(key))?
            .iter()
            .map(|value| value.as_table().ok_or(PolicyError::Key(key)))
            .collect(),
    }
}
