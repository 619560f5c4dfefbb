//! Measures the order book: from an increment's text to the best prices, compared with a book written by hand.

mod by_hand;
mod instructions;
mod levels;
mod memory;
mod stream;
mod unchecked;

use crate::measure::{Bar, Candidate, Clock, Plan, compare, pin, report};
use capecrypto_models::{Decimal, Level};
use capecrypto_orderbook::{Applied, Book};
pub use instructions::{frames, instructions};
use std::hint::black_box;
use stream::{Form, Frames, Stream};

const PLAN: Plan = Plan { rounds: 41, calls: 10_000 };
/// One more for the warm-up.
const FRAMES: usize = (PLAN.rounds as usize + 1) * PLAN.calls as usize;

const MARKET: &str = "btczar";
const BY_HAND: &str = "by hand";
const UNCHECKED: &str = "by hand, without checks";
const SDK: &str = "Book::apply_frame + best";
const ONE_SPACE: &str = "the same with one space";

/// The highest allowed time of an increment, in multiples of the book by hand.
const AT_MOST: f64 = 1.05;
/// The highest allowed time of an increment with one space, in multiples of one without.
const ONE_SPACE_AT_MOST: f64 = 3.0;

/// The highest allowed time of a snapshot, in multiples of the book by hand without checks.
const SNAPSHOT_AT_MOST: f64 = 1.35;

/// Levels a side.
const DEPTHS: [usize; 3] = [100, 1_000, 10_000];

pub fn run() -> bool {
    pin(0);
    let mut all_ok = true;
    for (form, name) in [(Form::Documented, "documented"), (Form::Flat, "flat")] {
        for levels in DEPTHS {
            let mut stream = Stream::new(levels, 0, form);
            let snapshot = stream.snapshot();
            let frames = stream.frames(FRAMES);
            check(&snapshot, &frames, &stream);
            let candidates =
                [by_hand(&snapshot, &frames), unchecked(&snapshot, &frames), sdk(SDK, &snapshot, &frames)];
            let measured = compare(PLAN, candidates);
            let bar = Bar { candidate: SDK, clock: Clock::Cpu, at_most: AT_MOST };
            all_ok &= report(
                &format!("book: an increment, {name} form, {levels} levels a side"),
                &measured,
                &[bar],
            );
        }
    }
    all_ok & other_forms() & snapshots() & memory::run()
}

/// The same increments in forms that the exchange does not use, compared with the usual form.
fn other_forms() -> bool {
    let forms = [
        (SDK, Form::Documented),
        (ONE_SPACE, Form::OneSpace),
        ("with an unknown field", Form::UnknownField),
        ("with numbers without quotes", Form::BareNumbers),
    ];
    let streams = forms.map(|(name, form)| {
        let mut stream = Stream::new(100, 0, form);
        let snapshot = stream.snapshot();
        (name, snapshot, stream.frames(FRAMES))
    });
    let candidates: Vec<_> =
        streams.iter().map(|(name, snapshot, frames)| sdk(name, snapshot, frames)).collect();
    let measured = compare(PLAN, candidates);
    let bar = Bar { candidate: ONE_SPACE, clock: Clock::Cpu, at_most: ONE_SPACE_AT_MOST };
    report("book: an increment in other forms, 100 levels a side", &measured, &[bar])
}

/// Snapshots of a usual size. No two are alike, because a processor would learn a text that comes again and again.
fn snapshots() -> bool {
    let texts: Vec<_> = (0..500).map(|more| Stream::new(200, more, Form::Documented)).collect();
    let texts: Vec<_> = texts.iter().map(Stream::snapshot).collect();
    let mut book = live(&texts[0]);
    let candidates = [
        Candidate {
            name: UNCHECKED,
            run: Box::new(|_| texts.iter().for_each(|text| drop(black_box(unchecked::Book::load(text))))),
        },
        Candidate {
            name: "Book::apply_frame",
            run: Box::new(|_| texts.iter().for_each(|text| drop(black_box(book.apply_frame(text))))),
        },
    ];
    let plan = Plan { rounds: 41, calls: 500 };
    let bar = Bar { candidate: "Book::apply_frame", clock: Clock::Cpu, at_most: SNAPSHOT_AT_MOST };
    report("book: a snapshot of 200 levels a side", &compare(plan, candidates), &[bar])
}

fn by_hand<'a>(snapshot: &[u8], frames: &'a Frames) -> Candidate<'a> {
    let mut book = by_hand::Book::new(MARKET);
    book.load(snapshot).expect("the snapshot is readable");
    let mut frames = frames.iter();
    let run = move |calls| {
        for frame in frames.by_ref().take(calls as usize) {
            book.apply(frame).expect("the increment is the next one");
            let _best = black_box(&book.best());
        }
    };
    Candidate { name: BY_HAND, run: Box::new(run) }
}

/// It has no bar.
fn unchecked<'a>(snapshot: &[u8], frames: &'a Frames) -> Candidate<'a> {
    let mut book = unchecked::Book::load(snapshot).expect("the snapshot is readable");
    let mut frames = frames.iter();
    let run = move |calls| {
        for frame in frames.by_ref().take(calls as usize) {
            book.apply(frame).expect("the increment is the next one");
            black_box(&book.best());
        }
    };
    Candidate { name: UNCHECKED, run: Box::new(run) }
}

fn sdk<'a>(name: &'static str, snapshot: &[u8], frames: &'a Frames) -> Candidate<'a> {
    let mut book = live(snapshot);
    let mut frames = frames.iter();
    let run = move |calls| {
        for frame in frames.by_ref().take(calls as usize) {
            let applied = book.apply_frame(frame);
            assert!(matches!(applied, Ok(Applied::Increment { .. })), "{applied:?}");
            let _best = black_box(&book.best());
        }
    };
    Candidate { name, run: Box::new(run) }
}

fn live(snapshot: &[u8]) -> Book {
    // A snapshot that counts as cut would make the book forget what is beyond its end.
    let mut book = Book::new(MARKET.parse().expect("a market")).with_snapshot_depth(usize::MAX);
    let applied = book.apply_frame(snapshot);
    assert!(matches!(applied, Ok(Applied::Snapshot { .. })) && book.confirmed(), "{applied:?}");
    book
}

/// Checks that all books are the true one after all increments.
fn check(snapshot: &[u8], frames: &Frames, stream: &Stream) {
    let (mut by_hand, mut sdk) = (by_hand::Book::new(MARKET), live(snapshot));
    by_hand.load(snapshot).expect("a snapshot");
    let mut unchecked = unchecked::Book::load(snapshot).expect("a snapshot");
    for frame in frames.iter() {
        by_hand.apply(frame).expect("the increment is the next one");
        unchecked.apply(frame).expect("the increment is the next one");
        let applied = sdk.apply_frame(frame);
        assert!(matches!(applied, Ok(Applied::Increment { .. })), "{applied:?}");
    }
    let [bids, asks] = stream.truth.sides(unchecked::PLACES);
    assert!(by_hand.bids().eq(bids.iter().copied()) && by_hand.asks().eq(asks.iter().copied()));
    assert!(unchecked.bids().eq(bids.iter().copied()) && unchecked.asks().eq(asks.iter().copied()));
    assert_eq!(by_hand.best(), sdk.best().ok(), "the books by hand and of the SDK");
    let scaled = |mut value: Decimal| {
        value.rescale(u32::try_from(unchecked::PLACES).unwrap_or(0));
        i64::try_from(value.mantissa()).expect("the values are small")
    };
    let level = |level: Level| (scaled(level.price), scaled(level.amount));
    assert!(sdk.bids().expect("live").map(level).eq(bids) && sdk.asks().expect("live").map(level).eq(asks));
}
