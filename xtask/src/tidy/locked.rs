//! Checks the dependencies of the lock file: which compiler they need, and how many there are.

use crate::{
    finding::Finding,
    workspace::{self, Package},
};

/// The limit for a crate's dependencies, without our own crates.
struct Budget {
    package: &'static str,
    most: usize,
    without: &'static [&'static str],
}

/// The crates for data, signing, the book and the check of a webhook must not need a runtime or an HTTP client.
const LEAN: &[&str] = &["tokio", "hyper", "reqwest", "h2", "ureq", "axum", "tower"];

const BUDGETS: &[Budget] = &[
    Budget { package: "capecrypto-models", most: 30, without: LEAN },
    Budget { package: "capecrypto-auth", most: 30, without: LEAN },
    Budget { package: "capecrypto-orderbook", most: 30, without: LEAN },
    // The data of `models` and what HMAC needs are 33 already; base64, a comparison in constant time and `http` are three more.
    Budget { package: "capecrypto-webhook", most: 36, without: LEAN },
    Budget { package: "capecrypto", most: 86, without: &["openssl-sys", "native-tls", "axum"] },
];

/// Reports dependencies that need a newer compiler than we promise. So `rust-version` is checked even if only one toolchain
/// is installed; the job `msrv` builds with the oldest one.
pub(crate) fn rust_versions(packages: &[Package]) -> Vec<Finding> {
    let ours =
        packages.iter().filter(|package| package.ours).filter_map(|package| package.rust_version.as_deref());
    let Some(promised) = ours.min_by_key(|version| number(version)) else { return Vec::new() };
    packages
        .iter()
        .filter_map(|package| {
            let needed =
                package.rust_version.as_deref().filter(|needed| number(needed) > number(promised))?;
            let Package { name, version, .. } = package;
            let problem = format!("{name} {version} needs Rust {needed}, but we promise {promised}");
            let fix = format!(
                "cargo update --package {name}@{version} --precise OLDER, or raise rust-version in Cargo.toml"
            );
            Some(Finding::new("Cargo.lock", problem, fix))
        })
        .collect()
}

fn number(version: &str) -> Vec<u64> {
    let mut parts: Vec<u64> = version.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    parts.resize(3, 0);
    parts
}

/// Reports crates with too many or forbidden dependencies.
pub(crate) fn budgets(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for budget in BUDGETS {
        if !packages.iter().any(|package| package.ours && package.name == budget.package) {
            continue;
        }
        match workspace::tree(budget.package) {
            Ok(crates) => findings.extend(over(budget, &crates)),
            Err(error) => findings.push(Finding::new(budget.package, error, "cargo tree must work")),
        }
    }
    findings
}

fn over(budget: &Budget, crates: &[String]) -> Vec<Finding> {
    let Budget { package, most, without } = budget;
    let look = |what: &str| format!("see where it comes from: cargo tree -p {package} -e normal,build{what}");
    let mut findings = Vec::new();
    // Our own crates are not counted: the user asked for them.
    let count = crates.iter().filter(|name| !name.starts_with("capecrypto")).count();
    if count > *most {
        let problem = format!("is built from {count} crates of others; at most {most} are allowed");
        findings.push(Finding::new(*package, problem, look("")));
    }
    for name in *without {
        if crates.iter().any(|known| known.split(' ').next() == Some(name)) {
            let problem = format!("is built with {name}, which is not allowed");
            findings.push(Finding::new(*package, problem, look(&format!(" -i {name}"))));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, ours: bool, rust_version: Option<&str>) -> Package {
        let rust_version = rust_version.map(str::to_owned);
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            ours,
            rust_version,
            ..Package::default()
        }
    }

    #[test]
    fn a_dependency_that_needs_a_newer_compiler_is_found() {
        let ours = package("a", true, Some("1.88"));
        let with = |version| rust_versions(&[ours.clone(), package("x", false, version)]);
        for fine in [None, Some("1.88"), Some("1.88.0"), Some("1.9"), Some("1.60.2")] {
            assert_eq!(with(fine), [], "{fine:?}");
        }
        for newer in ["1.89", "1.88.1", "2.0", "1.100"] {
            let found = with(Some(newer));
            assert!(found.len() == 1 && found[0].fix.contains("x@1.0.0"), "{newer}: {found:?}");
        }
    }

    #[test]
    fn a_tree_over_its_budget_is_found() {
        let budget = Budget { package: "a", most: 2, without: LEAN };
        let crates = |names: &[&str]| names.iter().map(|name| format!("{name} v1.0.0")).collect::<Vec<_>>();
        assert_eq!(over(&budget, &crates(&["a", "serde"])), []);
        assert!(
            over(&budget, &crates(&["a", "b", "c"]))[0].problem.contains("3 crates of others; at most 2")
        );
        assert_eq!(over(&budget, &crates(&["a", "b", "capecrypto-c"])), []);
        assert!(over(&budget, &crates(&["a", "tokio"]))[0].fix.contains("-i tokio"));
        assert_eq!(over(&budget, &crates(&["a", "tokio-util-like"])), []);
    }
}
