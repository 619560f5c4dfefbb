//! Finds and removes the escapes of URLs, forms and JSON.

/// Whether a text holds this value, where each character may be escaped or not. The search starts at every byte, because
/// the characters before a value may look like the start of an escape by chance.
pub(super) fn holds(text: &str, value: &str) -> bool {
    let text = text.as_bytes();
    (0..text.len()).any(|from| text.get(from..).is_some_and(|text| begins_with(text, value.as_bytes())))
}

fn begins_with(text: &[u8], value: &[u8]) -> bool {
    // Fast path: at most positions the first byte shows that the value does not begin here.
    let may_begin = |first: &&u8| value.first() == Some(*first) || matches!(first, b'+' | b'%' | b'\\');
    if text.first().filter(may_begin).is_none() {
        return false;
    }
    // The rests of text and value that still have to match. A `%` in the text may stand for itself or begin an escape, so
    // there may be several ways to continue.
    let mut open = vec![(text, value)];
    while let Some((text, value)) = open.pop() {
        let Some((wanted, value)) = value.split_first() else { return true };
        if let Some((_, rest)) = escape(text).filter(|(meant, _)| meant == wanted) {
            open.push((rest, value));
        }
        if let Some((_, rest)) = text.split_first().filter(|(first, _)| *first == wanted) {
            open.push((rest, value));
        }
    }
    false
}

/// The byte that an escape at the start of a text stands for, and the text after it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (length, meant) = match text {
        [b'+', ..] => (1, Some(b' ')),
        [b'%', ..] => (3, text.get(1..3).and_then(hex)),
        [b'\\', b'u', ..] => (6, text.get(2..6).and_then(hex)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => (2, Some(*escaped)),
        _ => (0, None),
    };
    Some((meant?, text.get(length..)?))
}

fn hex(digits: &[u8]) -> Option<u8> {
    // The number parser would accept a sign, such as in `+f`.
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// Removes one layer of escapes such as `%41`; `None` if there is none.
pub(super) fn without_percents(text: &str) -> Option<String> {
    let (first, rest) = text.split_once('%')?;
    let mut bytes = first.as_bytes().to_vec();
    let mut found = false;
    for part in rest.split('%') {
        match part.as_bytes().get(..2).and_then(hex) {
            Some(byte) => {
                found = true;
                bytes.push(byte);
                bytes.extend_from_slice(part.as_bytes().get(2..).unwrap_or_default());
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    found.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// Removes one layer of JSON's escapes; `None` if there is none.
pub(super) fn without_backslashes(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    let mut found = false;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (plain, length) = match after.chars().next() {
            Some('n') => (Some('\n'), 1),
            Some('r') => (Some('\r'), 1),
            Some('t') => (Some('\t'), 1),
            Some('b') => (Some('\u{8}'), 1),
            Some('f') => (Some('\u{c}'), 1),
            Some(c @ ('"' | '\\' | '/')) => (Some(c), 1),
            Some('u') => {
                let digits = after.get(1..5).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                (number.and_then(char::from_u32), 5)
            }
            _ => (None, 0),
        };
        found |= plain.is_some();
        out.push(plain.unwrap_or('\\'));
        rest = if plain.is_some() { after.get(length..).unwrap_or_default() } else { after };
    }
    out.push_str(rest);
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_layer_is_taken_off() {
        for (text, plain) in [
            ("%41b%2541", Some("Ab%41")),
            ("100%", None),
            ("%zz%é%4", None),
            ("%+1%é%41", Some("%+1%éA")),
            ("a%C3%A9", Some("aé")),
        ] {
            assert_eq!(without_percents(text).as_deref(), plain, "{text}");
        }
        for (text, plain) in [
            (r#"a\\\"b\/\u0041\n"#, Some("a\\\"b/A\n")),
            (r"C:\x\", None),
            (r"\u12 \ud800 \é", None),
            (r"\\\\", Some(r"\\")),
        ] {
            assert_eq!(without_backslashes(text).as_deref(), plain, "{text}");
        }
    }

    #[test]
    fn a_value_is_found_whatever_of_it_is_escaped() {
        let value = "4 \"b%\\/";
        for text in [
            r#"x4 "b%\/x"#,
            r#"4+\"b%\\\/"#,
            "4%20%22b%25%5c%2f",
            r#"%4%20\u0022b%\u005c/"#,
            // The first character of the value could also be the end of an escape.
            r#"%34%20"b%\/"#,
        ] {
            assert!(holds(text, value), "{text}");
        }
        let long = "a%".repeat(100_000);
        assert!(holds(&long, &long) && holds(&long.replace('%', "%25"), &long));
        for text in ["", "4", r#"4 "b%/"#, r#"4_"b%\/"#, "4%2x", r"4\u00"] {
            assert!(!holds(text, value), "{text}");
        }
    }
}
