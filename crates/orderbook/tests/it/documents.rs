//! The samples of the documents and of the server family.

use crate::support::{apply, book, feed, level, levels};
use capecrypto_orderbook::{Applied, BookSide, KnownDepth};

/// Documents: "Websocket orderbook snapshot", as printed there.
const SNAPSHOT: &str = include_str!("../fixtures/btczar.ob-snap.json");

#[test]
fn the_documented_snapshot() {
    let mut book = book();
    assert_eq!(apply(&mut book, SNAPSHOT), Applied::Snapshot { sequence: 9712 });
    let asks = [("841039.73", "0.156431"), ("845402.1", "0.004389"), ("900000.0", "0.00001")];
    let bids = [
        ("835956.8", "0.047756"),
        ("831012.48", "0.03749"),
        ("829990.51", "0.019462"),
        ("400000.0", "0.0001"),
    ];
    assert!(book.asks().unwrap().eq(levels(&asks)));
    assert!(book.bids().unwrap().eq(levels(&bids)));
    let mut rest = book.bids().unwrap();
    for left in [4, 3, 2, 1] {
        assert_eq!(rest.len(), left);
        rest.next();
    }
    assert_eq!((rest.next(), rest.len()), (None, 0));
    assert_eq!(book.depth(BookSide::Bid).unwrap(), KnownDepth { levels: 4, complete: true });
    assert_eq!(book.sequence(), Some(9712));
}

#[test]
fn the_servers_own_samples() {
    let mut book = book();
    let frames = [
        (r#"{"btczar.ob-snap":{"asks":[["1.0","2.0"]],"bids":[],"sequence":1}}"#, 1),
        (r#"{"btczar.ob-inc":{"asks":["1.0",""],"sequence":2}}"#, 0),
        // The nested form of the server's older notes.
        (r#"{"btczar.ob-inc":{"bids":[["0.9","3.5"]],"sequence":3}}"#, 0),
    ];
    for (frame, asks) in frames {
        assert!(!matches!(apply(&mut book, frame), Applied::Lost(_) | Applied::Ignored), "{frame}");
        assert_eq!(book.asks().unwrap().len(), asks, "{frame}");
    }
    assert_eq!(book.best().unwrap().bid, Some(level("0.9", "3.5")));
}

#[test]
fn frames_of_other_topics_are_told_apart() {
    let mut book = book();
    feed(&mut book, SNAPSHOT);
    for frame in [
        r#"{"success":{"message":"subscribed","streams":["btczar.ob-inc","global.tickers","btczar.trades"]}}"#,
        r#"{"btczar.trades":{"trades":[{"amount":"0.001","date":1700000000,"price":"1020.0","taker_type":"buy","tid":7}]}}"#,
        r#"{"btczar.kline-1m":[1588001398,1e-8,1e+21,100000000000,5,5e-7]}"#,
        r#"{"balance":{"balance":"9200.0","currency_id":"zar","locked":"800.0"}}"#,
        r#"{"ethzar.ob-inc":{"asks":["1.0",""],"sequence":2}}"#,
        r#"{"ethzar.ob-inc":{"asks":["1.0","#,
        r#"{"BTCZAR.ob-inc":{"asks":["1.0",""],"sequence":9713}}"#,
        "pong",
        "",
    ] {
        let error = book.apply_frame(frame.as_bytes()).expect_err(frame);
        assert!(error.to_string().contains("btczar"), "{error}");
        assert_eq!(book.sequence(), Some(9712), "{frame}");
    }
}
