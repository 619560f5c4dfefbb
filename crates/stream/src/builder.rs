//! Chooses what a stream brings, and opens it.

use crate::{
    Config, Connect, Error, Kind, Stream, Tap, Topic,
    queue::Queue,
    session::{Now, Session},
    tap::Taps,
    task::{COMMANDS, Task},
};
use capecrypto_models::{Arg, MarketId, Period};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// Chooses the topics and deadlines of a stream, and opens it.
#[must_use = "a builder does nothing until it is connected"]
pub struct Builder {
    connect: Arc<dyn Connect>,
    topics: Vec<Result<Topic, Error>>,
    config: Config,
    taps: Taps,
}

impl Builder {
    fn topic(mut self, topic: Topic) -> Self {
        self.topics.push(Ok(topic));
        self
    }

    fn of_market(mut self, market: &Arg<MarketId>, topic: impl FnOnce(MarketId) -> Topic) -> Self {
        self.topics.push(match market.value() {
            Ok(market) => Ok(topic(market.clone())),
            Err(refusal) => Err(Error::argument("market", refusal)),
        });
        self
    }

    /// A market's order book, as frames for the orderbook crate.
    pub fn book(self, market: impl Into<Arg<MarketId>>) -> Self {
        self.of_market(&market.into(), Topic::Book)
    }

    /// A market's trades.
    pub fn market_trades(self, market: impl Into<Arg<MarketId>>) -> Self {
        self.of_market(&market.into(), Topic::MarketTrades)
    }

    /// A market's candles of a length.
    pub fn candles(self, market: impl Into<Arg<MarketId>>, period: Period) -> Self {
        self.of_market(&market.into(), |market| Topic::Candles(market, period))
    }

    /// The tickers of all markets, about every five seconds.
    pub fn tickers(self) -> Self {
        self.topic(Topic::Tickers)
    }

    /// The account's orders.
    pub fn orders(self) -> Self {
        self.topic(Topic::Orders)
    }

    /// The account's trades.
    pub fn trades(self) -> Self {
        self.topic(Topic::Trades)
    }

    /// The account's balances.
    pub fn balances(self) -> Self {
        self.topic(Topic::Balances)
    }

    /// Adds a tap, which sees every event before the consumer does. With several taps, each gets what the one before it
    /// emits.
    pub fn tap(mut self, tap: impl Tap) -> Self {
        self.taps.push(tap);
        self
    }

    /// Adds a tap before all others.
    pub fn first_tap(mut self, tap: impl Tap) -> Self {
        self.taps.push_front(tap);
        self
    }

    /// Sets deadlines.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Opens the stream. The connection is signed if a topic of the account was chosen, and public otherwise.
    ///
    /// It returns when the first connection is open. From then on a lost connection is opened again without limit, and events
    /// report it.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for a malformed market, for a time in the configuration that is zero or longer than a day, or
    /// if no topic was chosen; [`Kind::Connect`] if the first connection fails; [`Kind::Runtime`] outside of a tokio runtime.
    pub async fn connect(self) -> Result<Stream, Error> {
        check_runtime()?;
        self.config.check()?;
        let topics = self.topics.into_iter().collect::<Result<Vec<_>, _>>()?;
        if topics.is_empty() {
            return Err(Error::new(
                Kind::InvalidArgument,
                "topics: none was chosen; choose at least one, such as book",
            ));
        }
        let private = topics.iter().any(Topic::is_private);
        let queue = Arc::new(Queue::default());
        let (commands, received) = mpsc::channel(COMMANDS);
        let now = Now { elapsed: Duration::ZERO, unix_millis: self.connect.unix_millis() };
        let seed = self.config.seed.unwrap_or_else(|| fastrand::u64(..));
        let session = Session::new(self.config, &topics, seed, now);
        let mut task = Task::new(session, self.connect, Instant::now(), queue.clone(), self.taps);
        task.open_first().await?;
        tokio::spawn(task.run(received));
        Ok(Stream { private, queue, commands })
    }
}

impl Builder {
    pub(crate) fn new(connect: Arc<dyn Connect>) -> Self {
        Self { connect, topics: Vec::new(), config: Config::default(), taps: Taps::default() }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("topics", &self.topics)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Checks for a runtime with timers: without it tokio panics, and a caller's mistake has to be an error instead.
fn check_runtime() -> Result<(), Error> {
    let works = tokio::runtime::Handle::try_current().is_ok()
        && std::panic::catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
    if works {
        return Ok(());
    }
    Err(Error::new(
        Kind::Runtime,
        "call this within a tokio runtime with timers, such as #[tokio::main] gives",
    ))
}
