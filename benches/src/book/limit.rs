//! A book written by hand, as fast as a modest effort makes it.
//!
//! It knows one market and the two usual forms. It reads numbers straight into integers at a fixed scale and puts them into
//! the book at once, without a buffer in between. Of all rules it checks only that the sequence rises by one. A frame that
//! it cannot read leaves the book in any state.

/// Decimal places of all integers.
pub const PLACES: usize = 8;
const POWERS: [i64; PLACES + 1] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// Levels a run: at most, and after a snapshot.
const LONGEST: usize = 128;
const FRESH: usize = 96;

/// Price and amount.
pub type Row = (i64, i64);

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

#[inline]
fn digits(text: &[u8], mut value: i64) -> (i64, &[u8]) {
    let mut rest = text;
    while let Some((byte, more)) = rest.split_first() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value * 10 + i64::from(digit);
        rest = more;
    }
    (value, rest)
}

struct Run {
    /// Not above the first key, and above all keys of the run before.
    low: i64,
    rows: Vec<Row>,
}

/// Sorted runs, the best level last.
struct Side {
    runs: Vec<Run>,
}

impl Side {
    #[inline]
    fn best(&self) -> Option<Row> {
        self.runs.last()?.rows.last().copied()
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        self.runs.iter().rev().flat_map(|run| run.rows.iter().rev().copied())
    }

    /// Takes rows with the best one first.
    fn load(mut rows: Vec<Row>) -> Self {
        rows.reverse();
        Self { runs: rows.chunks(FRESH).map(new_run).collect() }
    }

    #[inline]
    fn set(&mut self, key: i64, amount: i64) {
        let at = match self.runs.last() {
            Some(last) if key >= last.low => self.runs.len() - 1,
            Some(_) => self.runs.partition_point(|run| run.low <= key).saturating_sub(1),
            None if amount == 0 => return,
            None => return self.runs.push(new_run(&[(key, amount)])),
        };
        let run = &mut self.runs[at];
        match run.rows.binary_search_by_key(&key, |row| row.0) {
            Ok(found) if amount == 0 => {
                run.rows.remove(found);
                if run.rows.is_empty() {
                    self.runs.remove(at);
                }
            }
            Ok(found) => run.rows[found].1 = amount,
            Err(_) if amount == 0 => {}
            Err(place) => {
                run.low = run.low.min(key);
                run.rows.insert(place, (key, amount));
                if run.rows.len() == LONGEST {
                    let upper = new_run(&run.rows[LONGEST / 2..]);
                    run.rows.truncate(LONGEST / 2);
                    self.runs.insert(at + 1, upper);
                }
            }
        }
    }
}

fn new_run(first: &[Row]) -> Run {
    let mut rows = Vec::with_capacity(LONGEST);
    rows.extend_from_slice(first);
    Run { low: first[0].0, rows }
}
