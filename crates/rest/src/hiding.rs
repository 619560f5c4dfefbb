//! Decides what a recording and an intent leave out, and replaces it.
//!
//! There are two independent rules. By name: any value whose name stands for a secret is left out. By value: any text that
//! holds a known secret, such as the client's key, is left out.

mod escapes;
mod json;

pub(crate) use json::Json;

use crate::{Call, outgoing::Outgoing};
use capecrypto_models::Sensitive;
use std::borrow::Cow;

/// Replaces a value that was left out. It is always a text, so that a field of text can still be read.
pub(crate) const MARK: &str = "[sensitive]";

/// A secret shorter than this may occur in any text by chance, so only a text that is equal to it is left out.
const SHORT: usize = 6;

/// Most layers of escapes that are removed from a text in search of a secret.
const LAYERS: usize = 5;

/// Most layers of JSON within a text of JSON that are searched.
const TEXTS: usize = 2;

/// Where a value is in the call.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// Whether it is in an answer: there, a number that equals the nonce is a time.
    in_answer: bool,
    /// How many more layers of JSON within a text are searched.
    texts: usize,
}

impl Spot {
    pub(crate) const REQUEST: Self = Self { in_answer: false, texts: TEXTS };
    #[cfg(feature = "recording")]
    pub(crate) const ANSWER: Self = Self { in_answer: true, texts: TEXTS };
}

/// The secrets that must not be in the recording or the intent of a call.
pub(crate) struct Secrets {
    call: Call,
    /// In lower case, because a signature may also be written in upper case.
    values: Vec<Sensitive<String>>,
    /// Nonces of the attempts, if the attempts are recorded.
    pub(crate) nonces: Vec<u64>,
}

impl Secrets {
    /// The secrets that the request itself holds.
    pub(crate) fn of(outgoing: &Outgoing) -> Self {
        let mut secrets = Self { call: outgoing.call, values: Vec::new(), nonces: Vec::new() };
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

    /// A path.
    pub(crate) fn path(&self, path: &str) -> String {
        let segment = |text| if self.holds(text) { MARK } else { text };
        path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }

    /// The value of an argument.
    pub(crate) fn shown(&self, name: &str, value: &str) -> String {
        match self.changed(value, Spot::REQUEST) {
            _ if self.names(name) && !value.is_empty() => MARK.to_owned(),
            Some(changed) => changed.into_owned(),
            None => value.to_owned(),
        }
    }

    /// A body that is sent. One that cannot be searched is left out as a whole.
    pub(crate) fn sent(&self, body: &[u8]) -> Json {
        let json = Json::parse(body).map(|json| self.json(json, Spot::REQUEST));
        json.unwrap_or_else(|| Json::Text(MARK.to_owned()))
    }

    /// Whether a value of this name is left out.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.call.hides(name)
    }

    pub(crate) fn json(&self, value: Json, spot: Spot) -> Json {
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
    pub(crate) fn changed(&self, text: &str, spot: Spot) -> Option<Cow<'static, str>> {
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
    pub(crate) fn holds(&self, text: &str) -> bool {
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
