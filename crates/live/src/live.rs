//! One connection, and the books that it updates.

use crate::{
    book::{LiveBook, Shared},
    keeper::{Keeper, KeptBook},
};
use capecrypto_models::{Arg, MarketId, Period};
use capecrypto_orderbook::{Book, SNAPSHOT_DEPTH};
use capecrypto_stream::{Config, Connect, Error, Event, Stream};
use futures_util::stream::BoxStream;
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// Chooses the books and events of a live connection, and opens it.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is connected"]
pub struct Builder {
    stream: capecrypto_stream::Builder,
    markets: Vec<MarketId>,
    snapshot_depth: usize,
    live_within: Duration,
    audit_after: Option<Duration>,
}

/// Shortest time before a quiet book is audited.
const SHORTEST_AUDIT: Duration = Duration::from_secs(1);
/// Default time limit for a wait until a book is live.
const LIVE_WITHIN: Duration = Duration::from_secs(30);

impl Builder {
    /// Keeps a market's order book.
    pub fn book(mut self, market: impl Into<Arg<MarketId>>) -> Self {
        let market = market.into();
        // The stream refuses a malformed name when it connects.
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

    /// Sets deadlines. With `stale_after`, books also stop being live when the connection is silent for that long.
    pub fn config(self, config: Config) -> Self {
        self.map(|stream| stream.config(config))
    }

    fn map(self, change: impl FnOnce(capecrypto_stream::Builder) -> capecrypto_stream::Builder) -> Self {
        Self { stream: change(self.stream), ..self }
    }

    /// Sets at how many levels a side the exchange cuts its snapshots, if not at 301: see
    /// `capecrypto_orderbook::Book::with_snapshot_depth`.
    pub fn snapshot_depth(mut self, levels: usize) -> Self {
        self.snapshot_depth = levels;
        self
    }

    /// Sets how long [`LiveBook::live`] and [`LiveBook::until`] wait for a book that is not live. Default 30 s.
    pub fn live_within(mut self, live_within: Duration) -> Self {
        self.live_within = live_within;
        self
    }

    /// Audits quiet books: when no frame of a live book has come for this long, the exchange is asked for the whole book. Off if
    /// not set; less than a second counts as a second.
    ///
    /// Without it, a book whose *last* increment was lost on the way stays live, and wrong, until the next increment. The audit
    /// bounds that time. While its answer is read, the book may be [`State::CatchingUp`](crate::State::CatchingUp) for a
    /// moment. An audit costs a snapshot of up to 16 KiB.
    pub fn audit_after(mut self, quiet: Duration) -> Self {
        self.audit_after = Some(quiet.max(SHORTEST_AUDIT));
        self
    }

    /// Opens the connection. The books are live as soon as the exchange has sent and confirmed them: see
    /// [`LiveBook::live`].
    ///
    /// # Errors
    /// As `capecrypto_stream::Builder::connect`.
    pub async fn connect(self) -> Result<Live, Error> {
        let (depth, live_within, audit_after) = (self.snapshot_depth, self.live_within, self.audit_after);
        let book = |market: MarketId| {
            let book = Book::new(market.clone()).with_snapshot_depth(depth);
            (market, Arc::new(Shared::new(book, live_within)))
        };
        let books: BTreeMap<_, _> = self.markets.into_iter().map(book).collect();
        let places =
            books.iter().map(|(market, shared)| (market.clone(), KeptBook::new(shared.clone(), audit_after)));
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

/// The error for a book that the connection does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "market: the book of '{market}' is not kept by this connection; add it with `book` before connecting"
)]
#[non_exhaustive]
pub struct NotSubscribed {
    /// The market.
    pub market: String,
}

impl Live {
    /// Starts the builder of a live connection.
    pub fn builder(connect: impl Connect) -> Builder {
        Builder {
            stream: Stream::builder(connect),
            markets: Vec::new(),
            snapshot_depth: SNAPSHOT_DEPTH,
            live_within: LIVE_WITHIN,
            audit_after: None,
        }
    }

    /// A handle to a market's book.
    ///
    /// # Errors
    /// [`NotSubscribed`] if the builder did not add it.
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

    /// The same events as a stream of the `futures` crates: see [`Stream::events`].
    pub fn events(&self) -> BoxStream<'_, Event> {
        self.stream.events()
    }

    /// Closes the connection, after a close message to the server. The books are stale at once, before the server answers.
    pub async fn close(&self) {
        self.end_books();
        self.stream.close().await;
    }

    fn end_books(&self) {
        self.books.values().for_each(|shared| shared.end());
    }
}

/// The socket's task notices the drop a moment later; no book may look live until then.
impl Drop for Live {
    fn drop(&mut self) {
        self.end_books();
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("books", &self.books.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
