//! Checks the sources: no file is too long, and money is never a float.

use super::{layers, voice};
use crate::{finding::Finding, lists};
use std::{fs, path::Path};

const MOST_LINES: usize = 600;

/// Crates that may use floats, because they are not part of the client.
const NO_CLIENT: &[&str] = &["sandbox", "testkit"];

/// Everything in the sources that breaks a rule.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let files = files(root);
    let mut findings = layers::check(files.iter().map(|(place, text)| (place.as_str(), text.as_str())));
    for (place, text) in files {
        findings.extend(length(&place, &text));
        findings.extend(by_hand(&place, &text));
        findings.extend(voice::check(&place, &text));
        if is_client(&place) {
            findings.extend(floats(&place, &text));
        }
    }
    findings
}

/// Every source file, with its path from the root.
pub(crate) fn files(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("xtask")];
    folders
        .extend(fs::read_dir(root.join("crates")).into_iter().flatten().flatten().map(|entry| entry.path()));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let place = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.push((place, fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

fn length(place: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    // A generated table may have any length.
    if lines <= MOST_LINES || lists::TABLES.contains(&place) {
        return None;
    }
    let problem = format!("{lines} lines; at most {MOST_LINES}");
    Some(Finding::new(place, problem, "it has more than one job: move one of them to a new file"))
}

/// A file with the mark of a generated one, which nothing generates: nobody would dare to edit it.
fn by_hand(place: &str, text: &str) -> Option<Finding> {
    let marked = text.lines().take(3).any(|line| line.starts_with("// @generated"));
    if !marked || lists::TABLES.contains(&place) {
        return None;
    }
    let fix = "remove the mark, or let `cargo xtask codegen` write the file";
    Some(Finding::new(place, "is marked @generated, but nothing generates it", fix))
}

fn is_client(place: &str) -> bool {
    let mut parts = place.split('/');
    let (folder, name, inner) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
    folder == Some("crates") && inner == Some("src") && !NO_CLIENT.contains(&name)
}

fn floats(place: &str, text: &str) -> Vec<Finding> {
    let is_float = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        // An implementation of serde's `Serializer` must name them, even to refuse them.
        !code.contains("serialize_f")
            && words
                .any(|word| matches!(word, "f32" | "f64") || word.ends_with("_f32") || word.ends_with("_f64"))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_float(line));
    lines
        .map(|(index, line)| {
            let problem = format!("a float in a client crate: {}", line.trim());
            let fix = "use Decimal for money and whole milliseconds or Duration for time";
            Finding::new(format!("{place}:{}", index + 1), problem, fix)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_is_found() {
        assert_eq!(length("crates/a/src/lib.rs", &"x\n".repeat(600)), None);
        let found = length("crates/a/src/lib.rs", &"x\n".repeat(601)).unwrap();
        assert!(found.problem.starts_with("601 lines"), "{found:?}");
        assert_eq!(length(lists::TABLES[0], &"x\n".repeat(601)), None);
    }

    #[test]
    fn only_what_is_generated_may_say_so() {
        let marked = "//! Things.\n// @generated from a list.\n";
        assert!(by_hand("crates/a/src/things.rs", marked).is_some());
        assert!(by_hand("crates/a/src/things.rs", "//! Things.\n").is_none());
        assert!(by_hand(lists::TABLES[1], marked).is_none());
    }

    #[test]
    fn a_float_is_found_in_code_and_not_in_comments() {
        let text = "// never f64\nlet a = 1; // an f64\nlet b: f64 = 1.0;\nd.as_secs_f32();\nlet f64_like = 1;\n\
                    fn serialize_f64(self, v: f64) {\nfn visit_f64(self, v: f64) {\n";
        let places: Vec<String> =
            floats("crates/a/src/x.rs", text).into_iter().map(|found| found.place).collect();
        assert_eq!(places, ["crates/a/src/x.rs:3", "crates/a/src/x.rs:4", "crates/a/src/x.rs:7"]);
    }

    #[test]
    fn only_the_sources_of_client_crates_are_looked_at_for_floats() {
        for (place, client) in [
            ("crates/models/src/lib.rs", true),
            ("crates/models/tests/it/main.rs", false),
            ("crates/sandbox/src/lib.rs", false),
            ("crates/testkit/src/lib.rs", false),
            ("xtask/src/main.rs", false),
        ] {
            assert_eq!(is_client(place), client, "{place}");
        }
    }
}
