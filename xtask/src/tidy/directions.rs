//! Which crate may use which other crate. This table is the only place that defines it.

use crate::{
    finding::Finding,
    workspace::{Kind, Package},
};

const HERE: &str = "xtask/src/tidy/directions.rs";

/// A crate and the crates that it may use; `?` marks one that must be behind a feature.
const MAY_USE: &[(&str, &[&str])] = &[
    ("capecrypto-models", &[]),
    ("capecrypto-auth", &[]),
    ("capecrypto-orderbook", &["capecrypto-models"]),
    ("capecrypto-rest", &["capecrypto-auth", "capecrypto-models"]),
    ("capecrypto-exchange", &["capecrypto-rest", "capecrypto-auth", "capecrypto-models"]),
    ("capecrypto-merchant", &["capecrypto-rest", "capecrypto-auth", "capecrypto-models"]),
    ("capecrypto-stream", &["capecrypto-models", "capecrypto-auth", "?capecrypto-rest"]),
    // The check of a webhook uses the models only. Receivers need a clock, and the reconciliation the calls.
    (
        "capecrypto-webhook",
        &[
            "capecrypto-models",
            "?capecrypto-auth",
            "?capecrypto-rest",
            "?capecrypto-exchange",
            "?capecrypto-merchant",
        ],
    ),
    ("cabital", &["capecrypto-rest", "capecrypto-auth", "capecrypto-models", "?capecrypto-webhook"]),
    (
        "capecrypto-live",
        &[
            "capecrypto-exchange",
            "capecrypto-rest",
            "capecrypto-stream",
            "capecrypto-orderbook",
            "capecrypto-models",
        ],
    ),
    (
        "capecrypto",
        &[
            "capecrypto-models",
            "capecrypto-auth",
            "capecrypto-rest",
            "capecrypto-exchange",
            "?capecrypto-stream",
            "?capecrypto-orderbook",
            "?capecrypto-live",
            "?capecrypto-merchant",
            "?capecrypto-webhook",
            "?cabital",
        ],
    ),
    // For tests of users: it has the server's side of the stream's trait, and knows neither the book nor the sandbox.
    ("capecrypto-simnet", &["capecrypto-stream", "capecrypto-models"]),
    // It has its own wire types, so that the same wrong name cannot be in client and server.
    ("capecrypto-sandbox", &[]),
    ("capecrypto-testkit", &[]),
    // Only for tests: it is a dev-dependency of the crates whose calls it checks.
    (
        "capecrypto-probe",
        &[
            "capecrypto-auth",
            "capecrypto-models",
            "capecrypto-rest",
            "capecrypto-sandbox",
            "capecrypto-testkit",
        ],
    ),
    ("xtask", &[]),
];

/// Reports dependencies that the table does not allow, crates that it does not have, and versions of dev-dependencies.
pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let ours: Vec<&Package> = packages.iter().filter(|package| package.ours).collect();
    let mut findings = Vec::new();
    for package in &ours {
        let place = format!("{}/Cargo.toml", package.place());
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            let fix =
                format!("add it to the table in {HERE}, with what it may use, and to docs/ARCHITECTURE.md");
            findings.push(Finding::new(place, "the table of directions does not know this crate", fix));
            continue;
        };
        for dependency in &package.dependencies {
            if !ours.iter().any(|other| other.name == dependency.name) {
                continue;
            }
            let name = &dependency.name;
            if dependency.kind == Kind::Dev {
                if dependency.version != "*" {
                    let problem = format!(
                        "the dev-dependency {name} has a version, so the crates could not be published in order"
                    );
                    let fix = format!("give only its path: {name} = {{ path = \"…\" }}");
                    findings.push(Finding::new(place.clone(), problem, fix));
                }
                continue;
            }
            let behind_feature = may_use.iter().any(|known| known.strip_prefix('?') == Some(name));
            if !behind_feature && !may_use.contains(&name.as_str()) {
                let problem = format!("uses {name}, which is not allowed");
                let fix =
                    format!("remove {name}, or move what is needed to a crate below both (table in {HERE})");
                findings.push(Finding::new(place.clone(), problem, fix));
            } else if behind_feature && !dependency.optional {
                let problem = format!("uses {name} always; it belongs behind a feature");
                let fix = format!(
                    "write {name} = {{ workspace = true, optional = true }} and name it in a feature"
                );
                findings.push(Finding::new(place.clone(), problem, fix));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, dependencies: &[(&str, Kind, bool, &str)]) -> Package {
        let dependency = |(name, kind, optional, version): &(&str, Kind, bool, &str)| Dependency {
            name: (*name).to_owned(),
            kind: *kind,
            optional: *optional,
            version: (*version).to_owned(),
        };
        let dependencies = dependencies.iter().map(dependency).collect();
        Package { name: name.to_owned(), ours: true, dependencies, ..Package::default() }
    }

    fn problems(packages: &[Package]) -> Vec<String> {
        check(packages).into_iter().map(|finding| format!("{}: {}", finding.place, finding.problem)).collect()
    }

    const V: &str = "^0.1.0";

    #[test]
    fn the_designs_edges_are_fine() {
        let packages = [
            package("capecrypto-models", &[]),
            package("capecrypto-auth", &[]),
            package(
                "capecrypto-rest",
                &[("capecrypto-auth", Kind::Normal, false, V), ("serde", Kind::Normal, false, "^1")],
            ),
            package("capecrypto-stream", &[("capecrypto-rest", Kind::Normal, true, V)]),
            package("capecrypto-sandbox", &[]),
            package("capecrypto-exchange", &[("capecrypto-sandbox", Kind::Dev, false, "*")]),
        ];
        assert_eq!(problems(&packages), Vec::<String>::new());
    }

    #[test]
    fn a_planted_edge_is_found_whatever_its_kind() {
        for kind in [Kind::Normal, Kind::Build] {
            let packages = [
                package("capecrypto-models", &[]),
                package("capecrypto-sandbox", &[("capecrypto-models", kind, false, V)]),
                package("capecrypto-auth", &[("capecrypto-models", kind, false, V)]),
            ];
            let found = problems(&packages);
            assert_eq!(found.len(), 2, "{found:?}");
            assert!(
                found.iter().all(|problem| problem.contains("uses capecrypto-models, which is not allowed"))
            );
        }
    }

    #[test]
    fn what_belongs_behind_a_feature_is_found() {
        let packages = [
            package("capecrypto-rest", &[]),
            package("capecrypto-stream", &[("capecrypto-rest", Kind::Normal, false, V)]),
        ];
        assert!(problems(&packages)[0].contains("belongs behind a feature"));
    }

    #[test]
    fn a_version_on_an_internal_dev_dependency_is_found() {
        let packages = [
            package("capecrypto-sandbox", &[]),
            package("capecrypto-rest", &[("capecrypto-sandbox", Kind::Dev, false, V)]),
        ];
        assert!(problems(&packages)[0].contains("dev-dependency capecrypto-sandbox has a version"));
    }

    #[test]
    fn an_unknown_crate_is_found() {
        assert!(problems(&[package("capecrypto-extra", &[])])[0].contains("does not know this crate"));
    }
}
