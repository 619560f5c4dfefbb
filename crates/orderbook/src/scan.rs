//! The fast reader: a scanner for exactly the shape in which the exchange writes its book frames, and its loose variant.
//!
//! The exact one accepts no spaces, no escapes, no unquoted decimals and only the fields `asks`, `bids` and `sequence`. The
//! loose one also accepts white space between the tokens, numbers without quotes, and fields that nobody knows. Both leave any
//! other form to `decode`, which alone decides what is an error: `None` means "not for this reader", never "wrong". What they
//! accept, they read as `decode` would; the tests compare all three.

use crate::{
    frame::{Entry, Frame, Kind, Number, Topics},
    terms::BookSide,
};
use serde::de::IgnoredAny;

/// Every number of this many decimal digits fits 64 bits.
const MOST_DIGITS: usize = 18;

/// Bytes of a level in a snapshot, at least; shorter ones need more than one allocation.
const USUAL_LENGTH: usize = 20;

/// Reads the whole frame, if it has exactly the usual shape. After `None` the content of `frame` means nothing.
pub(crate) fn read(bytes: &[u8], topics: Topics<'_>, frame: &mut Frame) -> Option<()> {
    let (kind, rest) = head::<false>(bytes, topics)?;
    fields::<false>(kind, rest, frame)
}

/// The same for the loose shape.
#[cold]
pub(crate) fn read_loosely(bytes: &[u8], topics: Topics<'_>, frame: &mut Frame) -> Option<()> {
    let (kind, rest) = head::<true>(bytes, topics)?;
    // `decode` refuses whatever is not UTF-8, also where this reader would not look.
    std::str::from_utf8(bytes).ok()?;
    fields::<true>(kind, rest, frame)
}

/// Takes the topic off, and the opening brace of the message: `{"btczar.ob-inc":{`.
fn head<'a, const LOOSE: bool>(bytes: &'a [u8], topics: Topics<'_>) -> Option<(Kind, &'a [u8])> {
    let rest = token::<LOOSE>(bytes, b"{\"")?.strip_prefix(topics.0.as_str().as_bytes())?;
    let (kind, rest) = match rest.strip_prefix(b".ob-inc\"") {
        Some(rest) => (Kind::Increment, rest),
        None => (Kind::Snapshot, rest.strip_prefix(b".ob-snap\"")?),
    };
    Some((kind, token::<LOOSE>(rest, b":{")?))
}

/// Reads the fields of the message and the end of the frame.
fn fields<const LOOSE: bool>(kind: Kind, mut rest: &[u8], frame: &mut Frame) -> Option<()> {
    frame.clear(kind);
    if kind == Kind::Snapshot {
        frame.entries.reserve(rest.len() / USUAL_LENGTH);
    }
    let (mut asks, mut bids, mut sequence) = (false, false, false);
    loop {
        // A key that comes twice is left to `decode`, which refuses it.
        rest = if let Some((side, rest)) = side_key::<LOOSE>(rest) {
            first_time(if side == BookSide::Bid { &mut bids } else { &mut asks })?;
            levels::<LOOSE>(rest, side, &mut frame.entries)?
        } else if let Some(rest) = token::<LOOSE>(rest, b"\"sequence\":") {
            first_time(&mut sequence)?;
            let (number, rest) = whole_number(spaces::<LOOSE>(rest))?;
            frame.sequence = number;
            rest
        } else if LOOSE {
            unknown(rest)?
        } else {
            return None;
        };
        match spaces::<LOOSE>(rest).split_first()? {
            (b',', more) => rest = more,
            (b'}', end) => {
                let whole = sequence && (kind == Kind::Increment || (asks && bids));
                let end = spaces::<LOOSE>(token::<LOOSE>(end, b"}")?);
                return (whole && end.is_empty()).then_some(());
            }
            _ => return None,
        }
    }
}

/// The key of a side and the opening bracket.
fn side_key<const LOOSE: bool>(rest: &[u8]) -> Option<(BookSide, &[u8])> {
    if let Some(rest) = token::<LOOSE>(rest, b"\"asks\":[") {
        return Some((BookSide::Ask, rest));
    }
    Some((BookSide::Bid, token::<LOOSE>(rest, b"\"bids\":[")?))
}

fn first_time(seen: &mut bool) -> Option<()> {
    (!std::mem::replace(seen, true)).then_some(())
}

/// Skips white space, if the reader is loose.
fn spaces<const LOOSE: bool>(mut rest: &[u8]) -> &[u8] {
    while LOOSE && let Some((b' ' | b'\t' | b'\n' | b'\r', more)) = rest.split_first() {
        rest = more;
    }
    rest
}

/// Takes these tokens off. If the reader is loose, there may be white space before each of them, but not inside of quotes.
fn token<'a, const LOOSE: bool>(text: &'a [u8], tokens: &[u8]) -> Option<&'a [u8]> {
    if !LOOSE {
        return text.strip_prefix(tokens);
    }
    let (mut rest, mut quoted) = (text, false);
    for byte in tokens {
        if !quoted {
            rest = spaces::<true>(rest);
        }
        let (first, more) = rest.split_first()?;
        if first != byte {
            return None;
        }
        rest = more;
        quoted ^= *byte == b'"';
    }
    Some(rest)
}

/// Skips a field that nobody knows. A key with an escape is left to `decode`, because it may be a known one.
fn unknown(rest: &[u8]) -> Option<&[u8]> {
    let rest = token::<true>(rest, b"\"")?;
    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
    let (key, rest) = rest.split_at_checked(length)?;
    if matches!(key, b"asks" | b"bids" | b"sequence") {
        return None;
    }
    let rest = token::<true>(rest.strip_prefix(b"\"")?, b":")?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    rest.get(values.byte_offset()..)
}

/// Reads a side after its opening bracket: nothing, one flat pair, or a list of pairs.
fn levels<'a, const LOOSE: bool>(
    rest: &'a [u8],
    side: BookSide,
    entries: &mut Vec<Entry>,
) -> Option<&'a [u8]> {
    let rest = spaces::<LOOSE>(rest);
    match rest.first()? {
        b']' => rest.get(1..),
        b'[' => {
            let mut rest = rest;
            loop {
                rest = pair::<LOOSE>(token::<LOOSE>(rest, b"[")?, side, entries)?;
                match spaces::<LOOSE>(rest).split_first()? {
                    (b',', more) => rest = more,
                    (b']', end) => return Some(end),
                    _ => return None,
                }
            }
        }
        _ => pair::<LOOSE>(rest, side, entries),
    }
}

/// `"price","amount"]`
fn pair<'a, const LOOSE: bool>(rest: &'a [u8], side: BookSide, entries: &mut Vec<Entry>) -> Option<&'a [u8]> {
    let (price, rest) = value::<LOOSE>(rest)?;
    if price.is_zero() {
        return None;
    }
    let rest = spaces::<LOOSE>(token::<LOOSE>(rest, b",")?);
    let (amount, rest) = match rest.strip_prefix(b"\"\"") {
        // The documents write an empty amount for a level that is removed.
        Some(rest) => (Number::ZERO, rest),
        None => value::<LOOSE>(rest)?,
    };
    entries.push(Entry { side, price, amount });
    token::<LOOSE>(rest, b"]")
}

/// A number in quotes or, if the reader is loose, without.
#[inline(always)]
fn value<const LOOSE: bool>(text: &[u8]) -> Option<(Number, &[u8])> {
    let text = spaces::<LOOSE>(text);
    if let Some(text) = text.strip_prefix(b"\"") {
        let (value, rest) = number(text)?;
        return Some((value, rest.strip_prefix(b"\"")?));
    }
    (LOOSE && !is_padded(text)).then(|| number(text))?
}

/// Reads digits, perhaps with a point between them.
#[inline(always)]
fn number(text: &[u8]) -> Option<(Number, &[u8])> {
    let (whole, rest) = digits(0, text);
    let whole_digits = text.len() - rest.len();
    let Some(text) = rest.strip_prefix(b".") else {
        let number = Number { low: whole, high: 0, scale: 0 };
        return (1..=MOST_DIGITS).contains(&whole_digits).then_some((number, rest));
    };
    let (low, rest) = digits(whole, text);
    // There must be a digit on each side of the point, and no more digits than always fit.
    let scale = text.len() - rest.len();
    if whole_digits == 0 || scale == 0 || whole_digits + scale > MOST_DIGITS {
        return None;
    }
    Some((Number { low, high: 0, scale: u32::try_from(scale).ok()? }, rest))
}

/// The number that eight digits make, one in each byte, the first in the lowest.
#[inline(always)]
fn eight_digits(digits: u64) -> u64 {
    const LOWEST: u64 = 0x0000_00ff_0000_00ff;
    // In every second byte two digits, then in every fourth four, in the high half all.
    let twos = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let one = (twos & LOWEST).wrapping_mul(1_000_000 << 32 | 100);
    let other = ((twos >> 16) & LOWEST).wrapping_mul(10_000 << 32 | 1);
    one.wrapping_add(other) >> 32
}

/// A JSON number without sign, point or exponent.
fn whole_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = digits(0, text);
    let fits = (1..=MOST_DIGITS).contains(&(text.len() - rest.len()));
    (fits && !is_padded(text)).then_some((number, rest))
}

/// JSON allows no leading zero, but inside of quotes there may be one.
fn is_padded(text: &[u8]) -> bool {
    matches!(text, [b'0', b'0'..=b'9', ..])
}

/// Appends digits to a number. The result may wrap; it then has too many digits and must not be used.
#[inline(always)]
fn digits(mut value: u64, mut rest: &[u8]) -> (u64, &[u8]) {
    if let Some((number, count)) = rest.first_chunk().and_then(few_digits)
        && let (Some(power), Some(rest)) = (POWERS.get(count), rest.get(count..))
    {
        return (value.wrapping_mul(*power).wrapping_add(number), rest);
    }
    while let Some((byte @ b'0'..=b'9', more)) = rest.split_first() {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0')));
        rest = more;
    }
    (value, rest)
}

const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number that the first digits make, and how many there are, if there are less than eight. Reads all bytes at once, which
/// is quicker than one after the other, because a processor cannot foresee how many digits there will be.
#[inline(always)]
fn few_digits(window: &[u8; 8]) -> Option<(u64, usize)> {
    /// A one in each byte.
    const EACH: u64 = u64::MAX / 0xff;
    let digits = u64::from_le_bytes(*window) ^ (EACH * 0x30);
    // The highest bit of each byte that is no digit: a byte above nine reaches it by the addition, which may carry only into the
    // bytes behind.
    let others = (digits.wrapping_add(EACH * (0x80 - 10)) | digits) & (EACH * 0x80);
    if others == 0 {
        return None;
    }
    let count = others.trailing_zeros() / 8;
    // Moves the digits to the end, behind zeros, and what follows them out.
    let number = eight_digits(digits << (56 - 8 * count) << 8);
    Some((number, usize::try_from(count).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Option<Frame> {
        let market = "btczar".parse().unwrap();
        let mut frame = Frame::new();
        read(text.as_bytes(), Topics(&market), &mut frame).map(|()| frame)
    }

    fn scan_loosely(text: &str) -> Option<Frame> {
        let market = "btczar".parse().unwrap();
        let mut frame = Frame::new();
        read_loosely(text.as_bytes(), Topics(&market), &mut frame).map(|()| frame)
    }

    fn ask(price: &str, amount: &str) -> Entry {
        entry(BookSide::Ask, price, amount)
    }

    fn bid(price: &str, amount: &str) -> Entry {
        entry(BookSide::Bid, price, amount)
    }

    fn entry(side: BookSide, price: &str, amount: &str) -> Entry {
        let parse = |text| Number::of(capecrypto_models::decimal::parse(text).unwrap());
        Entry { side, price: parse(price), amount: parse(amount) }
    }

    // The other reader would give the same results, only slower, so no other test would notice.
    #[test]
    fn the_exchanges_own_shapes_are_taken() {
        let flat = scan(r#"{"btczar.ob-inc":{"asks":["841039.73","0.156431"],"sequence":9713}}"#).unwrap();
        assert_eq!((flat.kind, flat.sequence), (Kind::Increment, 9713));
        assert_eq!(flat.entries, [ask("841039.73", "0.156431")]);

        let gone = scan(r#"{"btczar.ob-inc":{"bids":[["900000",""]],"sequence":0}}"#).unwrap();
        assert_eq!(gone.entries, [bid("900000", "0")]);

        let both =
            scan(r#"{"btczar.ob-inc":{"sequence":7,"bids":["1.0","0.0"],"asks":[["2.0","1"],["3.0","2"]]}}"#)
                .unwrap();
        assert_eq!(both.entries, [bid("1.0", "0.0"), ask("2.0", "1"), ask("3.0", "2")]);

        let none = scan(r#"{"btczar.ob-inc":{"asks":[],"bids":[],"sequence":8}}"#).unwrap();
        assert_eq!(none.entries, []);

        let snapshot = scan(r#"{"btczar.ob-snap":{"asks":[["1.0","2.0"]],"bids":[],"sequence":1}}"#).unwrap();
        assert_eq!((snapshot.kind, snapshot.sequence), (Kind::Snapshot, 1));
        assert_eq!(snapshot.entries, [ask("1.0", "2.0")]);
    }

    #[test]
    fn everything_else_is_left_to_the_other_reader() {
        for text in [
            "",
            "pong",
            r#"{"ethzar.ob-inc":{"asks":["1","2"],"sequence":2}}"#,
            r#"{ "btczar.ob-inc":{"asks":["1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2}} "#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2}}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2},"more":1}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,"more":1}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":02}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":-2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":1e3}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":1234567890123456789}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"]}}"#,
            r#"{"btczar.ob-inc":{}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"asks":["1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"sequence":1,"asks":["1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2","3"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[["1","2"],],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[["1","2"],"3"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["0.0","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1.","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[".1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1.2.3","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["-1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1e2","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[1,2],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1234567890.123456789","2"],"sequence":2}}"#,
            r#"{"btczar.ob-snap":{"asks":[["1","2"]],"sequence":2}}"#,
        ] {
            assert_eq!(scan(text), None, "{text}");
        }
    }

    #[test]
    fn eighteen_digits_are_read_to_the_last() {
        let text = r#"{"btczar.ob-inc":{"asks":["999999999.999999999","0.00000000000000001"],"sequence":999999999999999999}}"#;
        let frame = scan(text).unwrap();
        assert_eq!(frame.entries, [ask("999999999.999999999", "0.00000000000000001")]);
        assert_eq!(frame.sequence, 999_999_999_999_999_999);
    }

    #[test]
    fn white_space_unknown_fields_and_bare_numbers_are_taken_by_the_loose_one() {
        let want = scan(r#"{"btczar.ob-inc":{"asks":[["841039.73","0.5"]],"sequence":9713}}"#).unwrap();
        for text in [
            r#"{"btczar.ob-inc":{"asks":[["841039.73","0.5"]],"sequence":9713}}"#,
            r#"{"btczar.ob-inc": {"asks":[["841039.73","0.5"]],"sequence":9713}}"#,
            " {\t\"btczar.ob-inc\"\n:\r{ \"asks\" : [ [ \"841039.73\" , \"0.5\" ] ] , \"sequence\" : 9713 } } ",
            r#"{"btczar.ob-inc":{"asks":["841039.73", "0.5"],"sequence":9713}}"#,
            r#"{"btczar.ob-inc":{"asks":[[841039.73,0.5]],"sequence":9713}}"#,
            r#"{"btczar.ob-inc":{"asks":[841039.73 ,"0.5"],"sequence":9713}}"#,
            r#"{"btczar.ob-inc":{"at":1.5e3,"asks":[["841039.73","0.5"]],"sequence":9713,"x":{"asks":["}"]}}}"#,
            r#"{"btczar.ob-inc":{"":null,"asks":[["841039.73","0.5"]],"ä":"\u00e4","sequence":9713}}"#,
        ] {
            assert_eq!(scan_loosely(text).as_ref(), Some(&want), "{text}");
        }
        let gone =
            scan_loosely(r#"{ "btczar.ob-inc":{"bids":[[900000,0],["1", ""]],"sequence":0}}"#).unwrap();
        assert_eq!(gone.entries, [bid("900000", "0"), bid("1", "0")]);
        let none = scan_loosely(r#"{"btczar.ob-snap":{"asks":[ ],"bids": [],"sequence":1}}"#).unwrap();
        assert_eq!((none.kind, none.entries.len()), (Kind::Snapshot, 0));
    }

    #[test]
    fn what_is_wrong_or_rare_is_left_by_the_loose_one() {
        for text in [
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":1 2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":0 2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1 ","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1"," "],"sequence":2}}"#,
            r#"{"btczar .ob-inc":{"asks":["1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1" "2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[1 2],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[01,2],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[1.,2],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[1e2,2],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[-1,2],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":[1,null],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,"more":01}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,"more":}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,"more" 1}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,more:1}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2,"\u0061sks":[]}}"#,
            r#"{"btczar.ob-inc":{"asks":null,"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"asks" :["1","2"],"sequence":2}}"#,
            r#"{"btczar.ob-inc":{"asks":["1","2"],"sequence":2},"more":1}"#,
            "{\"btczar.ob-inc\":{\"asks\":[\"1\",\"2\"],\"sequence\":2,\"a\nb\":1}}",
            // These are white space elsewhere, but not in JSON.
            "{\"btczar.ob-inc\":\u{c}{\"asks\":[\"1\",\"2\"],\"sequence\":2}}",
            "{\"btczar.ob-inc\":\u{a0}{\"asks\":[\"1\",\"2\"],\"sequence\":2}}",
        ] {
            assert_eq!(scan_loosely(text), None, "{text:?}");
        }
    }

    #[test]
    fn digits_are_read_the_same_alone_and_with_text_behind_them() {
        for text in ["", "0", "7", "42", "0000012", "9999999", "12345678", "90000001", "123456789012345678"] {
            for end in
                ["", "\"", ".", "}", ",1234567", "/0000000", ":0000000", "\u{ff}0000000", "\u{7f}0000000"]
            {
                let whole = format!("{text}{end}");
                let (number, rest) = digits(0, whole.as_bytes());
                assert_eq!(number, text.parse().unwrap_or(0), "{whole}");
                assert_eq!(rest, end.as_bytes(), "{whole}");
            }
        }
    }
}
