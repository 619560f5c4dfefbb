//! What a recording leaves out, and how.
//!
//! Two rules, and each holds without the other. By name: the value of a name that stands for a secret goes, whatever it is. By
//! value: a text goes wherever it holds something that is known to be secret, such as the client's own key.

use super::{Asked, Body, Entry, Field, Request, escapes, json::Json, table};
use crate::{
    Call, Head, PartContent, mask,
    response::without_bom,
    transport::{Content, Outgoing},
};
use bytes::Bytes;
use capecrypto_models::Sensitive;
use http::{HeaderMap, header};
use std::borrow::Cow;
use url::form_urlencoded;

/// What stands in the place of a value that was left out. It is a text whatever the value was, so that a field of text can
/// still be read.
pub(crate) const MARK: &str = "[sensitive]";

/// Headers of an answer that are recorded: those that calls are read by. Any other may hold a cookie or a token.
pub(crate) const HEADERS: [&str; 6] = ["content-type", "page", "per-page", "total", "retry-after", "date"];

/// Shorter ones may stand in any text, so a text must be equal to them.
const SHORT: usize = 6;

/// Layers of escapes that are taken off a text in search of a secret.
const LAYERS: usize = 5;

/// Layers of JSON within a text of JSON that are looked through.
const TEXTS: usize = 2;

/// Where a value stands.
#[derive(Clone, Copy)]
struct Spot {
    /// In an answer: a number that happens to equal the nonce is a time there.
    in_answer: bool,
    /// How many more layers of JSON within a text are looked through.
    texts: usize,
}

impl Spot {
    const REQUEST: Self = Self { in_answer: false, texts: TEXTS };
    const ANSWER: Self = Self { in_answer: true, texts: TEXTS };
}

/// What must not be in the recording of a call.
pub(crate) struct Secrets<'a> {
    call: Call,
    /// In lower case: a signature is the same in upper case.
    values: Vec<Sensitive<String>>,
    nonces: Vec<u64>,
    outgoing: &'a Outgoing,
}

impl<'a> Secrets<'a> {
    /// Those that the request itself holds.
    pub(crate) fn of(outgoing: &'a Outgoing) -> Self {
        let mut secrets = Self { call: outgoing.call, values: Vec::new(), nonces: Vec::new(), outgoing };
        for value in &outgoing.secrets {
            secrets.add(value.expose());
        }
        secrets
    }

    /// One more.
    pub(crate) fn add(&mut self, value: &str) {
        if !value.is_empty() {
            self.values.push(Sensitive::new(value.to_ascii_lowercase()));
        }
    }

    /// Those of the headers that sign an attempt: key, nonce and signature.
    pub(crate) fn add_signed(&mut self, headers: &HeaderMap) {
        let acting_as = self.outgoing.acting_as.as_deref();
        for value in headers.values().filter(|value| value.is_sensitive()) {
            // Whom the call acts for is no secret, and answers name it.
            let Some(value) = value.to_str().ok().filter(|value| Some(*value) != acting_as) else { continue };
            self.add(value);
            self.nonces.extend(value.parse::<u64>());
        }
    }

    /// The request, with what must not be recorded left out.
    pub(crate) fn asked(&self) -> Asked {
        let Outgoing { call, path_and_query, content, .. } = self.outgoing;
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let segment = |text| if self.holds(text) { MARK } else { text };
        let pairs = form_urlencoded::parse(query.as_bytes());
        Asked {
            call: call.name.to_owned(),
            method: call.method.as_str().to_owned(),
            path: path.split('/').map(segment).collect::<Vec<_>>().join("/"),
            query: pairs.map(|(name, value)| self.pair(&name, &value)).collect(),
            request: match content {
                Content::Nothing => None,
                Content::Json(body) => Some(match Json::parse(body) {
                    Some(json) => Request::Json(self.json(json, Spot::REQUEST)),
                    // Nothing of what cannot be looked through is kept.
                    None => Request::Json(Json::Text(MARK.to_owned())),
                }),
                Content::Form(parts, _) => Some(Request::Form(
                    parts
                        .iter()
                        .map(|part| Field {
                            name: part.name.to_owned(),
                            bytes: match &part.content {
                                PartContent::Text(_) => None,
                                PartContent::File(file) => Some(file.content().len()),
                            },
                        })
                        .collect(),
                )),
            },
        }
    }

    /// The call with its answer.
    pub(crate) fn entry(&self, head: &Head, body: &Bytes) -> Entry {
        let headers = HEADERS.iter().filter_map(|name| {
            let value = head.headers.get(*name)?.to_str().ok()?;
            (!self.holds(value)).then(|| ((*name).to_owned(), value.to_owned()))
        });
        let headers = headers.collect();
        let mut entry = Entry::new(self.asked(), head.status, headers, self.body(head, body));
        // Each part was looked at by itself. A secret that lies across two of them is found in the whole.
        if self.holds(&entry.whole_text()) {
            entry.withhold();
        }
        entry
    }

    fn body(&self, head: &Head, body: &Bytes) -> Option<Body> {
        if body.is_empty() {
            return None;
        }
        if let Some(json) = Json::parse(body) {
            return Some(Body::Json(self.json(json, Spot::ANSWER)));
        }
        let Ok(text) = std::str::from_utf8(without_bom(body)) else { return Some(Body::Bytes(body.len())) };
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Some(Body::Text(if kind.is_some_and(|kind| kind.trim_start().starts_with("text/csv")) {
            table::changed(text, |column, cell| {
                if self.names(column) && !cell.is_empty() {
                    return Some(MARK.to_owned());
                }
                self.changed(cell, Spot::ANSWER).map(Cow::into_owned)
            })
        } else {
            // It has no names to go by, and no call reads it: its shape is enough.
            mask::snippet(text.as_bytes())
        }))
    }

    /// Whether a value of this name is left out.
    fn names(&self, name: &str) -> bool {
        self.call.hides(name)
    }

    fn pair(&self, name: &str, value: &str) -> String {
        let value = match self.changed(value, Spot::REQUEST) {
            _ if self.names(name) && !value.is_empty() => MARK.into(),
            Some(changed) => changed,
            None => value.into(),
        };
        format!("{}={value}", if self.holds(name) { MARK } else { name })
    }

    fn json(&self, value: Json, spot: Spot) -> Json {
        match value {
            Json::Null | Json::Flag(_) => value,
            Json::Number(number) => match self.changed(&number, spot) {
                Some(Cow::Owned(other)) => Json::Number(other),
                Some(Cow::Borrowed(mark)) => Json::Text(mark.to_owned()),
                None => Json::Number(number),
            },
            Json::Text(text) => {
                let changed = self.changed(&text, spot).map(Cow::into_owned);
                Json::Text(changed.unwrap_or(text))
            }
            Json::List(items) => Json::List(items.into_iter().map(|item| self.json(item, spot)).collect()),
            Json::Object(members) => Json::Object(
                members.into_iter().map(|(name, value)| self.member(name, value, spot)).collect(),
            ),
        }
    }

    fn member(&self, name: String, value: Json, spot: Spot) -> (String, Json) {
        // Nothing can be learnt from these, and a reader may need them as they are.
        let says_nothing = match &value {
            Json::Null | Json::Flag(_) => true,
            Json::Text(text) => text.is_empty(),
            _ => false,
        };
        let value = if self.names(&name) && !says_nothing {
            Json::Text(MARK.to_owned())
        } else {
            self.json(value, spot)
        };
        (if self.holds(&name) { MARK.to_owned() } else { name }, value)
    }

    /// What stands for a text in the recording; `None` where it may stay. A borrowed one is the mark.
    fn changed(&self, text: &str, spot: Spot) -> Option<Cow<'static, str>> {
        if self.holds(text) {
            // A time of an answer may be the very millisecond that the nonce was made in. It is cut to a second, so that
            // it is still a time. Of a request any value fits the mark.
            let nonce = text.parse::<u64>().ok().filter(|number| self.nonces.contains(number));
            let second = nonce.map(|nonce| nonce.saturating_sub(1) / 1_000 * 1_000);
            return Some(match second.filter(|_| spot.in_answer).map(|second| second.to_string()) {
                Some(second) if !self.holds(&second) => second.into(),
                _ => MARK.into(),
            });
        }
        // JSON within a text, and a URL's query, have names too.
        if text.trim_start().starts_with(['{', '[']) {
            let inner = Json::parse(text.as_bytes())?;
            let Some(texts) = spot.texts.checked_sub(1) else { return Some(MARK.into()) };
            let hidden = self.json(inner.clone(), Spot { texts, ..spot });
            return (hidden != inner).then(|| Cow::Owned(hidden.to_text()));
        }
        let (address, query) = text.split_once('?').filter(|(address, _)| address.contains("://"))?;
        let mut changed = false;
        let pairs = query.split('&').map(|pair| {
            let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
            if !self.names(name) {
                return pair.to_owned();
            }
            changed = true;
            format!("{name}={MARK}")
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        changed.then(|| format!("{address}?{query}").into())
    }

    /// Whether a text holds something that is known to be secret, as it is or escaped.
    fn holds(&self, text: &str) -> bool {
        self.holds_within(&text.to_ascii_lowercase(), LAYERS)
    }

    fn holds_within(&self, text: &str, layers: usize) -> bool {
        if self.values.iter().any(|value| holds(text, value.expose())) {
            return true;
        }
        // Which escapes a text was given, and in which order, nobody knows: each may be the outer layer.
        let inner = [escapes::without_percents, escapes::without_backslashes];
        inner.into_iter().filter_map(|unescaped| unescaped(text)).any(|inner| {
            // Nobody escapes a text so often with good intent.
            layers.checked_sub(1).is_none_or(|layers| self.holds_within(&inner.to_ascii_lowercase(), layers))
        })
    }
}

fn holds(text: &str, value: &str) -> bool {
    if value.len() < SHORT { text == value } else { escapes::holds(text, value) }
}
