//! One connection with the books it keeps.

use crate::{
    book::{LiveBook, Shared},
    keeper::{Keeper, Place},
};
use capecrypto_models::{Arg, MarketId, Period};
use capecrypto_stream::{Config, Connect, Error, Event, Stream};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Chooses what a live connection brings.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is connected"]
pub struct Builder {
    stream: capecrypto_stream::Builder,
    markets: Vec<MarketId>,
}

impl Builder {
    /// Keeps a market's order book.
    pub fn book(mut self, market: impl Into<Arg<MarketId>>) -> Self {
        let market = market.into();
        // A malformed one is the stream's to refuse.
        self.markets.extend(market.value().ok().cloned());
        self.map(|stream| stream.book(market))
    }

    /// A market's trades, as events.
    pub fn market_trades(self, market: impl Into<Arg<MarketId>>) -> Self {
        self.map(|stream| stream.market_trades(market))
    }

    /// A market's candles of a length, as events.
    pub fn candles(self, market: impl Into<Arg<MarketId>>, period: Period) -> Self {
        self.map(|stream| stream.candles(market, period))
    }

    /// The tickers of all markets, as events.
    pub fn tickers(self) -> Self {
        self.map(capecrypto_stream::Builder::tickers)
    }

    /// The account's orders, as events.
    pub fn orders(self) -> Self {
        self.map(capecrypto_stream::Builder::orders)
    }

    /// The account's trades, as events.
    pub fn trades(self) -> Self {
        self.map(capecrypto_stream::Builder::trades)
    }

    /// The account's balances, as events.
    pub fn balances(self) -> Self {
        self.map(capecrypto_stream::Builder::balances)
    }

    /// Sets deadlines. With `stale_after`, books are not live either when the connection was silent for so long.
    pub fn config(self, config: Config) -> Self {
        self.map(|stream| stream.config(config))
    }

    fn map(self, change: impl FnOnce(capecrypto_stream::Builder) -> capecrypto_stream::Builder) -> Self {
        Self { stream: change(self.stream), markets: self.markets }
    }

    /// Opens the connection. The books are live as soon as the exchange has sent and confirmed them: see
    /// [`LiveBook::live`].
    ///
    /// # Errors
    /// As `capecrypto_stream::Builder::connect`.
    pub async fn connect(self) -> Result<Live, Error> {
        let books: BTreeMap<_, _> =
            self.markets.into_iter().map(|market| (market.clone(), Arc::new(Shared::new(market)))).collect();
        let places = books.iter().map(|(market, shared)| (market.clone(), Place::new(shared.clone())));
        let stream = self.stream.tap(Keeper(places.collect())).connect().await?;
        Ok(Live { stream, books })
    }
}

/// An open connection, its books, and its other events.
///
/// When it is dropped the connection is closed, and handles to its books are stale.
pub struct Live {
    stream: Stream,
    books: BTreeMap<MarketId, Arc<Shared>>,
}

/// A book was asked for that the connection does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("market: the book of '{market}' is not kept here; name it with `book` before connecting")]
#[non_exhaustive]
pub struct NotSubscribed {
    /// The market.
    pub market: String,
}

impl Live {
    /// Chooses what a live connection brings.
    pub fn builder(connect: impl Connect) -> Builder {
        Builder { stream: Stream::builder(connect), markets: Vec::new() }
    }

    /// A handle to a market's book.
    ///
    /// # Errors
    /// [`NotSubscribed`] where the builder was not told to keep it.
    pub fn book(&self, market: &str) -> Result<LiveBook, NotSubscribed> {
        let found = self.books.iter().find(|(id, _)| id.as_str() == market);
        match found {
            Some((_, shared)) => Ok(LiveBook::new(shared.clone())),
            None => Err(NotSubscribed { market: market.chars().take(64).collect() }),
        }
    }

    /// The next event that is not a book's; `None` after the end. Books stay up to date whether events are read or
    /// not.
    pub async fn next(&self) -> Option<Event> {
        self.stream.next().await
    }

    /// Says goodbye to the server and ends the connection.
    pub async fn close(&self) {
        self.stream.close().await;
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("books", &self.books.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
