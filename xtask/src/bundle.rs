//! Joins the specification into one file, from one file for each section. It is joined as text, to keep the order, the
//! form and the comments of the sections.

mod shared;

use crate::{finding::Finding, workspace::root};
use serde_norway::Value;
use shared::{SHARED, Shared};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
};

/// The folder of the exchange's sections, for messages.
pub(crate) const FOLDER: &str = "docs/api/cape";

/// The joined file of the exchange.
pub(crate) const BUNDLE: &str = "docs/api/cape.openapi.yaml";

/// The same for Cabital's partner API.
pub(crate) const PARTNER_FOLDER: &str = "docs/api/cabital";
pub(crate) const PARTNER_BUNDLE: &str = "docs/api/cabital.openapi.yaml";

/// The name of the file with the top-level keys, and with the components that several sections use.
const ROOT: &str = "openapi.yaml";

/// Whether a file is the root of its folder.
fn is_root(place: &str) -> bool {
    place.rsplit('/').next() == Some(ROOT)
}

/// The keys that all files may have. All other keys are allowed only in the root file.
const JOINED: [&str; 3] = ["paths", "webhooks", "components"];

/// The text of the joined file of a folder, with the components that nothing refers to; or all findings that prevent joining.
pub(crate) fn read(folder: &str) -> Result<(String, Vec<Finding>), Vec<Finding>> {
    let files = files(folder);
    let files =
        files.map_err(|error| vec![Finding::new(folder, error.to_string(), "bring the folder back")])?;
    bundle(folder, &files)
}

/// Each file of the folder: its place and its text.
fn files(folder: &str) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((format!("{folder}/{name}"), fs::read_to_string(&path)?));
        }
    }
    Ok(files)
}

fn bundle(folder: &str, files: &[(String, String)]) -> Result<(String, Vec<Finding>), Vec<Finding>> {
    let (mut sources, mut findings) = (Vec::new(), Vec::new());
    for (place, text) in files {
        match Source::read(place, text) {
            Ok(source) => sources.push(source),
            Err(finding) => findings.push(finding),
        }
    }
    if !files.iter().any(|(place, _)| is_root(place)) {
        findings.push(Finding::new(format!("{folder}/{ROOT}"), "there is no such file", "bring it back"));
    }
    // Stop here: without this file, every reference into it would be a finding too.
    if !findings.is_empty() {
        return Err(findings);
    }
    sort(folder, &mut sources);
    let entries: Vec<Entry<'_>> = sources.iter().flat_map(Source::entries).collect();
    findings.extend(strays(folder, &entries));
    findings.extend(doubles(&entries));
    findings.extend(broken_references(folder, &entries));
    if findings.is_empty() { Ok((join(folder, &sources), unused(&entries))) } else { Err(findings) }
}

/// A file, as text and as parsed YAML.
struct Source<'a> {
    place: &'a str,
    parts: Vec<Part<'a>>,
    value: Value,
}

/// A key with the lines below it.
#[derive(Clone, Copy)]
struct Part<'a> {
    key: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    fn read(place: &'a str, text: &'a str) -> Result<Self, Finding> {
        let value: Value = serde_norway::from_str(text)
            .map_err(|error| Finding::new(place, error.to_string(), "correct the YAML"))?;
        let source = Self { place, parts: split(text, 0), value };
        match source.misshapen() {
            None => Ok(source),
            Some(key) => {
                let problem = format!("'{key}' has a form that cannot be joined as text");
                let fix = format!(
                    "write `{key}:` alone on its line, and indent each entry below it by two more spaces"
                );
                Err(Finding::new(place, problem, fix))
            }
        }
    }

    fn part(&self, key: &str) -> Option<Part<'a>> {
        self.parts.iter().find(|part| part.key == key).copied()
    }

    /// The parts of `components`, such as `schemas`.
    fn kinds(&self) -> Vec<Part<'a>> {
        self.part("components").map(|part| split(part.body(), 2)).unwrap_or_default()
    }

    /// A key that joining as text would lose or split: each key of the YAML must be found in the text.
    fn misshapen(&self) -> Option<&str> {
        let top = members(Some(&self.value)).find(|(key, value)| {
            !self.part(key).is_some_and(|part| !JOINED.contains(key) || part.shows(value, 0))
        });
        let kind = || {
            members(self.value.get("components")).find(|(kind, value)| {
                !self.kinds().iter().any(|part| part.key == *kind && part.shows(value, 2))
            })
        };
        top.or_else(kind).map(|(key, _)| key)
    }

    fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        let mut add = |kind, (name, value)| entries.push(Entry { place: self.place, kind, name, value });
        for (key, value) in members(Some(&self.value)) {
            match key {
                "paths" | "webhooks" => members(Some(value)).for_each(|path| add(key, path)),
                "components" => {
                    for (kind, components) in members(Some(value)) {
                        members(Some(components)).for_each(|component| add(kind, component));
                    }
                }
                _ => add("", (key, value)),
            }
        }
        entries
    }
}

impl<'a> Part<'a> {
    fn line(self) -> &'a str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Whether its line has only the key, and the lines below it have one key for each entry of the YAML.
    fn shows(self, value: &Value, indent: usize) -> bool {
        self.line().trim() == format!("{}:", self.key)
            && split(self.body(), indent + 2).len() == members(Some(value)).count()
    }

    /// The lines below its key, without blank lines at the start and the end.
    fn body(self) -> &'a str {
        let body = self.text.split_once('\n').map(|(_, body)| body).unwrap_or_default();
        body.trim_end().trim_start_matches('\n')
    }
}

/// The keys with this indentation. Lines above the first key are about the file itself, and are left out.
fn split(text: &str, indent: usize) -> Vec<Part<'_>> {
    let (mut starts, mut offset) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        if let Some(key) = key(line, indent) {
            starts.push((key, offset));
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([text.len()]);
    let parts = starts.iter().zip(ends);
    parts.filter_map(|((key, start), end)| Some(Part { key, text: text.get(*start..end)? })).collect()
}

fn key(line: &str, indent: usize) -> Option<&str> {
    let (space, rest) = line.split_at_checked(indent)?;
    if !space.trim().is_empty() || rest.starts_with([' ', '#', '-']) {
        return None;
    }
    let rest = rest.trim_end();
    rest.split_once(": ").map(|(key, _)| key).or_else(|| rest.strip_suffix(':'))
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.and_then(Value::as_mapping).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.as_str()?, value)))
}

/// The root file first, then the sections in the order of its tags, then the others by name.
fn sort(folder: &str, sources: &mut [Source<'_>]) {
    let root = sources.iter().find(|source| is_root(source.place));
    let tags = root.and_then(|root| root.value.get("tags")).and_then(Value::as_sequence);
    let tags: Vec<String> = tags
        .into_iter()
        .flatten()
        .filter_map(|tag| Some(tag.get("name")?.as_str()?.to_lowercase().replace(' ', "-")))
        .map(|tag| format!("{folder}/{tag}.yaml"))
        .collect();
    sources.sort_by_key(|source| {
        let tag = tags.iter().position(|tag| tag == source.place).unwrap_or(tags.len());
        (!is_root(source.place), tag, source.place)
    });
}

/// A path, a webhook, a component, or (with an empty kind) another top-level key.
struct Entry<'a> {
    place: &'a str,
    kind: &'a str,
    name: &'a str,
    value: &'a Value,
}

impl Entry<'_> {
    /// Its name for messages: `the schema 'Order'`.
    fn title(&self) -> String {
        format!(
            "the {} '{}'",
            if self.kind.is_empty() { "key" } else { self.kind.trim_end_matches('s') },
            self.name
        )
    }

    fn references(&self) -> Vec<&str> {
        let (mut found, mut left) = (Vec::new(), vec![self.value]);
        while let Some(value) = left.pop() {
            found.extend(value.get("$ref").and_then(Value::as_str));
            left.extend(value.as_mapping().into_iter().flatten().map(|(_, value)| value));
            left.extend(value.as_sequence().into_iter().flatten());
        }
        found
    }

    /// Whether a reference points to this entry, or into it.
    fn has(&self, reference: &str) -> bool {
        let Some((kind, rest)) = target(reference) else { return false };
        let mut steps = rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
        let is_here = kind == self.kind && steps.next().is_some_and(|name| name == self.name);
        is_here && steps.try_fold(self.value, |value, step| value.get(step)).is_some()
    }
}

/// The kind that a reference names, and the rest of the reference.
fn target(reference: &str) -> Option<(&str, &str)> {
    let inside = reference.strip_prefix("#/")?;
    inside.strip_prefix("components/").unwrap_or(inside).split_once('/')
}

fn strays(folder: &str, entries: &[Entry<'_>]) -> Vec<Finding> {
    let strays = entries.iter().filter(|entry| entry.kind.is_empty() && !is_root(entry.place));
    let finding = |entry: &Entry<'_>| {
        let problem = format!("{} does not belong in a section", entry.title());
        Finding::new(
            entry.place,
            problem,
            format!("move it to {folder}/{ROOT}; a section has only {}", JOINED.join(", ")),
        )
    };
    strays.map(finding).collect()
}

/// Entries that are in two files. Two in one file are a YAML error already.
fn doubles(entries: &[Entry<'_>]) -> Vec<Finding> {
    let (mut first, mut findings) = (BTreeMap::new(), Vec::new());
    for entry in entries {
        if let Some(other) = first.insert((entry.kind, entry.name), entry.place) {
            let problem = format!("{} is in {other} too", entry.title());
            findings.push(Finding::new(entry.place, problem, "keep one of the two, or rename one"));
        }
    }
    findings
}

fn broken_references(folder: &str, entries: &[Entry<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in entries {
        let references: BTreeSet<&str> = entry.references().into_iter().collect();
        for reference in references.into_iter().filter(|to| !entries.iter().any(|entry| entry.has(to))) {
            let problem = format!("{}: its $ref '{reference}' points to nothing", entry.title());
            let fix =
                format!("refer to something in {folder}/, as #/components/schemas/NAME without the file");
            findings.push(Finding::new(entry.place, problem, fix));
        }
    }
    findings
}

/// Components that no other entry refers to. Payloads of topics and security schemes need no reference.
fn unused(entries: &[Entry<'_>]) -> Vec<Finding> {
    let components = entries.iter().filter(|entry| {
        !matches!(entry.kind, "" | "paths" | "webhooks" | "securitySchemes")
            && entry.value.get("x-channel").is_none()
    });
    let is_used = |component: &Entry<'_>| {
        let others =
            entries.iter().filter(|other| (other.kind, other.name) != (component.kind, component.name));
        others.flat_map(Entry::references).any(|to| component.has(to))
    };
    let finding = |component: &Entry<'_>| {
        let problem = format!("nothing refers to {}", component.title());
        let fix = "refer to it, or remove it; the payload of a websocket topic needs an x-channel";
        Finding::new(component.place, problem, fix)
    };
    components.filter(|component| !is_used(component)).map(finding).collect()
}

fn join(folder: &str, sources: &[Source<'_>]) -> String {
    let mut out = format!(
        "# @generated from {folder}/ by `cargo xtask codegen`. Edit the files there, not this one.\n"
    );
    for part in sources.iter().flat_map(|source| &source.parts) {
        if !JOINED.contains(&part.key) {
            let _ = writeln!(out, "{}", part.text.trim_end());
        }
    }
    let shared = Shared::of(sources.iter().find_map(|source| source.part(SHARED)));
    for key in ["paths", "webhooks"] {
        let parts = || sources.iter().filter_map(|source| Some((source.place, source.part(key)?)));
        if parts().next().is_some() {
            // What the exchange sends has other answers than what it is sent.
            let text = |part: Part<'_>| match key {
                "paths" => shared.added_to(part.body()),
                _ => part.body().to_owned(),
            };
            join_parts(&mut out, key, 0, parts().map(|(place, part)| (place, text(part))));
        }
    }
    out.push_str("\ncomponents:");
    let kinds =
        || sources.iter().flat_map(|source| source.kinds().into_iter().map(|kind| (source.place, kind)));
    let mut done = BTreeSet::new();
    for (_, Part { key, .. }) in kinds().filter(|(_, kind)| done.insert(kind.key)) {
        let same = kinds().filter(|(_, kind)| kind.key == key);
        join_parts(&mut out, key, 2, same.map(|(place, part)| (place, part.body().to_owned())));
    }
    out
}

/// Adds one key with the entries of all files. A comment names each file, so that a reader can find it.
fn join_parts<'a>(
    out: &mut String,
    key: &str,
    indent: usize,
    bodies: impl Iterator<Item = (&'a str, String)>,
) {
    let _ = writeln!(out, "\n{:indent$}{key}:", "");
    let bodies = bodies.map(|(place, body)| format!("{:indent$}  # {place}\n{body}\n", ""));
    out.push_str(&bodies.collect::<Vec<_>>().join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "\
# About this file.
openapi: 3.1.0
info:
  description: |
    Not a key:
    paths: here
tags: [{ name: Rows }, { name: Cells }]

components:
  # About the schemas.
  schemas:
    Text: { type: string } # kept

    Number:
      type: number
  responses:
    Bad: { description: It is bad. }
";

    const ROWS: &str = r##"# About rows.
paths:
  # Newest first.
  /rows/{id}:
    get: { responses: { "200": { $ref: "#/components/schemas/Row" }, "400": { $ref: "#/components/responses/Bad" } } }

components:
  schemas:
    Row:
      properties:
        text: { $ref: "#/components/schemas/Text" }
        cell: { $ref: "#/components/schemas/Cell/properties/number" }
"##;

    const CELLS: &str = r##"
components:
  schemas:
    Cell: { properties: { number: { $ref: "#/components/schemas/Number" } } }
    Change: { x-channel: change }

webhooks:
  cell.moved:
    post: { requestBody: { $ref: "#/components/schemas/Cell" } }
"##;

    /// Joins the files after a change to one of them.
    fn with(file: &str, old: &str, new: &str) -> Result<String, Vec<Finding>> {
        // The order of the folder does not matter; a section that is not in the list of tags comes last.
        let files =
            [("changes", "{}"), ("cells", CELLS), ("rows", ROWS), ("openapi", TOP)].map(|(name, text)| {
                assert!(name != file || text.contains(old), "{old}");
                let text = if name == file { text.replace(old, new) } else { text.to_owned() };
                (format!("{FOLDER}/{name}.yaml"), text)
            });
        bundle(FOLDER, &files)
            .and_then(|(text, unused)| if unused.is_empty() { Ok(text) } else { Err(unused) })
    }

    /// The only finding after a change: its place and its problem.
    fn found(file: &str, old: &str, new: &str) -> (String, String) {
        let findings = with(file, old, new).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:?}");
        let Finding { place, problem, .. } = findings.into_iter().next().unwrap();
        (place.trim_start_matches(FOLDER).to_owned(), problem)
    }

    #[test]
    fn the_text_is_kept_and_stands_in_the_order_of_the_tags() {
        let wanted = r##"# @generated from docs/api/cape/ by `cargo xtask codegen`. Edit the files there, not this one.
openapi: 3.1.0
info:
  description: |
    Not a key:
    paths: here
tags: [{ name: Rows }, { name: Cells }]

paths:
  # docs/api/cape/rows.yaml
  # Newest first.
  /rows/{id}:
    get: { responses: { "200": { $ref: "#/components/schemas/Row" }, "400": { $ref: "#/components/responses/Bad" } } }

webhooks:
  # docs/api/cape/cells.yaml
  cell.moved:
    post: { requestBody: { $ref: "#/components/schemas/Cell" } }

components:
  schemas:
    # docs/api/cape/openapi.yaml
    Text: { type: string } # kept

    Number:
      type: number

    # docs/api/cape/rows.yaml
    Row:
      properties:
        text: { $ref: "#/components/schemas/Text" }
        cell: { $ref: "#/components/schemas/Cell/properties/number" }

    # docs/api/cape/cells.yaml
    Cell: { properties: { number: { $ref: "#/components/schemas/Number" } } }
    Change: { x-channel: change }

  responses:
    # docs/api/cape/openapi.yaml
    Bad: { description: It is bad. }
"##;
        assert_eq!(with("", "", "").unwrap(), wanted);
    }

    #[test]
    fn what_stands_in_two_files_is_found_once_and_names_both() {
        let twice = |file, old, new| {
            let (place, problem) = found(file, old, new);
            (place, problem.replace(FOLDER, ""))
        };
        assert_eq!(
            twice("cells", "  schemas:\n", "  schemas:\n    Row: {}\n"),
            ("/cells.yaml".to_owned(), "the schema 'Row' is in /rows.yaml too".to_owned())
        );
        assert_eq!(
            twice("cells", "components:\n", "paths:\n  /rows/{id}: {}\ncomponents:\n").1,
            "the path '/rows/{id}' is in /rows.yaml too"
        );
        assert_eq!(
            twice("rows", "components:\n", "webhooks:\n  cell.moved: {}\ncomponents:\n").1,
            "the webhook 'cell.moved' is in /rows.yaml too"
        );
        assert_eq!(
            twice("rows", "components:\n", "components:\n  responses:\n    Bad: {}\n").1,
            "the response 'Bad' is in /openapi.yaml too"
        );
        let (place, problem) = found("cells", "    Change", "    Cell: {}\n    Change");
        assert!(place == "/cells.yaml" && problem.contains("duplicate"), "{problem}");
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_found() {
        let with = |reference: &str| {
            let more = format!("      items: {{ $ref: \"{reference}\" }}\n      properties:\n        text");
            with("rows", "      properties:\n        text", &more)
        };
        assert!(with("#/paths/~1rows~1{id}/get").is_ok() && with("#/components/schemas/Row").is_ok());
        for wrong in [
            "#/components/schemas/Strange",
            "#/components/responses/Text",
            "#/components/schemas/Cell/properties/strange",
            "openapi.yaml#/components/schemas/Text",
            "#/info",
        ] {
            let findings = with(wrong).unwrap_err();
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert_eq!(findings[0].place, format!("{FOLDER}/rows.yaml"));
            assert_eq!(
                findings[0].problem,
                format!("the schema 'Row': its $ref '{wrong}' points to nothing")
            );
        }
    }

    #[test]
    fn a_component_that_nothing_refers_to_is_found() {
        let unused = "    Unused: { items: { $ref: \"#/components/schemas/Unused\" } }\n    Change";
        let wanted = ("/cells.yaml".to_owned(), "nothing refers to the schema 'Unused'".to_owned());
        assert_eq!(found("cells", "    Change", unused), wanted);
        assert_eq!(found("cells", "x-channel", "x-chanel").1, "nothing refers to the schema 'Change'");
        let scheme = with("openapi", "components:\n", "components:\n  securitySchemes:\n    key: {}\n");
        assert!(scheme.is_ok(), "security schemes need no reference: {scheme:?}");
    }

    #[test]
    fn what_belongs_into_the_root_file_is_found_in_a_section() {
        let wanted = ("/rows.yaml".to_owned(), "the key 'servers' does not belong in a section".to_owned());
        assert_eq!(found("rows", "paths:", "servers: []\npaths:"), wanted);
        assert!(found("openapi", "openapi: 3.1.0", "a: }").1.contains("line 2"));
    }

    #[test]
    fn what_the_text_does_not_show_is_found() {
        for (file, old, new, key) in [
            ("rows", "paths:\n", "paths: # a comment\n", "paths"),
            ("cells", "webhooks:\n", "webhooks: # a comment\n", "webhooks"),
            ("changes", "{}", "{ components: {} }", "components"),
            ("changes", "{}", "components: { schemas: {} }", "components"),
            ("changes", "{}", "components:\n    schemas: {}\n", "components"),
            ("changes", "{}", "components:\n  schemas: {}\n", "schemas"),
            ("changes", "{}", "components:\n  schemas:\n      A: {}\n", "schemas"),
        ] {
            let wanted = format!("'{key}' has a form that cannot be joined as text");
            assert_eq!(found(file, old, new), (format!("/{file}.yaml"), wanted));
        }
    }
}
