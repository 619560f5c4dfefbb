//! What every crate of ours has: a README that is its rustdoc, the workspace's lints and versions.

use crate::{finding::Finding, workspace::Package};
use std::{fs, path::Path};

const DOC: &str = "#![doc = include_str!(\"../README.md\")]";

/// Everything that a crate of ours lacks.
pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.ours) {
        let read = |file: &str| fs::read_to_string(package.folder.join(file)).ok();
        findings.extend(manifest(&package.name, &read("Cargo.toml").unwrap_or_default()));
        // A program of the workspace alone is documented where it is used.
        if package.name != "xtask" {
            findings.extend(readme(
                &package.name,
                package.readme.as_deref(),
                read("README.md"),
                read("src/lib.rs"),
            ));
        }
        let rust_version = package.folder.ancestors().nth(2).unwrap_or(Path::new(".")).join("Cargo.toml");
        if package.rust_version.is_none() {
            let problem =
                format!("states no rust-version (the workspace's stands in {})", rust_version.display());
            findings.push(Finding::new(&package.name, problem, "write rust-version.workspace = true"));
        }
    }
    findings
}

fn manifest(name: &str, text: &str) -> Vec<Finding> {
    let place = format!("{name}/Cargo.toml");
    let mut findings = Vec::new();
    let lints = text.split_once("[lints]").map(|(_, after)| after.trim_start());
    if !lints.is_some_and(|after| after.starts_with("workspace = true")) {
        let mend = "end the manifest with [lints] and workspace = true";
        findings.push(Finding::new(&place, "does not take the workspace's lints", mend));
    }
    for key in ["edition", "rust-version", "license"] {
        if !text.lines().any(|line| line.trim() == format!("{key}.workspace = true")) {
            let problem = format!("does not take the workspace's {key}");
            findings.push(Finding::new(&place, problem, format!("write {key}.workspace = true")));
        }
    }
    if text.contains("placeholder") {
        findings.push(Finding::new(
            &place,
            "its description is a placeholder",
            "say in a sentence what the crate is",
        ));
    }
    findings
}

fn readme(name: &str, declared: Option<&str>, text: Option<String>, library: Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match text {
        None => findings.push(Finding::new(
            name,
            "has no README.md",
            "write one: what it is, and a first example",
        )),
        Some(text) if !text.contains("```rust") && !text.contains("```\n") => {
            let mend = "add a short ```rust block; it is compiled as a doctest";
            findings.push(Finding::new(format!("{name}/README.md"), "has no example", mend));
        }
        Some(_) => {}
    }
    if declared != Some("README.md") {
        findings.push(Finding::new(
            format!("{name}/Cargo.toml"),
            "names no readme",
            "write readme = \"README.md\"",
        ));
    }
    if !library.is_some_and(|library| library.contains(DOC)) {
        let mend = format!("begin src/lib.rs with {DOC}");
        findings.push(Finding::new(format!("{name}/src/lib.rs"), "its README is not its rustdoc", mend));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nedition.workspace = true\nrust-version.workspace = true\n\
                        license.workspace = true\n\n[lints]\nworkspace = true\n";

    #[test]
    fn a_manifest_takes_what_the_workspace_has() {
        assert_eq!(manifest("a", GOOD), []);
        for (from, to, word) in [
            ("[lints]\nworkspace = true\n", "", "lints"),
            ("[lints]\nworkspace = true\n", "[lints]\n[lints.rust]\n", "lints"),
            ("license.workspace = true", "license = \"MIT\"", "license"),
            ("edition.workspace = true", "edition = \"2021\"", "edition"),
            ("name = \"a\"", "name = \"a\"\ndescription = \"placeholder\"", "placeholder"),
        ] {
            let found = manifest("a", &GOOD.replace(from, to));
            assert!(found.len() == 1 && found[0].problem.contains(word), "{found:?}");
        }
    }

    #[test]
    fn a_readme_is_there_and_is_the_rustdoc() {
        let example = || Some("# a\n```rust\nlet x = 1;\n```\n".to_owned());
        let library = || Some(format!("{DOC}\n"));
        assert_eq!(readme("a", Some("README.md"), example(), library()), []);
        for (found, word) in [
            (readme("a", Some("README.md"), None, library()), "no README.md"),
            (readme("a", Some("README.md"), Some("# a".to_owned()), library()), "no example"),
            (readme("a", None, example(), library()), "names no readme"),
            (readme("a", Some("README.md"), example(), Some("//! A.".to_owned())), "not its rustdoc"),
        ] {
            assert!(found.len() == 1 && found[0].problem.contains(word), "{found:?}");
        }
    }
}
