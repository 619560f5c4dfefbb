//! The top of a book for many readers: written by the socket's task, read without a lock and without waiting.
//!
//! The writer has a few places and writes the next state into one that no reader was sent to lately, then points to it. A reader
//! takes the place that is pointed to, and checks afterwards that nobody wrote there meanwhile. So a writer that stands still
//! in the middle holds up no reader. A reader tries again only if it was overtaken by several whole writes; after some tries
//! it gives up, and reads under the book's lock.

use capecrypto_models::{Decimal, Level};
use capecrypto_orderbook::{Best, State};
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// Places to write to. A reader is overtaken only by as many writes, less one.
const PLACES: usize = 4;
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

/// One state as numbers: flags, sequence, time, and four decimals of two numbers each.
type Words = [u64; 11];

/// How the flags show a state.
const STATES: [State; 4] = [State::Resyncing, State::CatchingUp, State::Live, State::Stale];
const HAS_BID: u64 = 1 << 8;
const HAS_ASK: u64 = 1 << 9;

impl Top {
    fn words(&self) -> Words {
        let state = STATES.iter().zip(0..).find(|(state, _)| **state == self.state);
        let mut flags = state.map_or(0, |(_, number)| number);
        let level = |level: Option<Level>, flag: u64, flags: &mut u64| match level {
            Some(level) => {
                *flags |= flag;
                let ([a, b], [c, d]) = (halves(level.price), halves(level.amount));
                [a, b, c, d]
            }
            None => [0; 4],
        };
        let (bid, ask) = self.best.map_or((None, None), |best| (best.bid, best.ask));
        let [a, b, c, d] = level(bid, HAS_BID, &mut flags);
        let [e, f, g, h] = level(ask, HAS_ASK, &mut flags);
        [flags, self.sequence.unwrap_or(0), self.as_of_ms, a, b, c, d, e, f, g, h]
    }

    fn from_words([flags, sequence, as_of_ms, a, b, c, d, e, f, g, h]: Words) -> Self {
        let state = usize::try_from(flags & 0xff).ok().and_then(|number| STATES.get(number));
        let state = state.copied().unwrap_or(State::Resyncing);
        let level =
            |flag, price, amount| (flags & flag != 0).then(|| Level::new(decimal(price), decimal(amount)));
        let best = Best { bid: level(HAS_BID, [a, b], [c, d]), ask: level(HAS_ASK, [e, f], [g, h]) };
        let is_live = state == State::Live;
        Self { state, best: is_live.then_some(best), sequence: is_live.then_some(sequence), as_of_ms }
    }
}

/// A decimal as two numbers, and back.
fn halves(decimal: Decimal) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = decimal.serialize();
    [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])]
}

fn decimal([low, high]: [u64; 2]) -> Decimal {
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (low.to_le_bytes(), high.to_le_bytes());
    Decimal::deserialize([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

#[derive(Debug, Default)]
struct Place {
    /// Odd while the place is written to.
    version: AtomicU64,
    words: [AtomicU64; 11],
}

/// The shared top of a book. One writer at a time: the caller holds the book's lock.
#[derive(Debug, Default)]
pub(crate) struct SharedTop {
    places: [Place; PLACES],
    current: AtomicUsize,
}

impl SharedTop {
    /// Shows this state to readers from now on.
    pub(crate) fn write(&self, top: &Top) {
        let next = (self.current.load(Relaxed) + 1) % PLACES;
        let Some(place) = self.places.get(next) else { return };
        let version = place.version.load(Relaxed);
        place.version.store(version.wrapping_add(1), Relaxed);
        fence(Release);
        for (word, new) in place.words.iter().zip(top.words()) {
            word.store(new, Relaxed);
        }
        place.version.store(version.wrapping_add(2), Release);
        self.current.store(next, Release);
    }

    /// The current state; `None` if the writer was quicker each time.
    pub(crate) fn read(&self) -> Option<Top> {
        for _ in 0..TRIES {
            let place = self.places.get(self.current.load(Acquire))?;
            let version = place.version.load(Acquire);
            let words = std::array::from_fn(|at| place.words.get(at).map_or(0, |word| word.load(Relaxed)));
            fence(Acquire);
            if version.is_multiple_of(2) && place.version.load(Relaxed) == version {
                return Some(Top::from_words(words));
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
        for written in [none, empty, one, top(5), Top { state: State::CatchingUp, ..none }] {
            shared.write(&written);
            assert_eq!(shared.read(), Some(written));
        }
    }

    #[test]
    fn a_writer_that_stands_still_in_the_middle_holds_up_no_reader() {
        let shared = SharedTop::default();
        shared.write(&top(1));
        let next = (shared.current.load(Relaxed) + 1) % PLACES;
        shared.places[next].version.fetch_add(1, Relaxed);
        shared.places[next].words[3].store(99, Relaxed);
        assert_eq!(shared.read(), Some(top(1)));
    }

    #[test]
    fn readers_of_a_busy_writer_see_whole_states_in_rising_order() {
        let (shared, done) = (SharedTop::default(), AtomicBool::new(false));
        shared.write(&top(0));
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
            (1..200_000).for_each(|number| shared.write(&top(number)));
            done.store(true, Relaxed);
        });
    }
}
