//! `docs/api/inventory.tsv`: everything that the documents name, and what of it this SDK has. The coverage is counted from
//! it.

use std::collections::BTreeMap;

/// The path of the file.
pub(crate) const INVENTORY: &str = "docs/api/inventory.tsv";

/// A call of the specification: method, path and the client's type.
pub(crate) type Call = (String, String, String);

/// A topic of the websocket: its address and the client's event.
pub(crate) type Topic = (String, String);

/// An event of a webhook: its name and the client's type.
pub(crate) type Event = (String, String);

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
    let mut rest = path.trim();
    for prefix in ["/api/v2", "/persona", "/verification"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    let parts = rest.split('/').map(|part| if part.starts_with(['{', ':']) { "{}" } else { part });
    (method.to_uppercase(), parts.collect::<Vec<_>>().join("/"))
}

/// Fills the columns `sdk`, `sandbox` and `state` of the exchange's calls, topics and events from the specification, and counts
/// the coverage of the calls. The other rows are kept by hand, and so is whether the sandbox sends an event.
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
    let calls: BTreeMap<_, _> =
        calls.iter().map(|(method, path, sdk)| (key(method, path), sdk.as_str())).collect();
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
                Some(topics.iter().find(|(address, _)| address == name).map(|(_, sdk)| sdk.as_str()))
            }
            Some(&"webhook-event") => {
                let name = row.get(operation).copied().unwrap_or_default();
                Some(events.iter().find(|(event, _)| event == name).map(|(_, sdk)| sdk.as_str()))
            }
            _ => None,
        };
        if let Some(here) = here {
            let is_event = row.get(kind) == Some(&"webhook-event");
            let served = if is_event { row.get(sandbox).copied().unwrap_or("-") } else { "yes" };
            let filled = here.map_or(["-", "-", "open"], |here| [here, served, "done"]);
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

/// The line in a section's cell, such as `L573` in `Account / Get transaction history (L573)`.
fn line_of(section: &str) -> String {
    let line = section.rsplit_once('(').and_then(|(_, line)| line.strip_suffix(')'));
    line.filter(|line| line.starts_with('L')).unwrap_or("no line").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "system\tkind\tmethod\tpath\toperation\tsection\tsdk\tsandbox\tstate\n\
                        cape-current\trest\tGET\t/api/v2/things/{id}\t-\tThings / One (L12)\t-\t-\topen\n\
                        cape-legacy\trest\tGET\t /things/:uid \t-\tThings (L3)\t-\t-\topen\n\
                        cape-current\trest\tPOST\t/persona/things\t-\tThings (new)\told::Name\tyes\tdone\n\
                        cape-current\tmodel\t-\t-\t-\t-\tThing\t-\tdone\n\
                        cape-current\tstream\tSUBSCRIBE\t/ws ?stream={market}.rows\t-\t-\t-\t-\topen\n\
                        cape-legacy\tstream\tSUBSCRIBE\t/ws ?stream=gone\t-\t-\tEvent::Gone\tyes\tdone\n\
                        cape-current\twebhook-event\tPOST\tyour url\tthing.moved\tEvents\t-\t-\topen\n\
                        cape-current\twebhook-event\tPOST\tyour url\tthing.lost\tEvents\told::Name\tyes\tdone\n\
                        cabital-seed\trest\tGET\t/things/{id}\t-\t-\t-\t-\topen\n";

    fn call(method: &str, path: &str, sdk: &str) -> Call {
        (method.to_owned(), path.to_owned(), sdk.to_owned())
    }

    #[test]
    fn calls_and_topics_are_found_however_their_path_is_written_and_counted_once() {
        let topics = [("{market}.rows".to_owned(), "Event::Rows".to_owned())];
        let events = [("thing.moved".to_owned(), "Event::Moved".to_owned())];
        let (text, coverage) =
            filled(TEXT, &[call("get", "/things/{thing}", "things::Get")], &topics, &events).unwrap();
        assert_eq!((coverage.named, coverage.here), (2, 1));
        let both = coverage.places("get", "/things/{thing}");
        assert_eq!((both.text().as_str(), both.version()), ("L12, older L3", "both"));
        let current = coverage.places("POST", "/things");
        assert_eq!((current.text().as_str(), current.version()), ("no line", "current"));
        let nowhere = coverage.places("GET", "/things");
        assert_eq!((nowhere.text().as_str(), nowhere.version()), ("-", "-"));
        let rows: Vec<&str> = text.lines().skip(1).map(|row| row.rsplit('\t').next().unwrap()).collect();
        assert_eq!(rows, ["done", "done", "open", "done", "done", "open", "done", "open", "open"]);
        assert_eq!(text.matches("things::Get").count(), 2);
        assert!(!text.contains("old::Name") && text.contains("\tThing\t"));
        assert!(text.contains("\tEvent::Rows\tyes\t") && !text.contains("Event::Gone"));
        assert!(text.contains("\tEvent::Moved\t-\tdone"), "the sandbox sends no event yet");
        let calls = [call("GET", "/things/{thing}", "things::Get")];
        let (again, same) = filled(&text, &calls, &topics, &events).unwrap();
        assert_eq!((again, same), (text, coverage));
    }

    #[test]
    fn a_broken_row_is_named() {
        assert!(filled(&TEXT.replace("\tstate", ""), &[], &[], &[]).unwrap_err().contains("'state'"));
        let short = TEXT.replace("cape-current\tmodel\t-", "cape-current\tmodel");
        assert!(filled(&short, &[], &[], &[]).unwrap_err().contains("line 5"));
    }
}
