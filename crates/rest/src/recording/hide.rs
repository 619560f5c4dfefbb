//! Decides what a recording leaves out, and replaces it.
//!
//! There are two independent rules. By name: any value whose name stands for a secret is left out. By value: any text that
//! holds a known secret, such as the client's key, is left out.

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

/// Replaces a value that was left out. It is always a text, so that a field of text can still be read.
pub(crate) const MARK: &str = "[sensitive]";

/// Headers of an answer that are recorded, because the client reads them. Any other header may hold a cookie or a token.
pub(crate) const HEADERS: [&str; 6] = ["content-type", "page", "per-page", "total", "retry-after", "date"];

/// A secret shorter than this may occur in any text by chance, so only a text that is equal to it is left out.
const SHORT: usize = 6;

/// Most layers of escapes that are removed from a text in search of a secret.
const LAYERS: usize = 5;

/// Most layers of JSON within a text of JSON that are searched.
const TEXTS: usize = 2;

/// Where a value is in the call.
#[derive(Clone, Copy)]
struct Spot {
    /// Whether it is in an answer: there, a number that equals the nonce is a time.
    in_answer: bool,
    /// How many more layers of JSON within a text are searched.
    texts: usize,
}

impl Spot {
    const REQUEST: Self = Self { in_answer: false, texts: TEXTS };
    const ANSWER: Self = Self { in_answer: true, texts: TEXTS };
}

/// The secrets that must not be in the recording of a call.
pub(crate) struct Secrets<'a> {
    call: Call,
    /// In lower case, because a signature may also be written in upper case.
    values: Vec<Sensitive<String>>,
    nonces: Vec<u64>,
    outgoing: &'a Outgoing,
}

impl<'a> Secrets<'a> {
    /// The secrets that the request itself holds.
    pub(crate) fn of(outgoing: &'a Outgoing) -> Self {
        let mut secrets = Self { call: outgoing.call, values: Vec::new(), nonces: Vec::new(), outgoing };
        for value in &outgoing.secrets {
            secrets.add(value.expose());
        }
        secrets
    }

    /// Adds a secret.
    pub(crate) fn add(&mut self, value: &str) {
        if !value.is_empty() {
            self.values.push(Sensitive::new(value.to_ascii_lowercase()));
        }
    }

    /// Adds the values of the headers that sign an attempt: key, nonce and signature.
    pub(crate) fn add_signed(&mut self, headers: &HeaderMap) {
        let acting_as = self.outgoing.acting_as.as_deref();
        for value in headers.values().filter(|value| value.is_sensitive()) {
            // The uid that the call acts for is not a secret, and answers name it.
            let Some(value) = value.to_str().ok().filter(|value| Some(*value) != acting_as) else { continue };
            self.add(value);
            self.nonces.extend(value.parse::<u64>());
        }
    }

    /// The request without the values that must not be recorded.
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
                    // A body that cannot be searched is left out as a whole.
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
        // Each part was searched separately. A secret that spans two parts is only found in the whole text.
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
            // Such a text has no names to search by, and no call reads it, so its shape is enough.
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
        // These values reveal nothing, and the client may need them as they are.
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

    /// The replacement for a text in the recording; `None` if the text may stay. A borrowed replacement is the mark.
    fn changed(&self, text: &str, spot: Spot) -> Option<Cow<'static, str>> {
        if self.holds(text) {
            // A time in an answer may be the same millisecond as the nonce. It is cut to its second, so that it is still
            // a time. In a request the mark is enough, because it fits any value.
            let nonce = text.parse::<u64>().ok().filter(|number| self.nonces.contains(number));
            let second = nonce.map(|nonce| nonce.saturating_sub(1) / 1_000 * 1_000);
            return Some(match second.filter(|_| spot.in_answer).map(|second| second.to_string()) {
                Some(second) if !self.holds(&second) => second.into(),
                _ => MARK.into(),
            });
        }
        // JSON within a text and the query of a URL have names too, so the rule by name applies to them.
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

    /// Whether a text holds a known secret, escaped or not.
    fn holds(&self, text: &str) -> bool {
        self.holds_within(&text.to_ascii_lowercase(), LAYERS)
    }

    fn holds_within(&self, text: &str, layers: usize) -> bool {
        if self.values.iter().any(|value| holds(text, value.expose())) {
            return true;
        }
        // The order of a text's escapes is not known, so each kind is tried as the outer layer.
        let inner = [escapes::without_percents, escapes::without_backslashes];
        inner.into_iter().filter_map(|unescaped| unescaped(text)).any(|inner| {
            // No honest text has so many layers of escapes, so treat it as a secret.
            layers.checked_sub(1).is_none_or(|layers| self.holds_within(&inner.to_ascii_lowercase(), layers))
        })
    }
}

fn holds(text: &str, value: &str) -> bool {
    if value.len() < SHORT { text == value } else { escapes::holds(text, value) }
}
