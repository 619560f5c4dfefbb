//! House rules. Each check reports everything that breaks its rule, not only the first place.

mod crates;
mod directions;
mod layers;
mod locked;
mod sources;
mod voice;

pub(crate) use sources::files;

use crate::{
    finding::Finding,
    workspace::{packages, root},
};

/// Everything that breaks a rule.
pub(crate) fn run() -> Vec<Finding> {
    let packages = match packages() {
        Ok(packages) => packages,
        Err(error) => {
            let fix =
                "fix the manifest; if only the lock file is old: cargo update --workspace, and commit it";
            return vec![Finding::new("Cargo.lock", error, fix)];
        }
    };
    let mut findings = directions::check(&packages);
    findings.extend(crates::check(&packages));
    findings.extend(locked::rust_versions(&packages));
    findings.extend(locked::budgets(&packages));
    findings.extend(sources::check(&root()));
    findings
}
