//! The fast reader: a scanner for exactly the shape in which the exchange writes its book frames.
//!
//! It accepts no spaces, no escapes, no unquoted decimals and only the fields `asks`, `bids` and `sequence`. It leaves any
//! other form to `decode`, which alone decides what is an error: `None` means "not for this reader", never "wrong". What it
//! accepts, it reads as `decode` would; the tests compare the two.

use crate::frame::{Entry, Frame, Kind, Topics};
use crate::scale;

/// Every number of this many decimal digits fits 64 bits.
const MOST_DIGITS: usize = 18;

/// Reads the whole frame. After `None` the content of `frame` means nothing.
pub(crate) fn read(bytes: &[u8], topics: &Topics, frame: &mut Frame) -> Option<()> {
    let (kind, mut rest) = match bytes.strip_prefix(topics.increment_head.as_slice()) {
        Some(rest) => (Kind::Increment, rest),
        None => (Kind::Snapshot, bytes.strip_prefix(topics.snapshot_head.as_slice())?),
    };
    frame.clear(kind);
    let (mut asks, mut bids, mut sequence) = (false, false, false);
    loop {
        // A key that comes twice is left to `decode`, which refuses it.
        rest = if let Some(rest) = rest.strip_prefix(b"\"asks\":[") {
            first_time(&mut asks)?;
            side(rest, &mut frame.asks)?
        } else if let Some(rest) = rest.strip_prefix(b"\"bids\":[") {
            first_time(&mut bids)?;
            side(rest, &mut frame.bids)?
        } else {
            let rest = rest.strip_prefix(b"\"sequence\":")?;
            first_time(&mut sequence)?;
            let (number, rest) = whole_number(rest)?;
            frame.sequence = number;
            rest
        };
        match rest.split_first()? {
            (b',', more) => rest = more,
            (b'}', end) => {
                let whole = sequence && (kind == Kind::Increment || (asks && bids));
                return (whole && end == b"}").then_some(());
            }
            _ => return None,
        }
    }
}

fn first_time(seen: &mut bool) -> Option<()> {
    (!std::mem::replace(seen, true)).then_some(())
}

/// Reads a side after its opening bracket: nothing, one flat pair, or a list of pairs.
fn side<'a>(rest: &'a [u8], entries: &mut Vec<Entry>) -> Option<&'a [u8]> {
    match rest.first()? {
        b']' => rest.get(1..),
        b'"' => pair(rest, entries),
        _ => {
            let mut rest = rest;
            loop {
                rest = pair(rest.strip_prefix(b"[")?, entries)?;
                match rest.split_first()? {
                    (b',', more) => rest = more,
                    (b']', end) => return Some(end),
                    _ => return None,
                }
            }
        }
    }
}

/// `"price","amount"]`
fn pair<'a>(rest: &'a [u8], entries: &mut Vec<Entry>) -> Option<&'a [u8]> {
    let (price, scale, rest) = number(rest.strip_prefix(b"\"")?)?;
    if price == 0 {
        return None;
    }
    let price = scale::decimal(price, scale);
    let rest = rest.strip_prefix(b",\"")?;
    let (amount, rest) = match rest.strip_prefix(b"\"") {
        // The documents write an empty amount for a level that is removed.
        Some(rest) => (scale::decimal(0, 0), rest),
        None => {
            let (amount, scale, rest) = number(rest)?;
            (scale::decimal(amount, scale), rest)
        }
    };
    entries.push(Entry { price, amount });
    rest.strip_prefix(b"]")
}

/// Reads digits, perhaps with a point between them, up to the closing quote. Gives their value without the point, and the
/// number of decimal places.
fn number(text: &[u8]) -> Option<(u64, u32, &[u8])> {
    let mut value = 0_u64;
    let mut point = None;
    for (at, byte) in text.iter().enumerate() {
        match (byte, point) {
            (b'0'..=b'9', _) => value = append(value, *byte),
            (b'.', None) => point = Some(at),
            (b'"', _) => {
                let (digits, fraction) = match point {
                    None => (at, 0),
                    Some(point) => (at - 1, at - 1 - point),
                };
                // There must be a digit on each side of the point, and no more digits than always fit.
                let whole = digits - fraction;
                if whole == 0 || (point.is_some() && fraction == 0) || digits > MOST_DIGITS {
                    return None;
                }
                return Some((value, u32::try_from(fraction).ok()?, text.get(at + 1..)?));
            }
            _ => return None,
        }
    }
    None
}

/// A JSON number without sign, point or exponent.
fn whole_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    // JSON allows no leading zero.
    let padded = digits > 1 && number.first() == Some(&b'0');
    if digits == 0 || padded || digits > MOST_DIGITS {
        return None;
    }
    Some((number.iter().fold(0, |value, byte| append(value, *byte)), rest))
}

/// Appends a digit to a number. The result may wrap; it then has too many digits and is not used.
fn append(value: u64, digit: u8) -> u64 {
    value.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Option<Frame> {
        let topics = Topics::new(&"btczar".parse().unwrap());
        let mut frame = Frame::new();
        read(text.as_bytes(), &topics, &mut frame).map(|()| frame)
    }

    fn entry(price: &str, amount: &str) -> Entry {
        let parse = |text| capecrypto_models::decimal::parse(text).unwrap();
        Entry { price: parse(price), amount: parse(amount) }
    }

    // The other reader would give the same results, only slower, so no other test would notice.
    #[test]
    fn the_exchanges_own_shapes_are_taken() {
        let flat = scan(r#"{"btczar.ob-inc":{"asks":["841039.73","0.156431"],"sequence":9713}}"#).unwrap();
        assert_eq!((flat.kind, flat.sequence), (Kind::Increment, 9713));
        assert_eq!((flat.asks, flat.bids), (vec![entry("841039.73", "0.156431")], vec![]));

        let gone = scan(r#"{"btczar.ob-inc":{"bids":[["900000",""]],"sequence":0}}"#).unwrap();
        assert_eq!((gone.asks, gone.bids), (vec![], vec![entry("900000", "0")]));

        let both =
            scan(r#"{"btczar.ob-inc":{"sequence":7,"bids":["1.0","0.0"],"asks":[["2.0","1"],["3.0","2"]]}}"#)
                .unwrap();
        assert_eq!(both.asks, [entry("2.0", "1"), entry("3.0", "2")]);
        assert_eq!(both.bids, [entry("1.0", "0.0")]);

        let none = scan(r#"{"btczar.ob-inc":{"asks":[],"bids":[],"sequence":8}}"#).unwrap();
        assert_eq!((none.asks.len(), none.bids.len()), (0, 0));

        let snapshot = scan(r#"{"btczar.ob-snap":{"asks":[["1.0","2.0"]],"bids":[],"sequence":1}}"#).unwrap();
        assert_eq!((snapshot.kind, snapshot.sequence), (Kind::Snapshot, 1));
        assert_eq!(snapshot.asks, [entry("1.0", "2.0")]);
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
        assert_eq!(frame.asks, [entry("999999999.999999999", "0.00000000000000001")]);
        assert_eq!(frame.sequence, 999_999_999_999_999_999);
    }
}
