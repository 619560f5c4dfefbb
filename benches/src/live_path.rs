//! From the bytes of the socket to the best price: the SDK's live books against bare tungstenite and the same book driven by
//! hand. Everything is in memory, on one thread, so nothing but this path is measured.

mod by_hand;
mod feed;
mod loopback;
mod subscribing;

use crate::counting;
use crate::measure::{Bar, Clock, Plan, Prepared, compare, median, pin, report, verdict};
use capecrypto_live::Live;
use capecrypto_stream::{Connect, Stream};
use feed::{Feed, Shape};
use loopback::Server;
use std::{cell::Cell, hint::black_box, rc::Rc, time::Instant};
use subscribing::Answers;
use tokio::runtime::Runtime;

const FRAMES: u32 = 100_000;
const PLAN: Plan = Plan { rounds: 21, calls: FRAMES };

/// Runs all comparisons; false if a result is above its bar.
pub fn run() -> bool {
    let batched = path("frames to best price, batched: as many frames a read as fit", Shape::Batched, 1.5);
    let singly = path("frames to best price, singly: one frame a read", Shape::Singly, 1.1);
    batched & singly & markets() & over_loopback() & subscribing() & memory()
}

fn path(title: &str, shape: Shape, at_most: f64) -> bool {
    let runtime = runtime();
    let feed = Feed::new(1, FRAMES, shape);
    let candidates = [
        by_hand("by hand, in main", &runtime, &feed, Place::Main),
        by_hand("by hand, in a task", &runtime, &feed, Place::Task),
        live("Live", &runtime, &feed),
    ];
    report(title, &compare(PLAN, candidates), &[Bar::wall("Live", at_most)])
}

/// Where code by hand reads its socket: in the main function, or in a task, as a live connection does. A frame that wakes the main
/// function costs more.
#[derive(Clone, Copy)]
enum Place {
    Main,
    Task,
}

fn markets() -> bool {
    let runtime = runtime();
    let (one, many) = (Feed::new(1, FRAMES, Shape::Batched), Feed::new(1_000, FRAMES, Shape::Batched));
    let candidates = [
        by_hand("by hand, 1 market", &runtime, &one, Place::Task),
        by_hand("by hand, 1,000 markets", &runtime, &many, Place::Task),
    ];
    report("many markets by hand, to compare", &compare(PLAN, candidates), &[]);
    let name = "Live, 1,000 markets";
    let candidates = [live("Live, 1 market", &runtime, &one), live(name, &runtime, &many)];
    report("many markets on one connection", &compare(PLAN, candidates), &[Bar::wall(name, 1.6)])
}

fn over_loopback() -> bool {
    pin(0);
    let runtime = runtime();
    let feed = Feed::new(1, FRAMES, Shape::Batched);
    let server = Server::start(&feed);
    let hand = prepared(
        "tungstenite, book by hand",
        || runtime.block_on(server.by_hand(&feed)),
        |connection| {
            server.go_on();
            runtime.block_on(runtime.spawn(connection.increments(feed.clone()))).expect("it ends");
        },
    );
    let live = prepared(
        "Live",
        || runtime.block_on(open_live(server.clone(), &feed)),
        |live| {
            server.go_on();
            runtime.block_on(reached(&live, feed.markets(), feed.last_sequences()));
        },
    );
    let bar = Bar { candidate: "Live", clock: Clock::Cpu, at_most: 1.6 };
    report("over loopback, about 640 frames a write", &compare(PLAN, [hand, live]), &[bar])
}

/// The time of one stream that subscribes to 1,000 books.
fn subscribing() -> bool {
    let runtime = runtime();
    let markets: Vec<String> = (0..1_000).map(|number| format!("m{number:03}zar")).collect();
    let answers = Answers::new(&markets);
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..PLAN.rounds {
        let start = Instant::now();
        runtime.block_on(answers.subscribe(&markets));
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    let mut all_ok = true;
    let verdict = verdict(median(times), 20.0, "ms", &mut all_ok);
    println!("\nsubscribing to 1,000 books, each in a request of its own\n  {verdict}");
    all_ok
}

/// The allocations of a frame, once all buffers have their size, and the bytes of a live book.
fn memory() -> bool {
    let (runtime, mut all_ok) = (runtime(), true);
    println!("\nmemory");
    let feed = Feed::new(1, 2 * FRAMES, Shape::Batched);
    let live = runtime.block_on(open_live(feed.clone(), &feed));
    let half = u64::from(FRAMES) + 1;
    feed.go_on_until(FRAMES as usize);
    runtime.block_on(reached(&live, feed.markets(), &[half]));
    feed.go_on();
    let pass = || runtime.block_on(reached(&live, feed.markets(), feed.last_sequences()));
    let ((), counted) = counting::count(pass);
    let bar =
        verdict(counted.allocations as f64 / f64::from(FRAMES), 0.0, "allocations a frame", &mut all_ok);
    println!("  {FRAMES} increments: {bar}");

    let feed = Feed::new(1_000, FRAMES, Shape::Batched);
    let (_live, counted) = counting::count(|| {
        let live = runtime.block_on(open_live(feed.clone(), &feed));
        feed.go_on();
        runtime.block_on(reached(&live, feed.markets(), feed.last_sequences()));
        live
    });
    let bar = verdict(counted.bytes as f64 / 1e6, 17.0, "KB", &mut all_ok);
    println!("  each of 1,000 live books, 100 levels a side: {bar}");

    let (first, second) = (unread(&runtime, FRAMES), unread(&runtime, 2 * FRAMES));
    let bar = verdict(second as f64 / first as f64, 1.05, "x", &mut all_ok);
    println!("  {first} bytes wait while nobody reads {FRAMES} frames; for twice as many: {bar}");
    all_ok
}

/// The bytes that a stream holds while nobody reads its frames.
fn unread(runtime: &Runtime, frames: u32) -> i64 {
    let feed = Feed::new(1, 2 * FRAMES, Shape::Batched);
    let (_stream, counted) = counting::count(|| {
        runtime.block_on(async {
            let market = feed.markets()[0].as_str();
            let stream = Stream::builder(feed.clone()).book(market).connect().await.expect("a connection");
            feed.go_on_until(frames as usize);
            while !feed.is_read() {
                tokio::task::yield_now().await;
            }
            stream
        })
    });
    counted.bytes
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn by_hand<'a>(name: &'static str, runtime: &'a Runtime, feed: &'a Feed, place: Place) -> Prepared<'a> {
    let open = || runtime.block_on(by_hand::Connection::open(feed));
    prepared(name, open, move |connection| {
        feed.go_on();
        let increments = connection.increments(feed.clone());
        match place {
            Place::Main => runtime.block_on(increments),
            Place::Task => runtime.block_on(runtime.spawn(increments)).expect("it ends"),
        }
    })
}

fn live<'a>(name: &'static str, runtime: &'a Runtime, feed: &'a Feed) -> Prepared<'a> {
    let open = || runtime.block_on(open_live(feed.clone(), feed));
    prepared(name, open, |live| {
        feed.go_on();
        runtime.block_on(reached(&live, feed.markets(), feed.last_sequences()));
    })
}

/// A candidate that opens a connection, which is not measured, and then takes in the increments.
fn prepared<'a, T: 'a>(
    name: &'static str,
    open: impl Fn() -> T + 'a,
    increments: impl Fn(T) + 'a,
) -> Prepared<'a> {
    let connection: Rc<Cell<Option<T>>> = Rc::default();
    let opened = connection.clone();
    let prepare = Box::new(move || opened.set(Some(open())));
    let run = move |frames| {
        assert_eq!(frames, FRAMES, "a feed has so many increments");
        increments(connection.take().expect("it was prepared"));
    };
    Prepared { name, prepare, run: Box::new(run) }
}

/// Opens a connection whose books are live at their snapshots.
async fn open_live(connect: impl Connect, feed: &Feed) -> Live {
    let mut builder = Live::builder(connect);
    for market in feed.markets() {
        builder = builder.book(market.as_str());
    }
    let live = builder.connect().await.expect("a connection");
    reached(&live, feed.markets(), &vec![1; feed.markets().len()]).await;
    live
}

/// Waits until the books have reached these sequences.
async fn reached(live: &Live, markets: &[String], sequences: &[u64]) {
    for (market, sequence) in markets.iter().zip(sequences) {
        let mut book = live.book(market).expect("the book");
        while book.sequence() != Some(*sequence) {
            book.changed().await.expect("it goes on");
        }
        black_box(book.best().expect("it is live"));
    }
}

/// For callgrind: one pass, and nothing printed.
pub fn pass(who: &str, singly: bool) -> Option<()> {
    let feed = Feed::new(1, FRAMES, if singly { Shape::Singly } else { Shape::Batched });
    let runtime = runtime();
    let mut candidate = match who {
        "by-hand" => by_hand("", &runtime, &feed, Place::Task),
        "live" => live("", &runtime, &feed),
        _ => return None,
    };
    (candidate.prepare)();
    the_counted_increments(&mut candidate);
    Some(())
}

/// Callgrind counts only what happens in here.
#[inline(never)]
fn the_counted_increments(candidate: &mut Prepared<'_>) {
    (candidate.run)(FRAMES);
}
