//! What is calculated from a book.

use crate::support::{Random, apply, book, feed, increment, live_book, snapshot};
use capecrypto_models::{Decimal, dec};
use capecrypto_orderbook::{Best, BookSide, FigureError, State, Sweep};

#[test]
fn the_best_levels_have_a_spread_a_mid_and_a_microprice() {
    let mut book = book();
    feed(&mut book, &snapshot(1, &[("99.5", "3")], &[("100", "1")]));
    let best = book.best().unwrap();
    assert_eq!((best.spread(), best.mid()), (Some(dec!(0.5)), Some(dec!(99.75))));
    // More is bid than asked, so the price leans to the ask: (99.5 × 1 + 100 × 3) / 4.
    assert_eq!(best.microprice(8), Some(dec!(99.875)));
    assert_eq!(best.microprice(2), Some(dec!(99.88)));
    assert_eq!(best.microprice(29), None);
    let one_sided = Best { ask: None, ..best };
    assert_eq!((one_sided.spread(), one_sided.mid(), one_sided.microprice(2)), (None, None, None));
}

#[test]
fn a_sweep_tells_what_an_order_would_trade() {
    let book = live_book();
    let buy = book.sweep(BookSide::Ask, dec!(1.5)).unwrap();
    let expected =
        Sweep { amount: dec!(1.5), notional: dec!(152), worst: Some(dec!(102)), missing: Decimal::ZERO };
    assert_eq!(buy, expected);
    assert_eq!(buy.average_price(4), Some(dec!(101.3333)));
    let sell = book.sweep(BookSide::Bid, dec!(1)).unwrap();
    assert_eq!((sell.notional, sell.worst, sell.missing), (dec!(99), Some(dec!(99)), Decimal::ZERO));
    let too_large = book.sweep(BookSide::Bid, dec!(10)).unwrap();
    assert_eq!((too_large.amount, too_large.notional, too_large.missing), (dec!(3), dec!(294), dec!(7)));
    assert_eq!(too_large.worst, Some(dec!(97)));
}

#[test]
fn an_empty_side_fills_nothing() {
    let mut book = book();
    feed(&mut book, &snapshot(1, &[], &[("100", "1")]));
    let sweep = book.sweep(BookSide::Bid, dec!(2)).unwrap();
    assert_eq!((sweep.amount, sweep.worst, sweep.missing), (Decimal::ZERO, None, dec!(2)));
    assert_eq!(sweep.average_price(2), None);
    assert_eq!(book.imbalance(5, 2).unwrap(), Some(dec!(-1)));
    feed(&mut book, &increment(2, "asks", "100", ""));
    assert_eq!(book.imbalance(5, 2).unwrap(), None);
}

#[test]
fn an_amount_that_is_not_above_zero_is_refused() {
    for amount in [dec!(0), dec!(-1)] {
        let refused = live_book().sweep(BookSide::Ask, amount).unwrap_err();
        assert_eq!(refused, FigureError::Amount(amount));
        assert!(refused.to_string().contains("give the amount"), "{refused}");
    }
}

#[test]
fn a_sum_that_does_not_fit_is_an_error_and_never_rounded() {
    let mut book = book();
    let long = "0.1234567890123456789012345678";
    feed(&mut book, &snapshot(1, &[("0.1", long)], &[("1234567.1234567", long), ("9999999", "9e27")]));
    assert_eq!(book.sweep(BookSide::Ask, dec!(1)), Err(FigureError::TooManyDigits));
    assert_eq!(book.imbalance(2, 2), Err(FigureError::TooManyDigits));
}

#[test]
fn no_figure_comes_from_a_book_that_is_not_live() {
    let mut book = live_book();
    assert_eq!(book.imbalance(1, 2).unwrap(), Some(Decimal::ZERO));
    let _ = apply(&mut book, &increment(102, "asks", "100", "1"));
    let not_live = |error| matches!(error, FigureError::NotLive(why) if why.state == State::Resyncing);
    assert!(not_live(book.sweep(BookSide::Ask, dec!(1)).unwrap_err()));
    assert!(not_live(book.sweep(BookSide::Ask, dec!(0)).unwrap_err()));
    assert!(not_live(book.imbalance(1, 2).unwrap_err()));
    assert!(book.checksum(5).is_err());
}

#[test]
fn a_checksum_is_the_same_for_the_same_levels_however_they_came() {
    let whole = snapshot(7, &[("99.50", "1.0")], &[("101", "0.250"), ("102", "1")]);
    let (mut one, mut other) = (book(), book());
    feed(&mut one, &whole);
    feed(&mut other, &snapshot(5, &[("99.5", "1")], &[("102.000", "1")]));
    feed(&mut other, &increment(6, "asks", "101.0", "0.2"));
    assert_ne!(one.checksum(10), other.checksum(10));
    assert_eq!(one.checksum(0), other.checksum(0));
    feed(&mut other, &increment(7, "asks", "101.0", "0.25"));
    assert_eq!(one.checksum(10), other.checksum(10));
    assert_eq!(one.sequence(), other.sequence());
    // Calculated by another program from the text "99.5:1;|101:0.25;102:1;".
    assert_eq!(one.checksum(10).unwrap(), 0x0cbc_9ef2_7c35_0113);
    assert_ne!(one.checksum(1), one.checksum(2));
}

#[test]
fn a_checksum_keeps_the_sides_apart() {
    let (mut bid, mut ask) = (book(), book());
    feed(&mut bid, &snapshot(1, &[("99", "1")], &[]));
    feed(&mut ask, &snapshot(1, &[], &[("99", "1")]));
    assert_ne!(bid.checksum(10), ask.checksum(10));
}

#[test]
fn random_sweeps_agree_with_whole_numbers() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let mut asks: Vec<(usize, usize)> = Vec::new();
        let mut price = 1_000;
        for _ in 0..random.below(8) {
            price += 1 + random.below(50);
            asks.push((price, 1 + random.below(30)));
        }
        let wanted = 1 + random.below(150);
        let text: Vec<_> = asks.iter().map(|(p, a)| (format!("{p}e-1"), format!("{a}e-2"))).collect();
        let text: Vec<_> = text.iter().map(|(p, a)| (p.as_str(), a.as_str())).collect();
        let mut book = book();
        feed(&mut book, &snapshot(1, &[], &text));
        let (mut left, mut notional) = (wanted, 0);
        for (price, amount) in asks {
            let taken = amount.min(left);
            left -= taken;
            notional += price * taken;
        }
        let number = |number: usize, scale| Decimal::new(i64::try_from(number).unwrap(), scale);
        let sweep = book.sweep(BookSide::Ask, number(wanted, 2)).unwrap();
        assert_eq!(sweep.notional, number(notional, 3), "seed {seed}");
        assert_eq!((sweep.amount, sweep.missing), (number(wanted - left, 2), number(left, 2)), "seed {seed}");
    }
}
