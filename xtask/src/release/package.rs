//! Packs each package, builds it from the packed files, and checks these files.

use super::{Done, Options, plan::Plan};
use crate::{
    finding::Finding,
    workspace::{cargo, root, target},
};
use std::{collections::BTreeMap, fs, io, path::Path};

const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// No source file is nearly so large. A larger file is a fixture, a picture or a recording that was packed by mistake.
const LARGEST_FILE: usize = 100 * 1024;
/// The largest package is the sandbox, and it fits easily.
const LARGEST_PACKAGE: usize = 3 * 1024 * 1024;

pub(super) fn check(plan: &Plan, options: Options) -> Done {
    // All packages are given at once, so that cargo (1.90 or newer) takes the other packages, which are not published yet,
    // from the files that it has just packed.
    let mut arguments = vec!["package", "--locked"];
    if options.dry_run {
        // The step `tree` reports files that are not committed.
        arguments.push("--allow-dirty");
    }
    arguments.extend(plan.selection());
    if !cargo(&arguments).status().is_ok_and(|status| status.success()) {
        let fix =
            "see cargo's message above; several packages at once need cargo 1.90 or newer (rustup update)";
        return Err(vec![Finding::new("cargo package", "does not pack or build every package", fix)]);
    }
    let unreadable = |place: &Path, error: io::Error| {
        vec![Finding::new(place.to_string_lossy(), format!("cannot be read: {error}"), "run this again")]
    };
    let mut licences = BTreeMap::new();
    for name in LICENCES {
        let place = root().join(name);
        licences.insert(name, fs::read(&place).map_err(|error| unreadable(&place, error))?);
    }
    let target = target().map_err(|error| vec![Finding::new("cargo metadata", error, "run this again")])?;
    let (mut findings, mut sizes) = (Vec::new(), Vec::new());
    for name in plan.names() {
        // The folder in which cargo unpacked the package to build it.
        let folder = target.join("package").join(format!("{name}-{}", plan.version));
        let files = unpacked(&folder).map_err(|error| unreadable(&folder, error))?;
        findings.extend(judge(name, &files, &licences));
        let size: usize = files.values().map(Vec::len).sum();
        sizes.push(format!("\n  {name:<24}{:>4} files {:>5} KiB", files.len(), size / 1024));
    }
    if findings.is_empty() {
        Ok(format!("each package was built from its packed files{}", sizes.concat()))
    } else {
        Err(findings)
    }
}

/// All files below the folder, by relative path.
fn unpacked(folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

fn judge(name: &str, files: &BTreeMap<String, Vec<u8>>, licences: &BTreeMap<&str, Vec<u8>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |problem: String, fix: &str| findings.push(Finding::new(name, problem, fix));
    if files.get("README.md").is_none_or(Vec::is_empty) {
        wrong("packs no README.md".to_owned(), "write it, and readme = \"README.md\" in the manifest");
    }
    for (licence, text) in licences {
        // The text differs if the link was packed as a link, or checked out as a file with the link's target as its text.
        if files.get(*licence) != Some(text) {
            let problem = format!("packs no {licence}, or its text differs from the repository's");
            wrong(
                problem,
                "link it from the package's folder: ln -s ../../LICENSE-...; on Windows: git config core.symlinks true",
            );
        }
    }
    for (file, text) in files {
        // Cargo writes the lock file; its size depends on the dependencies.
        if text.len() > LARGEST_FILE && file != "Cargo.lock" {
            let problem =
                format!("packs {file} with {} KiB; at most {}", text.len() / 1024, LARGEST_FILE / 1024);
            wrong(
                problem,
                "exclude it with exclude = [...] in the manifest, or move it to a package that is not published",
            );
        }
    }
    let size: usize = files.values().map(Vec::len).sum();
    if size > LARGEST_PACKAGE {
        let problem = format!("packs {} KiB; at most {}", size / 1024, LARGEST_PACKAGE / 1024);
        wrong(problem, "see cargo package --list, and leave out what users do not need with exclude = [...]");
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, usize)]) -> BTreeMap<String, Vec<u8>> {
        list.iter().map(|&(name, size)| (name.to_owned(), vec![b'x'; size])).collect()
    }

    fn problem(list: &[(&str, usize)]) -> String {
        let licences = LICENCES.into_iter().map(|name| (name, vec![b'x'; 9])).collect();
        judge("a", &files(list), &licences).iter().map(|finding| format!("{finding:?}")).collect()
    }

    #[test]
    fn a_package_has_its_readme_and_the_licences_texts() {
        let fine = [("README.md", 1), ("LICENSE-MIT", 9), ("LICENSE-APACHE", 9), ("Cargo.lock", 200_000)];
        assert_eq!(problem(&fine), "");
        assert!(problem(&fine[1..]).contains("packs no README.md"));
        assert!(problem(&[("README.md", 0), fine[1], fine[2]]).contains("packs no README.md"));
        assert!(problem(&[fine[0], fine[2]]).contains("packs no LICENSE-MIT"));
        let link = problem(&[fine[0], fine[1], ("LICENSE-APACHE", 3)]);
        assert!(link.contains("packs no LICENSE-APACHE, or its text differs"), "{link}");
    }

    #[test]
    fn what_is_large_does_not_come_along_unasked() {
        let fine = [("README.md", 1), ("LICENSE-MIT", 9), ("LICENSE-APACHE", 9)];
        let said = problem(&[&fine[..], &[("tests/day.json", 300 * 1024)]].concat());
        assert!(said.contains("packs tests/day.json with 300 KiB; at most 100"), "{said}");
        let names: Vec<String> = (0..60).map(|number| format!("tests/{number}.json")).collect();
        let many: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 60 * 1024)).collect();
        let said = problem(&[&fine[..], &many].concat());
        assert!(said.contains("packs 3600 KiB; at most 3072") && !said.contains("0.json"), "{said}");
    }

    #[test]
    fn folders_are_read_to_their_depth() {
        let files = unpacked(&root().join("xtask")).unwrap();
        assert!(files.contains_key("Cargo.toml") && files.contains_key("src/release/package.rs"));
    }
}
