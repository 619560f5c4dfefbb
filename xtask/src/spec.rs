//! Runs linters that check the specification against the rules of OpenAPI, and the description of the websocket against those
//! of AsyncAPI. They need Node, which is optional: a linter that cannot be started is skipped with a message.

use crate::{
    bundle::{BUNDLE, FOLDER, PARTNER_BUNDLE},
    finding::Outcome,
    streams::STREAMS,
    workspace::root,
};
use std::{
    io::ErrorKind,
    process::{Command, Output},
};

struct Linter {
    /// Name and exact version, so that all machines use the same rules.
    package: &'static str,
    options: &'static [&'static str],
}

const LINTERS: [Linter; 2] = [
    Linter { package: "@redocly/cli@2.77.0", options: &["--config", "docs/api/redocly.yaml"] },
    Linter {
        package: "@stoplight/spectral-cli@6.16.3",
        options: &["--ruleset", "docs/api/spectral.yaml", "--fail-severity", "hint"],
    },
];

/// Runs both linters, each on all files at once, because starting one takes longer than its work.
pub(crate) fn run() -> Outcome {
    verdict(started, |linter| {
        println!("{}", linter.package);
        let lint =
            npx(linter.package).args(["lint", BUNDLE, PARTNER_BUNDLE, STREAMS]).args(linter.options).status();
        lint.is_ok_and(|status| status.success())
    })
}

/// The outcome of all linters. `start` says why a linter cannot be started; `accepts` says whether it found nothing.
fn verdict(start: impl Fn(&Linter) -> Result<(), String>, accepts: impl Fn(&Linter) -> bool) -> Outcome {
    let (mut skipped, mut failed) = (Vec::new(), false);
    for linter in &LINTERS {
        match start(linter) {
            Ok(()) => failed |= !accepts(linter),
            Err(reason) => {
                println!("skipped: {reason}");
                skipped.push(reason);
            }
        }
    }
    if failed {
        return Outcome::Failed(format!(
            "correct {STREAMS}, or the section in {FOLDER}/ and then cargo xtask codegen"
        ));
    }
    skipped.into_iter().next().map_or(Outcome::Fine, Outcome::Skipped)
}

fn npx(package: &str) -> Command {
    let mut npx = Command::new(if cfg!(windows) { "npx.cmd" } else { "npx" });
    npx.current_dir(root()).args(["--yes", package]);
    // Without a network the usual retries take more than a minute.
    npx.env("npm_config_fetch_retries", "1").env("npm_config_fetch_timeout", "30000");
    npx.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    npx
}

/// Fetches a linter if this machine does not have it. The error says why it cannot be used.
fn started(linter: &Linter) -> Result<(), String> {
    match npx(linter.package).arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{} cannot be fetched or started: {}", linter.package, complaint(&output))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("Node is missing: there is no program npx".to_owned())
        }
        Err(error) => Err(format!("npx cannot be started: {error}")),
    }
}

/// The first error line, such as `npm error code ENOTFOUND`.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().find(|line| line.to_lowercase().contains("error"));
    first.or_else(|| lines.next()).unwrap_or("it gives no reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_linter_refuses_is_a_failure_and_what_cannot_be_started_is_none() {
        let can = |_: &Linter| Ok(());
        let cannot = |_: &Linter| Err("no network".to_owned());
        let second =
            |linter: &Linter| if linter.package.contains("spectral") { cannot(linter) } else { Ok(()) };
        let skipped = Outcome::Skipped("no network".to_owned());
        assert_eq!(verdict(can, |_| true), Outcome::Fine);
        assert_eq!(verdict(cannot, |_| panic!("it was not started")), skipped);
        assert_eq!(verdict(second, |_| true), skipped);
        assert!(
            matches!(verdict(second, |_| false), Outcome::Failed(fix) if fix.contains(FOLDER) && fix.contains(STREAMS))
        );
        let refused = |linter: &Linter| !linter.package.contains("spectral");
        assert!(matches!(verdict(can, refused), Outcome::Failed(_)));
    }

    #[test]
    fn each_package_has_an_exact_version() {
        for Linter { package, .. } in &LINTERS {
            let (_, version) = package.rsplit_once('@').unwrap();
            let parts: Vec<&str> = version.split('.').collect();
            assert!(parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()), "{package}");
        }
    }

    #[test]
    fn the_reason_is_what_npm_names_first() {
        let output = |text: &str| Output {
            status: std::process::ExitStatus::default(),
            stdout: Vec::new(),
            stderr: text.as_bytes().to_vec(),
        };
        assert_eq!(
            complaint(&output("\nnpm warn x\nnpm error code ENOTFOUND\nnpm error y\n")),
            "npm error code ENOTFOUND"
        );
        assert_eq!(complaint(&output("Killed\n")), "Killed");
        assert_eq!(complaint(&output("")), "it gives no reason");
    }
}
