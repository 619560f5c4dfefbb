//! Which packages are published, in which version and in which order.

use crate::{
    finding::Finding,
    workspace::{Kind, Package},
};

/// The plan of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) version: String,
    pub(super) tag: String,
    /// In the order of publishing: each package after the ones that it needs.
    pub(super) packages: Vec<Member>,
}

/// A package that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Its folder: `crates/models`.
    pub(super) place: String,
}

impl Plan {
    pub(super) fn names(&self) -> Vec<&str> {
        self.packages.iter().map(|package| package.name.as_str()).collect()
    }

    /// `--package NAME` for each package.
    pub(super) fn selection(&self) -> Vec<&str> {
        self.names().into_iter().flat_map(|name| ["--package", name]).collect()
    }
}

/// Makes the plan, or reports why the packages cannot be published together.
pub(super) fn plan(packages: &[Package]) -> Result<Plan, Vec<Finding>> {
    let published: Vec<&Package> =
        packages.iter().filter(|package| package.ours && package.published).collect();
    let Some(first) = published.first() else {
        let fix = "remove publish = false from the manifests of the packages to publish";
        return Err(vec![Finding::new("Cargo.toml", "no package of the workspace is published", fix)]);
    };
    let mut findings = Vec::new();
    for package in &published {
        findings.extend(version(package, &first.name, &first.version));
        findings.extend(package.dependencies.iter().filter(|dependency| counts(dependency)).filter_map(
            |dependency| {
                let needed =
                    packages.iter().find(|package| package.ours && package.name == dependency.name)?;
                asked(package, needed, &dependency.version)
            },
        ));
    }
    if !findings.is_empty() {
        // The version of a dependency is in one line for all packages, so one finding for each line is enough.
        let mut fixes = Vec::new();
        findings.retain(|finding| {
            let new = !fixes.contains(&finding.fix);
            fixes.push(finding.fix.clone());
            new
        });
        return Err(findings);
    }
    let version = first.version.clone();
    Ok(Plan { tag: format!("v{version}"), version, packages: order(&published)? })
}

/// Whether a dependency is published. Cargo leaves out dev-dependencies that have only a path.
fn counts(dependency: &crate::workspace::Dependency) -> bool {
    dependency.kind != Kind::Dev || dependency.version != "*"
}

fn version(package: &Package, first: &str, version: &str) -> Option<Finding> {
    (package.version != version).then(|| {
        let problem = format!("has the version {}, but {first} has {version}", package.version);
        let place = format!("{}/Cargo.toml", package.place());
        let fix = format!(
            "write version.workspace = true in {place}: all packages share the version of workspace.package"
        );
        Finding::new(place, problem, fix)
    })
}

fn asked(package: &Package, needed: &Package, asks: &str) -> Option<Finding> {
    let place = format!("{}/Cargo.toml", package.place());
    if !needed.published {
        let problem = format!("needs {}, which is not published", needed.name);
        let fix = format!("publish {} too, or make it a dev-dependency with only a path", needed.name);
        return Some(Finding::new(place, problem, fix));
    }
    (asks != format!("^{}", needed.version)).then(|| {
        let problem =
            format!("asks for {} in the version {asks}, but it has {}", needed.name, needed.version);
        let fix = format!(
            "write version = \"{}\" for {} under [workspace.dependencies] in Cargo.toml",
            needed.version, needed.name
        );
        Finding::new(place, problem, fix)
    })
}

/// Sorts the packages: each one after those that it needs. If several could be next, by name, so that the order is always
/// the same.
fn order(published: &[&Package]) -> Result<Vec<Member>, Vec<Finding>> {
    let mut left = published.to_vec();
    left.sort_by(|a, b| a.name.cmp(&b.name));
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |package: &Package| {
            let mut needs = package.dependencies.iter().filter(|dependency| counts(dependency));
            needs.any(|needed| left.iter().any(|other| other.name == needed.name))
        };
        let Some(next) = left.iter().position(|package| !waits(package)) else {
            let names: Vec<&str> = left.iter().map(|package| package.name.as_str()).collect();
            let problem = format!("these packages need each other: {}", names.join(", "));
            let fix =
                "make one of them a dev-dependency with only a path: { path = \"...\" } without a version";
            return Err(vec![Finding::new("Cargo.toml", problem, fix)]);
        };
        let package = left.remove(next);
        ordered.push(Member { name: package.name.clone(), place: package.place() });
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, version: &str, needs: &[(&str, Kind, &str)]) -> Package {
        let dependencies = needs.iter().map(|&(name, kind, version)| Dependency {
            name: name.to_owned(),
            kind,
            version: version.to_owned(),
            ..Dependency::default()
        });
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            ours: true,
            published: true,
            dependencies: dependencies.collect(),
            ..Package::default()
        }
    }

    fn problem(packages: &[Package]) -> String {
        plan(packages).unwrap_err().iter().map(|finding| format!("{finding:?}")).collect()
    }

    #[test]
    fn each_package_comes_after_those_it_needs() {
        let mut tasks = package("tasks", "0.0.0", &[]);
        tasks.published = false;
        let mut serde = package("serde", "1.2.3", &[]);
        serde.ours = false;
        let packages = [
            package("facade", "0.1.0", &[("rest", Kind::Normal, "^0.1.0"), ("local", Kind::Dev, "*")]),
            package("local", "0.1.0", &[]),
            package("models", "0.1.0", &[("serde", Kind::Normal, "^1"), ("rest", Kind::Dev, "*")]),
            package("rest", "0.1.0", &[("models", Kind::Normal, "^0.1.0")]),
            tasks,
            serde,
        ];
        let plan = plan(&packages).unwrap();
        assert_eq!((plan.version.as_str(), plan.tag.as_str()), ("0.1.0", "v0.1.0"));
        assert_eq!(plan.names(), ["local", "models", "rest", "facade"]);
        assert_eq!(plan.selection()[..2], ["--package", "local"]);
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let said = problem(&[package("a", "0.1.0", &[]), package("b", "0.2.0", &[])]);
        assert!(said.contains("has the version 0.2.0, but a has 0.1.0"), "{said}");
        assert!(said.contains("version.workspace = true"), "{said}");
    }

    #[test]
    fn a_sister_is_asked_for_in_the_same_version() {
        let said = problem(&[
            package("a", "0.2.0", &[]),
            package("b", "0.2.0", &[("a", Kind::Normal, "^0.1.0")]),
            package("c", "0.2.0", &[("a", Kind::Normal, "^0.1.0"), ("b", Kind::Normal, "*")]),
        ]);
        assert_eq!(said.matches("asks for a in the version ^0.1.0, but it has 0.2.0").count(), 1, "{said}");
        assert!(said.contains("asks for b in the version *"), "{said}");
        assert!(said.contains("[workspace.dependencies]"), "{said}");
    }

    #[test]
    fn what_is_not_published_cannot_be_needed() {
        let mut kit = package("kit", "0.1.0", &[]);
        kit.published = false;
        let said = problem(&[package("a", "0.1.0", &[("kit", Kind::Build, "^0.1.0")]), kit.clone()]);
        assert!(said.contains("needs kit, which is not published"), "{said}");
        assert!(problem(&[kit]).contains("no package of the workspace is published"));
    }

    #[test]
    fn a_circle_is_told() {
        let said = problem(&[
            package("a", "0.1.0", &[("b", Kind::Normal, "^0.1.0")]),
            package("b", "0.1.0", &[("a", Kind::Dev, "^0.1.0")]),
        ]);
        assert!(said.contains("need each other: a, b"), "{said}");
    }
}
