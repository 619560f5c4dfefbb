//! Every form that must be read, and every one that must be refused.

use crate::support::{apply, book, feed, increment, level, live_book, shown, snapshot};
use capecrypto_orderbook::{Applied, Book, LostSync, State};

fn after(body: &str) -> (Book, Applied) {
    let mut book = live_book();
    let applied = apply(&mut book, &format!(r#"{{"btczar.ob-inc":{body}}}"#));
    (book, applied)
}

#[test]
fn one_level_in_every_spelling() {
    let want = Some(level("100.5", "0.25"));
    for body in [
        r#"{"asks":["100.5","0.25"],"sequence":101}"#,
        r#"{"asks":[["100.5","0.25"]],"sequence":101}"#,
        r#"{"asks":["100.50","0.250000"],"bids":[],"sequence":101}"#,
        r#"{"asks":["100.5","0.25"],"bids":null,"sequence":101}"#,
        r#"{"sequence":101,"asks":["100.5","0.25"]}"#,
        r#"{"sequence":"101","asks":["100.5","0.25"]}"#,
        r#"{"sequence":101.0,"asks":["100.5","0.25"]}"#,
        r#"{"sequence":1.01e2,"asks":["100.5","0.25"]}"#,
        r#"{"asks":[100.5,0.25],"sequence":101}"#,
        r#"{"asks":[[100.50,"0.25"]],"sequence":101}"#,
        r#"{"asks":["1.005e2","2.5E-1"],"sequence":101}"#,
        r#"{"asks":[1.005e+2,25e-2],"sequence":101}"#,
        r#"{"asks":["00100.5","0.25"],"sequence":101}"#,
        r#"{"asks":["100.5","0.25"],"sequence":101,"checksum":7,"asksTotal":[["1"]],"at":{"asks":[1]}}"#,
        r#"{"\u0061sks":["\u0031\u00300.5","0.25"],"sequence":101}"#,
        // Values after price and amount are skipped.
        r#"{"asks":["100.5","0.25",3],"sequence":101}"#,
        r#"{"asks":[["100.5","0.25",3,{"orders":[1]}]],"sequence":101}"#,
        "\n{ \"asks\" : [ \"100.5\" , \"0.25\" ] ,\t\"sequence\" : 101 }\r\n",
    ] {
        let (book, applied) = after(body);
        assert_eq!(applied, Applied::Increment { sequence: 101 }, "{body}");
        let best = book.best().unwrap();
        assert_eq!(best.ask, want, "{body}");
        assert_eq!(best.bid, Some(level("99", "1")), "{body}");
        assert_eq!(book.asks().unwrap().len(), 4, "{body}");
    }
}

#[test]
fn the_topic_in_other_spellings_and_beside_other_keys() {
    for frame in [
        r#"{"\u0062tczar.ob-inc":{"asks":["100.5","0.25"],"sequence":101}}"#,
        r#"{"btczar.ob\u002dinc":{"asks":["100.5","0.25"],"sequence":101}}"#,
        "\u{feff}{\"btczar.ob-inc\":{\"asks\":[\"100.5\",\"0.25\"],\"sequence\":101}}",
        r#"{"at":1,"btczar.ob-inc":{"asks":["100.5","0.25"],"sequence":101}}"#,
        r#"{"btczar.ob-inc":{"asks":["100.5","0.25"],"sequence":101},"ethzar.ob-inc":{"sequence":7}}"#,
    ] {
        let mut book = live_book();
        assert_eq!(apply(&mut book, frame), Applied::Increment { sequence: 101 }, "{frame}");
        assert_eq!(book.best().unwrap().ask, Some(level("100.5", "0.25")), "{frame}");
    }
}

#[test]
fn a_level_that_is_gone_in_every_spelling() {
    for amount in [r#""""#, r#""0""#, r#""0.0""#, "0", "0.000", "null", r#""0e5""#, "-0", r#""-0.0""#] {
        for asks in
            [format!(r#"["101.0",{amount}]"#), format!(r#"[["101",{amount}]]"#), format!("[101,{amount}]")]
        {
            let (book, applied) = after(&format!(r#"{{"asks":{asks},"sequence":101}}"#));
            assert_eq!(applied, Applied::Increment { sequence: 101 }, "{asks}");
            assert_eq!(book.best().unwrap().ask, Some(level("102", "1")), "{asks}");
        }
    }
}

#[test]
fn several_levels_and_both_sides_in_one_frame() {
    let (book, applied) =
        after(r#"{"asks":[["101.0",""],["102.0","7"],["100.0","2"]],"bids":["99.5","4"],"sequence":101}"#);
    assert_eq!(applied, Applied::Increment { sequence: 101 });
    let best = book.best().unwrap();
    assert_eq!((best.bid, best.ask), (Some(level("99.5", "4")), Some(level("100", "2"))));
    assert!(book.asks().unwrap().eq([level("100", "2"), level("102", "7"), level("103", "1")]));
}

// A taker fills a level and rests at its price: the sides overlap only in the middle of the frame.
#[test]
fn what_counts_is_the_book_after_the_whole_frame() {
    let (book, applied) = after(r#"{"bids":["101.0","0.5"],"asks":["101.0",""],"sequence":101}"#);
    assert_eq!(applied, Applied::Increment { sequence: 101 });
    assert_eq!(book.best().unwrap().bid, Some(level("101", "0.5")));
}

#[test]
fn the_last_word_on_a_price_in_one_increment_counts() {
    let (book, _) =
        after(r#"{"asks":[["100.0","2"],["100.00","3"],["101.0",""],["101","8"]],"sequence":101}"#);
    assert!(book.asks().unwrap().take(2).eq([level("100", "3"), level("101", "8")]));
}

#[test]
fn one_price_in_two_spellings_is_one_level() {
    let mut book = book();
    feed(&mut book, &snapshot(1, &[], &[("900000", "1"), ("900001.5", "1")]));
    feed(&mut book, &increment(2, "asks", "900000.0", "2"));
    feed(&mut book, &increment(3, "asks", "900001.500", ""));
    assert!(book.asks().unwrap().eq([level("900000", "2")]));
}

#[test]
fn frames_that_change_nothing_count_too() {
    let mut book = live_book();
    let before = shown(&book).unwrap();
    for (sequence, body) in [
        (101, r#""asks":[]"#),
        (102, r#""asks":[],"bids":[]"#),
        (103, r#""bids":null"#),
        (104, r#""asks":["150.0",""]"#),
        (105, r#""asks":["101.0","1.0"]"#),
    ] {
        let frame = format!(r#"{{"btczar.ob-inc":{{{body},"sequence":{sequence}}}}}"#);
        assert_eq!(apply(&mut book, &frame), Applied::Increment { sequence }, "{frame}");
    }
    assert_eq!(
        apply(&mut book, r#"{"btczar.ob-inc":{"sequence":106}}"#),
        Applied::Increment { sequence: 106 }
    );
    let now = shown(&book).unwrap();
    assert_eq!((now.0, now.1), (before.0, before.1));
}

/// Bodies that cannot be read with certainty. The second value is the place that the error must name.
const UNREADABLE: &[(&str, &str)] = &[
    (r#"{"asks":["-1","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["0","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":[null,"2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["101","-2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["NaN","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["101","Infinity"],"sequence":101}"#, "asks"),
    (r#"{"asks":["101"," 2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["+101","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["1_01","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["0x65","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":[".5","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["5.","2"],"sequence":101}"#, "asks"),
    (r#"{"asks":["101",true],"sequence":101}"#, "asks"),
    (r#"{"asks":["101",{}],"sequence":101}"#, "asks"),
    (r#"{"asks":["101"],"sequence":101}"#, "asks"),
    (r#"{"asks":["101","2","102","3"],"sequence":101}"#, "asks"),
    (r#"{"asks":[["101","2"],["102"]],"sequence":101}"#, "asks[1]"),
    (r#"{"asks":[["101","2"],"102"],"sequence":101}"#, "asks[1]"),
    (r#"{"bids":[["98","2"],["97","x"]],"sequence":101}"#, "bids[1]"),
    (r#"{"bids":["12345678901234567890123456789.5","2"],"sequence":101}"#, "bids"),
    (r#"{"bids":["98","0.00000000000000000000000000001"],"sequence":101}"#, "bids"),
    (r#"{"bids":["98","1e40"],"sequence":101}"#, "bids"),
    (r#"{"bids":{"98":"1"},"sequence":101}"#, "bids"),
    (r#"{"bids":"98","sequence":101}"#, "bids"),
    (r#"{"asks":["101","2"]}"#, "sequence"),
    (r#"{"asks":["101","2"],"sequence":null}"#, "sequence"),
    (r#"{"asks":["101","2"],"sequence":""}"#, "sequence"),
    (r#"{"asks":["101","2"],"sequence":-101}"#, "sequence"),
    (r#"{"asks":["101","2"],"sequence":101.5}"#, "sequence"),
    (r#"{"asks":["101","2"],"sequence":18446744073709551616}"#, "sequence"),
    (r#"{"asks":["101","2"],"sequence":[101]}"#, "sequence"),
    (r#"{"asks":["101","2"],"asks":["102","2"],"sequence":101}"#, "message"),
    (r#"{"asks":["101","2"],"sequence":101,"sequence":101}"#, "message"),
    (r#"[["101","2"],[],101]"#, "message"),
    (r"null", "message"),
    (r#"{"asks":["101","2"],"sequence":101"#, "frame"),
    (r#"{"asks":[0101,"2"],"sequence":101}"#, "frame"),
    (r#"{"asks":["101","2"],"sequence":0101}"#, "frame"),
    (r#"{"asks":[["101","2"],],"sequence":101}"#, "frame"),
    (r#"{"asks":["101","2],"sequence":101}"#, "frame"),
    (r#"{"asks":["101","2"],"sequence":101}}"#, "frame"),
    (r#"{"asks":["101","2"],"sequence":101},"btczar.ob-inc":{"sequence":101}"#, "frame"),
    (r#"{"asks":["101","2"],"sequence":101},"btczar.ob-snap":{"sequence":101}"#, "frame"),
];

#[test]
fn what_cannot_be_read_ends_the_sync_and_names_the_place() {
    for (body, at) in UNREADABLE {
        let (book, applied) = after(body);
        let Applied::Lost(LostSync::Unreadable(why)) = applied else { panic!("{body}: {applied:?}") };
        assert_eq!(why.at, *at, "{body}: {why}");
        assert!(!why.why.is_empty() && why.to_string().len() < 300, "{body}: {why}");
        assert_eq!(book.state(), State::Resyncing, "{body}");
        assert_eq!(shown(&book), None, "{body}");
    }
}

#[test]
fn a_snapshot_tells_both_sides_and_each_price_once() {
    for (body, readable) in [
        (r#"{"asks":[],"bids":[],"sequence":5}"#, true),
        (r#"{"asks":null,"bids":[["1","1"]],"sequence":5}"#, true),
        (r#"{"asks":["2","1"],"bids":["1","1"],"sequence":5}"#, true),
        // Any order, and levels without an amount.
        (r#"{"asks":[["4","1"],["2","1"],["3",""]],"bids":[["0.5","0"],["1","1"]],"sequence":5}"#, true),
        (r#"{"asks":[["2","1"]],"sequence":5}"#, false),
        (r#"{"bids":[["2","1"]],"sequence":5}"#, false),
        (r#"{"ask":[["2","1"]],"bids":[["1","1"]],"sequence":5}"#, false),
        (r#"{"asks":[["2","1"],["2.0","1"]],"bids":[],"sequence":5}"#, false),
        (r#"{"asks":[],"bids":[["1","1"],["0.5","1"],["1","2"]],"sequence":5}"#, false),
    ] {
        let mut book = live_book();
        let applied = apply(&mut book, &format!(r#"{{"btczar.ob-snap":{body}}}"#));
        assert_eq!(applied == Applied::Snapshot { sequence: 5 }, readable, "{body}: {applied:?}");
        assert_eq!(book.state() == State::Live, readable, "{body}");
        if readable {
            shown(&book).unwrap();
        } else {
            assert!(matches!(applied, Applied::Lost(_)), "{body}: {applied:?}");
        }
    }
}

#[test]
fn a_snapshot_in_any_order_comes_out_best_first() {
    let mut book = book();
    let frame = snapshot(5, &[("7", "1"), ("9", "1"), ("8", "1")], &[("12", "1"), ("11", "0"), ("10", "1")]);
    feed(&mut book, &frame);
    assert!(book.bids().unwrap().eq([level("9", "1"), level("8", "1"), level("7", "1")]));
    assert!(book.asks().unwrap().eq([level("10", "1"), level("12", "1")]));
}

#[test]
fn a_snapshot_with_more_in_its_levels_than_price_and_amount_is_read() {
    let frame = r#"{"btczar.ob-snap":{"asks":[["2.0","1.0",3]],"bids":[["1.0","1.0",1]],"sequence":1}}"#;
    let mut book = book();
    assert_eq!(apply(&mut book, frame), Applied::Snapshot { sequence: 1 });
    assert_eq!(book.best().unwrap().ask, Some(level("2", "1")));
    assert_eq!(book.best().unwrap().bid, Some(level("1", "1")));
}
