//! The top of a book for many readers: written by the socket's task, read without a lock and without waiting.
//!
//! The writer has two places and takes them in turn. A reader takes the newer one that is not written to, and checks afterwards
//! that nobody wrote there meanwhile. So a writer that stands still in the middle of a write holds up no reader. A reader tries
//! again only if the writer has come back to its place meanwhile; after some tries it gives up, and reads under the book's lock.

use capecrypto_models::{Decimal, Level};
use capecrypto_orderbook::{Best, State};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// How often a reader tries.
const TRIES: usize = 8;

/// The best levels of a book with the state that they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Top {
    /// Whether the book can be relied on.
    pub state: State,
    /// The best level of each side, if the book is live.
    pub best: Option<Best>,
    /// The sequence of the last message in the book, if it is live.
    pub sequence: Option<u64>,
    /// When the last message of the book came, or its state changed, in Unix milliseconds by the clock of the connection.
    pub as_of_ms: u64,
}

/// One state as numbers: shape, sequence, time, and price and amount of both sides.
type Words = [u64; 7];

const STATES: [State; 4] = [State::Resyncing, State::CatchingUp, State::Live, State::Stale];
/// Bits of the shape: the state, what there is, and the decimal places of four values, one byte each.
const HAS_BID: u64 = 1 << 8;
const HAS_ASK: u64 = 1 << 9;
/// A value has more than 64 bits, so readers have to ask under the lock.
const TOO_LARGE: u64 = 1 << 10;
const PLACES_AT: [u32; 4] = [32, 40, 48, 56];

impl Top {
    fn words(&self) -> Words {
        let state = STATES.iter().zip(0..).find(|(state, _)| **state == self.state);
        let mut shape = state.map_or(0, |(_, number)| number);
        let (bid, ask) = self.best.map_or((None, None), |best| (best.bid, best.ask));
        let mut values = [0; 4];
        let levels = [bid, ask].map(|level| level.map(|level| [level.price, level.amount]));
        for (flag, level) in [HAS_BID, HAS_ASK].into_iter().zip(levels) {
            shape |= if level.is_some() { flag } else { 0 };
        }
        let flat = levels.into_iter().flat_map(Option::unwrap_or_default);
        for ((value, places_at), decimal) in values.iter_mut().zip(PLACES_AT).zip(flat) {
            match u64::try_from(decimal.mantissa()) {
                Ok(digits) => *value = digits,
                Err(_) => shape |= TOO_LARGE,
            }
            shape |= u64::from(decimal.scale()) << places_at;
        }
        let [bid_price, bid_amount, ask_price, ask_amount] = values;
        [shape, self.sequence.unwrap_or(0), self.as_of_ms, bid_price, bid_amount, ask_price, ask_amount]
    }

    /// `None`: a value is too large to be shown like this.
    fn from_words([shape, sequence, as_of_ms, values @ ..]: Words) -> Option<Self> {
        if shape & TOO_LARGE != 0 {
            return None;
        }
        let state = *STATES.get(usize::try_from(shape & 0xff).ok()?)?;
        let decimal = |at: usize| {
            let places = u32::try_from(shape.checked_shr(*PLACES_AT.get(at)?)? & 0xff).ok()?;
            Decimal::try_from_i128_with_scale(i128::from(*values.get(at)?), places).ok()
        };
        let level = |at: usize| Some(Level::new(decimal(at)?, decimal(at + 1)?));
        let best = Best {
            bid: if shape & HAS_BID == 0 { None } else { level(0) },
            ask: if shape & HAS_ASK == 0 { None } else { level(2) },
        };
        let is_live = state == State::Live;
        Some(Self { state, best: is_live.then_some(best), sequence: is_live.then_some(sequence), as_of_ms })
    }
}

/// One cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Place {
    /// Odd while the place is written to.
    version: AtomicU64,
    words: [AtomicU64; 7],
}

/// The shared top of a book. One writer at a time: the caller holds the book's lock.
#[derive(Debug, Default)]
pub(crate) struct SharedTop([Place; 2]);

impl SharedTop {
    /// Shows the state after this change to readers from now on. The changes of a book are counted from 0.
    pub(crate) fn write(&self, change: u64, top: &Top) {
        let [even, odd] = &self.0;
        let place = if change.is_multiple_of(2) { even } else { odd };
        // Rises with each change, and is odd while this place is written to.
        let version = change.wrapping_mul(2);
        place.version.store(version.wrapping_add(1), Relaxed);
        fence(Release);
        for (word, new) in place.words.iter().zip(top.words()) {
            word.store(new, Relaxed);
        }
        place.version.store(version.wrapping_add(2), Release);
    }

    /// The current state; `None` if the writer was quicker each time, or if a value has more than 64 bits.
    pub(crate) fn read(&self) -> Option<Top> {
        let [even, odd] = &self.0;
        for _ in 0..TRIES {
            let versions = [even.version.load(Acquire), odd.version.load(Acquire)];
            // The newer one of those that are not written to.
            let (place, version) = match versions {
                [a, b] if b.is_multiple_of(2) && (b > a || !a.is_multiple_of(2)) => (odd, b),
                [a, _] => (even, a),
            };
            let words = std::array::from_fn(|at| place.words.get(at).map_or(0, |word| word.load(Relaxed)));
            fence(Acquire);
            if version.is_multiple_of(2) && place.version.load(Relaxed) == version {
                return Top::from_words(words);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    fn top(number: i64) -> Top {
        let level = |more: i64| Level::new(Decimal::new(number, 3), Decimal::new(number + more, 28));
        Top {
            state: State::Live,
            best: Some(Best { bid: Some(level(1)), ask: Some(level(2)) }),
            sequence: number.try_into().ok(),
            as_of_ms: number.unsigned_abs(),
        }
    }

    #[test]
    fn a_top_is_read_as_it_was_written() {
        let shared = SharedTop::default();
        let none = Top { state: State::Stale, best: None, sequence: None, as_of_ms: 7 };
        let empty = Top {
            best: Some(Best { bid: None, ask: None }),
            sequence: Some(u64::MAX),
            state: State::Live,
            as_of_ms: u64::MAX,
        };
        let large = Level::new(Decimal::MAX, Decimal::from_parts(1, 0, 0, false, 28));
        let one = Top { best: Some(Best { bid: None, ask: Some(large) }), ..empty };
        let mut change = 0;
        for written in [none, empty, top(5), Top { state: State::CatchingUp, ..none }] {
            change += 1;
            shared.write(change, &written);
            assert_eq!(shared.read(), Some(written));
        }
        // Readers ask for these under the lock.
        shared.write(change + 1, &one);
        assert_eq!(shared.read(), None);
    }

    #[test]
    fn a_writer_that_stands_still_in_the_middle_holds_up_no_reader() {
        for last in [6, 7] {
            let shared = SharedTop::default();
            shared.write(last - 1, &top(1));
            shared.write(last, &top(2));
            // It begins the next change, and does not end it.
            let place = &shared.0[usize::from(last % 2 == 0)];
            place.version.store(2 * (last + 1) + 1, Relaxed);
            place.words[3].store(99, Relaxed);
            assert_eq!(shared.read(), Some(top(2)));
        }
    }

    #[test]
    fn readers_of_a_busy_writer_see_whole_states_in_rising_order() {
        let (shared, done) = (SharedTop::default(), AtomicBool::new(false));
        shared.write(0, &top(0));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let (mut last, mut reads) = (0, 0_u64);
                    while !done.load(Relaxed) || reads == 0 {
                        let Some(read) = shared.read() else { continue };
                        let number = i64::try_from(read.as_of_ms).unwrap();
                        assert_eq!(read, top(number), "parts of two states");
                        assert!(number >= last, "{number} after {last}");
                        (last, reads) = (number, reads + 1);
                    }
                });
            }
            (1..200_000_u32).for_each(|number| shared.write(number.into(), &top(number.into())));
            done.store(true, Relaxed);
        });
    }
}
