//! Makes the entry of a call, without what must not be recorded.

use super::{Asked, Body, Entry, Field, Request, table};
use crate::{
    Head, PartContent,
    hiding::{Json, MARK, Secrets, Spot},
    mask,
    outgoing::{Content, Outgoing},
    response::without_bom,
};
use bytes::Bytes;
use http::{HeaderMap, header};
use std::borrow::Cow;

/// Headers of an answer that are recorded, because the client reads them. Any other header may hold a cookie or a token.
pub(crate) const HEADERS: [&str; 6] = ["content-type", "page", "per-page", "total", "retry-after", "date"];

impl Secrets {
    /// Adds the values of the headers that sign an attempt: key, nonce and signature.
    pub(crate) fn add_signed(&mut self, outgoing: &Outgoing, headers: &HeaderMap) {
        let acting_as = outgoing.acting_as.as_deref();
        for value in headers.values().filter(|value| value.is_sensitive()) {
            // The uid that the call acts for is not a secret, and answers name it.
            let Some(value) = value.to_str().ok().filter(|value| Some(*value) != acting_as) else { continue };
            self.add(value);
            self.nonces.extend(value.parse::<u64>());
        }
    }

    /// The request without the values that must not be recorded.
    pub(crate) fn asked(&self, outgoing: &Outgoing) -> Asked {
        let Outgoing { call, path_and_query, content, .. } = outgoing;
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let pairs = form_urlencoded::parse(query.as_bytes());
        Asked {
            call: call.name.to_owned(),
            method: call.method.as_str().to_owned(),
            path: self.path(path),
            query: pairs.map(|(name, value)| self.pair(&name, &value)).collect(),
            request: match content {
                Content::Nothing => None,
                Content::Json(body) => Some(Request::Json(self.sent(body))),
                Content::Form(parts, _) => Some(Request::Form(
                    parts
                        .iter()
                        .map(|part| Field {
                            name: part.name.to_owned(),
                            bytes: match &part.content {
                                PartContent::Text(_) => None,
                                PartContent::File(file) => Some(file.length()),
                            },
                        })
                        .collect(),
                )),
            },
        }
    }

    /// The call with its answer.
    pub(crate) fn entry(&self, outgoing: &Outgoing, head: &Head, body: &Bytes) -> Entry {
        let headers = HEADERS.iter().filter_map(|name| {
            let value = head.headers.get(*name)?.to_str().ok()?;
            (!self.holds(value)).then(|| ((*name).to_owned(), value.to_owned()))
        });
        let headers = headers.collect();
        let mut entry = Entry::new(self.asked(outgoing), head.status, headers, self.body(head, body));
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

    fn pair(&self, name: &str, value: &str) -> String {
        format!("{}={}", if self.holds(name) { MARK } else { name }, self.shown(name, value))
    }
}
