//! What an intent says about its request: its path and arguments, without the values of secrets.

use crate::{
    PartContent,
    hiding::{Json, Secrets},
    outgoing::{Content, Outgoing},
};
use std::borrow::Cow;

/// What was sent.
#[derive(Clone)]
pub(super) enum Said {
    /// The request itself, and the facts that it adds. It is searched for secrets only when it is read, because most writes
    /// end within a moment, and then nobody reads their intent.
    AsSent(Box<Outgoing>, Vec<(&'static str, String)>),
    Written {
        path: String,
        arguments: Vec<(String, String)>,
    },
}

impl Said {
    pub(super) fn of(outgoing: &Outgoing, facts: Vec<(&'static str, String)>) -> Self {
        match &outgoing.content {
            Content::Nothing | Content::Json(_) => Self::AsSent(Box::new(outgoing.clone()), facts),
            // A form may hold large files, which must not be kept.
            Content::Form(..) => {
                Self::Written { path: path(outgoing), arguments: arguments(outgoing, &facts) }
            }
        }
    }

    pub(super) fn path(&self) -> Cow<'_, str> {
        match self {
            Self::AsSent(outgoing, _) => path(outgoing).into(),
            Self::Written { path, .. } => path.into(),
        }
    }

    pub(super) fn arguments(&self) -> Cow<'_, [(String, String)]> {
        match self {
            Self::AsSent(outgoing, facts) => arguments(outgoing, facts).into(),
            Self::Written { arguments, .. } => arguments.into(),
        }
    }

    /// The same without the request itself.
    pub(super) fn written(self) -> Self {
        match self {
            Self::AsSent(outgoing, facts) => {
                Self::Written { path: path(&outgoing), arguments: arguments(&outgoing, &facts) }
            }
            written @ Self::Written { .. } => written,
        }
    }
}

fn path(outgoing: &Outgoing) -> String {
    Secrets::of(outgoing).path(split(outgoing).0)
}

fn split(outgoing: &Outgoing) -> (&str, &str) {
    outgoing.path_and_query.split_once('?').unwrap_or((&outgoing.path_and_query, ""))
}

fn arguments(outgoing: &Outgoing, facts: &[(&'static str, String)]) -> Vec<(String, String)> {
    let secrets = Secrets::of(outgoing);
    let (path, query) = split(outgoing);
    let mut all = Vec::new();
    let mut add = |name: &str, value: &str| all.push((name.to_owned(), secrets.shown(name, value)));
    for (name, value) in places(outgoing, path) {
        add(name, value);
    }
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        add(&name, &value);
    }
    match &outgoing.content {
        Content::Nothing => {}
        Content::Json(body) => flatten(&mut all, String::new(), secrets.sent(body)),
        Content::Form(parts, _) => {
            for part in parts {
                match &part.content {
                    PartContent::Text(text) => add(part.name, text),
                    PartContent::File(file) => {
                        add(part.name, &format!("a file of {} bytes", file.length()));
                    }
                }
            }
        }
    }
    all.extend(facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    all
}

/// The arguments in the path, from the call's template. The service's path is in front of the template, so the segments are
/// compared from the end.
fn places<'a>(outgoing: &'a Outgoing, path: &'a str) -> Vec<(&'static str, &'a str)> {
    let places = |template: &'static str| {
        let pairs = template.trim_start_matches('/').rsplit('/').zip(path.rsplit('/'));
        let mut found = Vec::new();
        for (wanted, given) in pairs {
            match wanted.strip_prefix('{').and_then(|place| place.strip_suffix('}')) {
                Some(name) => found.insert(0, (name, given)),
                None if wanted == given => {}
                None => return None,
            }
        }
        Some(found)
    };
    places(outgoing.call.path).or_else(|| places(outgoing.call.older_path)).unwrap_or_default()
}

fn flatten(all: &mut Vec<(String, String)>, name: String, value: Json) {
    match value {
        Json::Null => {}
        Json::Flag(flag) => all.push((name, flag.to_string())),
        Json::Number(text) | Json::Text(text) => all.push((name, text)),
        Json::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                flatten(all, format!("{name}[{index}]"), item);
            }
        }
        Json::Object(members) => {
            for (member, value) in members {
                let name = if name.is_empty() { member } else { format!("{name}.{member}") };
                flatten(all, name, value);
            }
        }
    }
}
