//! Which entry answers a call, and what the nearest one differs in. Of values nothing is told: they may be personal.

use super::{Asked, Entry, Request, hide::MARK, json::Json};

/// Differences that are named; more would hide the first.
const MOST_NAMED: usize = 4;

/// How an entry differs from what is asked, from the nearest to the farthest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// In nothing.
    None,
    /// In what is sent behind the headers, at these places.
    Body(Vec<String>),
    /// In these parameters of the query.
    Query(Vec<String>),
    /// In the path of the same kind of call.
    Path,
    /// It is another call.
    Call,
}

/// Compares. In the entry the mark stands for any value.
pub(crate) fn difference(asked: &Asked, entry: &Entry) -> Difference {
    if asked.method != entry.method {
        return Difference::Call;
    }
    if !fits_path(&asked.path, &entry.path) {
        let segments = |path: &str| path.split('/').count();
        let alike = asked.call == entry.call || segments(&asked.path) == segments(&entry.path);
        return if alike { Difference::Path } else { Difference::Call };
    }
    let query = query_differences(&asked.query, &entry.query);
    if !query.is_empty() {
        return Difference::Query(query);
    }
    let mut found = Vec::new();
    match (&asked.request, &entry.request) {
        (_, None) => {}
        (Some(Request::Json(asked)), Some(Request::Json(entry))) => {
            json_differences(asked, entry, "", &mut found);
        }
        (Some(Request::Form(asked)), Some(Request::Form(entry))) if asked == entry => {}
        _ => found.push("the whole".to_owned()),
    }
    if found.is_empty() { Difference::None } else { Difference::Body(found) }
}

impl Difference {
    /// In words that follow on "the nearest entry".
    pub(crate) fn in_words(&self, entry: &Entry) -> String {
        let named = |all: &[String]| {
            let shown: Vec<_> = all.iter().take(MOST_NAMED).map(String::as_str).collect();
            let more = if all.len() > MOST_NAMED { ", and more" } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        match self {
            Self::None => {
                "is the same, and was used already; a call that is made again needs an entry for each time"
                    .to_owned()
            }
            Self::Body(places) => format!(
                "sends something else at {}; fix what is new each time, such as an id that is made",
                named(places)
            ),
            Self::Query(names) => format!(
                "differs in the query, at {}; fix what is new each time, such as a range up to now",
                named(names)
            ),
            Self::Path | Self::Call => format!("is {} {}", entry.method, entry.path),
        }
    }
}

fn fits(asked: &str, entry: &str) -> bool {
    entry == MARK || asked == entry
}

fn fits_path(asked: &str, entry: &str) -> bool {
    let (mut asked, mut entry) = (asked.split('/'), entry.split('/'));
    loop {
        match (asked.next(), entry.next()) {
            (None, None) => return true,
            (Some(asked), Some(entry)) if fits(asked, entry) => {}
            _ => return false,
        }
    }
}

/// Names of parameters whose values differ. Parameters of one name keep their order, those of different names have none.
fn query_differences(asked: &[String], entry: &[String]) -> Vec<String> {
    let sorted = |query: &[String]| {
        let pairs = query.iter().map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs
    };
    let (asked, entry) = (sorted(asked), sorted(entry));
    let mut names: Vec<_> = asked.iter().chain(&entry).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let values = |pairs: &[(String, String)], name: &str| -> Vec<String> {
        pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
    };
    let differs = |name: &&String| {
        let (asked, entry) = (values(&asked, name), values(&entry, name));
        asked.len() != entry.len() || !asked.iter().zip(&entry).all(|(asked, entry)| fits(asked, entry))
    };
    names.into_iter().filter(differs).cloned().collect()
}

/// Paths of the values that differ. An object's members have no order.
fn json_differences(asked: &Json, entry: &Json, at: &str, found: &mut Vec<String>) {
    match (asked, entry) {
        (_, Json::Text(mark)) if mark == MARK => {}
        (Json::Object(asked), Json::Object(entry)) => {
            let mut names: Vec<_> = asked.iter().chain(entry).map(|(name, _)| name).collect();
            names.sort();
            names.dedup();
            for name in names {
                let values = |members: &[(String, Json)]| -> Vec<Json> {
                    members
                        .iter()
                        .filter(|(other, _)| other == name)
                        .map(|(_, value)| value.clone())
                        .collect()
                };
                let at = format!("{at}.{name}");
                pairwise(&values(asked), &values(entry), &at, |_| at.clone(), found);
            }
        }
        (Json::List(asked), Json::List(entry)) => {
            pairwise(asked, entry, at, |index| format!("{at}[{index}]"), found);
        }
        _ if asked == entry => {}
        _ => found.push(if at.is_empty() { "the whole" } else { at }.to_owned()),
    }
}

fn pairwise(
    asked: &[Json],
    entry: &[Json],
    at: &str,
    inner: impl Fn(usize) -> String,
    found: &mut Vec<String>,
) {
    if asked.len() != entry.len() {
        return found.push(if at.is_empty() { "the whole" } else { at }.to_owned());
    }
    for (index, (asked, entry)) in asked.iter().zip(entry).enumerate() {
        json_differences(asked, entry, &inner(index), found);
    }
}
