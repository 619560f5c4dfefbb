//! `docs/api/inventory.tsv`: everything that the documents name, and what of it this SDK has. The coverage is counted from
//! it.

mod homes;
mod whole;

pub(crate) use homes::{Sources, check as homes};
pub(crate) use whole::{check as whole, check_partner as whole_partner};

use crate::{calls::Call, events::Event, streams::Topic};
use std::collections::BTreeMap;

/// The path of the file.
pub(crate) const INVENTORY: &str = "docs/api/inventory.tsv";

/// How many calls the exchange's documents name, how many of them this SDK has, and where the documents name each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) named: usize,
    pub(crate) here: usize,
    places: BTreeMap<(String, String), Places>,
}

/// Where the documents describe a call: the line, such as `L573`, in each of the two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) current: Option<String>,
    pub(crate) older: Option<String>,
}

impl Coverage {
    /// Where the documents describe the call; two times `None` if they do not.
    pub(crate) fn places(&self, method: &str, path: &str) -> Places {
        self.places.get(&key(method, path)).cloned().unwrap_or_default()
    }
}

impl Places {
    /// Which version of the documents has the call.
    pub(crate) fn version(&self) -> &'static str {
        match (&self.current, &self.older) {
            (Some(_), Some(_)) => "both",
            (Some(_), None) => "current",
            (None, Some(_)) => "older",
            (None, None) => "-",
        }
    }

    /// For the table: `L573, older L401`.
    pub(crate) fn text(&self) -> String {
        let older = self.older.as_ref().map(|line| format!("older {line}"));
        let both: Vec<String> = self.current.clone().into_iter().chain(older).collect();
        if both.is_empty() { "-".to_owned() } else { both.join(", ") }
    }
}

/// Method and path of a call in one form, because the documents write paths in several forms.
fn key(method: &str, path: &str) -> (String, String) {
    // A row may name another way to write the path behind the first one.
    let mut rest = path.split_whitespace().next().unwrap_or_default();
    for prefix in ["/api/v2", "/api/v1", "/persona", "/verification"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    let parts = rest.split('/').map(|part| if part.starts_with(['{', ':', '<']) { "{}" } else { part });
    (method.to_uppercase(), parts.collect::<Vec<_>>().join("/"))
}

/// A row, by the names of its columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    line: usize,
    system: &'a str,
    kind: &'a str,
    method: &'a str,
    path: &'a str,
    operation: &'a str,
    section: &'a str,
    /// The column `parameters`: the values of a list.
    values: &'a str,
    sdk: &'a str,
    state: &'a str,
}

impl<'a> Row<'a> {
    /// Whether it is of the exchange.
    fn is_ours(&self) -> bool {
        self.system.starts_with("cape-")
    }

    /// Whether it is of Cabital's partner API.
    fn is_partners(&self) -> bool {
        self.system.starts_with("cabital-")
    }

    /// The name of a stream's topic.
    fn topic(&self) -> Option<&'a str> {
        self.path.split_once("?stream=").map(|(_, name)| name.trim())
    }

    /// Where it is, for messages.
    fn place(&self) -> String {
        format!("{INVENTORY}:{}", self.line)
    }
}

/// All rows.
pub(crate) fn rows(text: &str) -> Result<Vec<Row<'_>>, String> {
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split('\t').collect();
    let rows = (2..).zip(text.lines().skip(1));
    rows.map(|(line, text)| {
        let cells: Vec<&str> = text.split('\t').collect();
        let cell = |name: &str| {
            let column = header.iter().position(|column| *column == name);
            column
                .and_then(|column| cells.get(column))
                .copied()
                .ok_or(format!("line {line} has no column '{name}'"))
        };
        Ok(Row {
            line,
            system: cell("system")?,
            kind: cell("kind")?,
            method: cell("method")?,
            path: cell("path")?,
            operation: cell("operation")?,
            section: cell("section")?,
            values: cell("parameters")?,
            sdk: cell("sdk")?,
            state: cell("state")?,
        })
    })
    .collect()
}

/// Fills the columns `sdk`, `sandbox` and `state` of the exchange's calls, topics and events from the specification, and counts
/// the coverage of the calls. What the specification has is done; what it lost keeps its row, so that [`whole()`] finds it. The
/// other rows are kept by hand, and so is whether the sandbox sends an event.
pub(crate) fn filled(
    text: &str,
    calls: &[Call],
    topics: &[Topic],
    events: &[Event],
) -> Result<(String, Coverage), String> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        let found = header.iter().position(|column| *column == name);
        found.ok_or_else(|| format!("there is no column '{name}'"))
    };
    let (system, kind, method, path) =
        (column("system")?, column("kind")?, column("method")?, column("path")?);
    let (section, operation) = (column("section")?, column("operation")?);
    let (sdk, sandbox, state) = (column("sdk")?, column("sandbox")?, column("state")?);
    let calls: BTreeMap<_, _> = calls
        .iter()
        .filter(|call| call.is_offered())
        .map(|call| (key(&call.method, &call.path), call.sdk.as_str()))
        .collect();
    let mut named = BTreeMap::new();
    let mut places = BTreeMap::<_, Places>::new();
    let mut out = format!("{}\n", header.join("\t"));
    for (number, line) in (2..).zip(lines) {
        let mut row: Vec<&str> = line.split('\t').collect();
        if row.len() != header.len() {
            return Err(format!("line {number} has {} columns instead of {}", row.len(), header.len()));
        }
        let path = row.get(path).copied().unwrap_or_default();
        let here = match row.get(kind) {
            _ if !row.get(system).is_some_and(|system| system.starts_with("cape-")) => None,
            Some(&"rest") => {
                let key = key(row.get(method).unwrap_or(&""), path);
                let here = calls.get(&key).copied();
                let line = line_of(row.get(section).unwrap_or(&""));
                let place = places.entry(key.clone()).or_default();
                let place = match row.get(system) {
                    Some(&"cape-legacy") => &mut place.older,
                    _ => &mut place.current,
                };
                // The newer public text repeats calls; the documents' own line counts.
                place.get_or_insert(line);
                named.insert(key, here.is_some());
                Some(here)
            }
            Some(&"stream") => {
                let name = path.split_once("?stream=").map_or("", |(_, name)| name.trim());
                Some(topics.iter().find(|topic| topic.address == name).map(|topic| topic.sdk.as_str()))
            }
            Some(&"webhook-event") => {
                let name = row.get(operation).copied().unwrap_or_default();
                Some(events.iter().find(|event| event.name == name).map(|event| event.sdk.as_str()))
            }
            _ => None,
        };
        if let Some(Some(here)) = here {
            let is_event = row.get(kind) == Some(&"webhook-event");
            let served = if is_event { row.get(sandbox).copied().unwrap_or("-") } else { "yes" };
            let filled = [here, served, "done"];
            for (place, value) in [sdk, sandbox, state].into_iter().zip(filled) {
                if let Some(cell) = row.get_mut(place) {
                    *cell = value;
                }
            }
        }
        out.push_str(&row.join("\t"));
        out.push('\n');
    }
    let here = named.values().filter(|here| **here).count();
    Ok((out, Coverage { named: named.len(), here, places }))
}

/// Fills the columns `sdk` and `state` of the calls of Cabital's partner API from its specification. Whether the sandbox has a call is kept
/// by hand, as are the other rows.
pub(crate) fn filled_partner(text: &str, calls: &[Call]) -> Result<String, String> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        let found = header.iter().position(|column| *column == name);
        found.ok_or_else(|| format!("there is no column '{name}'"))
    };
    let [system, kind, method, path] =
        [column("system")?, column("kind")?, column("method")?, column("path")?];
    let (sdk, state) = (column("sdk")?, column("state")?);
    let here: BTreeMap<_, _> =
        calls.iter().map(|call| (key(&call.method, &call.path), format!("cabital::{}", call.sdk))).collect();
    let mut out = format!("{}\n", header.join("\t"));
    for line in lines {
        let mut row: Vec<&str> = line.split('\t').collect();
        let cell = |at: usize| row.get(at).copied().unwrap_or_default();
        let is_call = cell(system).starts_with("cabital-") && cell(kind) == "rest";
        let found = here.get(&key(cell(method), cell(path))).filter(|_| is_call);
        if let Some(found) = found {
            for (place, value) in [(sdk, found.as_str()), (state, "done")] {
                if let Some(cell) = row.get_mut(place) {
                    *cell = value;
                }
            }
        }
        out.push_str(&row.join("\t"));
        out.push('\n');
    }
    Ok(out)
}

/// The line in a section's cell, such as `L573` in `Account / Get transaction history (L573)`.
fn line_of(section: &str) -> String {
    let line = section.rsplit_once('(').and_then(|(_, line)| line.strip_suffix(')'));
    line.filter(|line| line.starts_with('L')).unwrap_or("no line").to_owned()
}

#[cfg(test)]
mod tests;
