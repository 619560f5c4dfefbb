//! A market's true book, what the server stores of it for subscribers, and every state that it had.

use capecrypto_models::{Decimal, Level};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// Levels a side in a snapshot.
const SNAPSHOT_DEPTH: usize = 301;
/// The stored snapshot is replaced by the first change after this time, …
const STORED_FOR: Duration = Duration::from_secs(60);
/// … or after so many increments and this time.
const STORED_INCREMENTS: usize = 20;
const STORED_AT_LEAST: Duration = Duration::from_secs(10);

/// A market's book as the exchange has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TrueBook {
    /// Bids, best first.
    pub bids: Vec<Level>,
    /// Asks, best first.
    pub asks: Vec<Level>,
    /// The sequence of the last increment.
    pub sequence: u64,
}

pub(super) struct Book {
    market: String,
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
    sequence: u64,
    /// The snapshot that subscribers get, since when it is stored, and the increments since.
    snapshot: String,
    stored_at: Duration,
    increments: Vec<String>,
    /// When each earlier state ended.
    states: HashMap<u64, Duration>,
}

impl Book {
    pub(super) fn new(market: &str, now: Duration) -> Self {
        let mut book = Self {
            market: market.to_owned(),
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            sequence: 1,
            snapshot: String::new(),
            stored_at: now,
            increments: Vec::new(),
            states: HashMap::new(),
        };
        book.store(now);
        book
    }

    /// Sets a level to an amount; zero removes it. Returns the increment.
    pub(super) fn set(&mut self, is_bid: bool, price: Decimal, amount: Decimal, now: Duration) -> String {
        self.states.insert(self.fingerprint(), now);
        self.sequence = self.sequence.saturating_add(1);
        let side = if is_bid { &mut self.bids } else { &mut self.asks };
        let text = if amount.is_zero() {
            side.remove(&price);
            String::new()
        } else {
            side.insert(price, amount);
            amount.to_string()
        };
        let name = if is_bid { "bids" } else { "asks" };
        let sequence = self.sequence;
        let market = &self.market;
        let increment =
            format!(r#"{{"{market}.ob-inc":{{"{name}":["{price}","{text}"],"sequence":{sequence}}}}}"#);
        self.increments.push(increment.clone());
        let age = now.saturating_sub(self.stored_at);
        if age >= STORED_FOR || (age >= STORED_AT_LEAST && self.increments.len() >= STORED_INCREMENTS) {
            self.store(now);
        }
        increment
    }

    /// Begins the sequence again at 1, as after a restart of the engine.
    pub(super) fn restart(&mut self, now: Duration) {
        self.sequence = 1;
        self.store(now);
    }

    fn store(&mut self, now: Duration) {
        let book = self.truth();
        let side = |levels: &[Level]| {
            let levels = levels.iter().take(SNAPSHOT_DEPTH);
            let pairs: Vec<_> =
                levels.map(|level| format!(r#"["{}","{}"]"#, level.price, level.amount)).collect();
            pairs.join(",")
        };
        self.snapshot = format!(
            r#"{{"{}.ob-snap":{{"asks":[{}],"bids":[{}],"sequence":{}}}}}"#,
            self.market,
            side(&book.asks),
            side(&book.bids),
            book.sequence
        );
        self.stored_at = now;
        self.increments.clear();
    }

    /// What a subscriber gets: the stored snapshot and the increments since.
    pub(super) fn replay(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.snapshot).chain(&self.increments)
    }

    pub(super) fn truth(&self) -> TrueBook {
        let level = |(price, amount): (&Decimal, &Decimal)| Level::new(*price, *amount);
        TrueBook {
            bids: self.bids.iter().rev().map(level).collect(),
            asks: self.asks.iter().map(level).collect(),
            sequence: self.sequence,
        }
    }

    /// How long ago the book had these levels; `None` if it never had.
    pub(super) fn age(&self, bids: &[Level], asks: &[Level], now: Duration) -> Option<Duration> {
        let pair = |level: &Level| (level.price, level.amount);
        let wanted = hash(bids.iter().map(pair), asks.iter().map(pair));
        if wanted == self.fingerprint() {
            return Some(Duration::ZERO);
        }
        self.states.get(&wanted).map(|until| now.saturating_sub(*until))
    }

    fn fingerprint(&self) -> u64 {
        let pair = |(price, amount): (&Decimal, &Decimal)| (*price, *amount);
        hash(self.bids.iter().rev().map(pair), self.asks.iter().map(pair))
    }
}

/// A number for the levels of a book: 64 bits tell the states of a simulation apart.
fn hash(
    bids: impl Iterator<Item = (Decimal, Decimal)>,
    asks: impl Iterator<Item = (Decimal, Decimal)>,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    bids.for_each(|level| level.hash(&mut hasher));
    "asks".hash(&mut hasher);
    asks.for_each(|level| level.hash(&mut hasher));
    hasher.finish()
}
