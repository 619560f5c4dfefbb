//! Finds the entry that answers a call, and how the nearest one differs. Values are never shown, because they may be personal.

use super::{Asked, Entry, Request};
use crate::hiding::{Json, MARK};

/// Most differences that are named; a longer list would be hard to read.
const MOST_NAMED: usize = 4;

/// How an entry differs from the question, from the smallest difference to the largest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// No difference.
    None,
    /// The body that is sent differs, at these places.
    Body(Vec<String>),
    /// These parameters of the query differ.
    Query(Vec<String>),
    /// The path differs, but the call is of the same kind.
    Path,
    /// It is another call.
    Call,
}

/// Compares a question with an entry. In the entry, the mark fits any value.
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
    /// Describes the difference, as the end of a sentence that starts with "the nearest entry".
    pub(crate) fn in_words(&self, entry: &Entry) -> String {
        let named = |all: &[String]| {
            let shown: Vec<_> = all.iter().take(MOST_NAMED).map(String::as_str).collect();
            let more = if all.len() > MOST_NAMED { ", and more" } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        match self {
            Self::None => {
                "is the same, but was used already; a call that is made several times needs an entry for each"
                    .to_owned()
            }
            Self::Body(places) => format!(
                "sends something else at {}; fix values that are new each time, such as a generated id",
                named(places)
            ),
            Self::Query(names) => format!(
                "differs in the query, at {}; fix values that are new each time, such as a range that ends now",
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

/// Names of parameters whose values differ. The order matters only between parameters with the same name.
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

/// Finds the paths of the values that differ. The order of an object's members does not matter.
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
