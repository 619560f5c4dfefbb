//! Which part of the sandbox may use which: each part only the parts below it.

use crate::finding::Finding;

const HERE: &str = "xtask/src/tidy/layers.rs";
const SOURCES: &str = "crates/sandbox/src/";

/// The parts, from the lowest to the highest. A part is a folder, or a file beside `lib.rs`.
const LAYERS: [&str; 11] =
    ["base", "client", "cabital", "exchange", "stream", "host", "api", "door", "wire", "sandbox", "program"];

/// Reports every use of a higher part in these sources.
pub(super) fn check<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, text) in files {
        let Some(path) = place.strip_prefix(SOURCES) else { continue };
        let part = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        // These two may use all parts.
        if matches!(part, "lib" | "main") {
            continue;
        }
        let Some(own) = layer(part) else {
            let fix = format!("name it in {HERE}, above what it uses");
            findings.push(Finding::new(place, format!("'{part}' has no layer"), fix));
            continue;
        };
        for used in uses(text) {
            if layer(used).is_none_or(|other| other > own) {
                let problem = format!("{part} uses {used}, which is above it");
                let fix =
                    "move what is needed to a lower part, or pass it as a value or a function".to_owned();
                findings.push(Finding::new(place, problem, fix));
            }
        }
    }
    findings
}

fn layer(part: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == part)
}

/// The parts that a text names with `crate::`, each once. Items of the crate's root are not counted.
fn uses(text: &str) -> Vec<&str> {
    let mut used: Vec<&str> = text.split("crate::").skip(1).flat_map(named).collect();
    used.retain(|part| !part.is_empty() && !matches!(*part, "calls"));
    used.sort_unstable();
    used.dedup();
    used
}

/// The first names after `crate::`: one, or several in braces.
fn named(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut start, mut names) = (0_u32, 0, Vec::new());
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' | b',' if depth == 0 => {
                names.push(name(group.get(start..at).unwrap_or_default().trim_start()));
                start = at + 1;
                if byte == b'}' {
                    break;
                }
            }
            b'}' => depth -= 1,
            _ => {}
        }
    }
    names
}

fn name(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(place: &str, text: &str) -> Vec<String> {
        check([(place, text)].into_iter()).into_iter().map(|finding| finding.problem).collect()
    }

    #[test]
    fn a_part_uses_what_stands_below_it() {
        let text = "use crate::base::id::Code;\nuse crate::exchange::Exchange;\n//! [`crate::calls`]";
        assert!(problems("crates/sandbox/src/host/mod.rs", text).is_empty());
        assert!(problems("crates/sandbox/src/lib.rs", "use crate::wire::listener;").is_empty());
        assert!(problems("crates/rest/src/call.rs", "use crate::wire::listener;").is_empty());
    }

    #[test]
    fn a_use_upwards_and_a_part_without_a_layer_are_told() {
        let up = problems("crates/sandbox/src/stream/hub.rs", "use crate::host::Host;\ncrate::host::x();");
        assert!(up.len() == 1 && up[0].contains("stream uses host"), "{up:?}");
        let group = "use crate::{\n    base::{id::Code, x},\n    door::control,\n    wire::{a, b::{c}},\n};";
        let up = problems("crates/sandbox/src/api/mod.rs", group);
        assert!(up.len() == 2 && up[0].contains("api uses door") && up[1].contains("wire"), "{up:?}");
        let unknown = problems("crates/sandbox/src/base/id.rs", "use crate::extra::X;");
        assert!(unknown.len() == 1 && unknown[0].contains("base uses extra"), "{unknown:?}");
        let without = problems("crates/sandbox/src/extra.rs", "");
        assert!(without.len() == 1 && without[0].contains("'extra' has no layer"), "{without:?}");
    }
}
