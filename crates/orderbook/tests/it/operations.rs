//! Many random operations, each one compared with a model that is as simple as possible.

use crate::{
    exchange::{Change, Exchange},
    support::{Random, book, seed_or, setting},
};
use capecrypto_models::{Decimal, Level};
use capecrypto_orderbook::{Applied, Best, Book, BookSide, KnownDepth, LostSync, State};
use std::collections::BTreeMap;

/// Operations on one exchange; then another one follows.
const EACH: u64 = 20_000;

/// What a book must be: two sorted maps, and the rules of the synchroniser written down once more.
struct Model {
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
    /// The worst known prices of a snapshot that was cut.
    last_bid: Option<Decimal>,
    last_ask: Option<Decimal>,
    mode: Mode,
}

#[derive(Clone, Copy)]
enum Mode {
    Live(u64),
    CatchingUp(u64),
    Stale,
    /// A subscription without an older one beside it.
    New,
    /// A subscription on a connection that may still bring old increments.
    Again,
}

impl Model {
    fn new() -> Self {
        let (bids, asks) = (BTreeMap::new(), BTreeMap::new());
        Self { bids, asks, last_bid: None, last_ask: None, mode: Mode::New }
    }

    fn snapshot(&mut self, exchange: &Exchange, depth: usize) -> Applied {
        let known = |levels: Vec<Level>| -> (BTreeMap<_, _>, Option<Decimal>) {
            let last = levels.get(depth.wrapping_sub(1)).map(|level| level.price);
            (levels.iter().take(depth).map(|level| (level.price, level.amount)).collect(), last)
        };
        (self.bids, self.last_bid) = known(exchange.bids());
        (self.asks, self.last_ask) = known(exchange.asks());
        let sequence = exchange.sequence;
        self.mode = match self.mode {
            Mode::Live(last) if last == sequence => Mode::Live(last),
            _ => Mode::CatchingUp(sequence),
        };
        Applied::Snapshot { sequence }
    }

    fn increment(&mut self, sequence: u64, changes: &[Change]) -> Applied {
        let last = match self.mode {
            Mode::Live(last) | Mode::CatchingUp(last) => last,
            Mode::Again => return Applied::Ignored,
            Mode::Stale | Mode::New => return self.lose(LostSync::NoSnapshot { got: sequence }),
        };
        if sequence != last + 1 {
            return self.lose(LostSync::Sequence { expected: last + 1, got: sequence });
        }
        for change in changes {
            let (side, known) = if change.is_bid {
                (&mut self.bids, self.last_bid.is_none_or(|last| change.price >= last))
            } else {
                (&mut self.asks, self.last_ask.is_none_or(|last| change.price <= last))
            };
            if change.amount.is_zero() {
                side.remove(&change.price);
            } else if known {
                side.insert(change.price, change.amount);
            }
        }
        self.mode = match self.mode {
            Mode::Live(_) => Mode::Live(sequence),
            _ => Mode::CatchingUp(sequence),
        };
        for (side, used_up) in [
            (BookSide::Bid, self.bids.is_empty() && self.last_bid.is_some()),
            (BookSide::Ask, self.asks.is_empty() && self.last_ask.is_some()),
        ] {
            if used_up {
                return self.lose(LostSync::Exhausted { side });
            }
        }
        Applied::Increment { sequence }
    }

    fn lose(&mut self, why: LostSync) -> Applied {
        self.mode = Mode::Again;
        Applied::Lost(why)
    }

    fn confirmed(&mut self) -> bool {
        if let Mode::CatchingUp(last) = self.mode {
            self.mode = Mode::Live(last);
        }
        matches!(self.mode, Mode::Live(_))
    }

    fn mark_resyncing(&mut self) {
        self.mode = match self.mode {
            Mode::Stale | Mode::New => Mode::New,
            Mode::Live(_) | Mode::CatchingUp(_) | Mode::Again => Mode::Again,
        };
    }

    /// Compares what the book shows: all levels if `whole`, otherwise the best ones and their number.
    fn assert_same(&self, book: &Book, whole: bool) {
        let (state, sequence) = match self.mode {
            Mode::Live(last) => (State::Live, Some(last)),
            Mode::CatchingUp(_) => (State::CatchingUp, None),
            Mode::Stale => (State::Stale, None),
            Mode::New | Mode::Again => (State::Resyncing, None),
        };
        assert_eq!((book.state(), book.sequence()), (state, sequence));
        if sequence.is_none() {
            assert!(book.best().is_err() && book.bids().is_err() && book.asks().is_err());
            return;
        }
        let level = |(price, amount): (&Decimal, &Decimal)| Level::new(*price, *amount);
        let best =
            Best { bid: self.bids.last_key_value().map(level), ask: self.asks.first_key_value().map(level) };
        assert_eq!(book.best(), Ok(best));
        for (side, levels, last) in
            [(BookSide::Bid, self.bids.len(), self.last_bid), (BookSide::Ask, self.asks.len(), self.last_ask)]
        {
            assert_eq!(book.depth(side), Ok(KnownDepth { levels, complete: last.is_none() }));
        }
        if whole {
            assert!(book.bids().unwrap().eq(self.bids.iter().rev().map(level)), "the bids differ");
            assert!(book.asks().unwrap().eq(self.asks.iter().map(level)), "the asks differ");
        }
    }
}

/// How often each kind of operation happened.
#[derive(Default, Debug)]
struct Counts {
    applied: u64,
    lost: u64,
    ignored: u64,
    snapshots: u64,
    live: u64,
    cut: u64,
}

/// Snapshots, increments in every spelling, losses, repetitions, confirmations, repairs, broken connections and restarts of the
/// exchange: 1,000,000 in a release build, but only 50,000 in a debug build, which is far slower. `CAPECRYPTO_OPERATIONS` sets
/// another number, `CAPECRYPTO_SEED` another seed. After each operation the state, the best levels and the number of levels are
/// compared; every level is compared after one operation in sixteen and before each snapshot, which would hide a difference.
#[test]
fn random_operations_leave_what_the_model_has() {
    let seed = seed_or(7);
    let usual = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };
    let operations = setting("CAPECRYPTO_OPERATIONS").unwrap_or(usual);
    println!("CAPECRYPTO_OPERATIONS={operations}");
    let mut random = Random(seed);
    let mut counts = Counts::default();
    let mut left = operations;
    while left > 0 {
        let some = left.min(EACH);
        left -= some;
        one_exchange(&mut random, some, &mut counts);
    }
    if operations >= 50_000 {
        let Counts { applied, lost, ignored, snapshots, live, cut } = counts;
        assert!([applied, lost, ignored, snapshots, live, cut].iter().all(|n| *n > 300), "{counts:?}");
    }
}

fn one_exchange(random: &mut Random, operations: u64, counts: &mut Counts) {
    let depth = *random.pick(&[8, 30, 301]);
    let mut exchange = Exchange::new(random, depth);
    let (mut book, mut model) = (book().with_snapshot_depth(depth), Model::new());
    for number in 0..operations {
        // A book that waits for a snapshot soon gets one.
        let waits = matches!(book.state(), State::Stale | State::Resyncing) && random.once_in(8);
        match random.below(500) {
            // A loss.
            0 => drop(exchange.step(random)),
            1 => {
                let frame = exchange.step(random);
                let (sequence, changes) = (exchange.sequence, exchange.changes.clone());
                deliver(&mut book, &frame, &model.increment(sequence, &changes), counts);
                deliver(&mut book, &frame, &model.increment(sequence, &changes), counts);
            }
            2 => {
                book.mark_stale();
                model.mode = Mode::Stale;
            }
            3 => {
                book.mark_resyncing();
                model.mark_resyncing();
            }
            4 => exchange.restart(),
            drawn if waits || drawn == 5 => {
                counts.snapshots += 1;
                model.assert_same(&book, true);
                let frame = exchange.snapshot(random);
                deliver(&mut book, &frame, &model.snapshot(&exchange, depth), counts);
            }
            6..=49 => assert_eq!(book.confirmed(), model.confirmed()),
            _ => {
                let frame = exchange.step(random);
                let applied = model.increment(exchange.sequence, &exchange.changes);
                deliver(&mut book, &frame, &applied, counts);
            }
        }
        model.assert_same(&book, number % 16 == 0);
        counts.live += u64::from(book.state() == State::Live);
        counts.cut += u64::from(model.last_bid.is_some());
    }
}

fn deliver(book: &mut Book, frame: &str, expected: &Applied, counts: &mut Counts) {
    assert_eq!(book.apply_frame(frame.as_bytes()).as_ref(), Ok(expected), "{frame}");
    match expected {
        Applied::Increment { .. } => counts.applied += 1,
        Applied::Lost(_) => counts.lost += 1,
        Applied::Ignored => counts.ignored += 1,
        Applied::Snapshot { .. } => {}
    }
}
