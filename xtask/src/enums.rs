//! Compares the values that the specification lists with the open enums of the SDK. An unknown value is kept as it came, so
//! no test of an answer shows that one of the two has a value more.

use crate::{
    bundle::{BUNDLE, FOLDER},
    finding::Finding,
};
use serde_norway::Value;
use std::collections::BTreeSet;

/// An open enum of the SDK.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OpenEnum<'a> {
    pub(crate) file: &'a str,
    pub(crate) name: &'a str,
    /// Its values, without their other spellings.
    pub(crate) values: BTreeSet<&'a str>,
    /// Other spellings of its values.
    others: BTreeSet<&'a str>,
}

/// Every open enum in these source files.
pub(crate) fn read(files: &[(String, String)]) -> Vec<OpenEnum<'_>> {
    files.iter().flat_map(|(file, text)| declarations(file, text)).collect()
}

fn declarations<'a>(file: &'a str, text: &'a str) -> impl Iterator<Item = OpenEnum<'a>> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.split("open_enum! {\n").skip(1).filter_map(move |rest| {
        let mut lines = rest.lines().filter(is_code).take_while(|line| line.trim() != "}");
        let head = lines.find_map(|line| line.split_once("enum "))?.1;
        let mut read = OpenEnum {
            file,
            name: head.split(' ').next()?,
            values: BTreeSet::new(),
            others: BTreeSet::new(),
        };
        for (_, spellings) in lines.filter_map(|line| line.split_once(" = \"")) {
            // `Buy = "buy" | "bid",`: the first is the value, the others are read as well.
            let mut spellings = spellings.split('"').step_by(2);
            read.values.extend(spellings.next());
            read.others.extend(spellings);
        }
        Some(read)
    })
}

/// Everything in the specification that has other values than the SDK.
pub(crate) fn compare(spec: &Value, known: &[OpenEnum<'_>], files: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(spec, "", &mut |path, values| {
        let problem = wrong(values, known, files)?;
        let fix = format!(
            "correct the enum, or x-open-enum in {FOLDER}/; both have all values, of both environments"
        );
        findings.push(Finding::new(format!("{BUNDLE}{path}"), problem, fix));
        Some(())
    });
    findings
}

/// Shows each `x-open-enum` with its path. Those of a list are compared with the list.
fn walk(node: &Value, path: &str, show: &mut dyn FnMut(&str, &BTreeSet<&str>) -> Option<()>) {
    if let (Some(values), None) = (node.get("x-open-enum").and_then(Value::as_sequence), node.get("x-list")) {
        show(path, &values.iter().filter_map(Value::as_str).collect());
    }
    for (index, item) in node.as_sequence().into_iter().flatten().enumerate() {
        walk(item, &format!("{path}/{index}"), show);
    }
    for (key, value) in node.as_mapping().into_iter().flatten() {
        walk(value, &format!("{path}/{}", key.as_str().unwrap_or_default()), show);
    }
}

fn wrong(values: &BTreeSet<&str>, known: &[OpenEnum<'_>], files: &[(String, String)]) -> Option<String> {
    let fits = |open: &OpenEnum<'_>| {
        // A single value is a constant, such as the one that tells the form of a body. Where another spelling is sent, not
        // all values need to be possible.
        let is_partial = values.len() == 1 || !open.others.is_disjoint(values);
        let spells = |value: &&str| open.values.contains(value) || open.others.contains(value);
        open.values == *values || (is_partial && values.iter().all(spells))
    };
    if known.iter().any(fits) {
        return None;
    }
    let common = |open: &&OpenEnum<'_>| open.values.intersection(values).count();
    let Some(nearest) = known.iter().max_by_key(common).filter(|open| common(open) > 0) else {
        // A closed type, whose values are written where it is declared.
        let has_all = |text: &str| values.iter().all(|value| text.contains(&format!("\"{value}\"")));
        let is_there =
            files.iter().any(|(place, text)| place.contains("/src/") && !is_other(place) && has_all(text));
        let all: Vec<&str> = values.iter().copied().collect();
        return (!is_there).then(|| format!("no type of the SDK has the values {}", all.join(", ")));
    };
    let names = |names: Vec<&&str>| names.into_iter().copied().collect::<Vec<_>>().join(", ");
    let OpenEnum { file, name, values: has, .. } = nearest;
    let missing = names(has.difference(values).collect());
    let strange = names(values.difference(has).collect());
    Some(match (missing.as_str(), strange.as_str()) {
        (missing, "") => format!("{name} in {file} has {missing} in addition"),
        ("", strange) => format!("{name} in {file} does not have {strange}"),
        (missing, strange) => format!("{name} in {file} does not have {strange}, but has {missing}"),
    })
}

/// Whether a source file is not the SDK's.
fn is_other(place: &str) -> bool {
    ["crates/sandbox/", "crates/testkit/", "crates/probe/", "xtask/"]
        .iter()
        .any(|other| place.starts_with(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(String, String)> {
        let text = "crate::open_enum! {\n    /// A `{thing}` = \"z\".\n    pub enum Kind {\n        /// The first. {\n        A = \"a\" | \"first\",\n        \
                    B = \"b\",\n    }\n}\n\nopen_enum! {\n    pub enum Side {\n        Buy = \"buy\",\n        Sell = \"sell\",\n        Swap = \"swap\",\n    }\n}\n\
                    impl Order {\n    fn name() { \"asc\" \"desc\" }\n}\n";
        let sandbox = ("crates/sandbox/src/x.rs".to_owned(), "\"up\"".to_owned());
        vec![("crates/models/src/kind.rs".to_owned(), text.to_owned()), sandbox]
    }

    #[test]
    fn open_enums_are_read_with_their_values() {
        let files = files();
        let read = read(&files);
        let all: Vec<_> =
            read.iter().map(|open| (open.name, open.values.iter().copied().collect::<Vec<_>>())).collect();
        assert_eq!(all, [("Kind", vec!["a", "b"]), ("Side", vec!["buy", "sell", "swap"])]);
        assert_eq!(read[0].others, BTreeSet::from(["first"]));
        assert_eq!(read[0].file, "crates/models/src/kind.rs");
    }

    #[test]
    fn a_value_that_only_one_side_has_is_told() {
        let files = files();
        let told = |values: &str| {
            let spec =
                format!("a: [{{ b: {{ x-open-enum: [{values}] }} }}, {{ x-list: x, x-open-enum: [z] }}]");
            compare(&serde_norway::from_str(&spec).unwrap(), &read(&files), &files)
        };
        for same in ["b, a", "buy, sell, swap", "buy", "asc, desc", "a", "b, first"] {
            assert!(told(same).is_empty(), "{same}");
        }
        for (values, problem) in [
            ("buy, sell", "Side in crates/models/src/kind.rs has swap in addition"),
            ("a, b, c", "Kind in crates/models/src/kind.rs does not have c"),
            ("a, c", "Kind in crates/models/src/kind.rs does not have c, but has b"),
            ("first, c", "no type of the SDK has the values c, first"),
            ("up", "no type of the SDK has the values up"),
        ] {
            let told = told(values);
            assert_eq!(told.len(), 1, "{values}");
            assert_eq!(
                (told[0].place.as_str(), told[0].problem.as_str()),
                ("docs/api/cape.openapi.yaml/a/0/b", problem)
            );
        }
    }
}
