//! Counts the bytes that a book holds, and the allocations of an increment.

use super::{Form, Stream, live};
use crate::{counting, measure::verdict};
use capecrypto_orderbook::Book;

const BOOKS: usize = 1_000;
/// Levels a side.
const LEVELS: usize = 100;
/// The highest allowed number of bytes of one book, in thousands.
const AT_MOST_KB: f64 = 17.0;

/// Increments before the allocations are counted, so that the book has all the runs that it needs.
const WARM_UP: usize = 1_000_000;
const COUNTED: usize = 100_000;

pub fn run() -> bool {
    let mut all_ok = true;
    println!("\nbook: memory");
    let bytes = bytes_of_a_book() as f64 / 1e3;
    println!(
        "  each of {BOOKS} books, {LEVELS} levels a side: {}",
        verdict(bytes, AT_MOST_KB, "KB", &mut all_ok)
    );
    for (form, name) in [(Form::Documented, "documented"), (Form::Flat, "flat")] {
        let bar = verdict(allocations_of_increments(form), 0.0, "allocations", &mut all_ok);
        println!("  {COUNTED} increments, {name} form: {bar}");
    }
    all_ok
}

/// What a book holds after its snapshot and some increments.
fn bytes_of_a_book() -> usize {
    let mut stream = Stream::new(LEVELS, 0, Form::Documented);
    let (snapshot, frames) = (stream.snapshot(), stream.frames(100));
    let mut books = Vec::with_capacity(BOOKS);
    let ((), counted) = counting::count(|| {
        for _ in 0..BOOKS {
            let mut book = live(&snapshot);
            feed(&mut book, frames.iter());
            books.push(book);
        }
    });
    // The book itself is in `books`, whose room was made before.
    usize::try_from(counted.bytes).unwrap_or(0) / BOOKS + size_of::<Book>()
}

fn allocations_of_increments(form: Form) -> f64 {
    let mut stream = Stream::new(LEVELS, 0, form);
    let mut book = live(&stream.snapshot());
    for _ in 0..WARM_UP / COUNTED {
        feed(&mut book, stream.frames(COUNTED).iter());
    }
    let frames = stream.frames(COUNTED);
    let ((), counted) = counting::count(|| feed(&mut book, frames.iter()));
    counted.allocations as f64
}

fn feed<'a>(book: &mut Book, frames: impl Iterator<Item = &'a [u8]>) {
    for frame in frames {
        let applied = book.apply_frame(frame);
        assert!(applied.is_ok() && book.best().is_ok(), "{applied:?}");
    }
}
