//! A handle to one live book.

use capecrypto_models::{Level, MarketId};
use capecrypto_orderbook::{Best, Book, BookSide, KnownDepth, NotLive, State};
use futures_util::future::{Either, select};
use std::{
    fmt,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Sleep};

/// A market's order book, kept up to date by the stream. Clones show the same book.
///
/// Each method answers from one state of the book, and only while the book is live. It is not live while there is no
/// connection, after an increment was lost, and while the exchange is still answering a subscription.
#[derive(Clone)]
pub struct LiveBook {
    shared: Arc<Shared>,
    changes: watch::Receiver<Option<u64>>,
}

/// The state of a book that the keeper writes and the handles read.
pub(crate) struct Shared {
    market: MarketId,
    kept: Mutex<Inner>,
    /// How long a wait for the book to be live may take.
    live_within: Duration,
    /// Number of changes so far; `None` once the book is no longer updated.
    changes: watch::Sender<Option<u64>>,
}

/// Why a wait for a book failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The book is no longer updated: its connection was closed, dropped, or refused for good.
    #[error("the book of {market} is no longer updated, because its connection has ended; open another one")]
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

pub(crate) struct Inner {
    pub(crate) book: Book,
    /// The exchange has answered every request, and does not list the book.
    pub(crate) not_listed: bool,
    /// The book is no longer updated.
    ended: bool,
    /// A copy of the current book for readers: made on demand, and dropped when the book changes.
    view: Option<Arc<Book>>,
}

impl Inner {
    fn state(&self) -> State {
        match self.book.state() {
            _ if self.ended => State::Stale,
            state => state,
        }
    }

    fn live(&self) -> Result<&Book, NotLive> {
        match self.state() {
            State::Live => Ok(&self.book),
            state => Err(NotLive::new(self.book.market().clone(), state)),
        }
    }
}

impl Shared {
    pub(crate) fn new(book: Book, live_within: Duration) -> Self {
        let market = book.market().clone();
        let kept = Inner { book, not_listed: false, ended: false, view: None };
        Self { market, kept: Mutex::new(kept), live_within, changes: watch::channel(Some(0)).0 }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the updates: from now on the book is stale, even if more frames come in.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changes.send_replace(None);
    }

    /// Changes the book and wakes everyone who waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let changed = {
            let mut kept = self.lock();
            kept.view = None;
            change(&mut kept)
        };
        self.changes.send_modify(|count| *count = count.map(|count| count.wrapping_add(1)));
        changed
    }

    /// A copy of the live book, for code that must not run under the lock.
    fn view(&self) -> Result<Arc<Book>, NotLive> {
        let mut kept = self.lock();
        kept.live()?;
        if let Some(view) = &kept.view {
            return Ok(view.clone());
        }
        let view = Arc::new(kept.book.clone());
        kept.view = Some(view.clone());
        Ok(view)
    }
}

impl LiveBook {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let mut changes = shared.changes.subscribe();
        // A new handle has seen nothing yet, so its first wait for a change returns at once.
        changes.mark_changed();
        Self { changes, shared }
    }

    /// The market.
    pub fn market(&self) -> &MarketId {
        &self.shared.market
    }

    /// Whether the book can be relied on.
    pub fn state(&self) -> State {
        self.shared.lock().state()
    }

    /// The best level of each side.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old price.
    pub fn best(&self) -> Result<Best, NotLive> {
        self.shared.lock().live()?.best()
    }

    /// The best levels of a side, at most `most` of them, best first.
    ///
    /// # Errors
    /// [`NotLive`] instead of old levels.
    pub fn levels(&self, side: BookSide, most: usize) -> Result<Vec<Level>, NotLive> {
        Ok(self.shared.lock().live()?.levels(side)?.take(most).collect())
    }

    /// How many levels of a side are known, and whether these are all.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old figure.
    pub fn depth(&self, side: BookSide) -> Result<KnownDepth, NotLive> {
        self.shared.lock().live()?.depth(side)
    }

    /// Answers several questions from one state of the book.
    ///
    /// `ask` gets a copy that all readers share until the book changes. So it may take its time, and may read this or another
    /// book. The first reader after a change pays for the copy, about a microsecond for 100 levels; [`best`](Self::best) and
    /// [`levels`](Self::levels) need no copy.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old book.
    pub fn read<T>(&self, ask: impl FnOnce(&Book) -> T) -> Result<T, NotLive> {
        Ok(ask(&*self.shared.view()?))
    }

    /// Waits until a level or the state of the book has changed since this handle last waited. The first wait of a new handle
    /// returns at once. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WaitError::Ended`] if the book will never change again.
    pub async fn changed(&mut self) -> Result<(), WaitError> {
        let ended = || WaitError::Ended { market: self.shared.market.clone() };
        if self.changes.borrow().is_none() {
            return Err(ended());
        }
        // This handle keeps the sender alive through `shared`, so this cannot fail.
        self.changes.changed().await.map_err(|_| ended())?;
        self.changes.borrow().map(|_| ()).ok_or_else(ended)
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
            self.changes.mark_changed();
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
