//! What can go wrong: a book that may not be asked, a frame that is not the book's, a lost sync.

use crate::terms::{BookSide, State};
use capecrypto_models::{Decimal, MarketId};
use std::fmt;

/// The book is not live, so that it has no price to give.
///
/// It is live again after the next snapshot; [`Repair`](crate::Repair) says when to ask for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the book of {market} is {state}, not live: wait for the next snapshot")]
#[non_exhaustive]
pub struct NotLive {
    /// The book's market.
    pub market: MarketId,
    /// [`State::Stale`] or [`State::Resyncing`].
    pub state: State,
}

impl NotLive {
    /// For whoever keeps a book and knows better than it that it is not live, such as that a subscription is still
    /// being answered.
    pub fn new(market: MarketId, state: State) -> Self {
        Self { market, state }
    }
}

/// The frame is about something else. The book is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a frame for the book of {market}: route frames by their topic")]
#[non_exhaustive]
pub struct ForeignFrame {
    /// The book's market.
    pub market: MarketId,
}

/// Why the book is no longer what the exchange has. The remedy is the same for all: subscribe again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LostSync {
    /// An increment that does not follow the one before: a gap, a repetition, or a step backwards.
    #[error("increment {expected} was due, {got} came")]
    Sequence {
        /// The one that was due.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// An increment came before any snapshot.
    #[error("increment {got} came before any snapshot")]
    NoSnapshot {
        /// The increment's sequence.
        got: u64,
    },
    /// The best bid is not below the best ask, which a matching engine does not leave behind.
    #[error("the book is crossed: bid {bid}, ask {ask}")]
    Crossed {
        /// The best bid's price.
        bid: Decimal,
        /// The best ask's price.
        ask: Decimal,
    },
    /// All levels of a cut snapshot are used up: what comes after them is not known.
    #[error("no known {side} is left; the snapshot was cut")]
    Exhausted {
        /// The side that has run out.
        side: BookSide,
    },
    /// A snapshot that gives one price twice.
    #[error("the snapshot gives a {side} price twice")]
    PriceTwice {
        /// The side it happened on.
        side: BookSide,
    },
    /// More levels than any book has: 262,144 on one side.
    #[error("more {side} levels than a book can have")]
    TooDeep {
        /// The side that grew.
        side: BookSide,
    },
    /// A frame for this market that cannot be read, so that nobody knows what it changed.
    #[error("unreadable: {0}")]
    Unreadable(Unreadable),
}

/// What in a frame cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
#[non_exhaustive]
pub struct Unreadable {
    /// The place in the message, such as `asks[3]` or `sequence`; `frame` for the whole.
    pub at: String,
    /// What is wrong there.
    pub why: String,
}

impl Unreadable {
    pub(crate) fn new(at: impl Into<String>, why: &dyn fmt::Display) -> Self {
        Self { at: at.into(), why: why.to_string() }
    }
}
