//! Compares the readers with each other, through the public API.
//!
//! JSON has no byte order mark, and only the tolerant reader takes one off: with it, every frame goes to that reader. (The tests in
//! `scan.rs` check which frames the two scanners take without one.)

use crate::support::{Random, book, feed, shown, snapshot};
use capecrypto_orderbook::{Applied, Book};
use proptest::{prelude::*, test_runner::TestRunner};
use std::cell::Cell;

const NUMBERS: &[&str] = &[
    "101.0",
    "99",
    "100.25",
    "0.00001",
    "0",
    "0.0",
    "",
    "841039.73",
    "00101.50",
    "999999999999999999",
    "9999999999999999999",
    "123456789.987654321",
    "0.000000000000000001",
    "12345678901234567890123456789",
    "1e2",
    "-1",
    "1.",
    ".5",
    "NaN",
    "1 ",
    "1_0",
    "\\u0031",
];

const ODD_SEQUENCES: &[&str] = &["", "\"101\"", "101.0", "0", "00", "102", "-1", "99999999999999999999"];

/// A number, mostly a plain one from `from` upwards.
fn number(random: &mut Random, from: usize) -> String {
    let text = match random.below(8) {
        0 => (*random.pick(NUMBERS)).to_owned(),
        1 | 2 => format!("{}.{}", from + random.below(4), random.below(1_000)),
        _ => format!("{}.0", from + random.below(4)),
    };
    if random.once_in(12) { text } else { format!("\"{text}\"") }
}

fn side(random: &mut Random, from: usize) -> String {
    let pair = |random: &mut Random| format!("[{},{}]", number(random, from), number(random, 0));
    match random.below(8) {
        0 => "[]".into(),
        1 => "null".into(),
        2..=5 => pair(random),
        _ => {
            let list: Vec<_> = (0..=random.below(3)).map(|_| pair(random)).collect();
            format!("[{}]", list.join(","))
        }
    }
}

/// A frame of roughly the right shape; mostly the next increment after sequence 100.
fn frame(random: &mut Random) -> String {
    let sequence = if random.once_in(8) { *random.pick(ODD_SEQUENCES) } else { "101" };
    let mut fields = vec![format!("\"sequence\":{sequence}")];
    // With these starts the sides seldom cross.
    for (name, from) in [("asks", 100), ("bids", 97)] {
        if !random.once_in(3) {
            fields.push(format!("\"{name}\":{}", side(random, from)));
        }
    }
    if random.once_in(10) {
        fields.push(
            (*random.pick(&["\"more\":[1]", "\"asks\":[]", "\"sequence\":101", "\"\\u0061sks\":[]"])).into(),
        );
    }
    for last in (1..fields.len()).rev() {
        fields.swap(last, random.below(last + 1));
    }
    let topic =
        random.pick(&["btczar.ob-inc", "btczar.ob-inc", "btczar.ob-inc", "btczar.ob-snap", "ethzar.ob-inc"]);
    format!("{{\"{topic}\":{{{}}}}}", fields.join(","))
}

/// Damages a frame in up to three places.
fn mutate(random: &mut Random, frame: String) -> Vec<u8> {
    const BYTES: &[u8] = b"\"\"[]{},,::..0190-+eE asdq\\u\x00\xff";
    let mut bytes = frame.into_bytes();
    for _ in 0..random.below(8).saturating_sub(4) {
        // Replaces a digit.
        if random.once_in(3) {
            let at = random.below(bytes.len());
            if let Some(digit) = bytes.iter_mut().skip(at).find(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + random.below(10) as u8;
            }
            continue;
        }
        let at = random.below(bytes.len());
        let byte = *random.pick(BYTES);
        match random.below(4) {
            0 => bytes[at] = byte,
            1 => drop(bytes.remove(at)),
            2 => {
                let end = (at + random.below(12)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => bytes.insert(at, byte),
        }
    }
    bytes
}

fn start() -> Book {
    let mut book = book();
    feed(
        &mut book,
        &snapshot(100, &[("99.0", "1"), ("98.5", "2"), ("97.0", "3")], &[("101.0", "1"), ("102.5", "2")]),
    );
    book
}

/// Puts white space anywhere, also where it changes what the frame means.
fn spaced(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        bytes.insert(random.below(bytes.len() + 1), *random.pick(b"    \t\n\r\x0c"));
    }
    bytes
}

#[test]
fn all_readers_say_the_same_of_every_frame() {
    let start = start();
    // Counts each kind of result: a comparison of only refusals, or of only undamaged frames, would prove little.
    let (applied, lost, foreign, hurt) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let run = |seed: u64| {
        let mut random = Random(seed);
        for _ in 0..200 {
            let whole = frame(&mut random);
            let mut bytes = mutate(&mut random, whole.clone());
            if random.once_in(3) {
                bytes = spaced(&mut random, bytes);
            }
            let slow_bytes = [b"\xef\xbb\xbf", bytes.as_slice()].concat();
            let (mut fast, mut slow) = (start.clone(), start.clone());
            let (one, other) = (fast.apply_frame(&bytes), slow.apply_frame(&slow_bytes));
            let text = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(&one, &other, "{}", text);
            prop_assert_eq!(fast.state(), slow.state());
            prop_assert_eq!(fast.confirmed(), slow.confirmed());
            match (&one, bytes == whole.as_bytes()) {
                (Ok(Applied::Snapshot { .. } | Applied::Increment { .. }), untouched) => {
                    count(&applied);
                    if !untouched {
                        count(&hurt);
                    }
                }
                (Ok(_), _) => count(&lost),
                (Err(_), _) => count(&foreign),
            }
            prop_assert_eq!(shown(&fast), shown(&slow), "{}", text);
        }
        Ok(())
    };
    runner.run(&any::<u64>(), run).unwrap_or_else(|error| panic!("{error}"));
    let counts = [applied.get(), lost.get(), foreign.get(), hurt.get()];
    assert!(counts.iter().all(|count| *count > 300), "one kind is missing: {counts:?}");
}

const UNKNOWN: &str = r#""more":{"a":[1,"b c"]}"#;

const WHOLE: &[&str] = &[
    r#"{"btczar.ob-inc":{"asks":[["101.0","12.5"],["102.5",""]],"bids":["98.5","0.0"],"sequence":101}}"#,
    r#"{"btczar.ob-inc":{"sequence":101,"bids":["99.5",1.5],"more":{"a":[1,"b c"]},"asks":[[101.25,10]]}}"#,
    r#"{"btczar.ob-snap":{"asks":[["101.0","1"]],"bids":[["99","10.5"],["98.75","1"]],"sequence":4711}}"#,
];

/// Whether two neighbours of a text are in different tokens, so that white space between them changes nothing.
fn is_between_tokens(text: &str, at: usize) -> bool {
    let quoted = text[..at].matches('"').count() % 2 == 1;
    let of_a_number = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    let bytes = text.as_bytes();
    let inside = of_a_number(at.checked_sub(1).and_then(|at| bytes.get(at))) && of_a_number(bytes.get(at));
    !quoted && !inside
}

#[test]
fn white_space_between_tokens_changes_nothing_and_inside_of_them_it_does() {
    let start = start();
    for text in WHOLE {
        let mut plain = start.clone();
        let applied = plain.apply_frame(text.as_bytes());
        assert!(matches!(applied, Ok(Applied::Snapshot { .. } | Applied::Increment { .. })), "{applied:?}");
        let _ = plain.confirmed();
        let (mut between, mut inside) = (0, 0);
        // Inside of a field that nobody knows, a space may be part of a text.
        let unknown = text.find(UNKNOWN).map(|start| start..start + UNKNOWN.len());
        let everywhere: String = (0..=text.len())
            .map(|at| {
                let gap = if is_between_tokens(text, at) { " \r\n\t" } else { "" };
                format!("{gap}{}", text.get(at..at + 1).unwrap_or_default())
            })
            .collect();
        let mut book = start.clone();
        assert_eq!(book.apply_frame(everywhere.as_bytes()), applied, "{everywhere}");
        for at in 0..=text.len() {
            for space in [" ", "\t", "\n", "\r", " \r\n\t "] {
                let frame = [&text[..at], space, &text[at..]].concat();
                let (mut book, mut slow) = (start.clone(), start.clone());
                let spaced = book.apply_frame(frame.as_bytes());
                let marked = slow.apply_frame(format!("\u{feff}{frame}").as_bytes());
                let _ = (book.confirmed(), slow.confirmed());
                assert_eq!((&spaced, shown(&book)), (&marked, shown(&slow)), "{frame}");
                if is_between_tokens(text, at) {
                    between += 1;
                    assert_eq!((&spaced, shown(&book)), (&applied, shown(&plain)), "{frame}");
                } else if !unknown.clone().is_some_and(|field| field.contains(&at)) {
                    inside += 1;
                    assert_ne!((&spaced, shown(&book)), (&applied, shown(&plain)), "{frame}");
                }
            }
        }
        assert!(between > 100 && inside > 100, "{between} {inside}");
    }
}
