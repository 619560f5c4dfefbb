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

/// A frame that must not change a level, and whether it is about something else.
struct Bad {
    name: &'static str,
    frame: Vec<u8>,
    foreign: bool,
}

fn bad_frames() -> Vec<Bad> {
    const MORE_THAN_8_MIB: usize = 9 << 20;
    let inc = |body: &str| format!(r#"{{"btczar.ob-inc":{body}}}"#);
    let good = |sequence| increment(sequence, "asks", "150", "1");
    let nested = |deep: usize| format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let many = |level: &str| vec![level; MORE_THAN_8_MIB / (level.len() + 1)].join(",");
    let rising: Vec<_> = (1..=500_000).map(|price| format!(r#"["{price}.0","1"]"#)).collect();
    let bad = |name, frame: String, foreign| Bad { name, frame: frame.into_bytes(), foreign };
    vec![
        bad("nothing", String::new(), true),
        bad("a bare pong", "pong".into(), true),
        bad("a quoted pong", r#""pong""#.into(), true),
        bad("null", "null".into(), true),
        bad("an array", "[1,2]".into(), true),
        bad("no topic", "{}".into(), true),
        bad("text", "Service Unavailable".into(), true),
        bad("a text with a brace", "{oops".into(), false),
        bad("an unknown topic", r#"{"global.weather":{"asks":["150","1"],"sequence":101}}"#.into(), true),
        bad("an unknown topic of the market", r#"{"btczar.ob-inc2":{"sequence":101}}"#.into(), true),
        bad("another market", r#"{"ethzar.ob-inc":{"asks":["150","1"],"sequence":101}}"#.into(), true),
        bad("two unknown topics", r#"{"btczar.trades":{},"global.tickers":{}}"#.into(), true),
        bad(
            "a topic twice",
            r#"{"btczar.ob-inc":{"sequence":101},"btczar.ob-inc":{"sequence":102}}"#.into(),
            false,
        ),
        bad(
            "both topics",
            r#"{"btczar.ob-inc":{"sequence":101},"btczar.ob-snap":{"sequence":102}}"#.into(),
            false,
        ),
        bad("two documents", good(101) + &good(102), false),
        bad("two documents on two lines", good(101) + "\n" + &good(102), false),
        bad("a foreign document and ours", r#"{"pong":1}"#.to_owned() + &good(101), false),
        bad("our document and pong", good(101) + "pong", false),
        bad("two foreign documents", r#"{"pong":1}{"pong":2}"#.into(), true),
        bad("a price beyond range", inc(r#"{"asks":["1e29","1"],"sequence":101}"#), false),
        bad("an amount beyond range", inc(r#"{"asks":["150","1e-29"],"sequence":101}"#), false),
        bad("a sequence beyond range", inc(r#"{"asks":["150","1"],"sequence":18446744073709551616}"#), false),
        bad("10,000 levels deep", inc(&format!(r#"{{"asks":{},"sequence":101}}"#, nested(10_000))), false),
        bad("10,000 levels deep, not closed", inc(&"[".repeat(10_000)), false),
        bad("10,000 levels deep, in an unknown topic", format!(r#"{{"x":{}}}"#, nested(10_000)), true),
        bad("8 MiB of braces", "{".repeat(MORE_THAN_8_MIB), false),
        bad("8 MiB of text", "x".repeat(MORE_THAN_8_MIB), true),
        bad("8 MiB of white space", " ".repeat(MORE_THAN_8_MIB), true),
        bad("8 MiB of a digit", inc(&format!(r#"{{"sequence":{}}}"#, "1".repeat(MORE_THAN_8_MIB))), false),
        bad(
            "8 MiB of levels, cut",
            format!(r#"{{"btczar.ob-inc":{{"asks":[{},"#, many(r#"["150","1"]"#)),
            false,
        ),
        bad(
            "8 MiB of loose levels, cut",
            format!(r#"{{"btczar.ob-inc":{{"asks":[{},"#, many("[150, 1]")),
            false,
        ),
        bad(
            "8 MiB of odd levels, cut",
            format!(r#"{{"btczar.ob-inc":{{"asks":[{},"#, many("[15e1,1]")),
            false,
        ),
        bad(
            "8 MiB of one price",
            format!(r#"{{"btczar.ob-snap":{{"asks":[{}],"bids":[],"sequence":7}}}}"#, many(r#"["150","1"]"#)),
            false,
        ),
        bad(
            "a snapshot of 500,000 levels",
            format!(r#"{{"btczar.ob-snap":{{"asks":[{}],"bids":[],"sequence":7}}}}"#, rising.join(",")),
            false,
        ),
        bad("8 MiB of an unknown topic", format!(r#"{{"x":[{}]}}"#, many("1")), true),
        Bad { name: "no UTF-8", frame: b"\xff\xfe{".to_vec(), foreign: false },
        Bad { name: "no UTF-8 and no brace", frame: b"\xc3\x28".to_vec(), foreign: true },
        Bad {
            name: "no UTF-8 in ours",
            frame: b"{\"btczar.ob-inc\":{\"sequence\":101,\"\xff\":1}}".to_vec(),
            foreign: false,
        },
    ]
}

#[test]
fn bad_input_is_an_error_or_a_lost_sync_and_changes_nothing_else() {
    let live = live_book();
    let mut waiting = live.clone();
    waiting.mark_resyncing();
    for Bad { name, frame, foreign } in bad_frames() {
        let mut book = live.clone();
        match book.apply_frame(&frame) {
            Err(error) => {
                assert!(foreign, "{name}: {error}");
                assert_eq!(shown(&book), shown(&live), "{name}");
                assert!(matches!(
                    apply(&mut book, &increment(101, "asks", "150", "1")),
                    Applied::Increment { .. }
                ));
            }
            Ok(Applied::Lost(why)) => {
                assert!(!foreign, "{name}: {why}");
                assert!(why.to_string().len() < 400, "{name}: an error as long as the frame");
                assert_eq!((book.state(), shown(&book)), (State::Resyncing, None), "{name}");
                // Nothing of the frame comes back with the repair.
                let repair = snapshot(200, &[("98", "1")], &[("102", "1")]);
                assert_eq!(apply(&mut book, &repair), Applied::Snapshot { sequence: 200 }, "{name}");
                let mut fresh = live_book();
                assert_eq!(apply(&mut fresh, &repair), Applied::Snapshot { sequence: 200 });
                assert_eq!(shown(&book), shown(&fresh), "{name}");
            }
            Ok(other) => panic!("{name}: {other:?}"),
        }
        if frame.len() > 1 << 20 {
            continue;
        }
        // A book that waits for its snapshot goes on waiting.
        let mut book = waiting.clone();
        let applied = book.apply_frame(&frame);
        assert!(matches!(applied, Err(_) | Ok(Applied::Ignored | Applied::Lost(_))), "{name}: {applied:?}");
        assert_eq!((book.state(), applied.is_err()), (State::Resyncing, foreign), "{name}");
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
