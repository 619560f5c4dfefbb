//! Compares the API with the last release: a patch must break nothing, and changed public items are listed.
//!
//! Both tools are separate programs. A tool that is not installed is skipped with a message.

use super::{
    Done, Options,
    git::{commit, git},
    plan::{Member, Plan},
};
use crate::{finding::Finding, workspace::cargo};

pub(super) fn check(plan: &Plan, _: Options) -> Done {
    let last = git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "--exclude", &plan.tag]).ok();
    let installed =
        |tool: &str| cargo(&[tool, "--version"]).output().is_ok_and(|output| output.status.success());
    let head = commit("HEAD");
    let (mut said, mut findings) = (Vec::new(), Vec::new());
    for (tool, fix) in [
        ("semver-checks", "raise the minor version instead of the patch, or undo the change"),
        ("public-api", "it needs a nightly toolchain: rustup toolchain install nightly --profile minimal"),
    ] {
        let last = match usable(tool, installed(tool), last.as_deref()) {
            Ok(last) => last,
            Err(skipped) => {
                said.push(skipped);
                continue;
            }
        };
        let was_there = |member: &&Member| existed(last, &member.place);
        let compared: Vec<&str> =
            plan.packages.iter().filter(was_there).map(|member| member.name.as_str()).collect();
        for command in commands(tool, last, &compared) {
            println!("cargo {}", command.join(" "));
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            if !cargo(&command).status().is_ok_and(|status| status.success()) {
                let place = format!("cargo {tool}");
                findings.push(Finding::new(place, format!("fails against {last}, see above"), fix));
            }
        }
        said.push(format!("cargo {tool} against {last}: fine"));
    }
    // `cargo public-api` checks out the compared commits and then goes back. If it did not go back, the wrong commit would
    // be tagged.
    if commit("HEAD") != head {
        findings.push(Finding::new(
            "HEAD",
            "is not the commit that it was before the tools ran",
            "git switch main",
        ));
    }
    if findings.is_empty() { Ok(said.join("\n     ")) } else { Err(findings) }
}

/// The tag to compare with, or why the tool is skipped.
fn usable<'a>(tool: &str, installed: bool, last: Option<&'a str>) -> Result<&'a str, String> {
    match last {
        None if installed => Err(format!("cargo {tool} skipped: there is no earlier tag")),
        Some(last) if installed => Ok(last),
        _ => Err(format!(
            "cargo {tool} skipped: it is not installed: cargo install --locked cargo-{tool}{}",
            if last.is_none() { "; there is no earlier tag to compare with either" } else { "" }
        )),
    }
}

/// Whether the last release had this package. A new package cannot break anything.
fn existed(last: &str, place: &str) -> bool {
    git(&["cat-file", "-e", &format!("{last}:{place}/Cargo.toml")]).is_ok()
}

/// The commands of a tool. `semver-checks` takes all packages at once, `public-api` one at a time.
fn commands(tool: &str, last: &str, packages: &[&str]) -> Vec<Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    if packages.is_empty() {
        return Vec::new();
    }
    if tool == "semver-checks" {
        let selection: Vec<&str> = packages.iter().flat_map(|name| ["--package", name]).collect();
        return vec![owned(&[&[tool, "--baseline-rev", last], &selection[..]].concat())];
    }
    let range = format!("{last}..HEAD");
    packages.iter().map(|name| owned(&[tool, "--package", name, "diff", &range])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_is_said() {
        assert_eq!(usable("public-api", true, Some("v0.1.0")), Ok("v0.1.0"));
        let said = usable("public-api", false, Some("v0.1.0")).unwrap_err();
        assert_eq!(
            said,
            "cargo public-api skipped: it is not installed: cargo install --locked cargo-public-api"
        );
        assert!(usable("public-api", false, None).unwrap_err().contains("no earlier tag"));
        assert_eq!(
            usable("semver-checks", true, None).unwrap_err(),
            "cargo semver-checks skipped: there is no earlier tag"
        );
    }

    #[test]
    fn the_commands_name_what_is_compared() {
        let lines = |tool: &str, packages: &[&str]| -> Vec<String> {
            commands(tool, "v0.1.0", packages).iter().map(|words| words.join(" ")).collect()
        };
        assert_eq!(
            lines("semver-checks", &["a", "b"]),
            ["semver-checks --baseline-rev v0.1.0 --package a --package b"]
        );
        assert_eq!(
            lines("public-api", &["a", "b"]),
            ["public-api --package a diff v0.1.0..HEAD", "public-api --package b diff v0.1.0..HEAD"]
        );
        assert!(lines("semver-checks", &[]).is_empty());
    }
}
