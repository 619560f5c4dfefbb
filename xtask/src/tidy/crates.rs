//! Checks that each of our crates has a README that is its rustdoc, and the workspace's lints and versions.

use crate::{finding::Finding, workspace::Package};
use std::fs;

const DOC: &str = "#![doc = include_str!(\"../README.md\")]";

/// Everything that our crates miss.
pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.ours) {
        let read = |file: &str| fs::read_to_string(package.folder.join(file)).ok();
        let folder = package.place();
        let text = read("Cargo.toml").unwrap_or_default();
        findings.extend(manifest(&folder, &text));
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            if !text.contains("publish = false") && read(licence).is_none() {
                let fix = format!("ln -s ../../{licence} {folder}/{licence}");
                findings.push(Finding::new(&folder, format!("its package would have no {licence}"), fix));
            }
        }
        // The tasks are described by `cargo xtask` itself.
        if package.name != "xtask" {
            let (text, library) = (read("README.md"), read("src/lib.rs"));
            findings.extend(readme(&folder, package.readme.as_deref(), text.as_deref(), library.as_deref()));
        }
    }
    findings
}

fn manifest(folder: &str, text: &str) -> Vec<Finding> {
    let place = format!("{folder}/Cargo.toml");
    let mut findings = Vec::new();
    let lints = text.split_once("[lints]").map(|(_, after)| after.trim_start());
    if !lints.is_some_and(|after| after.starts_with("workspace = true")) {
        let fix = "end the manifest with [lints] and workspace = true";
        findings.push(Finding::new(&place, "does not take the workspace's lints", fix));
    }
    let published = !text.contains("publish = false");
    let keys = ["edition", "rust-version", "license"].into_iter();
    for key in keys.chain(["keywords", "categories"].into_iter().filter(|_| published)) {
        if !text.lines().any(|line| line.trim() == format!("{key}.workspace = true")) {
            let problem = format!("does not take the workspace's {key}");
            findings.push(Finding::new(&place, problem, format!("write {key}.workspace = true")));
        }
    }
    if published && !text.contains("[package.metadata.docs.rs]\nall-features = true") {
        let fix = "write [package.metadata.docs.rs] and all-features = true";
        findings.push(Finding::new(&place, "docs.rs would show only the items of the default features", fix));
    }
    if text.contains("placeholder") {
        findings.push(Finding::new(
            &place,
            "its description is a placeholder",
            "say in one sentence what the crate is",
        ));
    }
    findings
}

fn readme(folder: &str, declared: Option<&str>, text: Option<&str>, library: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let place = format!("{folder}/README.md");
    match text {
        None => findings.push(Finding::new(
            place,
            "is missing",
            "write it: what the crate is, and a first example",
        )),
        Some(text) if !has_doctest(text) => {
            let fix = "add a short ```rust block; it is compiled as a doctest";
            findings.push(Finding::new(place, "has no example that is compiled", fix));
        }
        Some(_) => {}
    }
    if declared != Some("README.md") {
        let fix = "write readme = \"README.md\"";
        findings.push(Finding::new(format!("{folder}/Cargo.toml"), "names no readme", fix));
    }
    if !library.is_some_and(|library| library.contains(DOC)) {
        let fix = format!("begin src/lib.rs with {DOC}");
        findings.push(Finding::new(format!("{folder}/src/lib.rs"), "its README is not its rustdoc", fix));
    }
    findings
}

/// Whether a Markdown text has a code block that rustdoc compiles.
fn has_doctest(text: &str) -> bool {
    let mut fences = text.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
    // Every second fence closes a block.
    while let Some(info) = fences.next() {
        let rust =
            |word: &str| matches!(word, "rust" | "no_run" | "should_panic") || word.starts_with("edition");
        if info.trim().is_empty() || info.split(',').all(|word| rust(word.trim())) {
            return true;
        }
        let _closing = fences.next();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nedition.workspace = true\nrust-version.workspace = true\n\
                        license.workspace = true\nkeywords.workspace = true\ncategories.workspace = true\n\n\
                        [package.metadata.docs.rs]\nall-features = true\n\n[lints]\nworkspace = true\n";

    #[test]
    fn a_manifest_takes_what_the_workspace_has() {
        assert_eq!(manifest("crates/a", GOOD), []);
        for (from, to, word) in [
            ("[lints]\nworkspace = true\n", "", "lints"),
            ("[lints]\nworkspace = true\n", "[lints]\n[lints.rust]\n", "lints"),
            ("license.workspace = true", "license = \"MIT\"", "license"),
            ("rust-version.workspace = true", "rust-version = \"1.90\"", "rust-version"),
            ("edition.workspace = true", "edition = \"2021\"", "edition"),
            ("keywords.workspace = true", "", "keywords"),
            ("categories.workspace = true", "", "categories"),
            ("all-features = true", "all-features = false", "docs.rs"),
            ("name = \"a\"", "name = \"a\"\ndescription = \"placeholder\"", "placeholder"),
        ] {
            let found = manifest("crates/a", &GOOD.replace(from, to));
            assert!(found.len() == 1 && found[0].problem.contains(word), "{found:?}");
        }
    }

    #[test]
    fn what_is_not_published_needs_no_words_for_it() {
        let private = GOOD.replace("keywords.workspace = true", "publish = false");
        let private = private.replace("categories.workspace = true\n", "").replace("all-features = true", "");
        assert_eq!(manifest("crates/a", &private), []);
    }

    #[test]
    fn a_readme_is_there_and_is_the_rustdoc() {
        let (example, declared, library) =
            (Some("# a\n```rust\nlet x = 1;\n```\n"), Some("README.md"), Some(DOC));
        assert_eq!(readme("crates/a", declared, example, library), []);
        for (found, word) in [
            (readme("crates/a", declared, None, library), "missing"),
            (readme("crates/a", declared, Some("# a"), library), "no example"),
            (readme("crates/a", None, example, library), "names no readme"),
            (readme("crates/a", declared, example, Some("//! A.")), "not its rustdoc"),
            (readme("crates/a", declared, example, None), "not its rustdoc"),
        ] {
            assert!(found.len() == 1 && found[0].problem.contains(word), "{found:?}");
        }
    }

    #[test]
    fn only_blocks_that_are_compiled_count_as_examples() {
        for (text, is_one) in [
            ("```\nlet x = 1;\n```", true),
            ("```rust,no_run\nlet x = 1;\n```", true),
            ("```sh\nls\n```\n```rust\nlet x = 1;\n```", true),
            ("```rust,ignore\nlet x = 1;\n```", false),
            ("```text\na\n```", false),
            ("none", false),
        ] {
            assert_eq!(has_doctest(text), is_one, "{text}");
        }
    }
}
