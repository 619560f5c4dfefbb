//! Paths of requests: their segments and escapes.

/// The segments at `{…}`; `None` if the path does not match the template.
pub(crate) fn matches(template: &[&str], given: &[&str]) -> Option<Vec<String>> {
    let fits = |(wanted, segment): (&&str, &&str)| wanted.starts_with('{') || wanted == segment;
    if template.len() != given.len() || !template.iter().zip(given).all(fits) {
        return None;
    }
    let variable = template.iter().zip(given).filter(|(wanted, _)| wanted.starts_with('{'));
    // An empty segment does not match: an id is never empty.
    variable.map(|(_, segment)| percent_decoded(segment).filter(|text| !text.is_empty())).collect()
}

/// Decodes percent escapes: `%41` becomes `A`. `None` if an escape is broken or the result is not UTF-8.
fn percent_decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}
