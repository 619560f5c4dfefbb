//! Values that change the scale or do not fit 64 bits: the book stays exact, and looks the same from outside.

use crate::support::{apply, book, feed, increment, level, levels, shown, snapshot};
use capecrypto_orderbook::{Applied, Book};

const WIDE: &str = "1234567890123456789012345678";

/// Two books that must always look alike: one in fixed point, one that an early value has switched to decimals.
struct Twins {
    fixed: Book,
    wide: Book,
    sequence: u64,
}

impl Twins {
    fn new() -> Self {
        let (mut fixed, mut wide) = (book(), book());
        let (bids, asks) = ([("99.5", "1"), ("98", "2")], [("101", "1"), ("102.25", "2")]);
        feed(&mut fixed, &snapshot(1, &bids, &asks));
        feed(&mut wide, &snapshot(1, &bids, &asks));
        for twin in [&mut fixed, &mut wide] {
            feed(twin, &increment(2, "asks", "7000", "1"));
        }
        // This level comes and goes again, but the book stays in decimals.
        feed(&mut wide, &increment(3, "asks", WIDE, "0.0000000000000000000000000001"));
        feed(&mut wide, &increment(4, "asks", WIDE, ""));
        feed(&mut fixed, r#"{"btczar.ob-inc":{"sequence":3}}"#);
        feed(&mut fixed, r#"{"btczar.ob-inc":{"sequence":4}}"#);
        Self { fixed, wide, sequence: 4 }
    }

    fn send(&mut self, side: &str, price: &str, amount: &str) {
        self.sequence += 1;
        let frame = increment(self.sequence, side, price, amount);
        assert_eq!(apply(&mut self.fixed, &frame), Applied::Increment { sequence: self.sequence }, "{frame}");
        assert_eq!(apply(&mut self.wide, &frame), Applied::Increment { sequence: self.sequence }, "{frame}");
        assert_eq!(shown(&self.fixed), shown(&self.wide), "{frame}");
    }
}

#[test]
fn finer_values_move_the_scale_of_the_whole_book() {
    let mut twins = Twins::new();
    assert_eq!(shown(&twins.fixed), shown(&twins.wide));
    twins.send("bids", "99.123456789", "0.5");
    twins.send("asks", "101.00000001", "0.000000000001");
    twins.send("asks", "101.00000001", "");
    twins.send("bids", "99.50000000000", "7.00000");
    twins.send("bids", "98.0", "");
    twins.send("asks", "100.999999999999", "123456.123456");
    assert!(twins.fixed.bids().unwrap().eq(levels(&[("99.5", "7"), ("99.123456789", "0.5")])));
    // Then values beyond 64 bits.
    twins.send("asks", "9000000000.00000000001", "1");
    twins.send("asks", "100.9", "99999999999999999999.9");
    twins.send("bids", "0.0000000000000000000000000001", "1");
    assert_eq!(twins.fixed.bids().unwrap().last(), Some(level("0.0000000000000000000000000001", "1")));
    assert_eq!(twins.fixed.best().unwrap().ask, Some(level("100.9", "99999999999999999999.9")));
}

#[test]
fn the_scale_follows_the_values_and_shows_in_the_digits() {
    let mut book = book();
    feed(&mut book, &snapshot(1, &[("5.00", "1.0")], &[("6.10", "2")]));
    let digits = |book: &Book| book.best().unwrap().bid.unwrap().price.to_string();
    assert_eq!(digits(&book), "5.0");
    feed(&mut book, &increment(2, "asks", "6.125", "2"));
    assert_eq!(digits(&book), "5.000");
    // A snapshot sets the scale again.
    feed(&mut book, &snapshot(3, &[("5.00", "1.0")], &[("6.10", "2")]));
    assert_eq!(digits(&book), "5.0");
}

#[test]
fn a_snapshot_beyond_64_bits_is_exact() {
    let mut book = book();
    let bids = [(WIDE, "1.5"), ("9223372036854775808", "3"), ("0.0000000000000000000000000001", "2")];
    let applied = apply(&mut book, &snapshot(1, &bids, &[]));
    assert_eq!(applied, Applied::Snapshot { sequence: 1 });
    assert!(book.bids().unwrap().eq(levels(&bids)));
    feed(&mut book, &increment(2, "bids", "9223372036854775808.0", ""));
    feed(&mut book, &increment(3, "asks", "1234567890123456789012345679", "0.1"));
    assert_eq!(book.bids().unwrap().len(), 2);
    assert_eq!(book.best().unwrap().ask, Some(level("1234567890123456789012345679", "0.1")));
    // The next snapshot is an ordinary one again.
    feed(&mut book, &snapshot(9, &[("5.25", "1")], &[]));
    assert!(book.bids().unwrap().eq([level("5.25", "1")]));
}

#[test]
fn prices_that_differ_in_the_last_digit_are_two_levels() {
    for (one, other) in [
        ("1234567890123456789012345677", WIDE),
        ("92233720368547758.06", "92233720368547758.07"),
        ("0.0000000000000000000000000001", "0.0000000000000000000000000002"),
    ] {
        let mut book = book();
        feed(&mut book, &snapshot(1, &[], &[(one, "1"), (other, "2")]));
        assert!(book.asks().unwrap().eq(levels(&[(one, "1"), (other, "2")])), "{one}");
    }
}

#[test]
fn a_cut_side_keeps_its_end_through_every_change_of_scale() {
    let mut book = book().with_snapshot_depth(2);
    feed(&mut book, &snapshot(1, &[("5", "1"), ("4", "1")], &[]));
    feed(&mut book, &increment(2, "bids", "4.001", "1"));
    feed(&mut book, &increment(3, "bids", "3.999", "1"));
    feed(&mut book, &increment(4, "asks", WIDE, "1"));
    feed(&mut book, &increment(5, "bids", "3.9999999999999999999999", "1"));
    feed(&mut book, &increment(6, "bids", "4.0000000000000000000001", "1"));
    let want = [("5", "1"), ("4.001", "1"), ("4.0000000000000000000001", "1"), ("4", "1")];
    assert!(book.bids().unwrap().eq(levels(&want)));
}
