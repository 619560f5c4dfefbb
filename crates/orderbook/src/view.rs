//! What a live book shows.

use crate::store::StoreRows;
use capecrypto_models::Level;
use std::fmt;

/// A side of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BookSide {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
}

impl fmt::Display for BookSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bid => "bid",
            Self::Ask => "ask",
        })
    }
}

/// The best level of each side. `None`: nobody offers on that side; it never means "not known".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Best {
    /// The highest price that a buyer offers. It is always below the ask.
    pub bid: Option<Level>,
    /// The lowest price that a seller asks.
    pub ask: Option<Level>,
}

/// How deep a side is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDepth {
    /// So many levels, counted from the best, are known without a hole. The book keeps no others.
    pub levels: usize,
    /// Whether these are all. `false`: the snapshot was cut, and the exchange holds more levels beyond the last one.
    pub complete: bool,
}

/// The levels of a side from the best to the worst; [`KnownDepth`] says whether the exchange has more.
#[derive(Debug, Clone)]
pub struct Levels<'a> {
    rows: StoreRows<'a>,
    left: usize,
}

impl<'a> Levels<'a> {
    pub(crate) fn new(rows: StoreRows<'a>, left: usize) -> Self {
        Self { rows, left }
    }
}

impl Iterator for Levels<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        self.left = self.left.saturating_sub(1);
        self.rows.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Levels<'_> {}
impl std::iter::FusedIterator for Levels<'_> {}
