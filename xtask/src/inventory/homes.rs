//! Checks that each model and each list of the documents has its home: a type of the SDK, or a table, with the same values.

use super::{INVENTORY, Row};
use crate::{
    bundle::{FOLDER, PARTNER_FOLDER},
    enums::OpenEnum,
    finding::Finding,
    lists::Lists,
};
use std::collections::BTreeSet;

/// Where the values of a list can be.
pub(crate) struct Sources<'a> {
    /// The source files of the crates, each with its path.
    pub(crate) files: &'a [(String, String)],
    pub(crate) enums: &'a [OpenEnum<'a>],
    pub(crate) lists: &'a Lists,
    /// The statuses that the specification describes.
    pub(crate) statuses: &'a BTreeSet<String>,
    /// The same of Cabital's specification.
    pub(crate) partner_statuses: &'a BTreeSet<String>,
}

/// Everything that has no home, or a wrong one.
pub(crate) fn check(rows: &[Row<'_>], sources: &Sources<'_>) -> Vec<Finding> {
    let mine = rows.iter().filter(|row| (row.is_ours() || row.is_partners()) && row.state == "done");
    let wrong = mine.filter_map(|row| {
        let (problem, fix) = match row.kind {
            "list" => sources.wrong_list(row)?,
            "model" => sources.wrong_model(row)?,
            _ => return None,
        };
        Some(Finding::new(row.place(), format!("'{}' {problem}", row.operation), fix))
    });
    wrong.collect()
}

/// A declaration in the sources.
enum Declared<'a> {
    Open(&'a OpenEnum<'a>),
    /// Another type: its file and the text of that file.
    Other(&'a str, &'a str),
}

type Wrong = (String, String);

impl<'a> Sources<'a> {
    fn wrong_model(&self, row: &Row<'_>) -> Option<Wrong> {
        match self.declared(row.sdk) {
            Some(_) => None,
            None => Some(no_home(row.sdk)),
        }
    }

    fn wrong_list(&self, row: &Row<'_>) -> Option<Wrong> {
        // What the SDK knows in addition, from the server family, stands behind a plus.
        let (home, beyond) = row.sdk.split_once(" + ").unwrap_or((row.sdk, ""));
        let listed = || row.values.split("; ").chain(beyond.split("; ")).filter(|value| !value.is_empty());
        let Lists { occupations, sources_of_funds, .. } = self.lists;
        let texts = |list: &'a [String]| list.iter().map(String::as_str).collect::<BTreeSet<_>>();
        match home {
            "lists::Occupation" => counted(row.values, &texts(occupations)),
            "lists::SourceOfFunds" => {
                differ("docs/api/lists/sources-of-funds.txt", &texts(sources_of_funds), listed())
            }
            "spec::responses" => {
                let statuses = listed().filter_map(|value| value.split(' ').next());
                let known = if row.is_partners() { self.partner_statuses } else { self.statuses };
                let missing: Vec<&str> = statuses.filter(|status| !known.contains(*status)).collect();
                (!missing.is_empty()).then(|| {
                    let problem = format!(
                        "has statuses that the specification does not describe: {}",
                        missing.join(", ")
                    );
                    let folder = if row.is_partners() { PARTNER_FOLDER } else { FOLDER };
                    (problem, format!("add them to the shared responses in {folder}/openapi.yaml"))
                })
            }
            home => match home.strip_prefix("lists::Holder::") {
                Some(holder) => {
                    let types = self.lists.document_types(&holder.to_lowercase()).into_iter().collect();
                    differ("docs/api/lists/document-types.tsv", &types, listed())
                }
                None => match self.declared(home) {
                    None => Some(no_home(row.sdk)),
                    Some(Declared::Open(OpenEnum { file, values, .. })) if row.is_partners() => {
                        // Cabital's lists have words beside the values: `PA001 …`, `EUR SEPA`.
                        let value = |listed: &'_ str| {
                            listed.split(' ').find(|word| values.contains(*word)).map(str::to_owned)
                        };
                        let found: Vec<String> = listed()
                            .map(|listed| value(listed).unwrap_or_else(|| listed.to_owned()))
                            .collect();
                        differ(file, values, found.iter().map(String::as_str))
                    }
                    Some(Declared::Open(OpenEnum { file, values, .. })) => differ(file, values, listed()),
                    Some(Declared::Other(file, text)) => not_in(file, text, row.values),
                },
            },
        }
    }

    /// The declaration of `models::OrderState` or `merchant::forms::Person`: crate first, type last.
    fn declared(&self, path: &str) -> Option<Declared<'a>> {
        let (home, name) = (path.split("::").next()?, path.rsplit("::").next()?);
        let folder = format!("crates/{home}/src/");
        let is_it = |open: &&OpenEnum<'_>| open.name == name && open.file.starts_with(&folder);
        if let Some(open) = self.enums.iter().find(is_it) {
            return Some(Declared::Open(open));
        }
        let declarations = ["enum", "struct", "type"].map(|word| format!("pub {word} {name}"));
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let has = |text: &str| {
            declarations.iter().any(|declaration| text.split(declaration.as_str()).skip(1).any(ends))
        };
        let mut files = self.files.iter().filter(|(place, _)| place.starts_with(&folder));
        files.find(|(_, text)| has(text)).map(|(place, text)| Declared::Other(place, text))
    }
}

fn no_home(sdk: &str) -> Wrong {
    let problem = match sdk {
        "-" => "has no home".to_owned(),
        sdk => format!("has its home in {sdk}, which does not exist"),
    };
    let fix = format!(
        "name in {INVENTORY} its type, such as models::OrderState (crate first), or for a list a table, such as \
         lists::Occupation; or write the reason why it has none into the column state: `no: …`"
    );
    (problem, fix)
}

/// Compares the values of a list with those of its home.
fn differ<'a>(home: &str, have: &BTreeSet<&str>, listed: impl Iterator<Item = &'a str>) -> Option<Wrong> {
    let listed: BTreeSet<&str> = listed.collect();
    let names = |names: Vec<&&str>| names.into_iter().copied().collect::<Vec<_>>().join(", ");
    let (missing, strange) =
        (names(listed.difference(have).collect()), names(have.difference(&listed).collect()));
    let problem = match (missing.as_str(), strange.as_str()) {
        ("", "") => return None,
        (missing, "") => format!("has values that {home} does not have: {missing}"),
        ("", strange) => format!("does not have what {home} has: {strange}"),
        (missing, strange) => {
            format!("and {home} differ: only the documents have {missing}; only {home} has {strange}")
        }
    };
    let fix = format!(
        "correct {home} by the documents; a value that only the server family has is named in the column sdk of {INVENTORY}, \
         behind ` + `"
    );
    Some((problem, fix))
}

/// Compares a list that is too long for its cell: `769 values, … (2 written twice: Baker, Cook)`.
fn counted(cell: &str, have: &BTreeSet<&str>) -> Option<Wrong> {
    let number = |text: &str| text.split(' ').next().and_then(|number| number.parse::<usize>().ok());
    let twice = cell.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')?.split_once(": "));
    let counts = number(cell).zip(twice.and_then(|(count, names)| Some((number(count)?, names))));
    let wrong = |problem: String| {
        Some((problem, "correct docs/api/lists/occupations.txt by the documents".to_owned()))
    };
    let Some((all, (twice, names))) = counts else {
        return wrong(format!("does not tell its numbers: '{cell}'"));
    };
    let names: BTreeSet<&str> = names.split(", ").collect();
    if let Some(missing) = names.iter().find(|name| !have.contains(*name)) {
        return wrong(format!("has {missing}, which its table does not have"));
    }
    let distinct = all.saturating_sub(twice);
    if names.len() == twice && distinct == have.len() {
        return None;
    }
    wrong(format!("has {distinct} different values, and its table has {}", have.len()))
}

/// Compares a list with a type that is no open enum: each number and name with a digit must stand in its file.
fn not_in(file: &str, text: &str, cell: &str) -> Option<Wrong> {
    let text = text.replace('_', "");
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    let values = cell.split([',', ';', ' ']).filter(|value| value.starts_with(|c: char| c.is_ascii_digit()));
    let missing: Vec<&str> = values.filter(|value| !words.contains(value)).collect();
    (!missing.is_empty()).then(|| {
        (
            format!("has values that {file} does not have: {}", missing.join(", ")),
            format!("add them to {file}"),
        )
    })
}
