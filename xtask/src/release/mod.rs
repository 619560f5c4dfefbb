//! Makes a release: checks that everything is ready, tags it, publishes each package in order.
//!
//! The cheap steps come first. Nothing is pushed or published before all checks have passed.

mod api;
mod changelog;
mod git;
mod package;
mod plan;
mod publish;
mod tree;

use crate::{
    ci,
    finding::{Finding, report},
    workspace,
};
use plan::Plan;

/// The result of a step: a message if it succeeded, or its findings.
type Done = Result<String, Vec<Finding>>;

type Step = fn(&Plan, Options) -> Done;

const STEPS: [(&str, Step); 7] = [
    ("tree", tree::check),
    ("changelog", changelog::check),
    ("checks", checks),
    ("package", package::check),
    ("api", api::check),
    ("tag", publish::tag),
    ("publish", publish::publish),
];

/// How to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    dry_run: bool,
    skip_checks: bool,
}

impl Options {
    /// From `--dry-run` and `--skip-checks`.
    pub(crate) fn parse(options: &[&str]) -> Result<Self, String> {
        let mut parsed = Self { dry_run: false, skip_checks: false };
        for option in options {
            match *option {
                "--dry-run" => parsed.dry_run = true,
                "--skip-checks" => parsed.skip_checks = true,
                other => return Err(format!("release does not know '{other}'")),
            }
        }
        if parsed.skip_checks && !parsed.dry_run {
            return Err("--skip-checks goes only with --dry-run: a release is always checked".to_owned());
        }
        Ok(parsed)
    }
}

/// Runs the steps; true if all of them succeeded. A release stops at the first step that fails. A dry run continues, so
/// that it reports everything that is missing.
pub(crate) fn run(options: Options) -> bool {
    println!("== plan");
    let packages = workspace::packages()
        .map_err(|error| vec![Finding::new("Cargo.lock", error, "cargo update --workspace")]);
    let plan = match packages.and_then(|packages| plan::plan(&packages)) {
        Ok(plan) => plan,
        Err(findings) => return report("plan", &findings),
    };
    println!("version {}, in this order: {}", plan.version, plan.names().join(", "));

    let mut failed = Vec::new();
    for (name, step) in STEPS {
        println!("\n== {name}");
        match step(&plan, options) {
            Ok(said) => println!("{name}: {said}"),
            Err(findings) => {
                report(name, &findings);
                failed.push(name);
            }
        }
        if !failed.is_empty() && !options.dry_run {
            break;
        }
    }
    println!("\n{}", summary(&plan.tag, &failed, options.dry_run));
    failed.is_empty()
}

fn summary(tag: &str, failed: &[&str], dry_run: bool) -> String {
    match (failed, dry_run) {
        ([], false) => format!("{tag} is released"),
        ([], true) => format!("{tag} is ready; nothing was tagged or published"),
        (failed, true) => format!("{tag} is not ready: {}", failed.join(", ")),
        (failed, false) => format!("{tag} stopped at: {}. Fix it and run this again", failed.join(", ")),
    }
}

/// A release must pass all checks of a change.
fn checks(_: &Plan, options: Options) -> Done {
    if options.skip_checks {
        return Ok("skipped: --skip-checks".to_owned());
    }
    let all = ci::Choice::parse(&[]).map_err(|error| vec![Finding::new("ci", error, "cargo xtask ci")])?;
    if ci::run(&all) {
        return Ok("fine".to_owned());
    }
    Err(vec![Finding::new("cargo xtask ci", "failed", "see the table above for what fixes each step")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dry_run_may_skip_the_checks() {
        let parse = |options: &[&str]| Options::parse(options);
        assert_eq!(parse(&[]), Ok(Options { dry_run: false, skip_checks: false }));
        assert_eq!(parse(&["--skip-checks", "--dry-run"]), Ok(Options { dry_run: true, skip_checks: true }));
        assert!(parse(&["--skip-checks"]).unwrap_err().contains("only with --dry-run"));
        assert!(parse(&["--dryrun"]).unwrap_err().contains("'--dryrun'"));
    }

    #[test]
    fn the_last_line_says_how_it_went() {
        assert_eq!(summary("v1", &[], false), "v1 is released");
        assert_eq!(summary("v1", &[], true), "v1 is ready; nothing was tagged or published");
        assert_eq!(summary("v1", &["tree", "api"], true), "v1 is not ready: tree, api");
        assert_eq!(summary("v1", &["tree"], false), "v1 stopped at: tree. Fix it and run this again");
    }
}
