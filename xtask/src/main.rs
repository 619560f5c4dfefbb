//! The workspace's tasks. `cargo xtask` alone lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints to its user")]

mod bundle;
mod calls;
mod ci;
mod codegen;
mod endpoints;
mod enums;
mod events;
mod finding;
mod inventory;
mod lists;
mod release;
mod spec;
mod streams;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask TASK

  ci [--skip STEP]... [--only STEP]...   all checks that a change must pass; steps: fmt, clippy, tests,
                                         docs, tidy, codegen, spec, benches, features,
                                         oldest (only where the oldest compiler is installed)
  tidy                                   house rules: directions between crates, READMEs, sizes, dependencies
  codegen [--check]                      writes docs/api/cape.openapi.yaml, docs/ENDPOINTS.md and the coverage in
                                         docs/api/inventory.tsv from docs/api/cape/ and docs/api/cape.asyncapi.yaml,
                                         and the tables of the SDK and the sandbox from docs/api/lists/; --check only
                                         compares
  release [--dry-run [--skip-checks]]    checks that the version of Cargo.toml is ready, tags it and publishes it; with
                                         --dry-run it only checks, and reports all that is missing
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["ci", options @ ..] => match ci::Choice::parse(options) {
            Ok(choice) => ci::run(&choice),
            Err(error) => return usage(&error),
        },
        ["tidy"] => finding::report("tidy", &tidy::run()),
        ["codegen"] => finding::report("codegen", &codegen::run(false)),
        ["codegen", "--check"] => finding::report("codegen --check", &codegen::run(true)),
        ["release", options @ ..] => match release::Options::parse(options) {
            Ok(options) => release::run(options),
            Err(error) => return usage(&error),
        },
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [task, ..] => return usage(&format!("there is no task '{task}' with these options")),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage(error: &str) -> ExitCode {
    eprint!("{error}\n\n{USAGE}");
    ExitCode::from(2)
}
