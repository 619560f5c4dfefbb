//! When which book is to be looked at again, without a look at all books.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// Times of books, by their number. A book has one time at most; a time that was replaced stays in the heap until it is reached.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Duration, usize)>>,
    /// By the number of the book.
    times: Vec<Option<Duration>>,
}

impl Deadlines {
    /// Looks at this book at this time, if no earlier time is set.
    pub(crate) fn at_latest(&mut self, book: usize, at: Option<Duration>) {
        let Some(at) = at else { return };
        if self.times.len() <= book {
            self.times.resize(book + 1, None);
        }
        if let Some(time) = self.times.get_mut(book)
            && time.is_none_or(|time| at < time)
        {
            *time = Some(at);
            self.heap.push(Reverse((at, book)));
        }
    }

    /// The earliest time.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// A book whose time has come. Its time is no longer set.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<usize> {
        while self.next().is_some_and(|at| at <= now) {
            let Reverse((at, book)) = self.heap.pop()?;
            if let Some(time) = self.times.get_mut(book)
                && *time == Some(at)
            {
                *time = None;
                return Some(book);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_book_comes_once_at_its_earliest_time() {
        let mut deadlines = Deadlines::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (book, at) in [(1, 9), (2, 5), (1, 3), (1, 7), (3, 5)] {
            deadlines.at_latest(book, seconds(at));
        }
        deadlines.at_latest(4, None);
        assert_eq!(deadlines.next(), seconds(3));
        assert_eq!(deadlines.pop(Duration::from_secs(2)), None);
        let now = Duration::from_secs(100);
        let popped: Vec<usize> = std::iter::from_fn(|| deadlines.pop(now)).collect();
        assert_eq!(popped, [1, 2, 3]);
        assert_eq!(deadlines.next(), None, "replaced times are gone too");
        deadlines.at_latest(1, seconds(50));
        assert_eq!(deadlines.pop(now), Some(1));
    }
}
