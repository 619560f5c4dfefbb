//! The increments that the book is measured with, and the book that they lead to.
//!
//! Four in five changes are near the best price. Half of all change an amount, the others add or remove a level, so that the
//! number of levels stays about the same and the best price moves. Prices have one or two decimal places, amounts one to six.

use std::collections::BTreeMap;

/// The sequence of the snapshot.
const FIRST: u64 = 9_712;
/// Decimal places of the integers of [`Truth`].
const PRICE_PLACES: usize = 2;
const AMOUNT_PLACES: usize = 6;

/// How an increment is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"btczar.ob-inc":{"asks":[["841039.73","0.156431"]],"sequence":9713}}`, as in the documents.
    Documented,
    /// `{"btczar.ob-inc":{"asks":["841039.73","0.156431"],"sequence":9713}}`, as in the server's own notes.
    Flat,
    /// As documented, with one space at a random place between two tokens.
    OneSpace,
    /// As documented, with a field that nobody knows.
    UnknownField,
    /// As documented, with numbers that are not in quotes.
    BareNumbers,
}

/// The levels of one side by price: both as integers, in units of the last decimal place.
pub type TrueSide = BTreeMap<i64, i64>;

/// The true book.
#[derive(Clone)]
pub struct Truth {
    pub bids: TrueSide,
    pub asks: TrueSide,
}

impl Truth {
    /// Bids and asks with this many decimal places, best first.
    pub fn sides(&self, places: usize) -> [Vec<(i64, i64)>; 2] {
        let unit = |own: usize| 10_i64.pow(u32::try_from(places - own).unwrap_or(0));
        let level =
            |(price, amount): (&i64, &i64)| (price * unit(PRICE_PLACES), amount * unit(AMOUNT_PLACES));
        [self.bids.iter().rev().map(level).collect(), self.asks.iter().map(level).collect()]
    }
}

/// A snapshot and what follows. The same for the same arguments.
pub struct Stream {
    pub form: Form,
    pub truth: Truth,
    levels: usize,
    sequence: u64,
    random: Random,
}

impl Stream {
    /// A book with this many levels a side.
    pub fn new(levels: usize, seed: u64, form: Form) -> Self {
        let mut random = Random(seed);
        let mut truth = Truth { bids: BTreeMap::new(), asks: BTreeMap::new() };
        let (mut bid, mut ask) = (84_000_000, 84_000_100);
        for _ in 0..levels {
            truth.bids.insert(bid, amount(&mut random));
            truth.asks.insert(ask, amount(&mut random));
            bid -= random.up_to(600);
            ask += random.up_to(600);
        }
        Self { form, truth, levels, sequence: FIRST, random }
    }

    /// The snapshot of the book of this moment.
    pub fn snapshot(&self) -> Vec<u8> {
        let side = |levels: &mut dyn Iterator<Item = (&i64, &i64)>| {
            let level =
                |(price, amount): (&i64, &i64)| format!("[{},{}]", price_text(*price), amount_text(*amount));
            levels.map(level).collect::<Vec<_>>().join(",")
        };
        let (asks, bids) = (side(&mut self.truth.asks.iter()), side(&mut self.truth.bids.iter().rev()));
        let sequence = self.sequence;
        format!(r#"{{"btczar.ob-snap":{{"asks":[{asks}],"bids":[{bids}],"sequence":{sequence}}}}}"#)
            .into_bytes()
    }

    /// The next increments.
    pub fn frames(&mut self, count: usize) -> Frames {
        let mut frames = Frames { bytes: Vec::with_capacity(count * 90), ends: Vec::with_capacity(count) };
        for _ in 0..count {
            self.step(&mut frames.bytes);
            frames.ends.push(frames.bytes.len());
        }
        frames
    }

    /// Makes one change, and writes its increment.
    fn step(&mut self, out: &mut Vec<u8>) {
        let random = &mut self.random;
        let is_bid = random.once_in(2);
        let (own, other) = if is_bid {
            (&mut self.truth.bids, &self.truth.asks)
        } else {
            (&mut self.truth.asks, &self.truth.bids)
        };
        let towards_best = if is_bid { 1 } else { -1 };
        let near = !random.once_in(5);
        let price = pick(own, is_bid, near, random);
        // The fewer levels there are, the likelier a new one.
        let band = i64::try_from(self.levels / 5).unwrap_or(1).max(1);
        let missing = i64::try_from(self.levels).unwrap_or(0) - i64::try_from(own.len()).unwrap_or(0);
        let (price, amount) = if random.once_in(2) {
            (price, amount(random))
        } else if random.up_to(2 * band) <= band + missing {
            let best_of_other = if is_bid { other.first_key_value() } else { other.last_key_value() };
            let better = price + towards_best * random.up_to(300);
            let crosses = best_of_other.is_some_and(|(limit, _)| (limit - better) * towards_best <= 0);
            let price = if crosses { price - towards_best * random.up_to(300) } else { better };
            (price, amount(random))
        } else {
            (price, 0)
        };
        if amount == 0 {
            own.remove(&price);
        } else {
            own.insert(price, amount);
        }
        self.sequence += 1;
        let side = if is_bid { "bids" } else { "asks" };
        let pair = format!("{},{}", price_text(price), amount_text(amount));
        let text = write(self.form, side, &pair, self.sequence, &mut self.random);
        out.extend_from_slice(text.as_bytes());
    }
}

/// A price that has a level: one of the ten best, or anywhere.
fn pick(side: &TrueSide, is_bid: bool, near: bool, random: &mut Random) -> i64 {
    let place = random.below(10);
    let found = if near {
        if is_bid { side.keys().nth_back(place) } else { side.keys().nth(place) }
    } else {
        let (low, high) = (side.keys().next(), side.keys().next_back());
        let (low, high) = (low.copied().unwrap_or(0), high.copied().unwrap_or(0));
        side.range(low + random.up_to(high - low + 1) - 1..).next().map(|(price, _)| price)
    };
    *found.expect("a side never has fewer than ten levels")
}

fn amount(random: &mut Random) -> i64 {
    // One to six decimal places.
    random.up_to(2_000) * [1, 10, 100, 1_000, 10_000, 100_000][random.below(6)]
}

fn price_text(price: i64) -> String {
    decimal_text(price, PRICE_PLACES)
}

/// An empty text for a level that is removed.
fn amount_text(amount: i64) -> String {
    if amount == 0 { r#""""#.into() } else { decimal_text(amount, AMOUNT_PLACES) }
}

/// The exchange's spelling: no zeros at the end, but at least one decimal place.
fn decimal_text(value: i64, places: usize) -> String {
    let digits = format!("{value:0width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    format!(r#""{whole}.{}""#, if fraction.is_empty() { "0" } else { fraction })
}

fn write(form: Form, side: &str, pair: &str, sequence: u64, random: &mut Random) -> String {
    let documented = |pair: &str, more: &str| {
        format!(r#"{{"btczar.ob-inc":{{"{side}":[[{pair}]],"sequence":{sequence}{more}}}}}"#)
    };
    match form {
        Form::Documented => documented(pair, ""),
        Form::Flat => format!(r#"{{"btczar.ob-inc":{{"{side}":[{pair}],"sequence":{sequence}}}}}"#),
        Form::OneSpace => {
            let mut text = documented(pair, "");
            let places = between_tokens(&text);
            text.insert(places[random.below(places.len())], ' ');
            text
        }
        Form::UnknownField => documented(pair, r#","checksum":3735928559"#),
        Form::BareNumbers => {
            let bare = |text: &str| if text == r#""""# { "0".to_owned() } else { text.replace('"', "") };
            documented(&pair.split(',').map(bare).collect::<Vec<_>>().join(","), "")
        }
    }
}

/// The places in a JSON text without escapes where a space changes nothing.
fn between_tokens(text: &str) -> Vec<usize> {
    let (mut places, mut quoted, mut before) = (Vec::new(), false, b' ');
    for (at, byte) in text.bytes().enumerate() {
        let inside = quoted || before.is_ascii_digit() && byte.is_ascii_digit();
        if !inside {
            places.push(at);
        }
        quoted ^= byte == b'"';
        before = byte;
    }
    places.push(text.len());
    places
}

/// Frames, one after the other in memory.
pub struct Frames {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Frames {
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    /// From 1 to `most`.
    fn up_to(&mut self, most: i64) -> i64 {
        1 + i64::try_from(self.next() % most.unsigned_abs()).unwrap_or(0)
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
