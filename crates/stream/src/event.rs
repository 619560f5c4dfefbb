//! The events that a consumer reads.

use crate::Topic;
use bytes::Bytes;
use capecrypto_models::{
    Balance, Candle, MarketId, Order, Period, PublicTrade, TickerEntry, Timestamp, Trade,
};
use std::{collections::BTreeMap, fmt, time::Duration};

/// Something that happened. Events come in the order in which they happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A connection is open. Subscriptions are confirmed by [`Subscribed`](Self::Subscribed).
    Connected {
        /// Connections so far, this one included.
        connections: u64,
    },
    /// These topics of the account are confirmed again: what happened on them between these times may be lost, and is not
    /// sent again. Read it over REST; from now on nothing is missed.
    ///
    /// Trades can be listed from the start of the gap, and balances are read as they are. A list of orders is selected by the
    /// time of their creation: list the open ones, and read by itself each order that you know as open and that is not among
    /// them. The example `follow_my_orders` of the crate `capecrypto` does it.
    Gap {
        /// Orders, trades or balances.
        topics: Vec<Topic>,
        /// Five seconds before the last moment up to which it is certain that nothing was missed. So some of what is read
        /// may be known already.
        from: Timestamp,
        /// The end: when the topics were confirmed again.
        to: Timestamp,
    },
    /// The server has confirmed these topics of the handshake or of a request. A book's snapshot and stored increments
    /// came before it. A book that is asked for again is confirmed again.
    Subscribed {
        /// The topics that were asked for and are confirmed.
        topics: Vec<Topic>,
    },
    /// The server has confirmed that these topics have ended, as was asked.
    Unsubscribed {
        /// The topics.
        topics: Vec<Topic>,
    },
    /// Asked for and not confirmed, or confirmed before and gone: the server drops in silence what a connection may not see.
    /// What it did not refuse by an error is asked for again after some time.
    NotSubscribed {
        /// The topics that will bring nothing.
        topics: Vec<Topic>,
    },
    /// The connection is lost. The stream connects again by itself.
    Disconnected {
        /// Why.
        why: Interruption,
        /// Time until the next try.
        retry_in: Duration,
    },
    /// The connection has ended for good; no event follows.
    Ended {
        /// Why.
        why: Interruption,
    },
    /// The connection is alive, but brought no message for the time `stale_after` of the configuration.
    Stale {
        /// Time since the last message.
        silent_for: Duration,
    },
    /// A tap reads the state of these topics elsewhere, usually over REST: see [`Context::reconcile`](crate::Context::reconcile).
    /// Until [`Reconciled`](Self::Reconciled), what the tap knows of them may be incomplete.
    Reconciling {
        /// The topics.
        topics: Vec<Topic>,
    },
    /// The state of these topics was read, and is complete from now on.
    Reconciled {
        /// The topics.
        topics: Vec<Topic>,
    },
    /// The consumer was too slow, so this many events were dropped before the next one, the oldest first. A book notices the
    /// loss by its sequence. Of the tickers, and of one candle, only the newest waits; the older ones are not counted.
    Lagged {
        /// Market data and unknown topics.
        market: u64,
        /// Orders, trades, balances, unreadable frames and errors of the server. Read the account over REST.
        account: u64,
        /// Events about the connection itself.
        connection: u64,
    },
    /// A frame of an order book, snapshot or increment, as it came: for `Book::apply_frame` of the orderbook crate.
    Book {
        /// The market.
        market: MarketId,
        /// The whole frame.
        frame: Bytes,
    },
    /// A book that is kept for you has changed. While it waits to be read, it is not told again.
    BookChanged {
        /// The market.
        market: MarketId,
    },
    /// Trades of a market.
    MarketTrades {
        /// The market.
        market: MarketId,
        /// The trades.
        trades: Vec<PublicTrade>,
    },
    /// A candle of a market, also when it did not change.
    Candle {
        /// The market.
        market: MarketId,
        /// The candle's length.
        period: Period,
        /// The candle.
        candle: Candle,
    },
    /// The figures of all markets.
    Tickers(BTreeMap<MarketId, TickerEntry>),
    /// One of the account's orders changed. May come before the answer to the call that caused it. Its times may be cut to the
    /// second, so they do not tell which of two states is newer: an end is final, and fills only grow.
    Order(Box<Order>),
    /// One of the account's orders was filled.
    Trade(Box<Trade>),
    /// A balance of the account changed.
    Balance(Box<Balance>),
    /// A frame that could not be read. No other frame is lost by it.
    Unreadable {
        /// The topic's name, as far as it could be read.
        topic: String,
        /// Place and kind of the error, without the frame's content.
        why: String,
    },
    /// A topic that this version does not know.
    Unknown {
        /// Its name.
        topic: String,
        /// The whole frame.
        frame: Bytes,
    },
    /// The server reports an error in something that we sent.
    ServerError {
        /// The server's text, cut at 200 characters.
        message: String,
    },
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interruption {
    /// Nothing came, not even the answer to a ping.
    Silent,
    /// The server did not answer a request about subscriptions in time.
    Unconfirmed,
    /// The server closed it, with this code (1006 if it sent no close message).
    Closed {
        /// Close code of the protocol.
        code: u16,
    },
    /// It could not be made, or it broke.
    Failed {
        /// What happened.
        what: String,
    },
    /// The wall clock jumped ahead of the monotonic one: the machine slept, so that the connection may be dead, or its clock
    /// was set.
    ClockJumped {
        /// By how much.
        by: Duration,
    },
    /// The server refuses the credentials.
    Refused {
        /// The server's text.
        what: String,
    },
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("nothing came, not even the answer to a ping"),
            Self::Unconfirmed => {
                f.write_str("the server did not answer a request about subscriptions in time")
            }
            Self::Closed { code: 1006 } => f.write_str("the server went away without a goodbye (code 1006)"),
            Self::Closed { code } => write!(f, "the server closed the connection (code {code})"),
            Self::Failed { what } => write!(f, "the connection could not be made, or broke: {what}"),
            Self::ClockJumped { by } => {
                write!(f, "the clock jumped by {} s: the machine slept, or its clock was set", by.as_secs())
            }
            Self::Refused { what } => write!(f, "the server refuses the credentials: {what}"),
        }
    }
}
