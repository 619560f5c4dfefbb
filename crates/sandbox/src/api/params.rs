//! Parameters of a call, from the query and then the body (JSON or form). Numbers stay text, so that money is never read
//! as a float.

use crate::{
    base::{
        money::{self, Parsed},
        refusal::{self, Refusal},
    },
    exchange::people::documents::FileKind,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// One value, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text, or anything that came in a query or form.
    Text(String),
    /// A JSON number, as its text.
    Number(String),
    Bool(bool),
    Null,
    List(Vec<Value>),
    /// A JSON object, as its text.
    Object(String),
    /// A file of a form.
    File(File),
}

/// A file of a form. Of its content only this is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    /// `None` if it is no file of the documents' kinds.
    pub(crate) kind: Option<FileKind>,
    /// In lower-case hex.
    pub(crate) sha256: String,
}

impl Value {
    pub(crate) fn from_json(raw: &RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map_or(Self::Null, Self::Text),
            Some(b'[') => {
                let items: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
                // Only one level is read, to limit the work: no call takes a list inside a list.
                Self::List(items.iter().map(|item| Self::scalar(item)).collect())
            }
            _ => Self::scalar(raw),
        }
    }

    fn scalar(raw: &RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map_or(Self::Null, Self::Text),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            Some(b'{' | b'[') => Self::Object(text.to_owned()),
            _ => Self::Number(text.to_owned()),
        }
    }

    /// The text of a text or a number.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Object(_) | Self::File(_) => None,
        }
    }

    /// A whole number. If it is out of range, the nearest `i64`, which is above or below every limit.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        let text = self.as_text()?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
    }

    pub(crate) fn as_decimal(&self) -> Parsed {
        match self {
            Self::Text(text) | Self::Number(text) => money::parse(text),
            _ => Parsed::NotDecimal,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.as_text()? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

/// All parameters of a call, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, Value)>);

impl Params {
    /// Reads query and body. If both have a parameter, the body wins.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let mut params = Self::default();
        params.add_form(query.unwrap_or_default().as_bytes());
        if !body.is_empty() {
            params.add_body(headers, body)?;
        }
        Ok(params)
    }

    /// Reads the query, and adds the fields of a form with files.
    pub(crate) fn of_form(query: Option<&str>, fields: Vec<(String, Value)>) -> Self {
        let mut params = Self::default();
        params.add_form(query.unwrap_or_default().as_bytes());
        params.0.extend(fields);
        params
    }

    /// Reads the fields of a JSON object, which is the value of a parameter.
    pub(crate) fn of_object(text: &str) -> Option<Self> {
        let mut params = Self::default();
        params.add_json(text.as_bytes()).ok().filter(|()| text.trim_start().starts_with('{'))?;
        Some(params)
    }

    fn add_body(&mut self, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        // Without a content type the body is JSON, as on the server family. An unknown content type is refused.
        let full = headers
            .get(header::CONTENT_TYPE)
            .map_or_else(|| JSON.into(), |value| String::from_utf8_lossy(value.as_bytes()));
        let kind = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            JSON => self.add_json(body),
            FORM => {
                self.add_form(body);
                Ok(())
            }
            _ => Err(Refusal::Sentence(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("The provided content-type '{kind}' is not supported."),
            )),
        }
    }

    fn add_form(&mut self, text: &[u8]) {
        let pairs = form_urlencoded::parse(text);
        self.0.extend(pairs.map(|(key, value)| (key.into_owned(), Value::Text(value.into_owned()))));
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        const MALFORMED: Refusal = Refusal::Text(StatusCode::BAD_REQUEST, refusal::MALFORMED);
        let whole: &RawValue = serde_json::from_slice(body).map_err(|_| MALFORMED)?;
        if !whole.get().starts_with('{') {
            // Valid JSON, but not an object, so it has no parameters. Missing ones are refused by name later.
            return Ok(());
        }
        let fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(whole.get()).map_err(|_| MALFORMED)?;
        self.0.extend(fields.into_iter().map(|(key, raw)| (key, Value::from_json(&raw))));
        Ok(())
    }

    /// The last value with that name, `null` included.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The last value with that name; `null` counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.raw(name).filter(|value| **value != Value::Null)
    }

    /// Every value of `name` and `name[]`, from `state=wait`, `state[]=wait&state[]=done` or a JSON list.
    pub(crate) fn all(&self, name: &str) -> Vec<&Value> {
        let mut all = Vec::new();
        for (key, value) in &self.0 {
            if key == name || key.strip_suffix("[]") == Some(name) {
                match value {
                    Value::Null => {}
                    Value::List(items) => all.extend(items),
                    other => all.push(other),
                }
            }
        }
        all
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, body: &str) -> Result<Params, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        Params::read(Some("market=ethzar&limit=5"), &headers, body.as_bytes())
    }

    #[test]
    fn json_and_form_say_the_same() {
        let json =
            r#"{"market":"btczar","price":800000.10,"state":["wait","done"],"n":null,"x":{"y":[[[1]]]}}"#;
        let form = "market=btczar&price=800000.10&state[]=wait&state%5B%5D=done";
        for params in [
            read("application/json;charset=utf-8", json).unwrap(),
            read("application/x-www-form-urlencoded", form).unwrap(),
        ] {
            assert_eq!(params.get("market").and_then(Value::as_text), Some("btczar"));
            assert_eq!(params.get("limit").and_then(Value::as_integer), Some(5));
            assert_eq!(params.get("price").and_then(Value::as_text), Some("800000.10"));
            let states: Vec<_> = params.all("state").into_iter().filter_map(Value::as_text).collect();
            assert_eq!(states, ["wait", "done"]);
            assert_eq!(params.get("n"), None);
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let malformed = Refusal::Text(StatusCode::BAD_REQUEST, "server.method.invalid_message_body");
        let deep = "[".repeat(100_000);
        for body in ["{", "nonsense", "{\"a\":1}x", "{\"a\":\"\u{1}\"}", deep.as_str()] {
            assert_eq!(read("application/json", body).unwrap_err(), malformed);
        }
        let unsupported = read("text/csv; charset=utf-8", "a").unwrap_err();
        let sentence = "The provided content-type 'text/csv' is not supported.".to_owned();
        assert_eq!(unsupported, Refusal::Sentence(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
        assert!(read("text/csv", "").is_ok(), "without a body the content type is ignored");
        assert!(read("application/json", "[1,2]").is_ok());
        assert!(
            read("application/json", &format!("{{\"a\":{}1{}}}", "[".repeat(90), "]".repeat(90))).is_ok()
        );
    }

    #[test]
    fn integers_are_whole_and_saturate() {
        let integer = |text: &str| Value::Text(text.to_owned()).as_integer();
        assert_eq!(integer("12"), Some(12));
        assert_eq!(integer("-3"), Some(-3));
        assert_eq!(integer(&"9".repeat(40)), Some(i64::MAX));
        for text in ["", "1.5", "1e3", "abc", "+", "1 "] {
            assert_eq!(integer(text), None, "{text:?}");
        }
    }
}
