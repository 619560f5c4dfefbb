//! `docs/api/lists/`: the lists that the documents print whole. The SDK and the sandbox get a table each, because they
//! share no code.

use crate::{
    bundle::{BUNDLE, FOLDER as SPEC},
    finding::Finding,
    workspace::root,
};
use serde_norway::Value;
use std::{collections::BTreeSet, fmt::Write as _};

/// The folder of the lists.
pub(crate) const FOLDER: &str = "docs/api/lists";

const OCCUPATIONS: &str = "docs/api/lists/occupations.txt";
const SOURCES_OF_FUNDS: &str = "docs/api/lists/sources-of-funds.txt";
const DOCUMENT_TYPES: &str = "docs/api/lists/document-types.tsv";

/// The tables that are written from the lists: of the SDK, and of the sandbox.
pub(crate) const TABLES: [&str; 2] =
    ["crates/merchant/src/lists/generated.rs", "crates/sandbox/src/base/lists/generated.rs"];

/// The fields of the specification that have the values of a list, and the mark that says it.
const FIELDS: [(&str, &str); 3] = [
    ("occupation", "occupations"),
    ("source_of_funds", "sources-of-funds"),
    ("doc_type", "document-types: HOLDER, HOLDER"),
];

/// Whose documents a row is about.
pub(crate) const HOLDERS: [&str; 3] = ["person", "ubo", "business"];

/// All lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lists {
    pub(crate) occupations: Vec<String>,
    pub(crate) sources_of_funds: Vec<String>,
    pub(crate) documents: Vec<Document>,
}

/// A type of document: a row of its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) holder: String,
    slot: String,
    pub(crate) doc_type: String,
    back: Vec<String>,
    required: bool,
    months: Option<u8>,
    with: Vec<String>,
}

/// Reads all lists.
pub(crate) fn read() -> Result<Lists, Finding> {
    Ok(Lists {
        occupations: file(OCCUPATIONS, values)?,
        sources_of_funds: file(SOURCES_OF_FUNDS, values)?,
        documents: file(DOCUMENT_TYPES, documents)?,
    })
}

fn file<T>(path: &str, parse: fn(&str) -> Result<T, String>) -> Result<T, Finding> {
    let text = std::fs::read_to_string(root().join(path)).map_err(|error| error.to_string());
    text.and_then(|text| parse(&text))
        .map_err(|error| Finding::new(path, error, "correct the list by the documents, or bring it back"))
}

impl Lists {
    /// The types of documents of a holder.
    pub(crate) fn document_types(&self, holder: &str) -> Vec<&str> {
        let rows = self.documents.iter().filter(|row| row.holder == holder);
        rows.map(|row| row.doc_type.as_str()).collect()
    }

    /// The values that a mark `x-list` of the specification names: `occupations`, or `document-types: person, ubo`.
    fn marked(&self, mark: &str) -> Result<BTreeSet<&str>, String> {
        match mark.split_once(": ") {
            None if mark == "occupations" => Ok(self.occupations.iter().map(String::as_str).collect()),
            None if mark == "sources-of-funds" => {
                Ok(self.sources_of_funds.iter().map(String::as_str).collect())
            }
            Some(("document-types", holders)) => {
                let mut types = BTreeSet::new();
                for holder in holders.split(", ") {
                    let of_holder = self.document_types(holder);
                    if of_holder.is_empty() {
                        return Err(format!("the holder '{holder}' is none of {}", HOLDERS.join(", ")));
                    }
                    types.extend(of_holder);
                }
                Ok(types)
            }
            _ => Err(format!("there is no list '{mark}'")),
        }
    }

    /// Compares the specification with the lists: each field of a list is marked with `x-list`, and if it names its values,
    /// they are those of the list.
    pub(crate) fn compared(&self, spec: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.walk(spec, "", &mut findings);
        findings
    }

    fn walk(&self, node: &Value, path: &str, findings: &mut Vec<Finding>) {
        if let Some(list) = node.as_sequence() {
            list.iter()
                .enumerate()
                .for_each(|(index, item)| self.walk(item, &format!("{path}/{index}"), findings));
        }
        for (key, value) in node.as_mapping().into_iter().flatten() {
            let path = format!("{path}/{}", key.as_str().unwrap_or_default());
            // An example of a value is no schema.
            if let Some(error) = value.as_mapping().and_then(|_| self.wrong(key.as_str()?, value)) {
                let fix = format!("correct the field in {SPEC}/ by {FOLDER}/, then cargo xtask codegen");
                findings.push(Finding::new(format!("{BUNDLE}{path}"), error, fix));
            }
            self.walk(value, &path, findings);
        }
    }

    /// What is wrong with a property of this name.
    fn wrong(&self, name: &str, schema: &Value) -> Option<String> {
        let Some(mark) = schema.get("x-list").and_then(Value::as_str) else {
            let list = FIELDS.into_iter().find(|(field, _)| *field == name)?.1;
            return Some(format!("its values are those of a list: mark it with x-list: \"{list}\""));
        };
        let values = schema.get("x-open-enum").and_then(Value::as_sequence);
        let listed = match self.marked(mark) {
            Ok(listed) => listed,
            Err(error) => return Some(format!("x-list: {error}")),
        };
        let here: BTreeSet<&str> = values?.iter().filter_map(Value::as_str).collect();
        let names = |names: Vec<&&str>| names.into_iter().copied().collect::<Vec<_>>().join(", ");
        let (missing, strange) =
            (names(listed.difference(&here).collect()), names(here.difference(&listed).collect()));
        match (missing.as_str(), strange.as_str()) {
            ("", "") => None,
            (missing, "") => Some(format!("x-open-enum misses: {missing}")),
            ("", strange) => Some(format!("x-open-enum has what the list '{mark}' does not have: {strange}")),
            (missing, strange) => {
                Some(format!("x-open-enum misses: {missing}; and the list does not have: {strange}"))
            }
        }
    }

    /// The generated tables, each with its path.
    pub(crate) fn tables(&self) -> [(&'static str, String); 2] {
        let [sdk, sandbox] = TABLES;
        [
            (sdk, self.table("super::rule::{DocumentRule, Holder::*, Slot::*, rule}", "super", camel)),
            (
                sandbox,
                self.table("super::{DocumentRule, Holder::*, rule}", "crate", |slot| format!("\"{slot}\"")),
            ),
        ]
    }

    fn table(&self, used: &str, visible: &str, slot: fn(&str) -> String) -> String {
        let mut out = format!(
            "//! The lists of the documents, sorted.\n// @generated from {FOLDER}/ by `cargo xtask codegen`. Edit these, not this file.\n\nuse {used};\n"
        );
        for (name, what, values) in [
            ("OCCUPATIONS", "Occupations", &self.occupations),
            ("SOURCES_OF_FUNDS", "Sources of funds", &self.sources_of_funds),
        ] {
            let _ =
                write!(out, "\n/// {what}.\n#[rustfmt::skip]\npub({visible}) const {name}: &[&str] = &[\n");
            for value in values {
                let _ = writeln!(out, "    {value:?},");
            }
            out.push_str("];\n");
        }
        let _ = write!(
            out,
            "\n/// Types of documents, by holder.\n#[rustfmt::skip]\npub({visible}) const DOCUMENTS: &[DocumentRule] = &[\n"
        );
        for row in &self.documents {
            let _ = write!(out, "    rule({}, {}, {:?})", camel(&row.holder), slot(&row.slot), row.doc_type);
            if row.required {
                out.push_str(".required()");
            }
            if !row.back.is_empty() {
                let _ = write!(out, ".back(&{:?})", row.back);
            }
            if let Some(months) = row.months {
                let _ = write!(out, ".months({months})");
            }
            for field in &row.with {
                let _ = write!(out, ".{field}()");
            }
            out.push_str(",\n");
        }
        out.push_str("];\n");
        out
    }
}

/// `IdentityFront` of `identity front`.
fn camel(words: &str) -> String {
    let mut out = String::new();
    for word in words.split(' ') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        out.extend(letters);
    }
    out
}

/// The lines of a list after its comment, whose last word says how many there are. The count makes a lost line an error.
fn lines(text: &str) -> Result<Vec<(usize, &str)>, String> {
    let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
    let count = comment.last().and_then(|line| line.rsplit_once("Values: ")?.1.parse::<usize>().ok());
    let count = count.ok_or("the comment at the top does not end with `Values: NUMBER`")?;
    let rows: Vec<_> = (1..).zip(text.lines()).skip(comment.len()).collect();
    let header = usize::from(rows.first().is_some_and(|(_, line)| line.contains('\t')));
    if rows.len() != count + header {
        return Err(format!("it has {} values, and its comment says {count}", rows.len() - header));
    }
    Ok(rows)
}

fn values(text: &str) -> Result<Vec<String>, String> {
    let rows = lines(text)?;
    for (number, line) in &rows {
        plain(line).map_err(|error| format!("line {number}: {error}"))?;
    }
    for ((_, before), (number, line)) in rows.iter().zip(rows.iter().skip(1)) {
        if before >= line {
            return Err(format!(
                "line {number}: '{line}' is not after '{before}'; sort by bytes, each value once"
            ));
        }
    }
    Ok(rows.into_iter().map(|(_, line)| line.to_owned()).collect())
}

fn documents(text: &str) -> Result<Vec<Document>, String> {
    let mut rows = lines(text)?.into_iter();
    let header = rows.next().map_or("", |(_, line)| line);
    if header != "holder\tslot\tdoc_type\tback\trequired\tmonths\twith" {
        return Err("the columns are not holder, slot, doc_type, back, required, months, with".to_owned());
    }
    let mut found: Vec<Document> = Vec::new();
    for (number, line) in rows {
        let row = document(line).map_err(|error| format!("line {number}: {error}"))?;
        if found.iter().any(|other| other.holder == row.holder && other.doc_type == row.doc_type) {
            return Err(format!("line {number}: '{}' of a {} is there twice", row.doc_type, row.holder));
        }
        found.push(row);
    }
    for row in &found {
        let known = |back: &&String| {
            found.iter().any(|other| {
                other.holder == row.holder && other.slot == "identity back" && other.doc_type == **back
            })
        };
        if let Some(back) = row.back.iter().find(|back| !known(back)) {
            return Err(format!(
                "'{back}', the back of '{}', is no identity back of a {}",
                row.doc_type, row.holder
            ));
        }
    }
    Ok(found)
}

fn document(line: &str) -> Result<Document, String> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [holder, slot, doc_type, back, required, months, with] = cells[..] else {
        return Err(format!("it has {} columns instead of 7", cells.len()));
    };
    [holder, slot, doc_type, back, with].into_iter().try_for_each(plain)?;
    if !HOLDERS.contains(&holder) {
        return Err(format!("the holder '{holder}' is none of {}", HOLDERS.join(", ")));
    }
    let several = |cell: &str| match cell {
        "-" => Vec::new(),
        cell => cell.split("; ").map(str::to_owned).collect(),
    };
    let with = several(with);
    if let Some(field) = with.iter().find(|field| !matches!(field.as_str(), "doc_number" | "doc_expire")) {
        return Err(format!("'{field}' is none of the fields doc_number and doc_expire"));
    }
    Ok(Document {
        holder: holder.to_owned(),
        slot: slot.to_owned(),
        doc_type: doc_type.to_owned(),
        back: several(back),
        required: match required {
            "yes" => true,
            "no" => false,
            other => return Err(format!("required is yes or no, not '{other}'")),
        },
        months: match months {
            "-" => None,
            months => Some(months.parse().map_err(|_| format!("'{months}' is no number of months"))?),
        },
        with,
    })
}

/// Whether a value can stand in a list as it is.
fn plain(value: &str) -> Result<(), String> {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\'));
    if value.is_empty() || value.trim() != value || value.contains("  ") || !is_plain {
        return Err(format!(
            "{value:?} is empty, or has spaces or characters that the documents do not have"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_sorted_complete_and_plain() {
        let good = "# Things.\n# Values: 2\nApple Tree\nBook\n";
        assert_eq!(values(good).unwrap(), ["Apple Tree", "Book"]);
        for (wrong, told) in [
            (good.replace("Book\n", ""), "it has 1 values, and its comment says 2"),
            (good.replace("Book", "Aa"), "line 4: 'Aa' is not after 'Apple Tree'"),
            (good.replace("Book", "Apple Tree"), "line 4"),
            (good.replace("Book", "Book "), "line 4: \"Book \""),
            (good.replace("Apple Tree", ""), "line 3: \"\""),
            (good.replace("# Values: 2\n", ""), "Values: NUMBER"),
        ] {
            assert!(values(&wrong).unwrap_err().contains(told), "{:?}", values(&wrong));
        }
    }

    const ROWS: &str = "# Values: 2\nholder\tslot\tdoc_type\tback\trequired\tmonths\twith\n\
                        person\tidentity front\tCard\tCard back\tyes\t3\tdoc_number; doc_expire\n\
                        person\tidentity back\tCard back\t-\tno\t-\t-\n";

    #[test]
    fn a_wrong_row_of_a_document_is_named() {
        assert_eq!(documents(ROWS).unwrap().len(), 2);
        for (what, with, told) in [
            ("person\tidentity front", "ghost\tidentity front", "line 3: the holder 'ghost'"),
            ("\tyes\t", "\tmaybe\t", "not 'maybe'"),
            ("\t3\t", "\tthree\t", "'three' is no number"),
            ("doc_expire", "doc_color", "'doc_color' is none"),
            ("\tCard back\t-\t", "\tCard\t-\t", "line 4: 'Card' of a person is there twice"),
            (
                "\tCard back\tyes",
                "\tBack\tyes",
                "'Back', the back of 'Card', is no identity back of a person",
            ),
            ("\t-\t-\n", "\t-\n", "line 4: it has 6 columns"),
            ("slot\t", "", "the columns are not"),
        ] {
            let error = documents(&ROWS.replacen(what, with, 1)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn each_table_has_every_row_in_its_own_words() {
        let lists = Lists {
            occupations: vec!["Baker".to_owned()],
            sources_of_funds: vec!["Gifts".to_owned()],
            documents: documents(ROWS).unwrap(),
        };
        let [(_, sdk), (_, sandbox)] = lists.tables();
        let row = ", \"Card\").required().back(&[\"Card back\"]).months(3).doc_number().doc_expire(),\n";
        assert!(sdk.contains(&format!("    rule(Person, IdentityFront{row}")), "{sdk}");
        assert!(sandbox.contains(&format!("    rule(Person, \"identity front\"{row}")), "{sandbox}");
        for table in [sdk, sandbox] {
            assert!(table.contains("\n    \"Baker\",\n") && table.contains("\n    \"Gifts\",\n"), "{table}");
            assert!(table.lines().nth(1).unwrap().contains("@generated"), "{table}");
        }
        assert_eq!(lists.document_types("person"), ["Card", "Card back"]);
    }

    #[test]
    fn a_field_of_the_specification_has_the_values_of_its_list() {
        let lists = Lists {
            occupations: vec!["Baker".to_owned()],
            sources_of_funds: vec!["Gifts".to_owned()],
            documents: documents(ROWS).unwrap(),
        };
        let told = |field: &str| {
            let spec = format!("paths: {{ a: [{{ properties: {{ {field} }} }}] }}");
            let findings = lists.compared(&serde_norway::from_str(&spec).unwrap());
            findings
                .into_iter()
                .map(|found| format!("{}: {}", found.place, found.problem))
                .collect::<Vec<_>>()
        };
        for good in [
            "doc_type: { x-list: \"document-types: person\", x-open-enum: [Card back, Card] }",
            "occupation: { x-list: occupations }",
            "source_of_funds: Gifts",
            "other: { x-open-enum: [a] }",
        ] {
            assert!(told(good).is_empty(), "{:?}", told(good));
        }
        for (wrong, problem) in [
            ("doc_type: { type: string }", "/paths/a/0/properties/doc_type: its values are those of a list"),
            ("kind: { x-list: \"document-types: person\", x-open-enum: [Card] }", "misses: Card back"),
            ("kind: { x-list: sources-of-funds, x-open-enum: [Gifts, Loans] }", "does not have: Loans"),
            (
                "kind: { x-list: sources-of-funds, x-open-enum: [Loans] }",
                "misses: Gifts; and the list does not have: Loans",
            ),
            ("kind: { x-list: \"document-types: ghost\" }", "'ghost' is none of"),
            ("kind: { x-list: colors }", "no list 'colors'"),
        ] {
            let told = told(wrong);
            assert!(told.len() == 1 && told[0].contains(problem), "{told:?}");
        }
    }

    #[test]
    fn the_lists_of_this_repository_have_as_many_values_as_the_documents() {
        let lists = read().unwrap();
        assert_eq!((lists.occupations.len(), lists.sources_of_funds.len()), (757, 22));
        assert_eq!(HOLDERS.map(|holder| lists.document_types(holder).len()), [15, 14, 9]);
    }
}
