//! Reads the workspace from cargo.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The variable from which cargo takes the registry's token.
pub(crate) const TOKEN: &str = "CARGO_REGISTRY_TOKEN";

/// A cargo command in the workspace's root. It does not get the registry's token, because cargo runs build scripts and
/// tests, which include code of others.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()).env_remove(TOKEN);
    command
}

/// A package.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// A member of this workspace.
    pub(crate) ours: bool,
    /// May be published: its manifest does not say `publish = false`.
    pub(crate) published: bool,
    pub(crate) rust_version: Option<String>,
    pub(crate) readme: Option<String>,
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: Vec<String>,
}

impl Package {
    /// Its folder relative to the root: `crates/models`.
    pub(crate) fn place(&self) -> String {
        let folder = self.folder.strip_prefix(root()).unwrap_or(&self.folder);
        folder.to_string_lossy().replace('\\', "/")
    }
}

/// A dependency of a package.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    /// The required version; `*` if none is given.
    pub(crate) version: String,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Normal,
    Build,
    Dev,
}

/// Every package of the lock file, ours first.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    metadata("--all-features").map(|metadata| read(&metadata))
}

/// Cargo's target folder.
pub(crate) fn target() -> Result<PathBuf, String> {
    metadata("--no-deps").map(|metadata| text(&metadata, "target_directory").into())
}

fn metadata(option: &str) -> Result<Value, String> {
    let output = cargo(&["metadata", "--format-version", "1", "--locked", option]).output();
    let output = output.map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

fn read(metadata: &Value) -> Vec<Package> {
    let members: Vec<&Value> = list(metadata, "workspace_members").collect();
    let mut packages: Vec<Package> = list(metadata, "packages")
        .map(|package| Package {
            name: text(package, "name"),
            version: text(package, "version"),
            ours: package.get("id").is_some_and(|id| members.contains(&id)),
            // In the metadata, `publish = false` is an empty list of registries.
            published: package.get("publish").and_then(Value::as_array).is_none_or(|to| !to.is_empty()),
            rust_version: package.get("rust_version").and_then(Value::as_str).map(str::to_owned),
            readme: package.get("readme").and_then(Value::as_str).map(str::to_owned),
            folder: Path::new(&text(package, "manifest_path"))
                .parent()
                .map(Path::to_owned)
                .unwrap_or_default(),
            dependencies: list(package, "dependencies").map(dependency).collect(),
            features: package
                .get("features")
                .and_then(Value::as_object)
                .map(|features| features.keys().cloned().collect())
                .unwrap_or_default(),
        })
        .collect();
    packages.sort_by_key(|package| (!package.ours, package.name.clone()));
    packages
}

fn dependency(node: &Value) -> Dependency {
    Dependency {
        name: text(node, "name"),
        kind: match node.get("kind").and_then(Value::as_str) {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        optional: node.get("optional").is_some_and(|optional| optional == true),
        version: text(node, "req"),
    }
}

/// The crates that a package is built from, including itself, without dev-dependencies.
pub(crate) fn tree(package: &str) -> Result<Vec<String>, String> {
    let arguments = [
        "tree",
        "--package",
        package,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--locked",
    ];
    let output = cargo(&arguments).output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let name_and_version =
        |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ");
    let mut crates: Vec<String> =
        lines.lines().map(name_and_version).filter(|line| !line.is_empty()).collect();
    crates.sort();
    crates.dedup();
    Ok(crates)
}

fn text(node: &Value, key: &str) -> String {
    node.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(node: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    node.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_is_read() {
        let packages = read(&json!({
            "workspace_members": ["path+a"],
            "packages": [
                { "id": "registry+z", "name": "z", "version": "1.0.0", "manifest_path": "/z/Cargo.toml" },
                { "id": "path+a", "name": "a", "version": "0.1.0", "manifest_path": "/w/a/Cargo.toml", "publish": [],
                  "rust_version": "1.88", "readme": "README.md", "features": { "default": [], "x": [] },
                  "dependencies": [
                      { "name": "z", "req": "^1", "kind": null, "optional": true },
                      { "name": "y", "req": "*", "kind": "dev", "optional": false },
                  ] },
            ],
        }));
        let [a, z] = packages.as_slice() else { panic!("{packages:?}") };
        assert!(a.ours && !z.ours);
        assert!(!a.published && z.published);
        assert_eq!((a.name.as_str(), a.folder.as_path()), ("a", Path::new("/w/a")));
        assert_eq!(a.features, ["default", "x"]);
        assert!(a.dependencies[0].optional && a.dependencies[0].kind == Kind::Normal);
        assert!(a.dependencies[1].version == "*" && a.dependencies[1].kind == Kind::Dev);
    }
}
