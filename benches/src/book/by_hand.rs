//! A book by hand that keeps the promises of the SDK's: a frame changes nothing unless all of it can be read, a wrong sequence
//! or crossed prices end the live state, and prices are decimals.
//!
//! It serves any market, but reads the two usual forms only, at one fixed scale.

use super::{
    levels::{Row, Side},
    unchecked::{PLACES, POWERS, digits},
};
use capecrypto_models::{Decimal, Level};
use capecrypto_orderbook::Best;

/// Whether it is a bid, price, amount.
type Entry = (bool, i64, i64);

pub struct Book {
    snapshot: Vec<u8>,
    increment: Vec<u8>,
    bids: Side,
    asks: Side,
    sequence: u64,
    live: bool,
    /// Of the frame at hand.
    entries: Vec<Entry>,
}

impl Book {
    pub fn new(market: &str) -> Self {
        Self {
            snapshot: format!("{{\"{market}.ob-snap\":{{").into_bytes(),
            increment: format!("{{\"{market}.ob-inc\":{{").into_bytes(),
            bids: Side::load(Vec::new()),
            asks: Side::load(Vec::new()),
            sequence: 0,
            live: false,
            entries: Vec::with_capacity(32),
        }
    }

    pub fn load(&mut self, frame: &[u8]) -> Option<()> {
        let rest = frame.strip_prefix(self.snapshot.as_slice())?;
        self.entries.clear();
        let sequence = read(rest, &mut self.entries)?;
        let side = |is_bid: bool| self.entries.iter().filter(move |row| row.0 == is_bid);
        self.bids = Side::load(side(true).map(|row| (row.1, row.2)).collect());
        self.asks = Side::load(side(false).map(|row| (-row.1, row.2)).collect());
        (self.sequence, self.live) = (sequence, true);
        Some(())
    }

    #[inline]
    pub fn apply(&mut self, frame: &[u8]) -> Option<()> {
        let rest = frame.strip_prefix(self.increment.as_slice())?;
        self.entries.clear();
        let sequence = read(rest, &mut self.entries)?;
        if !self.live || sequence != self.sequence + 1 {
            self.live = false;
            return None;
        }
        self.sequence = sequence;
        for &(is_bid, price, amount) in &self.entries {
            let (side, key) = if is_bid { (&mut self.bids, price) } else { (&mut self.asks, -price) };
            side.set(key, amount);
        }
        if let (Some(bid), Some(ask)) = (self.bids.best(), self.asks.best())
            && bid.0 >= -ask.0
        {
            self.live = false;
            return None;
        }
        Some(())
    }

    /// `None` while the book is not live.
    #[inline]
    pub fn best(&self) -> Option<Best> {
        let level = |(price, amount): Row| {
            let places = u32::try_from(PLACES).unwrap_or(0);
            Level::new(Decimal::new(price, places), Decimal::new(amount, places))
        };
        let ask = self.asks.best().map(|(price, amount)| (-price, amount));
        self.live.then(|| Best { bid: self.bids.best().map(level), ask: ask.map(level) })
    }

    pub fn bids(&self) -> impl Iterator<Item = Row> {
        self.bids.rows()
    }

    pub fn asks(&self) -> impl Iterator<Item = Row> {
        self.asks.rows().map(|(price, amount)| (-price, amount))
    }
}

/// Reads the fields and the end of a frame; gives its sequence. Each field may come once, and the sequence must.
#[inline]
fn read(mut rest: &[u8], entries: &mut Vec<Entry>) -> Option<u64> {
    let (mut sequence, mut asks, mut bids) = (None, false, false);
    loop {
        rest = if let Some(rest) = rest.strip_prefix(b"\"asks\":[") {
            side(rest, std::mem::replace(&mut asks, true), false, entries)?
        } else if let Some(rest) = rest.strip_prefix(b"\"bids\":[") {
            side(rest, std::mem::replace(&mut bids, true), true, entries)?
        } else {
            let text = rest.strip_prefix(b"\"sequence\":")?;
            let (number, rest) = digits(text, 0);
            let read = text.len() - rest.len();
            if sequence.is_some() || read == 0 || read > 18 {
                return None;
            }
            sequence = Some(number.unsigned_abs());
            rest
        };
        match rest.split_first()? {
            (b',', more) => rest = more,
            _ => return if rest == b"}}" { sequence } else { None },
        }
    }
}

#[inline]
fn side<'a>(rest: &'a [u8], came: bool, is_bid: bool, entries: &mut Vec<Entry>) -> Option<&'a [u8]> {
    if came {
        return None;
    }
    let Some(mut rest) = rest.strip_prefix(b"[") else {
        return match rest.strip_prefix(b"]") {
            Some(rest) => Some(rest),
            None => pair(rest, is_bid, entries),
        };
    };
    loop {
        rest = pair(rest, is_bid, entries)?;
        match rest.split_first()? {
            (b']', rest) => return Some(rest),
            _ => rest = rest.strip_prefix(b",[")?,
        }
    }
}

/// `"price","amount"]`; an empty amount is zero.
#[inline]
fn pair<'a>(rest: &'a [u8], is_bid: bool, entries: &mut Vec<Entry>) -> Option<&'a [u8]> {
    let (price, rest) = number(rest.strip_prefix(b"\"")?, false)?;
    let (amount, rest) = number(rest.strip_prefix(b",\"")?, true)?;
    if price == 0 {
        return None;
    }
    entries.push((is_bid, price, amount));
    rest.strip_prefix(b"]")
}

/// A number up to its closing quote, of at most 18 digits together with the places that it lacks.
#[inline]
fn number(text: &[u8], may_be_empty: bool) -> Option<(i64, &[u8])> {
    let (whole, rest) = digits(text, 0);
    let whole_digits = text.len() - rest.len();
    let (value, places, rest) = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let (value, rest) = digits(fraction, whole);
            (value, fraction.len() - rest.len(), rest)
        }
        None => (whole, 0, rest),
    };
    if whole_digits == 0 && !may_be_empty || whole_digits + PLACES > 18 {
        return None;
    }
    let missing = PLACES.checked_sub(places)?;
    Some((value * POWERS[missing], rest.strip_prefix(b"\"")?))
}
