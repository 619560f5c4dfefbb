//! Escapes that a text may be written with. Each function takes one layer off, and is `None` where there is none.

/// Without `%41`.
pub(super) fn without_percents(text: &str) -> Option<String> {
    let (first, rest) = text.split_once('%')?;
    let mut bytes = first.as_bytes().to_vec();
    let mut found = false;
    for part in rest.split('%') {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
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

/// Without the plus signs that stand for spaces in a form.
pub(super) fn without_pluses(text: &str) -> Option<String> {
    text.contains('+').then(|| text.replace('+', " "))
}

/// Without what a JSON text is escaped with.
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
        assert_eq!((without_pluses("a+b"), without_pluses("ab")), (Some("a b".to_owned()), None));
    }
}
