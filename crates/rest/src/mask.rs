//! Masks pieces of answers for errors: their shape stays, their values are removed.

/// Longest piece of a body that is read.
const LONGEST: usize = 400;

/// A body as a part of a sentence.
pub(crate) fn body(body: &[u8]) -> String {
    match snippet(body).as_str() {
        "" => "an empty body".to_owned(),
        shape => format!("the body {shape}"),
    }
}

/// The shape of a body: keys and punctuation of JSON, tags of any other text.
pub(crate) fn snippet(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..LONGEST).unwrap_or(body));
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut shape = if text.starts_with(['{', '[', '"']) { json(text) } else { tags(text) };
    if body.len() > LONGEST {
        shape.push('…');
    }
    shape
}

/// The shape of JSON. It works on tokens, so that it can also read a body that was cut.
fn json(text: &str) -> String {
    let mut shape = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, first));
        rest = after;
        match first {
            '"' if is_key(token, rest) => shape.push_str(token),
            '"' => shape.push_str("\"…\""),
            '-' | '0'..='9' => shape.push('0'),
            'a'..='z' if matches!(token, "true" | "false" | "null") => shape.push_str(token),
            '{' | '}' | '[' | ']' | ':' | ',' => shape.push(first),
            _ if first.is_whitespace() => {}
            _ => shape.push('…'),
        }
    }
    shape
}

fn token_length(text: &str, first: char) -> usize {
    let while_char =
        |good: &dyn Fn(char) -> bool| text.find(|c| !good(c)).unwrap_or(text.len()).max(first.len_utf8());
    match first {
        '"' => {
            let mut escaped = false;
            let end = text.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |(at, _)| at + 1)
        }
        '-' | '0'..='9' => while_char(&|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')),
        'a'..='z' | 'A'..='Z' => while_char(&|c| c.is_ascii_alphanumeric()),
        _ => first.len_utf8(),
    }
}

/// Whether a token is a short plain name before a colon; anything else could be data.
fn is_key(token: &str, rest: &str) -> bool {
    let name = token.trim_matches('"');
    rest.trim_start().starts_with(':')
        && name.len() <= 40
        && name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '.'))
}

/// The names of tags; text between them becomes `…`.
fn tags(text: &str) -> String {
    let mut shape = String::new();
    for (number, part) in text.split('<').enumerate() {
        let text = if number == 0 {
            part
        } else {
            let (tag, text) = part.split_once('>').unwrap_or((part, ""));
            let name = tag.split(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '/' | '!'))).next();
            shape.extend(["<", name.unwrap_or_default(), ">"]);
            text
        };
        if !text.trim().is_empty() {
            shape.push('…');
        }
    }
    shape
}

/// A parser's message without the values that it quotes.
pub(crate) fn quoted(message: &str) -> String {
    let mut masked = String::new();
    let mut inside: Option<char> = None;
    let mut chars = message.chars();
    while let Some(c) = chars.next() {
        match inside {
            // A quote within the value is escaped.
            Some(_) if c == '\\' => drop(chars.next()),
            Some(quote) if c == quote => inside = None,
            Some(_) => {}
            // The name of one of our own fields, which shows what the exchange changed.
            None if c == '`'
                && (masked.ends_with("missing field ") || masked.ends_with("duplicate field ")) =>
            {
                masked.extend(chars.by_ref().take_while(|c| *c != '`'));
            }
            None if matches!(c, '"' | '`' | '\'') => {
                inside = Some(c);
                masked.push('…');
            }
            None => masked.push(c),
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_keys_and_loses_values() {
        assert_eq!(
            snippet(br#"{"errors":["canary"], "deep":{"pin":123.4e5,"flag":true,"none":null}}"#),
            r#"{"errors":["…"],"deep":{"pin":0,"flag":true,"none":null}}"#
        );
        assert_eq!(snippet(br#"{"a":"can\"ary","canary 77":1}"#), r#"{"a":"…","…":0}"#);
        assert_eq!(snippet(br#"{"a":"cana"#), r#"{"a":"…""#);
        assert_eq!(snippet(br#"{"a": canary}"#), r#"{"a":…}"#);
        assert_eq!(snippet("\u{feff}[\"é\"]".as_bytes()), r#"["…"]"#);
    }

    #[test]
    fn other_text_keeps_its_tags() {
        assert_eq!(
            snippet(b"<html><a href=\"/canary\">canary</a><br/></html>"),
            "<html><a>…</a><br/></html>"
        );
        assert_eq!(snippet(b"Retry later canary"), "…");
        assert_eq!(snippet(b""), "");
        assert_eq!(snippet(&[0xff, 0xfe, b'<']), "…<>");
    }

    #[test]
    fn it_stays_short() {
        assert!(snippet(&[b'['; 100_000]).chars().count() <= LONGEST + 1);
        assert!(snippet(&[b'<'; 100_000]).chars().count() <= 2 * LONGEST + 1);
    }

    #[test]
    fn parsers_quote_values() {
        assert_eq!(quoted("missing field `market` at line 1"), "missing field market at line 1");
        assert_eq!(
            quoted("invalid type: string \"canary\", expected u64 at line 1"),
            "invalid type: string …, expected u64 at line 1"
        );
        assert_eq!(quoted("unknown variant `canary`, 'canary' has more"), "unknown variant …, … has more");
    }
}
