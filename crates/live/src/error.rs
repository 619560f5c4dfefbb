//! Why a book has no price to give, and why a wait for it failed.

use capecrypto_models::{MarketId, Timestamp};
use capecrypto_orderbook::{LostSync, State};
use capecrypto_stream::Interruption;
use std::{fmt, time::Duration};

/// The book is not live, so that it has no price to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the book of {market} is {state}, not live, since {since}: {why}")]
#[non_exhaustive]
pub struct NotLive {
    /// The book's market.
    pub market: MarketId,
    /// Any state but [`State::Live`].
    pub state: State,
    /// Since when the book is not live, by the clock of the connection.
    pub since: Timestamp,
    /// Why.
    pub why: Why,
}

/// Why a book is not live.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The exchange has not yet sent its first snapshot and confirmed it.
    New,
    /// The connection is lost, and is being made again.
    Disconnected(Interruption),
    /// The book may have missed something. It is subscribed to again.
    Lost(LostSync),
    /// Its snapshot came again, and the increments since are on their way.
    Replayed,
    /// The connection brought nothing for this long: see `stale_after`.
    Silent(Duration),
    /// The exchange does not list the book among the subscriptions.
    NotListed,
    /// The book was unsubscribed.
    Unsubscribed,
    /// The connection was closed or dropped, or has ended.
    Closed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("the first snapshot is on its way; wait with `live`"),
            Self::Disconnected(why) => write!(f, "{why}; it is connected again by itself, wait with `live`"),
            Self::Lost(why) => write!(f, "{why}, which the SDK does; wait with `live`"),
            Self::Replayed => f.write_str("its snapshot came again; wait with `live`"),
            Self::Silent(silent) => {
                write!(f, "nothing came for {} s; the SDK subscribes to it again, wait with `live`", silent.as_secs())
            }
            Self::NotListed => f.write_str(
                "the exchange does not list it among the subscriptions; check the market's name with public::ListMarkets, or wait: it is asked for again",
            ),
            Self::Unsubscribed => f.write_str("it was unsubscribed; subscribe to it again"),
            Self::Closed => f.write_str("its connection has ended; open another one"),
        }
    }
}

/// Why a wait for a book failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The book is no longer updated: it was unsubscribed, or its connection was closed, dropped, or refused for good.
    #[error(
        "the book of {market} is no longer updated, because it was unsubscribed or its connection has ended; subscribe to it again, or open another connection"
    )]
    Ended {
        /// The market.
        market: MarketId,
    },
    /// The exchange did not confirm the subscription.
    #[error(
        "the exchange does not list the book of {market} among the subscriptions; check the market's name with public::ListMarkets"
    )]
    NotListed {
        /// The market.
        market: MarketId,
    },
    /// The book was not live within the time limit.
    #[error(
        "the book of {market} was not live within {within:?}; check the market's name and the connection, or set another time with `live_within`"
    )]
    NotLiveInTime {
        /// The market.
        market: MarketId,
        /// The time limit.
        within: Duration,
    },
    /// There is no tokio runtime with timers here.
    #[error(
        "waiting for a book needs a tokio runtime with timers; call it within one, such as #[tokio::main] gives"
    )]
    NoRuntime,
}

/// The error for a book that the connection does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "market: the book of '{market}' is not kept by this connection; add it with `book` before connecting, or with `subscribe`"
)]
#[non_exhaustive]
pub struct NotSubscribed {
    /// The market.
    pub market: String,
}
