//! Types that describe a book: its state, its sides, its best levels and its depth.

use capecrypto_models::Level;
use std::fmt;

/// Whether a book can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It contains everything that the exchange has sent so far, without a gap.
    Live,
    /// It has a snapshot, which may be a minute old. The increments since are on their way, and then the confirmation of the
    /// subscription.
    CatchingUp,
    /// The connection is gone: the book is old.
    Stale,
    /// It waits for a snapshot: newly made, newly subscribed, or after a lost sync.
    Resyncing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::CatchingUp => "catching up",
            Self::Stale => "stale",
            Self::Resyncing => "resyncing",
        })
    }
}

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

/// The best level of each side. `None` means that the side is empty, never that it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Best {
    /// The highest price that a buyer offers. It is always below the ask.
    pub bid: Option<Level>,
    /// The lowest price that a seller asks.
    pub ask: Option<Level>,
}

/// How many levels of a side are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDepth {
    /// Number of levels, counted from the best, that are known without a gap. The book keeps no others.
    pub levels: usize,
    /// Whether these are all. `false`: the snapshot was cut, and the exchange holds more levels beyond the last one.
    pub complete: bool,
}
