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
/// Every question is answered out of one state of the book, and only while it is live. It is not while there is no
/// connection, after an increment was lost, and while the exchange is still answering a subscription.
#[derive(Clone)]
pub struct LiveBook {
    shared: Arc<Shared>,
    changes: watch::Receiver<Option<u64>>,
}

/// What the keeper writes and the handles read.
pub(crate) struct Shared {
    market: MarketId,
    kept: Mutex<Inner>,
    /// How long a wait for the book to be live may take.
    live_within: Duration,
    /// Counts the changes; `None` when nobody keeps the book any more.
    changes: watch::Sender<Option<u64>>,
}

/// Why waiting for a book is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The book is kept no more: its connection was closed, dropped, or refused for good.
    #[error("the book of {market} is kept no more, because its connection has ended; open another one")]
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
    /// The book was not live within the time for it.
    #[error(
        "the book of {market} was not live within {within:?}; check the market's name and the connection, or set another time with `live_within`"
    )]
    NotLiveInTime {
        /// The market.
        market: MarketId,
        /// The time for it.
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
    /// The exchange has confirmed the subscription: what it had stored since the snapshot is in the book.
    pub(crate) caught_up: bool,
    /// The exchange has answered everything, and does not list the book.
    pub(crate) not_listed: bool,
    /// Nobody keeps the book any more.
    ended: bool,
    /// The book as it is now, for readers: made on demand, and dropped when the book changes.
    view: Option<Arc<Book>>,
}

impl Inner {
    fn state(&self) -> State {
        match self.book.state() {
            _ if self.ended => State::Stale,
            State::Live if !self.caught_up => State::Resyncing,
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
        let kept = Inner { book, caught_up: false, not_listed: false, ended: false, view: None };
        Self { market, kept: Mutex::new(kept), live_within, changes: watch::channel(Some(0)).0 }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody keeps the book any more: from now on it is stale, whatever still comes in.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changes.send_replace(None);
    }

    /// Changes the book and tells everyone who waits for that.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let changed = {
            let mut kept = self.lock();
            kept.view = None;
            change(&mut kept)
        };
        self.changes.send_modify(|count| *count = count.map(|count| count.wrapping_add(1)));
        changed
    }

    /// The live book as it is now, for code that must not run under the lock.
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
        // A new handle has seen nothing yet, so its first wait for a change is over at once.
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

    /// The best levels of a side, at most so many, best first.
    ///
    /// # Errors
    /// [`NotLive`] instead of old levels.
    pub fn levels(&self, side: BookSide, most: usize) -> Result<Vec<Level>, NotLive> {
        Ok(self.shared.lock().live()?.levels(side)?.take(most).collect())
    }

    /// How deep a side is known, and whether that is all of it.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old figure.
    pub fn depth(&self, side: BookSide) -> Result<KnownDepth, NotLive> {
        self.shared.lock().live()?.depth(side)
    }

    /// Asks several things of one and the same state of the book.
    ///
    /// The question is asked of a copy that all readers share until the book changes, so it may take its time, and may ask
    /// this or another book again. The first reader after a change pays for the copy, about a microsecond for 100 levels;
    /// [`best`](Self::best) and [`levels`](Self::levels) need none.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old book.
    pub fn read<T>(&self, ask: impl FnOnce(&Book) -> T) -> Result<T, NotLive> {
        Ok(ask(&*self.shared.view()?))
    }

    /// Waits until the book has changed since this handle last waited, be it a level or its state. A new handle has seen
    /// nothing yet: its first wait is over at once. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WaitError::Ended`] where it will never change again.
    pub async fn changed(&mut self) -> Result<(), WaitError> {
        let ended = || WaitError::Ended { market: self.shared.market.clone() };
        if self.changes.borrow().is_none() {
            return Err(ended());
        }
        // The sender lives in what this handle shares, so it cannot be gone.
        self.changes.changed().await.map_err(|_| ended())?;
        self.changes.borrow().map(|_| ()).ok_or_else(ended)
    }

    /// Waits until the book is live, for as long as `live_within` of the builder says (30 s if nothing else was set).
    ///
    /// A wait for a change that follows is over at once, so that a loop around [`changed`](Self::changed) sees the book
    /// that it waited for. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WaitError`]: the connection has ended, the exchange does not list the book, or the time is over.
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

    /// Waits until the book is live and as it is wished for, and answers what the wish found. The wish itself may take for
    /// ever; a book that is not live in between is waited for as by [`live`](Self::live).
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

    /// Waits for a change of a book that is not live. The time for that goes on over several changes.
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
                // Without a runtime tokio panics; a caller's mistake must not end so.
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
