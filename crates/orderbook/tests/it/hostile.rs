//! Damaged frames cause no panic, and no live book with a wrong content.

use crate::support::{Random, apply, increment, live_book, shown, snapshot};
use capecrypto_orderbook::{Applied, State};
use proptest::prelude::*;

#[test]
fn a_frame_cut_anywhere_is_lost_or_foreign() {
    let start = live_book();
    let frames = [
        increment(101, "asks", "100.5", "0.25"),
        snapshot(101, &[("99", "1"), ("98", "2")], &[("101", "1"), ("102", "2")]),
        r#" { "btczar.ob-inc" : { "bids" : [ [ 1e2 , null ] ] , "sequence" : 101 } }"#.to_owned(),
    ];
    for frame in frames {
        for end in 0..frame.len() {
            let mut book = start.clone();
            let applied = book.apply_frame(&frame.as_bytes()[..end]);
            match applied {
                Ok(Applied::Lost(_)) => assert_eq!(shown(&book), None, "{end} of {frame}"),
                Err(_) => {
                    assert!(!frame[..end].contains('{'), "{end} of {frame}");
                    assert_eq!(shown(&book), shown(&start), "{end} of {frame}");
                }
                Ok(other) => panic!("{end} of {frame}: {other:?}"),
            }
        }
    }
}

#[test]
fn deep_and_wide_nonsense_is_refused() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, applied) in [
        (format!(r#"{{"asks":{nested},"sequence":101}}"#), false),
        (format!(r#"{{"asks":["1",{nested}],"sequence":101}}"#), false),
        (format!(r#"{{"asks":["{}","1"],"sequence":101}}"#, "9".repeat(1 << 20)), false),
        (format!(r#"{{"asks":["150","1"],"sequence":{}}}"#, "1".repeat(1 << 20)), false),
        (format!(r#"{{"asks":["1e{}","1"],"sequence":101}}"#, "9".repeat(1 << 20)), false),
        // An unknown field may have any content.
        (format!(r#"{{"more":{nested},"asks":["150","1"],"sequence":101}}"#), true),
    ] {
        let mut book = live_book();
        let result = apply(&mut book, &format!(r#"{{"btczar.ob-inc":{body}}}"#));
        assert_eq!(result == Applied::Increment { sequence: 101 }, applied, "{}", &body[..60]);
        assert_eq!(book.state() == State::Live, applied, "{}", &body[..60]);
        if let Applied::Lost(why) = result {
            assert!(why.to_string().len() < 400, "an error as long as the frame: {}", &body[..60]);
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_lost_or_foreign() {
    let start = live_book();
    let cases: [(&[u8], bool); 6] = [
        (b"\xff\xfe", true),
        (b"{\xff}", false),
        (b"{\"btczar.ob-inc\":{\"asks\":[\"150\",\"1\"],\"sequence\":101,\"x\":\"\xff\"}}", false),
        (b"{\"ethzar.ob-inc\":{\"asks\":[\"150\",\"1\"],\"sequence\":101,\"x\":\"\xff\"}}", true),
        (b"{\"x\":1,\"btczar.ob-inc\":{\"asks\":[\"150\",\"\xff\"],\"sequence\":101}}", false),
        (b"<html><body>502</body></html>", true),
    ];
    for (bytes, foreign) in cases {
        let mut book = start.clone();
        let text = String::from_utf8_lossy(bytes);
        match book.apply_frame(bytes) {
            Err(_) => assert!(foreign && shown(&book) == shown(&start), "{text}"),
            Ok(Applied::Lost(_)) => assert!(!foreign && shown(&book).is_none(), "{text}"),
            Ok(other) => panic!("{text}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), seed in any::<u64>()) {
        let start = live_book();
        let mut random = Random(seed);
        // The bytes alone, and in place of a part of a good frame.
        let good = increment(101, "asks", "100.5", "0.25").into_bytes();
        let (from, to) = (random.below(good.len()), random.below(good.len()));
        let hurt = [&good[..from.min(to)], &bytes[..bytes.len().min(4)], &good[from.max(to)..]].concat();
        for frame in [&bytes, &hurt] {
            let mut book = start.clone();
            match book.apply_frame(frame) {
                Ok(Applied::Snapshot { .. } | Applied::Increment { .. }) => prop_assert!(shown(&book).is_some()),
                Ok(Applied::Lost(_)) => prop_assert!(shown(&book).is_none()),
                Ok(Applied::Ignored) => prop_assert!(false, "a live book ignores nothing"),
                Err(_) => prop_assert_eq!(shown(&book), shown(&start)),
            }
        }
    }
}
