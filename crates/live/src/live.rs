//! One connection, and the books that it updates.

use crate::{book::LiveBook, error::NotSubscribed, keeper::Keeper, registry::Registry};
use capecrypto_models::{Arg, MarketId, Period};
use capecrypto_orderbook::SNAPSHOT_DEPTH;
use capecrypto_stream::{Config, Connect, Error, Event, Stream, Tap, Topic};
use futures_util::stream::BoxStream;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Chooses the books and events of a live connection, and opens it.
#[must_use = "a builder does nothing until it is connected"]
pub struct Builder {
    connect: Arc<dyn Connect>,
    stream: capecrypto_stream::Builder,
    markets: Vec<MarketId>,
    snapshot_depth: usize,
    live_within: Duration,
    audit_after: Option<Duration>,
    tells_changes: bool,
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

    /// Tells each change of a book as an event, [`Event::BookChanged`]. While it waits to be read, it is not told again, so it
    /// costs little however often the book changes. Off if not set.
    pub fn book_events(mut self) -> Self {
        self.tells_changes = true;
        self
    }

    /// Adds a tap of your own: see [`capecrypto_stream::Tap`]. It gets no book frames, since the books take them.
    pub fn tap(self, tap: impl Tap) -> Self {
        self.map(|stream| stream.tap(tap))
    }

    /// Opens the connection. The books are live as soon as the exchange has sent and confirmed them: see
    /// [`LiveBook::live`].
    ///
    /// # Errors
    /// As `capecrypto_stream::Builder::connect`.
    pub async fn connect(self) -> Result<Live, Error> {
        let registry = Arc::new(Registry::new(self.connect, self.snapshot_depth, self.live_within));
        self.markets.iter().for_each(|market| {
            registry.add(market);
        });
        let keeper = Keeper::new(registry.clone(), self.audit_after, self.tells_changes);
        let stream = self.stream.first_tap(keeper).connect().await?;
        Ok(Live { stream, registry, changes: Mutex::new(()) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("stream", &self.stream)
            .field("books", &self.markets)
            .finish_non_exhaustive()
    }
}

/// An open connection, its books, and its other events.
///
/// When it is dropped the connection is closed, and handles to its books are stale.
pub struct Live {
    stream: Stream,
    registry: Arc<Registry>,
    /// One change of subscriptions at a time, so that books and stream see the same order.
    changes: Mutex<()>,
}

impl Live {
    /// Starts the builder of a live connection.
    pub fn builder(connect: impl Connect) -> Builder {
        let connect: Arc<dyn Connect> = Arc::new(connect);
        Builder {
            stream: Stream::builder(connect.clone()),
            connect,
            markets: Vec::new(),
            snapshot_depth: SNAPSHOT_DEPTH,
            live_within: LIVE_WITHIN,
            audit_after: None,
            tells_changes: false,
        }
    }

    /// A handle to a market's book.
    ///
    /// # Errors
    /// [`NotSubscribed`] if it was not added, or was unsubscribed.
    pub fn book(&self, market: &str) -> Result<LiveBook, NotSubscribed> {
        match self.registry.get(market) {
            Some(shared) => Ok(LiveBook::new(shared)),
            None => Err(NotSubscribed { market: market.chars().take(64).collect() }),
        }
    }

    /// Subscribes to more topics on the open connection. For [`Topic::Book`] a book is kept from now on: get it with
    /// [`book`](Self::book). If the future is dropped before it is ready, the topics may not be subscribed: subscribe again then.
    ///
    /// # Errors
    /// As [`Stream::subscribe`].
    pub async fn subscribe(&self, topics: impl IntoIterator<Item = Topic>) -> Result<(), Error> {
        let topics: Vec<Topic> = topics.into_iter().collect();
        let _turn = self.changes.lock().await;
        let added: Vec<MarketId> =
            books(&topics).filter(|market| self.registry.add(market)).cloned().collect();
        let subscribed = self.stream.subscribe(topics).await;
        if subscribed.is_err() {
            added.iter().for_each(|market| self.registry.remove(market));
        }
        subscribed
    }

    /// Ends subscriptions. Handles to the books among them are stale from then on. If the future is dropped before it is ready,
    /// the subscriptions may go on.
    ///
    /// # Errors
    /// As [`Stream::unsubscribe`].
    pub async fn unsubscribe(&self, topics: impl IntoIterator<Item = Topic>) -> Result<(), Error> {
        let topics: Vec<Topic> = topics.into_iter().collect();
        let _turn = self.changes.lock().await;
        books(&topics).for_each(|market| self.registry.remove(market));
        self.stream.unsubscribe(topics).await
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

    /// Closes the connection, after a close message to the server. The books are stale when this returns, before the future is
    /// awaited.
    #[must_use = "the connection is closed only when this is awaited"]
    pub fn close(&self) -> impl Future<Output = ()> + '_ {
        self.registry.end();
        self.stream.close()
    }
}

/// The markets of the books among these topics.
fn books(topics: &[Topic]) -> impl Iterator<Item = &MarketId> {
    topics.iter().filter_map(|topic| match topic {
        Topic::Book(market) => Some(market),
        _ => None,
    })
}

/// The socket's task notices the drop a moment later; no book may look live until then.
impl Drop for Live {
    fn drop(&mut self) {
        self.registry.end();
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("books", &self.registry.markets()).finish_non_exhaustive()
    }
}
