//! A handle to one live book.

use crate::{
    error::{NotLive, WaitError},
    shared::{Shared, wall},
    top::Top,
};
use capecrypto_models::{Level, MarketId, Timestamp};
use capecrypto_orderbook::{Best, Book, BookSide, KnownDepth, State};
use futures_util::future::{Either, select};
use std::{
    fmt,
    pin::{Pin, pin},
    sync::Arc,
};
use tokio::time::Sleep;

/// A market's order book, kept up to date by the stream. Clones show the same book.
///
/// Each method answers from one state of the book, and prices only while the book is live. It is not live while there is no
/// connection, after an increment was lost, and while the exchange is still answering a subscription.
///
/// Any number of tasks and threads may read. [`best`](Self::best), [`state`](Self::state), [`sequence`](Self::sequence),
/// [`as_of`](Self::as_of) and [`top`](Self::top) take no lock and wait for nobody. The others take a lock that the socket's
/// task takes too, for a moment; code of yours never runs under it.
#[derive(Clone)]
pub struct LiveBook {
    shared: Arc<Shared>,
    /// The change that this handle has seen last. A new handle has seen none, so its first wait for one returns at once.
    seen: Option<u64>,
}

impl LiveBook {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, seen: None }
    }

    /// The market.
    pub fn market(&self) -> &MarketId {
        &self.shared.market
    }

    /// State, best levels, sequence and time, all from one moment.
    pub fn top(&self) -> Top {
        self.shared.top()
    }

    /// Whether the book can be relied on.
    pub fn state(&self) -> State {
        self.shared.top().state
    }

    /// The sequence of the last message in the book; `None` while it is not live.
    pub fn sequence(&self) -> Option<u64> {
        self.shared.top().sequence
    }

    /// When the last message of the book came, or its state changed, by the clock of the connection. A live book of a quiet
    /// market may be old and still right.
    pub fn as_of(&self) -> Timestamp {
        wall(self.shared.top().as_of_ms)
    }

    /// The best level of each side.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old price.
    pub fn best(&self) -> Result<Best, NotLive> {
        match self.shared.top().best {
            Some(best) => Ok(best),
            None => self.shared.lock().ask(Book::best),
        }
    }

    /// The best levels of a side, at most `most` of them, best first.
    ///
    /// # Errors
    /// [`NotLive`] instead of old levels.
    pub fn levels(&self, side: BookSide, most: usize) -> Result<Vec<Level>, NotLive> {
        self.shared.lock().ask(|book| Ok(book.levels(side)?.take(most).collect()))
    }

    /// How many levels of a side are known, and whether these are all.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old figure.
    pub fn depth(&self, side: BookSide) -> Result<KnownDepth, NotLive> {
        self.shared.lock().ask(|book| book.depth(side))
    }

    /// The whole book at this moment, which all readers share until the book changes. The first reader after a change pays
    /// for the copy, about a microsecond for 100 levels; [`best`](Self::best) and [`levels`](Self::levels) need no copy.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old book.
    pub fn snapshot(&self) -> Result<Arc<Book>, NotLive> {
        self.shared.view()
    }

    /// Answers several questions from one state of the book.
    ///
    /// `ask` gets a [`snapshot`](Self::snapshot). So it may take its time, and may read this or another book.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old book.
    pub fn read<T>(&self, ask: impl FnOnce(&Book) -> T) -> Result<T, NotLive> {
        Ok(ask(&*self.shared.view()?))
    }

    /// Waits until a level or the state of the book has changed since this handle last waited; now and then it returns without a
    /// change. The first wait of a new handle returns at once. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WaitError::Ended`] if the book will never change again.
    pub async fn changed(&mut self) -> Result<(), WaitError> {
        match self.shared.changed_since(self.seen).await {
            Some(version) => {
                self.seen = Some(version);
                Ok(())
            }
            None => Err(WaitError::Ended { market: self.shared.market.clone() }),
        }
    }

    /// Waits until the book is live, for as long as `live_within` of the builder says (30 s if nothing else was set).
    ///
    /// If it had to wait, the next [`changed`](Self::changed) returns at once, so that a loop around it sees the book that
    /// became live. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WaitError`]: the connection has ended, the exchange does not list the book, the time limit has passed, or there is no
    /// runtime.
    pub async fn live(&mut self) -> Result<(), WaitError> {
        let mut waited = false;
        let mut patience = None;
        while self.state() != State::Live {
            waited = true;
            self.changed_while_not_live(&mut patience).await?;
        }
        if waited {
            self.seen = None;
        }
        Ok(())
    }

    /// Waits until the book is live and `wish` returns a value, and returns that value. While the book is live, the wait has no
    /// limit; while it is not, the limit of [`live`](Self::live) applies.
    ///
    /// # Errors
    /// As [`live`](Self::live).
    pub async fn until<T>(&mut self, mut wish: impl FnMut(&Book) -> Option<T>) -> Result<T, WaitError> {
        let mut patience = None;
        loop {
            match self.read(&mut wish) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {
                    patience = None;
                    self.changed().await?;
                }
                Err(_) => self.changed_while_not_live(&mut patience).await?,
            }
        }
    }

    /// Waits for a change of a book that is not live. The time limit runs on over several changes.
    async fn changed_while_not_live(
        &mut self,
        patience: &mut Option<Pin<Box<Sleep>>>,
    ) -> Result<(), WaitError> {
        let market = || self.shared.market.clone();
        if self.shared.lock().not_listed {
            return Err(WaitError::NotListed { market: market() });
        }
        let within = self.shared.live_within;
        let patience = match patience {
            Some(patience) => patience,
            none => {
                // Without a runtime tokio panics; a caller's mistake has to be an error instead.
                let sleep = std::panic::catch_unwind(|| tokio::time::sleep(within));
                none.insert(Box::pin(sleep.map_err(|_| WaitError::NoRuntime)?))
            }
        };
        let late = WaitError::NotLiveInTime { market: market(), within };
        let changed = pin!(self.changed());
        match select(changed, patience.as_mut()).await {
            Either::Left((changed, _)) => changed,
            Either::Right(_) => Err(late),
        }
    }
}

impl fmt::Debug for LiveBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBook")
            .field("market", &self.shared.market)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
