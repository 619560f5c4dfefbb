//! Increments that are lost, repeated, swapped, cut or late, one by one at each of 10,000 places.

use crate::support::{Random, Shown, apply, feed, increment, live_book, pairs, seed_or, shown};
use capecrypto_models::Level;
use capecrypto_orderbook::{Applied, Book, LostSync};

const PLACES: u64 = 10_000;

/// A stream of increments after [`live_book`].
struct Stream {
    random: Random,
    sequence: u64,
}

impl Stream {
    fn new() -> Self {
        let seed = seed_or(23);
        Self { random: Random(seed), sequence: 100 }
    }

    fn next(&mut self) -> String {
        self.sequence += 1;
        let far = self.random.below(40);
        let (side, price) = if self.random.once_in(2) { ("asks", 101 + far) } else { ("bids", 99 - far) };
        let amount = self.random.pick(&["", "1", "2.5"]);
        increment(self.sequence, side, &price.to_string(), amount)
    }
}

/// The snapshot of a live book.
fn snapshot_of(book: &Book) -> String {
    let Some((bids, asks, at)) = shown(book) else { panic!("{book:?}") };
    let text = |levels: Vec<Level>| {
        pairs(&levels.iter().map(|l| (l.price.to_string(), l.amount.to_string())).collect::<Vec<_>>())
    };
    format!(r#"{{"btczar.ob-snap":{{"asks":{},"bids":{},"sequence":{at}}}}}"#, text(asks), text(bids))
}

/// Gives these frames to a book, and checks that it shows nothing from the first one on that it does not apply.
fn run(book: &mut Book, frames: &[&str]) -> Option<LostSync> {
    let mut lost = None;
    for frame in frames {
        match apply(book, frame) {
            Applied::Increment { .. } => assert!(lost.is_none(), "applied after a loss: {frame}"),
            Applied::Lost(why) => lost = lost.or(Some(why)),
            Applied::Ignored => assert!(lost.is_some(), "a live book ignores nothing: {frame}"),
            Applied::Snapshot { .. } => panic!("{frame}"),
        }
        assert_eq!(lost.is_some(), shown(book).is_none(), "{frame}");
        assert_eq!(lost.is_some(), book.best().is_err(), "{frame}");
    }
    lost
}

/// One fault at each place: what the line delivers in place of two increments, and what the book must say of it.
fn at_each_place(deliver: impl Fn(&str, &str) -> Vec<String>, expect: impl Fn(u64, &LostSync) -> bool) {
    let mut stream = Stream::new();
    let mut good = live_book();
    let mut next = stream.next();
    for place in 0..PLACES {
        let sequence = 101 + place;
        let (this, after) = (next, stream.next());
        let delivered = deliver(&this, &after);
        let mut book = good.clone();
        let lost = run(&mut book, &delivered.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(lost.as_ref().is_some_and(|why| expect(sequence, why)), "at {sequence}: {lost:?}");
        feed(&mut good, &this);
        if place % 100 == 0 {
            // After the repair's snapshot both books have to stay equal.
            feed(&mut book, &snapshot_of(&good));
            feed(&mut book, &after);
            let mut reference = good.clone();
            feed(&mut reference, &after);
            let both: [Shown; 2] = [shown(&book), shown(&reference)];
            assert_eq!(both[0], both[1], "after the repair at {sequence}");
        }
        next = after;
    }
}

fn wrong_sequence(expected: u64, got: u64) -> impl Fn(&LostSync) -> bool {
    move |why| *why == LostSync::Sequence { expected, got }
}

#[test]
fn a_lost_increment_is_noticed_with_the_next_one_at_each_of_10_000_places() {
    at_each_place(
        |_, after| vec![after.to_owned()],
        |sequence, why| wrong_sequence(sequence, sequence + 1)(why),
    );
}

#[test]
fn a_repeated_increment_is_noticed_at_once_at_each_of_10_000_places() {
    at_each_place(
        |this, after| vec![this.to_owned(), this.to_owned(), after.to_owned()],
        |sequence, why| wrong_sequence(sequence + 1, sequence)(why),
    );
}

#[test]
fn two_swapped_increments_are_noticed_with_the_first_of_them_at_each_of_10_000_places() {
    at_each_place(
        |this, after| vec![after.to_owned(), this.to_owned()],
        |sequence, why| wrong_sequence(sequence, sequence + 1)(why),
    );
}

#[test]
fn a_truncated_increment_is_noticed_at_once_at_each_of_10_000_places() {
    at_each_place(
        |this, after| {
            // Another length at each place; the shortest still has the brace, which makes it more than a foreign text.
            let length = 1 + this.bytes().map(usize::from).sum::<usize>() % (this.len() - 1);
            vec![this[..length].to_owned(), after.to_owned()]
        },
        |_, why| matches!(why, LostSync::Unreadable(_)),
    );
}
