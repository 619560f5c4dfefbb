//! All checks that a change must pass, the same on your machine and on the server.

use crate::{
    codegen,
    finding::{Finding, Outcome, report},
    spec, tidy,
    workspace::{Package, cargo, packages, root, target},
};
use std::{
    env::consts::EXE_SUFFIX,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const STEPS: [&str; 11] = [
    "fmt", "clippy", "tests", "examples", "docs", "tidy", "codegen", "spec", "benches", "features", "oldest",
];

/// The folders of the examples. Each example must run without arguments.
const EXAMPLES: [&str; 2] = ["crates/capecrypto/examples", "crates/webhook/examples"];

const BENCHES: &str = "benches/Cargo.toml";

/// Which steps to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice(Vec<&'static str>);

impl Choice {
    /// From `--skip STEP` and `--only STEP`.
    pub(crate) fn parse(options: &[&str]) -> Result<Self, String> {
        let (mut skip, mut only) = (Vec::new(), Vec::new());
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let list = match *option {
                "--skip" => &mut skip,
                "--only" => &mut only,
                other => return Err(format!("ci does not know '{other}'")),
            };
            let step = options.next().ok_or_else(|| format!("{option} needs a step"))?;
            let known = STEPS.iter().find(|known| *known == step);
            list.push(*known.ok_or_else(|| format!("there is no step '{step}': {}", STEPS.join(", ")))?);
        }
        let chosen = |step: &&&str| !skip.contains(*step) && (only.is_empty() || only.contains(*step));
        Ok(Self(STEPS.iter().filter(chosen).copied().collect()))
    }
}

/// Runs the steps and prints a table; true if none of them failed.
pub(crate) fn run(choice: &Choice) -> bool {
    let rows: Vec<Row> = choice
        .0
        .iter()
        .map(|step| {
            println!("\n== {step}");
            let start = Instant::now();
            let outcome = match *step {
                "spec" => spec::run(),
                "oldest" => oldest(),
                step => self::step(step).map_or(Outcome::Fine, Outcome::Failed),
            };
            Row { step, took: start.elapsed(), outcome }
        })
        .collect();
    print!("\n{}", table(&rows));
    !rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
}

struct Row {
    step: &'static str,
    took: Duration,
    outcome: Outcome,
}

fn table(rows: &[Row]) -> String {
    let line = |Row { step, took, outcome }: &Row| {
        let result = match outcome {
            Outcome::Fine => "fine".to_owned(),
            Outcome::Skipped(reason) => format!("skipped: {reason}"),
            Outcome::Failed(fix) => format!("FAILED, fix: {fix}"),
        };
        format!("{step:<10}{:>5} s  {result}\n", took.as_secs())
    };
    let total: Duration = rows.iter().map(|row| row.took).sum();
    format!("{}{:<10}{:>5} s\n", rows.iter().map(line).collect::<String>(), "together", total.as_secs())
}

/// Runs one step. If it fails, returns the remedy.
fn step(step: &str) -> Option<String> {
    let all = ["--workspace", "--all-features"];
    let cargo_step = |command: &[&str], fix: &str| {
        let mut command = cargo(command);
        if step == "docs" {
            command.env("RUSTDOCFLAGS", "-D warnings");
        }
        (!succeeds(&mut command)).then(|| fix.to_owned())
    };
    match step {
        "fmt" => cargo_step(&["fmt", "--all", "--check"], "cargo fmt --all"),
        "clippy" => cargo_step(
            &["clippy", all[0], all[1], "--all-targets", "--", "-D", "warnings"],
            "cargo clippy --workspace --all-features --all-targets --fix, then by hand",
        ),
        "tests" => cargo_step(
            &["test", all[0], all[1]],
            "see the failed test above; it prints its seed if it has one",
        ),
        "examples" => examples(),
        "docs" => cargo_step(&["doc", all[0], all[1], "--no-deps"], "fix the docs named above"),
        "tidy" => (!report("tidy", &tidy::run())).then(|| "see each line of cargo xtask tidy".to_owned()),
        "codegen" => {
            (!report("codegen --check", &codegen::run(true))).then(|| "cargo xtask codegen".to_owned())
        }
        // A separate workspace. Only checks that it compiles with these crates and its own Cargo.lock.
        "benches" => cargo_step(
            &["clippy", "--quiet", "--locked", "--manifest-path", BENCHES, "--", "-D", "warnings"],
            "cargo clippy --manifest-path benches/Cargo.toml",
        ),
        _ => features(),
    }
}

/// Runs every example. Each one checks its own results, and fails if one is wrong.
///
/// They are built together, as the tests build them. `cargo run -p` would build the dependencies again with fewer features.
fn examples() -> Option<String> {
    let build = ["build", "--quiet", "--workspace", "--examples"];
    if !succeeds(&mut cargo(&build)) {
        return Some(format!("cargo {}", build.join(" ")));
    }
    let built = match target() {
        Ok(target) => target.join("debug/examples"),
        Err(error) => return Some(error),
    };
    let mut failed = Vec::new();
    for folder in EXAMPLES {
        let names = match names(&root().join(folder)) {
            Ok(names) if !names.is_empty() => names,
            Ok(_) => return Some(format!("there is no example in {folder}")),
            Err(error) => return Some(format!("{folder}: {error}")),
        };
        for name in names {
            println!("\n{name}");
            let program = built.join(format!("{name}{EXE_SUFFIX}"));
            if !succeeds(Command::new(program).current_dir(root())) {
                failed.push(format!("see above what fails in {folder}/{name}.rs"));
            }
        }
    }
    (!failed.is_empty()).then(|| failed.join("; "))
}

/// The names of the Rust files of a folder, in order.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Checks each crate without features and with each single feature. In the whole workspace, another crate can turn on a
/// feature that this crate forgot; its users would then get an error.
fn features() -> Option<String> {
    let packages = match packages() {
        Ok(packages) => packages,
        Err(error) => {
            report("features", &[Finding::new("Cargo.lock", error, "cargo update --workspace")]);
            return Some("cargo update --workspace".to_owned());
        }
    };
    let failed: Vec<String> = checks(&packages)
        .into_iter()
        .filter(|arguments| {
            println!("cargo {}", arguments.join(" "));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            !succeeds(&mut cargo(&arguments))
        })
        .map(|arguments| format!("cargo {}", arguments.join(" ")))
        .collect();
    (!failed.is_empty()).then(|| failed.join("; "))
}

/// The commands of the step `features`.
fn checks(packages: &[Package]) -> Vec<Vec<String>> {
    let mut checks = Vec::new();
    for package in packages.iter().filter(|package| package.ours && package.name != "xtask") {
        let mut add = |features: &[&str]| {
            let command = ["clippy", "--quiet", "--package", &package.name, "--no-default-features"];
            let words = command.iter().chain(features).chain(&["--", "--deny", "warnings"]);
            checks.push(words.map(|&word| word.to_owned()).collect());
        };
        add(&[]);
        package.features.iter().for_each(|feature| add(&["--features", feature]));
    }
    checks
}

/// Builds everything with the oldest compiler that we promise, if it is installed.
fn oldest() -> Outcome {
    let version = match packages() {
        Ok(packages) => packages.into_iter().find(|package| package.ours).and_then(|ours| ours.rust_version),
        Err(error) => return Outcome::Failed(error),
    };
    let Some(version) = version else { return Outcome::Failed("set rust-version in Cargo.toml".to_owned()) };
    let is_there = Command::new("rustup").args(["run", &version, "rustc", "--version"]).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        let install = format!("rustup toolchain install {version} --profile minimal");
        return Outcome::Skipped(format!("Rust {version} is not installed: {install}"));
    }
    let folder = match target() {
        Ok(target) => target.join("oldest"),
        Err(error) => return Outcome::Failed(error),
    };
    let arguments =
        ["run", &version, "cargo", "check", "--quiet", "--locked", "--workspace", "--all-features"];
    let mut check = Command::new("rustup");
    // In a folder of its own, so that it does not take the place of what the newer compiler has built.
    check.args(arguments).arg("--target-dir").arg(folder).current_dir(root());
    if succeeds(&mut check) {
        Outcome::Fine
    } else {
        Outcome::Failed(format!("rustup {}", arguments.join(" ")))
    }
}

fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("{command:?}: {error}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name() {
        let parse = |options: &[&str]| Choice::parse(options).map(|choice| choice.0);
        assert_eq!(parse(&[]), Ok(STEPS.to_vec()));
        assert_eq!(parse(&["--only", "tidy", "--only", "fmt"]), Ok(vec!["fmt", "tidy"]));
        let without = parse(&["--skip", "tests"]).unwrap();
        assert!(!without.contains(&"tests") && without.len() == STEPS.len() - 1);
        for (options, word) in
            [(&["--skip", "test"][..], "'test'"), (&["--only"], "needs a step"), (&["-x"], "'-x'")]
        {
            assert!(parse(options).unwrap_err().contains(word));
        }
    }

    #[test]
    fn every_example_is_run() {
        let all = EXAMPLES.map(|folder| names(&root().join(folder)).unwrap());
        assert!(all[0].contains(&"quickstart".to_owned()) && all[0].len() > 3, "{all:?}");
        assert!(all.iter().all(|names| !names.is_empty()), "{all:?}");
        assert!(names(&root().join("no such folder")).is_err());
    }

    #[test]
    fn the_table_says_what_fixes_a_failure_and_why_a_step_was_skipped() {
        let took = Duration::from_secs(3);
        let rows = [
            Row { step: "fmt", took, outcome: Outcome::Failed("cargo fmt --all".to_owned()) },
            Row { step: "docs", took, outcome: Outcome::Fine },
            Row { step: "spec", took, outcome: Outcome::Skipped("Node is missing".to_owned()) },
        ];
        let table = table(&rows);
        assert!(table.contains("fmt           3 s  FAILED, fix: cargo fmt --all"), "{table}");
        assert!(table.contains("docs          3 s  fine") && table.contains("together      9 s"), "{table}");
        assert!(table.contains("spec          3 s  skipped: Node is missing\n"), "{table}");
    }

    #[test]
    fn each_feature_is_checked_alone_and_none_too() {
        let package = |name: &str, ours, features: &[&str]| Package {
            name: name.to_owned(),
            ours,
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
            ..Package::default()
        };
        let packages =
            [package("a", true, &["x", "y"]), package("xtask", true, &[]), package("serde", false, &["z"])];
        let checks: Vec<String> = checks(&packages).iter().map(|arguments| arguments.join(" ")).collect();
        assert_eq!(
            checks,
            [
                "clippy --quiet --package a --no-default-features -- --deny warnings",
                "clippy --quiet --package a --no-default-features --features x -- --deny warnings",
                "clippy --quiet --package a --no-default-features --features y -- --deny warnings",
            ]
        );
    }
}
