//! The steps that cannot be undone: the tag, and publishing each package. After a failure half-way they can be run again:
//! what exists already is kept.
//!
//! Cargo reads the registry's token itself, from `CARGO_REGISTRY_TOKEN` or from where `cargo login` stored it. No other
//! command gets the variable.

use super::{Done, Options, changelog, git::git, plan::Plan, tree::Tag};
use crate::{
    finding::Finding,
    workspace::{TOKEN, cargo},
};
use std::env;

const REMOTE: &str = "origin";

/// Pushes the tag before anything is published. So a second run, even on another machine, publishes the rest from the same
/// commit, or is refused.
pub(super) fn tag(plan: &Plan, options: Options) -> Done {
    let message = message(&plan.version, &changelog::notes(&plan.version)?);
    let there = Tag::of(plan);
    if options.dry_run {
        let what = match there {
            Tag::Absent => "would be made here",
            Tag::Here => "exists here and would be kept",
            Tag::Elsewhere(_) => "is at another commit, see the step tree",
        };
        let indented: String = message.lines().map(|line| format!("\n    {line}")).collect();
        return Ok(format!("{} {what}, with this message:{indented}", plan.tag));
    }
    let run = |arguments: &[&str], fix: &str| {
        git(arguments).map_err(|error| vec![Finding::new(&plan.tag, error, fix)])
    };
    let made = match there {
        // The step `tree` has already refused this; checked again for safety.
        Tag::Elsewhere(commit) => {
            let problem = format!("this tag points to another commit, {commit}");
            return Err(vec![Finding::new(&plan.tag, problem, "run cargo xtask release --dry-run")]);
        }
        Tag::Here => "kept",
        Tag::Absent => {
            // Without this option git would remove lines that begin with '#' as comments.
            let arguments = ["tag", "--annotate", "--cleanup=whitespace", "--message", &message, &plan.tag];
            run(&arguments, "set your name and address: git config user.name and user.email")?;
            "made"
        }
    };
    if git(&["remote", "get-url", REMOTE]).is_err() {
        return Ok(format!("{} {made}; not pushed: there is no remote '{REMOTE}'", plan.tag));
    }
    let fix = format!(
        "if the tag exists on the remote, it belongs to another release: git fetch {REMOTE} --tags --force, \
         then run this again; otherwise check that you may push tags"
    );
    run(&["push", "--quiet", REMOTE, &format!("refs/tags/{}", plan.tag)], &fix)?;
    Ok(format!("{} {made}, and pushed", plan.tag))
}

fn message(version: &str, notes: &str) -> String {
    format!("capecrypto {version}\n\n{notes}")
}

/// Cargo waits after each package until the registry shows it, so that the next one finds it.
pub(super) fn publish(plan: &Plan, options: Options) -> Done {
    let names = plan.names();
    if options.dry_run {
        let lines: Vec<String> =
            names.iter().map(|name| format!("\n    cargo {}", command(name).join(" "))).collect();
        return Ok(format!("would run, in this order:{}", lines.concat()));
    }
    for (done, name) in names.iter().enumerate() {
        let stopped = |problem: &str, fix: &str| {
            Err(vec![Finding::new(*name, format!("{problem}; {}", progress(&names, done)), fix)])
        };
        match published(name, &plan.version) {
            Ok(true) => {
                println!("{name} {}: published already", plan.version);
                continue;
            }
            Ok(false) => {}
            Err(error) => {
                return stopped(
                    &error,
                    "check that the registry answers, then run this again: it continues here",
                );
            }
        }
        let mut command = cargo(&command(name));
        if let Some(token) = env::var_os(TOKEN) {
            command.env(TOKEN, token);
        }
        if !command.status().is_ok_and(|status| status.success()) {
            let fix = "see cargo's message above, then run this again: it continues here. A registry accepts only a few \
                       new names at once: wait as long as it says";
            return stopped("is not published", fix);
        }
    }
    Ok(format!("all {} packages are published", names.len()))
}

/// Publishes without another build: the step `package` has built the same files, and no build script should see the token.
fn command(name: &str) -> [&str; 5] {
    ["publish", "--locked", "--no-verify", "--package", name]
}

fn progress(names: &[&str], done: usize) -> String {
    let (before, after) = names.split_at_checked(done).unwrap_or((names, &[]));
    let list = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("published: {}; left: {}", list(before), list(after))
}

/// Whether the registry has this version. `cargo info` is asked before the upload, because the error texts of
/// `cargo publish` may change, and a second upload must not be tried. If `cargo info` fails for an unknown reason, the
/// release stops instead of guessing.
fn published(name: &str, version: &str) -> Result<bool, String> {
    let package = format!("{name}@{version}");
    // Run outside of the workspace, because inside of it cargo would answer from our manifests.
    let output = cargo(&["info", "--quiet", &package]).current_dir(env::temp_dir()).output();
    let output = output.map_err(|error| format!("cargo info does not start: {error}"))?;
    judge(&package, output.status.success(), &String::from_utf8_lossy(&output.stderr))
}

fn judge(package: &str, found: bool, said: &str) -> Result<bool, String> {
    if found {
        Ok(true)
    } else if said.contains(&format!("could not find `{package}`")) {
        Ok(false)
    } else {
        Err(format!("cargo info {package} cannot tell whether it is published: {}", said.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_counts() {
        assert_eq!(judge("a@1.0.0", true, ""), Ok(true));
        assert_eq!(judge("a@1.0.0", false, "error: could not find `a@1.0.0` in registry `x`"), Ok(false));
        let said = judge("a@1.0.0", false, "error: could not resolve the host").unwrap_err();
        assert!(said.contains("cannot tell") && said.contains("could not resolve the host"), "{said}");
        assert!(judge("a@1.0.0", false, "error: could not find `b@1.0.0` in registry `x`").is_err());
    }

    #[test]
    fn a_failure_says_what_is_left() {
        assert_eq!(progress(&["a", "b", "c"], 0), "published: none; left: a, b, c");
        assert_eq!(progress(&["a", "b", "c"], 2), "published: a, b; left: c");
    }

    #[test]
    fn the_tags_message_is_the_changelogs_section() {
        assert_eq!(message("0.1.0", "- first\n- second"), "capecrypto 0.1.0\n\n- first\n- second");
    }
}
