//! A book by hand without checks, as fast as a modest effort makes it.
//!
//! It knows one market and the two usual forms. It reads numbers straight into integers at a fixed scale and puts them into
//! the book at once, without a buffer in between. Of all rules it checks only that the sequence rises by one. A frame that
//! it cannot read leaves the book in any state.

use super::levels::{Row, Side};

/// Decimal places of all integers.
pub const PLACES: usize = 8;
pub const POWERS: [i64; PLACES + 1] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
pub struct Book {
    bids: Side,
    /// Prices are negated, so that the best level is the last here too.
    asks: Side,
    sequence: u64,
}

impl Book {
    /// Reads a snapshot, which has the levels of both sides best first.
    pub fn load(frame: &[u8]) -> Option<Self> {
        let rest = frame.strip_prefix(b"{\"btczar.ob-snap\":{")?;
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        let bid = |price, amount| bids.push((price, amount));
        let sequence = read(rest, bid, |price, amount| asks.push((-price, amount)))?;
        Some(Self { bids: Side::load(bids), asks: Side::load(asks), sequence })
    }

    #[inline]
    pub fn apply(&mut self, frame: &[u8]) -> Option<()> {
        let rest = frame.strip_prefix(b"{\"btczar.ob-inc\":{")?;
        let (bids, asks) = (&mut self.bids, &mut self.asks);
        let bid = |price, amount| bids.set(price, amount);
        let sequence = read(rest, bid, |price, amount| asks.set(-price, amount))?;
        let last = std::mem::replace(&mut self.sequence, sequence);
        (sequence == last + 1).then_some(())
    }

    /// The best bid and the best ask.
    #[inline]
    pub fn best(&self) -> (Option<Row>, Option<Row>) {
        (self.bids.best(), self.asks.best().map(|(price, amount)| (-price, amount)))
    }

    pub fn bids(&self) -> impl Iterator<Item = Row> {
        self.bids.rows()
    }

    pub fn asks(&self) -> impl Iterator<Item = Row> {
        self.asks.rows().map(|(price, amount)| (-price, amount))
    }
}

/// Reads the fields and the end of a frame; gives its sequence.
#[inline]
fn read(mut rest: &[u8], mut bid: impl FnMut(i64, i64), mut ask: impl FnMut(i64, i64)) -> Option<u64> {
    let mut sequence = 0;
    loop {
        rest = if let Some(rest) = rest.strip_prefix(b"\"asks\":[") {
            side(rest, &mut ask)?
        } else if let Some(rest) = rest.strip_prefix(b"\"bids\":[") {
            side(rest, &mut bid)?
        } else {
            let (number, rest) = digits(rest.strip_prefix(b"\"sequence\":")?, 0);
            sequence = number.unsigned_abs();
            rest
        };
        match rest.split_first()? {
            (b',', more) => rest = more,
            _ => return (rest == b"}}").then_some(sequence),
        }
    }
}

#[inline]
fn side<'a>(rest: &'a [u8], set: &mut impl FnMut(i64, i64)) -> Option<&'a [u8]> {
    let Some(mut rest) = rest.strip_prefix(b"[") else {
        return match rest.strip_prefix(b"]") {
            Some(rest) => Some(rest),
            None => pair(rest, set),
        };
    };
    loop {
        rest = pair(rest, set)?;
        match rest.split_first()? {
            (b']', rest) => return Some(rest),
            _ => rest = rest.strip_prefix(b",[")?,
        }
    }
}

/// `"price","amount"]`
#[inline]
fn pair<'a>(rest: &'a [u8], set: &mut impl FnMut(i64, i64)) -> Option<&'a [u8]> {
    let (price, rest) = number(rest.strip_prefix(b"\"")?)?;
    let (amount, rest) = number(rest.strip_prefix(b",\"")?)?;
    set(price, amount);
    rest.strip_prefix(b"]")
}

/// A number up to its closing quote; no digits at all are zero.
#[inline]
fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let (whole, rest) = digits(text, 0);
    let (value, places, rest) = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let (value, rest) = digits(fraction, whole);
            (value, fraction.len() - rest.len(), rest)
        }
        None => (whole, 0, rest),
    };
    let missing = PLACES.checked_sub(places)?;
    Some((value * POWERS[missing], rest.strip_prefix(b"\"")?))
}

/// Digits after those of `value`. Too many of them wrap.
#[inline]
pub fn digits(text: &[u8], mut value: i64) -> (i64, &[u8]) {
    let mut rest = text;
    while let Some((byte, more)) = rest.split_first() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        rest = more;
    }
    (value, rest)
}
