//! Reads the error codes of an answer that is not a success, and decides whether the exchange itself wrote them.

use crate::{Codes, response::without_bom};
use serde::Deserialize;
use serde_json::Value;

/// Most codes that are kept.
const MOST_CODES: usize = 16;
/// Most codes that are printed.
const MOST_SHOWN: usize = 4;

/// Sentences of the exchange's own software for errors without a code: start and end, with any text between them.
const SENTENCES: [(&str, &str); 4] = [
    ("The provided content-type '", "' is not supported."),
    ("The requested format '", "' is not supported."),
    ("The requested version is not supported.", ""),
    ("Route is not found", ""),
];

/// An error body that is an object with `errors` or `error`, or for [`Codes::Numbered`] with `code` or `message`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// The codes in it, or sentences if it has no codes.
    pub(crate) codes: Vec<String>,
    form: Codes,
}

impl Words {
    /// Whether only the exchange can have written these words, with any status: each is a code of its form or a sentence of
    /// its software. A gateway on the way may answer with JSON too, but does not know what happened to a write.
    pub(crate) fn are_its_own(&self) -> bool {
        let sentence =
            |text: &str| SENTENCES.iter().any(|(start, end)| text.starts_with(start) && text.ends_with(end));
        let own = |code: &String| match self.form {
            Codes::Dotted => is_dotted(code) || sentence(code),
            Codes::Numbered { .. } => is_numbered(code),
        };
        !self.codes.is_empty() && self.codes.iter().all(own)
    }

    /// Whether a code says that the write may have been done.
    pub(crate) fn are_doubtful(&self) -> bool {
        match self.form {
            Codes::Dotted => false,
            Codes::Numbered { doubtful } => self.codes.iter().any(|code| doubtful.contains(&code.as_str())),
        }
    }
}

/// Reads `errors` or `error`: a list, a text, a number or an object. For [`Codes::Numbered`], reads `code` and `message`. `None`
/// if the body is not an object with one of them.
pub(crate) fn read(body: &[u8], form: Codes) -> Option<Words> {
    let Ok(Value::Object(body)) = serde_json::from_slice(without_bom(body)) else { return None };
    if let Codes::Numbered { .. } = form {
        let is_there = body.contains_key("code") || body.contains_key("message");
        return is_there.then(|| Words { codes: one(&Value::Object(body)), form });
    }
    let parts = ["errors", "error"].into_iter().filter_map(|name| body.get(name));
    let mut found = parts.map(codes).peekable();
    found.peek()?;
    Some(Words { codes: found.find(|codes| !codes.is_empty()).unwrap_or_default(), form })
}

/// The code of a body that holds nothing but this code: an object with the single member `errors`, which is a list of
/// exactly one text.
pub(crate) fn sole_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sole {
        errors: [String; 1],
    }
    let Sole { errors: [code] } = serde_json::from_slice(without_bom(body)).ok()?;
    Some(code)
}

fn codes(value: &Value) -> Vec<String> {
    match value {
        Value::Array(several) => several.iter().flat_map(one).take(MOST_CODES).collect(),
        other => one(other),
    }
}

fn one(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            let text: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
            if text.is_empty() { Vec::new() } else { vec![text] }
        }
        Value::Number(number) => vec![number.to_string()],
        Value::Object(parts) => {
            let part = |name| parts.get(name).map(flat).unwrap_or_default();
            let code = part("code");
            // A number alone says little, so the message beside it is kept too.
            if code.iter().any(|code| is_code(code)) { code } else { [code, part("message")].concat() }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => Vec::new(),
    }
}

/// A text or a number; no deeper.
fn flat(value: &Value) -> Vec<String> {
    if value.is_object() { Vec::new() } else { one(value) }
}

/// Codes as an error prints them. Sentences are masked, because they may quote what was sent.
pub(crate) fn shown(codes: &[String]) -> String {
    let code = |code: &String| if is_code(code) { code.clone() } else { "…".to_owned() };
    let mut shown: Vec<_> = codes.iter().take(MOST_SHOWN).map(code).collect();
    if codes.len() > MOST_SHOWN {
        shown.push(format!("and {} more", codes.len() - MOST_SHOWN));
    }
    shown.join(", ")
}

/// Whether a text is a code of one of the forms.
fn is_code(text: &str) -> bool {
    is_dotted(text) || is_numbered(text)
}

/// Two to four capital letters, then three digits.
fn is_numbered(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
    (2..=4).contains(&(text.len() - digits.len()))
        && digits.len() == 3
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Words between dots, with so few digits that they cannot hold a secret value.
fn is_dotted(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
    };
    text.contains('.') && text.split('.').all(word) && text.chars().filter(char::is_ascii_digit).count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(body: &str) -> Option<Vec<String>> {
        read(body.as_bytes(), Codes::Dotted).map(|words| words.codes)
    }

    #[test]
    fn codes_in_every_form_are_read() {
        for (body, expected) in [
            (r#"{"errors":["a.b","c.d"]}"#, &["a.b", "c.d"][..]),
            (r#"{"errors":"a.b"}"#, &["a.b"]),
            (r#"{"error":"price is invalid"}"#, &["price is invalid"]),
            (r#"{"errors":null,"error":"price is invalid"}"#, &["price is invalid"]),
            (r#"{"errors":[],"error":"price is invalid"}"#, &["price is invalid"]),
            (r#"{"error":{"code":2002,"message":"too small"}}"#, &["2002", "too small"]),
            (r#"{"error":{"code":"","message":"too small"}}"#, &["too small"]),
            (r#"{"error":{"code":null,"message":"too small"}}"#, &["too small"]),
            (r#"{"error":{"code":"a.b","message":"too small"}}"#, &["a.b"]),
            (r#"{"errors":[2002,{"code":2003}]}"#, &["2002", "2003"]),
            ("\u{feff}{\"errors\":[\"a.b\"]}", &["a.b"]),
            (r#"{"errors":null}"#, &[]),
            (r#"{"errors":[[["deep"]]],"error":{"code":{"code":"deep"}}}"#, &[]),
        ] {
            assert_eq!(codes_of(body).as_deref(), Some(expected.map_to_owned().as_slice()), "{body}");
        }
        for none in ["", "null", "[]", r#"["a.b"]"#, r#"{"message":"a.b"}"#, "<html>", r#"{"errors":["#] {
            assert_eq!(codes_of(none), None, "{none}");
        }
        let many = format!(r#"{{"errors":[{}1]}}"#, "1,".repeat(10_000));
        assert_eq!(codes_of(&many).unwrap().len(), MOST_CODES);
    }

    trait ToOwnedTexts {
        fn map_to_owned(&self) -> Vec<String>;
    }

    impl ToOwnedTexts for [&str] {
        fn map_to_owned(&self) -> Vec<String> {
            self.iter().map(|&text| text.to_owned()).collect()
        }
    }

    #[test]
    fn only_codes_of_its_form_and_its_own_sentences_are_the_exchanges() {
        let own = |body: &str| read(body.as_bytes(), Codes::Dotted).unwrap().are_its_own();
        for body in [
            r#"{"errors":["market.order.invalid_side"]}"#,
            r#"{"errors":"server.method_not_allowed"}"#,
            r#"{"error":"The provided content-type 'text/plain' is not supported."}"#,
            r#"{"error":"Route is not found"}"#,
        ] {
            assert!(own(body), "{body}");
        }
        for body in [
            r#"{"error":"upstream gone"}"#,
            r#"{"errors":["market.order.invalid_side","upstream gone"]}"#,
            r#"{"error":{"code":502}}"#,
            r#"{"errors":[]}"#,
            r#"{"errors":null}"#,
        ] {
            assert!(!own(body), "{body}");
        }
    }

    #[test]
    fn numbered_codes_stand_in_code_with_a_message_beside_them() {
        let form = Codes::Numbered { doubtful: &["PA999"] };
        let read = |body: &str| read(body.as_bytes(), form);
        for (body, codes, own) in [
            (r#"{"code":"PA002","message":"not enough"}"#, &["PA002"][..], true),
            (r#"{"message":"not enough","code":"PA002"}"#, &["PA002"], true),
            (r#"{"code":409,"message":"used before"}"#, &["409", "used before"], false),
            (r#"{"message":"Forbidden"}"#, &["Forbidden"], false),
            (r#"{"code":"pa002"}"#, &["pa002"], false),
            (r#"{"code":"PA0021"}"#, &["PA0021"], false),
            (r#"{"code":null,"message":null}"#, &[], false),
        ] {
            let words = read(body).unwrap();
            assert_eq!(words.codes, codes.map_to_owned(), "{body}");
            assert_eq!((words.are_its_own(), words.are_doubtful()), (own, false), "{body}");
        }
        assert!(read(r#"{"code":"PA999"}"#).unwrap().are_doubtful());
        for none in [r#"{"errors":["PA002"]}"#, r#"["PA002"]"#, "", "<html>"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(shown(&["PA002".to_owned(), "PA 002".to_owned(), "PAAAA002".to_owned()]), "PA002, …, …");
    }

    #[test]
    fn a_sole_code_is_all_that_the_body_says() {
        assert_eq!(sole_code(br#"{"errors":["a.b"]}"#).as_deref(), Some("a.b"));
        for other in [
            r#"{"errors":["a.b","a.b"]}"#,
            r#"{"errors":["a.b"],"id":7}"#,
            r#"{"errors":["a.b"],"errors":["a.b"]}"#,
            r#"{"errors":"a.b"}"#,
            r#"{"errors":[]}"#,
            r#"{"error":["a.b"]}"#,
            r#"{"error":{"message":"a.b"}}"#,
            r#"["a.b"]"#,
            r#"{"errors":["a.b"]}{}"#,
        ] {
            assert_eq!(sole_code(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn what_is_printed_is_short_and_holds_no_prose() {
        let codes: Vec<_> = (0..16).map(|_| "your pin is 77".to_owned()).collect();
        assert_eq!(shown(&codes), "…, …, …, …, and 12 more");
    }
}
