//! The dependency graph: workspace members with what they ask for directly, and every outside package that is
//! really built for one of the policy's targets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand, Node, Package, PackageId};

/// Members and outside packages.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The packages of this workspace.
    pub members: Vec<Member>,
    /// Everything else that gets built.
    pub outside: Vec<Outside>,
}

/// A package of this workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// The package's name.
    pub name: String,
    /// Its folder, from the root of the repository.
    pub folder: String,
    /// What its manifest asks for.
    pub dependencies: Vec<Dependency>,
}

/// A direct dependency of a member, for the crate itself, its build script or its tests.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// Whether it comes from this repository.
    pub local: bool,
}

/// A package from elsewhere.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The package's name.
    pub name: String,
    /// The resolved version.
    pub version: String,
    /// The SPDX expression of its manifest.
    pub licence: Option<String>,
    /// Where it comes from, as cargo writes it; `None` for a path.
    pub source: Option<String>,
}

impl Graph {
    /// Asks cargo, for these target triples, without changing the lock file.
    ///
    /// # Errors
    /// Where `cargo metadata` fails, for example because the lock file is behind a manifest.
    pub fn load(root: &Path, targets: &[String]) -> Result<Self, cargo_metadata::Error> {
        let mut options = vec!["--locked".to_owned()];
        for target in targets {
            options.extend(["--filter-platform".to_owned(), target.clone()]);
        }
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .other_options(options)
            .exec()?;
        Ok(Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        let built = built(metadata);
        let members = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| member(metadata, package))
            .collect();
        let outside = metadata
            .packages
            .iter()
            .filter(|package| {
                built.contains(&package.id) && !metadata.workspace_members.contains(&package.id)
            })
            .map(|package| Outside {
                name: package.name.to_string(),
                version: package.version.to_string(),
                licence: package.license.clone(),
                source: package.source.as_ref().map(|source| source.repr.clone()),
            })
            .collect();
        Self { members, outside }
    }
}

fn member(metadata: &Metadata, package: &Package) -> Member {
    let folder = package.manifest_path.parent().unwrap_or(&package.manifest_path);
    Member {
        name: package.name.to_string(),
        folder: folder
            .strip_prefix(&metadata.workspace_root)
            .unwrap_or(folder)
            .to_string(),
        dependencies: package
            .dependencies
            .iter()
            .map(|dependency| Dependency {
                name: dependency.name.clone(),
                local: dependency.path.is_some(),
            })
            .collect(),
    }
}

/// The packages that can be reached from the members. Cargo's graph also holds optional dependencies that only a
/// weak feature (`name?/feature`) mentions; those are not built, so the walk leaves them out.
fn built(metadata: &Metadata) -> BTreeSet<PackageId> {
    let packages: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package))
        .collect();
    let nodes: BTreeMap<_, _> = metadata
        .resolve
        .iter()
        .flat_map(|resolve| &resolve.nodes)
        .map(|node| (&node.id, node))
        .collect();
    let mut built = BTreeSet::new();
    let mut open: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    while let Some(id) = open.pop() {
        if !built.insert(id.clone()) {
            continue;
        }
        let (Some(node), Some(package)) = (nodes.get(id), packages.get(id)) else {
            continue;
        };
        open.extend(node.deps.iter().map(|dep| &dep.pkg).filter(|wanted| {
            packages
                .get(wanted)
                .is_none_or(|wanted| is_on(package, node, &wanted.name))
        }));
    }
    built
}

/// Whether `package`, with the features of `node`, really asks for the package called `wanted`.
fn is_on(package: &Package, node: &Node, wanted: &str) -> bool {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.name == wanted)
        .any(|dependency| {
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
            !dependency.optional
                || node.features.iter().any(|feature| {
                    let feature: &str = feature.as_ref();
                    feature == name
                        || package.features.get(feature).is_some_and(|turns_on| {
                            turns_on.iter().any(|entry| {
                                entry.strip_prefix("dep:") == Some(name)
                                    || entry.split_once('/').is_some_and(|(on, _)| on == name)
                            })
                        })
                })
        })
}
