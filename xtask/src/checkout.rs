//! What the rules look at: the text of every file of the repository and its dependency graph, read once.
//!
//! Rules never touch the disk themselves, so a test hands them a checkout made of strings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::graph::Graph;
use crate::policy::{Policy, PolicyError};

/// A checkout of the repository, in memory.
#[derive(Debug)]
pub struct Checkout {
    /// Path from the root, with `/` between its parts, to the text; `None` where the file is not UTF-8.
    files: BTreeMap<String, Option<String>>,
    graph: Graph,
}

/// Why the repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// `cargo metadata` failed.
    #[error("cannot read the dependency graph")]
    Metadata(#[from] cargo_metadata::Error),
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `deny.toml` is missing or cannot be understood.
    #[error("deny.toml: {0}")]
    Policy(#[from] PolicyError),
    /// `.gitignore` holds a pattern that this walk does not understand.
    #[error(".gitignore: `{0}` is not a rooted name such as `/target`; teach xtask::checkout the pattern")]
    Ignore(String),
}

impl Checkout {
    /// Reads the workspace that `from` lies in.
    ///
    /// # Errors
    /// Where cargo, a file, `.gitignore` or `deny.toml` cannot be read.
    pub fn load(from: &Path) -> Result<Self, LoadError> {
        let root = cargo_metadata::MetadataCommand::new()
            .current_dir(from)
            .no_deps()
            .exec()?
            .workspace_root
            .into_std_path_buf();
        let mut checkout = Self {
            files: read_files(&root)?,
            graph: Graph::default(),
        };
        let policy = Policy::of(&checkout)?;
        checkout.graph = Graph::load(&root, &policy.targets)?;
        Ok(checkout)
    }

    /// A checkout made of texts, for tests.
    #[must_use]
    pub fn of(files: &[(&str, &str)], graph: Graph) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
            .collect();
        Self { files, graph }
    }

    /// The text of one file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Every text file, by path.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Every text file whose name ends in one of `endings`.
    pub fn texts_ending(&self, endings: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        self.texts()
            .filter(move |(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
    }

    /// Whether there is a file or a folder at this path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// The workspace members and all that they depend on.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

fn read_files(root: &Path) -> Result<BTreeMap<String, Option<String>>, LoadError> {
    let mut ignored = vec![root.join(".git")];
    for line in read(&root.join(".gitignore"))?.unwrap_or_default().lines() {
        match line.strip_prefix('/') {
            Some(name) if !name.contains(['*', '?', '[']) => {
                ignored.push(root.join(name.trim_end_matches('/')));
            }
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => return Err(LoadError::Ignore(line.to_owned())),
        }
    }
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let failed = |source| LoadError::Read {
            path: folder.clone(),
            source,
        };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let kind = entry.file_type().map_err(failed)?;
            if ignored.contains(&path) {
                continue;
            } else if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files.insert(name_in(root, &path), read(&path)?);
            }
        }
    }
    Ok(files)
}

fn name_in(root: &Path, path: &Path) -> String {
    let parts: Vec<_> = path
        .strip_prefix(root)
        .unwrap_or(path)
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

fn read(path: &Path) -> Result<Option<String>, LoadError> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(source) => Err(LoadError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}
