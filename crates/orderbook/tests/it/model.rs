//! Random exchanges over bad connections: while the book is live, it equals the exchange's book of that moment.

use crate::{
    exchange::Exchange,
    support::{Random, Shown, apply, book, feed, shown},
};
use capecrypto_models::Level;
use capecrypto_orderbook::{Applied, Book, BookSide};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{cell::Cell, collections::VecDeque};

/// Checks that the book's levels are the true ones from the best on: all of them, or those of a cut snapshot.
fn agrees(book: &Book, seen: &Shown, bids: &[Level], asks: &[Level]) -> Result<(), TestCaseError> {
    let Some((own_bids, own_asks, _)) = seen else { return Ok(()) };
    for (side, own, truth) in [(BookSide::Bid, own_bids, bids), (BookSide::Ask, own_asks, asks)] {
        let known = book.depth(side).unwrap();
        prop_assert_eq!(known.levels, own.len());
        prop_assert!(own.len() <= truth.len(), "{} {}s of {}", own.len(), side, truth.len());
        prop_assert_eq!(own, &truth[..own.len()], "{} side", side);
        prop_assert!(
            own.len() == truth.len() || !known.complete,
            "{} {}s missing",
            truth.len() - own.len(),
            side
        );
        prop_assert!(
            !own.is_empty() || truth.is_empty(),
            "{} side is empty, but the exchange has levels",
            side
        );
    }
    Ok(())
}

/// 200 exchanges of 600 changes each, without faults: 120,000 random changes, each one compared whole.
#[test]
fn every_change_leaves_the_true_book() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let run = |seed: u64| {
        let mut random = Random(seed);
        let mut exchange = Exchange::new(&mut random, usize::MAX);
        let mut book = book();
        feed(&mut book, &exchange.snapshot(&mut random));
        for _ in 0..600 {
            let frame = exchange.step(&mut random);
            prop_assert_eq!(
                apply(&mut book, &frame),
                Applied::Increment { sequence: exchange.sequence },
                "{}",
                frame
            );
            let seen = shown(&book);
            prop_assert!(seen.is_some());
            agrees(&book, &seen, &exchange.bids(), &exchange.asks())?;
        }
        Ok(())
    };
    runner.run(&any::<u64>(), run).unwrap_or_else(|error| panic!("{error}"));
}

#[derive(Default)]
struct Counts {
    live: Cell<u32>,
    lost: Cell<u32>,
    faults: Cell<u32>,
    cut: Cell<u32>,
}

/// Lost, repeated, old, swapped and damaged frames, restarts, dropped connections, and cut snapshots.
#[test]
fn over_a_bad_line_the_book_is_right_or_not_live() {
    let counts = Counts::default();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    runner.run(&any::<u64>(), |seed| bad_line(seed, &counts)).unwrap_or_else(|error| panic!("{error}"));
    let counts = [counts.live.get(), counts.lost.get(), counts.faults.get(), counts.cut.get()];
    assert!(counts.iter().all(|count| *count > 1_000), "too little happened: {counts:?}");
}

fn bad_line(seed: u64, counts: &Counts) -> Result<(), TestCaseError> {
    let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
    let mut random = Random(seed);
    let depth = if random.once_in(2) { 8 } else { 301 };
    let mut exchange = Exchange::new(&mut random, depth);
    let mut book = book().with_snapshot_depth(depth);
    let mut old: VecDeque<String> = VecDeque::new();
    let mut ask_for_snapshot = true;
    for _ in 0..800 {
        let mut line = Vec::new();
        if ask_for_snapshot && random.once_in(3) {
            line.push(exchange.snapshot(&mut random));
            ask_for_snapshot = false;
        }
        let frame = exchange.step(&mut random);
        old.push_back(frame.clone());
        if old.len() > 10 {
            old.pop_front();
        }
        let fault = random.below(100);
        if fault < 9 {
            count(&counts.faults);
        }
        match fault {
            0 => {}
            1 => line.extend([frame.clone(), frame]),
            2 => line.extend([frame, old[random.below(old.len())].clone()]),
            3 => {
                let next = exchange.step(&mut random);
                line.extend([next, frame]);
            }
            4 if exchange.sequence > 20 => {
                line.push(frame);
                exchange.restart();
                old.clear();
            }
            5 => {
                book.mark_stale();
                prop_assert!(book.best().is_err());
                book.mark_resyncing();
                ask_for_snapshot = true;
            }
            6 => line.push(frame[..random.below(frame.len() - 20) + 20].to_owned()),
            7 => line.push(frame.replacen(|c: char| c.is_ascii_digit(), "x", 1)),
            // A snapshot although nothing was lost.
            8 => line.extend([frame, exchange.snapshot(&mut random)]),
            _ => line.push(frame),
        }
        let (bids, asks) = (exchange.bids(), exchange.asks());
        for frame in &line {
            let was_live = book.best().is_ok();
            let applied = apply(&mut book, frame);
            if let Applied::Lost(_) = applied {
                ask_for_snapshot = true;
                count(&counts.lost);
            }
            let seen = shown(&book);
            prop_assert_eq!(
                seen.is_some(),
                matches!(applied, Applied::Snapshot { .. } | Applied::Increment { .. }),
                "{:?} {}",
                applied,
                frame
            );
            let incremented = matches!(applied, Applied::Increment { .. });
            prop_assert!(was_live || !incremented, "{}", frame);
            // A frame in the middle of a batch leaves the book where the exchange was.
            if seen.as_ref().is_some_and(|(_, _, sequence)| *sequence == exchange.sequence) {
                agrees(&book, &seen, &bids, &asks)?;
                count(&counts.live);
                if !book.depth(BookSide::Bid).unwrap().complete {
                    count(&counts.cut);
                }
            }
        }
    }
    Ok(())
}
