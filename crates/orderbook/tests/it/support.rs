//! Frames, books and a random source.

use capecrypto_models::{Decimal, Level, decimal};
use capecrypto_orderbook::{Applied, Book, State};

pub(crate) fn dec(text: &str) -> Decimal {
    decimal::parse(text).unwrap()
}

pub(crate) fn level(price: &str, amount: &str) -> Level {
    Level::new(dec(price), dec(amount))
}

pub(crate) fn levels(pairs: &[(&str, &str)]) -> Vec<Level> {
    pairs.iter().map(|(price, amount)| level(price, amount)).collect()
}

pub(crate) fn book() -> Book {
    Book::new("btczar".parse().unwrap())
}

/// Levels in the exchange's spelling.
pub(crate) fn pairs(levels: &[(String, String)]) -> String {
    let list: Vec<_> = levels.iter().map(|(price, amount)| format!(r#"["{price}","{amount}"]"#)).collect();
    format!("[{}]", list.join(","))
}

pub(crate) fn snapshot(sequence: u64, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> String {
    let text = |side: &[(&str, &str)]| {
        pairs(&side.iter().map(|(p, a)| ((*p).to_owned(), (*a).to_owned())).collect::<Vec<_>>())
    };
    format!(r#"{{"btczar.ob-snap":{{"asks":{},"bids":{},"sequence":{sequence}}}}}"#, text(asks), text(bids))
}

pub(crate) fn increment(sequence: u64, side: &str, price: &str, amount: &str) -> String {
    format!(r#"{{"btczar.ob-inc":{{"{side}":["{price}","{amount}"],"sequence":{sequence}}}}}"#)
}

/// Applies a frame. A snapshot is confirmed at once.
pub(crate) fn apply(book: &mut Book, frame: &str) -> Applied {
    let applied = book.apply_frame(frame.as_bytes()).unwrap();
    if matches!(applied, Applied::Snapshot { .. }) {
        assert!(book.confirmed());
    }
    applied
}

/// Applies a frame that must go into the book.
pub(crate) fn feed(book: &mut Book, frame: &str) {
    let applied = apply(book, frame);
    assert!(matches!(applied, Applied::Snapshot { .. } | Applied::Increment { .. }), "{applied:?}: {frame}");
}

/// A live book at sequence 100: bids 99, 98, 97, asks 101, 102, 103, one each.
pub(crate) fn live_book() -> Book {
    let mut book = book();
    let one = |prices: [&'static str; 3]| prices.map(|price| (price, "1.0"));
    let frame = snapshot(100, &one(["99.0", "98.0", "97.0"]), &one(["101.0", "102.0", "103.0"]));
    assert_eq!(apply(&mut book, &frame), Applied::Snapshot { sequence: 100 });
    book
}

/// All that a book shows; `None` while it is not live.
pub(crate) type Shown = Option<(Vec<Level>, Vec<Level>, u64)>;

/// Reads the whole book, and checks that its methods agree.
pub(crate) fn shown(book: &Book) -> Shown {
    let (Ok(bids), Ok(asks)) = (book.bids(), book.asks()) else {
        assert_ne!(book.state(), State::Live);
        let not_live = book.best().unwrap_err();
        assert_eq!((not_live.state, &not_live.market), (book.state(), book.market()));
        assert_eq!(book.sequence(), None);
        return None;
    };
    assert_eq!(book.state(), State::Live);
    let (told_bids, told_asks) = (bids.len(), asks.len());
    let (bids, asks): (Vec<_>, Vec<_>) = (bids.collect(), asks.collect());
    assert_eq!((bids.len(), asks.len()), (told_bids, told_asks), "the iterators count wrong");
    let best = book.best().unwrap();
    assert_eq!((best.bid, best.ask), (bids.first().copied(), asks.first().copied()));
    if let (Some(bid), Some(ask)) = (best.bid, best.ask) {
        assert!(bid.price < ask.price, "crossed while live: {best:?}");
    }
    assert!(bids.is_sorted_by(|one, next| one.price > next.price), "bids are not best first");
    assert!(asks.is_sorted_by(|one, next| one.price < next.price), "asks are not best first");
    Some((bids, asks, book.sequence().unwrap()))
}

/// A number from the environment.
pub(crate) fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.trim().replace('_', "").parse().unwrap_or_else(|_| panic!("{name}={text} is no whole number")))
}

/// The seed of a random test: `CAPECRYPTO_SEED`, if it is set. It is printed, so that a failure can be repeated.
pub(crate) fn seed_or(usual: u64) -> u64 {
    let seed = setting("CAPECRYPTO_SEED").unwrap_or(usual);
    println!("CAPECRYPTO_SEED={seed}");
    seed
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
