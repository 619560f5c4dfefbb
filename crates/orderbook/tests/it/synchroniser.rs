//! The exchange's rules, one by one.

use crate::support::{apply, book, feed, increment, level, live_book, pairs, shown, snapshot};
use capecrypto_orderbook::{Applied, Book, BookSide, KnownDepth, LostSync, SNAPSHOT_DEPTH, State};

fn lost(applied: Applied) -> LostSync {
    match applied {
        Applied::Lost(why) => why,
        other => panic!("not lost: {other:?}"),
    }
}

#[test]
fn a_new_book_knows_nothing() {
    let book = book();
    assert_eq!((book.state(), shown(&book)), (State::Resyncing, None));
    assert!(book.depth(BookSide::Ask).is_err());
    let error = book.best().unwrap_err();
    assert_eq!(error.to_string(), "the book of btczar is resyncing, not live: wait for the next snapshot");
}

/// A book that has a snapshot, and nothing else yet.
fn catching_up() -> Book {
    let mut book = book();
    let frame = snapshot(100, &[("99", "1")], &[("101", "1")]);
    assert_eq!(book.apply_frame(frame.as_bytes()), Ok(Applied::Snapshot { sequence: 100 }));
    book
}

#[test]
fn a_snapshot_is_live_once_it_is_confirmed_with_the_increments_before() {
    let mut book = catching_up();
    assert_eq!((book.state(), shown(&book)), (State::CatchingUp, None));
    let error = book.best().unwrap_err().to_string();
    assert_eq!(
        error,
        "the book of btczar is catching up, not live: wait for the confirmation of its subscription"
    );
    assert_eq!(apply(&mut book, &increment(101, "asks", "101", "")), Applied::Increment { sequence: 101 });
    assert_eq!((book.state(), shown(&book)), (State::CatchingUp, None));
    assert!(book.confirmed());
    assert_eq!(shown(&book), Some((vec![level("99", "1")], vec![], 101)));
    assert!(book.confirmed(), "a second confirmation changes nothing");
}

#[test]
fn a_gap_before_the_confirmation_is_a_lost_sync() {
    let mut book = catching_up();
    let why = lost(apply(&mut book, &increment(102, "asks", "101", "")));
    assert_eq!(why, LostSync::Sequence { expected: 101, got: 102 });
    assert!(!book.confirmed());
    assert_eq!((book.state(), shown(&book)), (State::Resyncing, None));
}

#[test]
fn a_confirmation_makes_no_book_live_that_has_no_snapshot() {
    let mut stale = catching_up();
    stale.mark_stale();
    let mut asked = catching_up();
    asked.mark_resyncing();
    for (mut book, state) in [(book(), State::Resyncing), (stale, State::Stale), (asked, State::Resyncing)] {
        assert!(!book.confirmed());
        assert_eq!((book.state(), shown(&book)), (state, None));
    }
}

#[test]
fn only_a_snapshot_of_the_same_sequence_leaves_a_book_live() {
    for (sequence, state) in [(100, State::Live), (99, State::CatchingUp), (101, State::CatchingUp)] {
        let mut book = live_book();
        let frame = snapshot(sequence, &[("99", "1")], &[]);
        assert_eq!(book.apply_frame(frame.as_bytes()), Ok(Applied::Snapshot { sequence }));
        assert_eq!(book.state(), state, "{sequence}");
        let mut book = catching_up();
        let _ = book.apply_frame(frame.as_bytes()).unwrap();
        assert_eq!(book.state(), State::CatchingUp, "{sequence}");
    }
}

#[test]
fn a_snapshot_replaces_everything_whatever_its_sequence() {
    for sequence in [0, 1, 99, 100, 101, 5_000] {
        let mut book = live_book();
        let applied = apply(&mut book, &snapshot(sequence, &[("50", "5")], &[]));
        assert_eq!(applied, Applied::Snapshot { sequence });
        assert_eq!(shown(&book), Some((vec![level("50", "5")], vec![], sequence)));
        let applied = apply(&mut book, &increment(sequence + 1, "asks", "51", "1"));
        assert_eq!(applied, Applied::Increment { sequence: sequence + 1 });
    }
}

#[test]
fn any_sequence_but_the_next_is_a_lost_sync() {
    for got in [0, 1, 2, 50, 99, 100, 102, 103, 5_000, u64::MAX] {
        let mut book = live_book();
        let why = lost(apply(&mut book, &increment(got, "asks", "101.0", "")));
        assert_eq!(why, LostSync::Sequence { expected: 101, got });
        assert_eq!((book.state(), shown(&book)), (State::Resyncing, None));
        // The sequence that was expected before no longer counts.
        assert_eq!(apply(&mut book, &increment(101, "asks", "101.0", "")), Applied::Ignored);
        assert_eq!(apply(&mut book, &increment(got.wrapping_add(1), "asks", "101.0", "")), Applied::Ignored);
        assert_eq!(shown(&book), None);
        assert_eq!(apply(&mut book, &snapshot(7, &[], &[])), Applied::Snapshot { sequence: 7 });
        assert_eq!(shown(&book), Some((vec![], vec![], 7)));
    }
}

#[test]
fn there_is_nothing_after_the_last_sequence() {
    let mut book = book();
    feed(&mut book, &snapshot(u64::MAX, &[], &[]));
    for got in [u64::MAX, 0, 1] {
        let mut book = book.clone();
        let why = lost(apply(&mut book, &increment(got, "asks", "1", "1")));
        assert_eq!(why, LostSync::Sequence { expected: u64::MAX, got });
    }
}

#[test]
fn an_engine_that_restarts_is_noticed() {
    let mut book = live_book();
    // Its first increment is 1, which the server does not pass on; the next is 2.
    let why = lost(apply(&mut book, &increment(2, "bids", "99.5", "1")));
    assert_eq!(why, LostSync::Sequence { expected: 101, got: 2 });
    assert_eq!(apply(&mut book, &snapshot(2, &[("99.5", "1")], &[])), Applied::Snapshot { sequence: 2 });
    assert_eq!(apply(&mut book, &increment(3, "bids", "99.5", "2")), Applied::Increment { sequence: 3 });
}

#[test]
fn an_increment_before_any_snapshot_asks_for_one_once() {
    let mut book = book();
    assert_eq!(lost(apply(&mut book, &increment(7, "asks", "1", "1"))), LostSync::NoSnapshot { got: 7 });
    assert_eq!(apply(&mut book, &increment(8, "asks", "1", "1")), Applied::Ignored);
    assert_eq!(shown(&book), None);
}

#[test]
fn a_stale_book_gives_no_price_until_the_next_snapshot() {
    let mut book = live_book();
    book.mark_stale();
    assert_eq!((book.state(), shown(&book)), (State::Stale, None));
    assert_eq!(book.best().unwrap_err().state, State::Stale);
    let mut silent = book.clone();

    book.mark_resyncing();
    assert_eq!(book.state(), State::Resyncing);
    // On a new connection the snapshot comes first. If an increment comes first, no snapshot will follow.
    assert_eq!(lost(apply(&mut book, &increment(101, "asks", "101", ""))), LostSync::NoSnapshot { got: 101 });
    assert_eq!(apply(&mut book, &snapshot(300, &[], &[])), Applied::Snapshot { sequence: 300 });

    // Without `mark_resyncing` the frames alone lead to the same states.
    let mut other = silent.clone();
    assert_eq!(
        lost(apply(&mut silent, &increment(101, "asks", "101", ""))),
        LostSync::NoSnapshot { got: 101 }
    );
    assert_eq!(silent.state(), State::Resyncing);
    assert_eq!(apply(&mut other, &snapshot(300, &[], &[])), Applied::Snapshot { sequence: 300 });
    assert_eq!(other.state(), State::Live);
}

#[test]
fn a_refresh_on_purpose_waits_through_the_old_increments() {
    let mut book = live_book();
    book.mark_resyncing();
    assert_eq!((book.state(), shown(&book)), (State::Resyncing, None));
    assert_eq!(apply(&mut book, &increment(101, "asks", "101", "")), Applied::Ignored);
    // Calling it again, as after a repair, changes nothing.
    book.mark_resyncing();
    assert_eq!(apply(&mut book, &increment(102, "asks", "102", "")), Applied::Ignored);
    assert_eq!(apply(&mut book, &snapshot(102, &[], &[])), Applied::Snapshot { sequence: 102 });
}

#[test]
fn an_unreadable_increment_while_waiting_is_ignored_and_an_unreadable_snapshot_is_not() {
    let mut book = live_book();
    assert!(matches!(apply(&mut book, &increment(500, "asks", "1", "1")), Applied::Lost(_)));
    assert_eq!(apply(&mut book, r#"{"btczar.ob-inc":{"asks":["x"]}}"#), Applied::Ignored);
    assert!(matches!(
        lost(apply(&mut book, r#"{"btczar.ob-snap":{"asks":["x"]}}"#)),
        LostSync::Unreadable(_)
    ));
    assert!(matches!(lost(apply(&mut book, r#"{"btczar."#)), LostSync::Unreadable(_)));
}

#[test]
fn crossed_or_locked_is_not_live() {
    for (side, price) in
        [("bids", "101.0"), ("bids", "101.5"), ("bids", "500"), ("asks", "99"), ("asks", "98.99")]
    {
        let mut book = live_book();
        let why = lost(apply(&mut book, &increment(101, side, price, "1")));
        let LostSync::Crossed { bid, ask } = why else { panic!("{why:?}") };
        assert!(bid >= ask, "{side} {price}: {bid} {ask}");
        assert_eq!((book.state(), shown(&book)), (State::Resyncing, None));
    }
    let mut book = book();
    let why = lost(apply(&mut book, &snapshot(1, &[("10", "1")], &[("10.0", "1")])));
    assert!(matches!(why, LostSync::Crossed { .. }), "{why:?}");
    assert_eq!(shown(&book), None);
}

#[test]
fn touching_sides_are_fine() {
    let mut book = live_book();
    feed(&mut book, &increment(101, "bids", "100.9999999", "1"));
    assert_eq!(book.best().unwrap().bid, Some(level("100.9999999", "1")));
}

/// A snapshot with `levels` levels a side, around a price of 1,000.
fn deep(levels: usize) -> String {
    let side = |up: bool| -> Vec<(String, String)> {
        let price = |i: usize| if up { 1_001 + i } else { 999 - i };
        (0..levels).map(|i| (price(i).to_string(), "1".to_owned())).collect()
    };
    format!(
        r#"{{"btczar.ob-snap":{{"asks":{},"bids":{},"sequence":1}}}}"#,
        pairs(&side(true)),
        pairs(&side(false))
    )
}

fn known(book: &Book) -> KnownDepth {
    book.depth(BookSide::Ask).unwrap()
}

#[test]
fn a_cut_snapshot_is_known_to_its_end_and_no_deeper() {
    assert_eq!(SNAPSHOT_DEPTH, 301);
    let mut book = book();
    feed(&mut book, &deep(300));
    assert_eq!(known(&book), KnownDepth { levels: 300, complete: true });
    feed(&mut book, &deep(301));
    assert_eq!(known(&book), KnownDepth { levels: 301, complete: false });
    // The last known price is 1,301: increments tell only some of the levels beyond it.
    feed(&mut book, &increment(2, "asks", "1302", "5"));
    feed(&mut book, &increment(3, "asks", "1301.5", "5"));
    assert_eq!((known(&book).levels, book.asks().unwrap().last()), (301, Some(level("1301", "1"))));
    feed(&mut book, &increment(4, "asks", "1300.5", "5"));
    feed(&mut book, &increment(5, "asks", "1302", ""));
    feed(&mut book, &increment(6, "asks", "1001", ""));
    feed(&mut book, &increment(7, "asks", "1002", ""));
    assert_eq!(known(&book), KnownDepth { levels: 300, complete: false });
    feed(&mut book, &deep(3));
    assert_eq!(known(&book), KnownDepth { levels: 3, complete: true });
}

#[test]
fn a_cut_side_that_is_used_up_is_lost_and_a_whole_one_is_empty() {
    let empty = |book: &mut Book| -> Applied {
        let mut applied = Applied::Ignored;
        for i in 0..5 {
            // Deeper levels come meanwhile; they must not become the best.
            let frame = format!(
                r#"{{"btczar.ob-inc":{{"asks":[["{}",""],["{}","9"]],"sequence":{}}}}}"#,
                1_001 + i,
                1_100 + i,
                2 + i
            );
            applied = apply(book, &frame);
            if i < 4 {
                assert_eq!(book.best().unwrap().ask, Some(level(&(1_002 + i).to_string(), "1")));
            }
        }
        applied
    };
    let mut cut = book().with_snapshot_depth(5);
    feed(&mut cut, &deep(5));
    assert_eq!(lost(empty(&mut cut)), LostSync::Exhausted { side: BookSide::Ask });
    assert_eq!(shown(&cut), None);

    let mut whole = book().with_snapshot_depth(6);
    feed(&mut whole, &deep(5));
    assert_eq!(empty(&mut whole), Applied::Increment { sequence: 6 });
    assert_eq!(whole.best().unwrap().ask, Some(level("1100", "9")));
}

#[test]
fn a_cut_side_of_levels_without_amounts_is_not_an_empty_one() {
    let mut book = book().with_snapshot_depth(2);
    let why = lost(apply(&mut book, &snapshot(1, &[("2", "0"), ("1", "")], &[])));
    assert_eq!(why, LostSync::Exhausted { side: BookSide::Bid });
}

#[test]
fn a_book_does_not_grow_without_end() {
    let side = |levels: u32| -> String {
        let levels: Vec<_> = (1..=levels).map(|price| (price.to_string(), "1".to_owned())).collect();
        format!(r#"{{"btczar.ob-snap":{{"asks":[],"bids":{},"sequence":1}}}}"#, pairs(&levels))
    };
    let mut book = book().with_snapshot_depth(usize::MAX);
    assert_eq!(apply(&mut book, &side(262_144)), Applied::Snapshot { sequence: 1 });
    let why = lost(apply(&mut book, &increment(2, "bids", "0.5", "1")));
    assert_eq!(why, LostSync::TooDeep { side: BookSide::Bid });
    assert_eq!(shown(&book), None);
}

#[test]
fn books_move_between_threads_and_print_short() {
    fn check<T: Send + Sync + Clone + 'static>(_: &T) {}
    let book = live_book();
    check(&book);
    let text = format!("{book:?}");
    assert_eq!(
        text,
        "Book { market: MarketId(btczar), state: Live, sequence: Some(100), bids: 3, asks: 3, .. }"
    );
}
