//! Errors: a book that is not live, a frame of another book, a lost sync.

use crate::terms::{BookSide, State};
use capecrypto_models::{Decimal, MarketId};
use std::fmt;

/// The book is not live, so that it has no price to give.
///
/// It is live again after the next snapshot; [`Repair`](crate::Repair) says when to ask for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the book of {market} is {state}, not live: wait for {}", awaited(*state))]
#[non_exhaustive]
pub struct NotLive {
    /// The book's market.
    pub market: MarketId,
    /// Any state but [`State::Live`].
    pub state: State,
}

impl NotLive {
    /// The error for code that keeps a book and knows more than the book, such as that its connection has ended.
    pub fn new(market: MarketId, state: State) -> Self {
        Self { market, state }
    }
}

fn awaited(state: State) -> &'static str {
    match state {
        State::CatchingUp => "the confirmation of its subscription",
        State::Live | State::Stale | State::Resyncing => "the next snapshot",
    }
}

/// The frame is about something else. The book did not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a frame for the book of {market}: route frames by their topic")]
#[non_exhaustive]
pub struct ForeignFrame {
    /// The book's market.
    pub market: MarketId,
}

/// Why the book may differ from the exchange's. The remedy is the same for all: subscribe again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LostSync {
    /// An increment that does not follow the one before: a gap, a repetition, or a step backwards.
    #[error("increment {got} came instead of {expected}; subscribe to the book again")]
    Sequence {
        /// The sequence that was expected.
        expected: u64,
        /// The sequence that came.
        got: u64,
    },
    /// An increment came before any snapshot.
    #[error("increment {got} came before any snapshot; subscribe to the book again")]
    NoSnapshot {
        /// The increment's sequence.
        got: u64,
    },
    /// The best bid is not below the best ask, which cannot be after matching.
    #[error("the bid {bid} is not below the ask {ask}; subscribe to the book again")]
    Crossed {
        /// The best bid's price.
        bid: Decimal,
        /// The best ask's price.
        ask: Decimal,
    },
    /// No known level of a cut side is left; the levels after them are unknown.
    #[error("no known {side} is left of a snapshot that was cut; subscribe to the book again")]
    Exhausted {
        /// The side that has run out.
        side: BookSide,
    },
    /// A snapshot that gives one price twice.
    #[error("the snapshot has a {side} price twice; subscribe to the book again")]
    PriceTwice {
        /// The side it happened on.
        side: BookSide,
    },
    /// More than 262,144 levels on one side, which no real book has.
    #[error("there are more {side} levels than a book can have; subscribe to the book again")]
    TooDeep {
        /// The side that grew.
        side: BookSide,
    },
    /// A frame for this market cannot be read, so nobody knows what it changed.
    #[error("the frame cannot be read: {0}; subscribe to the book again")]
    Unreadable(Unreadable),
}

/// The part of a frame that cannot be read.
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
