//! A handle to one live book.

use capecrypto_models::{Level, MarketId};
use capecrypto_orderbook::{Best, Book, BookSide, KnownDepth, NotLive, State};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

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
    kept: Mutex<Kept>,
    /// Counts the changes; `None` when nobody keeps the book any more.
    changes: watch::Sender<Option<u64>>,
}

/// The book is kept no more: its connection was closed, dropped, or refused for good. Open another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the book of {market} is kept no more, because its connection has ended; open another one")]
#[non_exhaustive]
pub struct Ended {
    /// The market.
    pub market: MarketId,
}

pub(crate) struct Kept {
    pub(crate) book: Book,
    /// The exchange has confirmed the subscription: what it had stored since the snapshot is in the book.
    pub(crate) caught_up: bool,
}

impl Kept {
    fn state(&self) -> State {
        match self.book.state() {
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
    pub(crate) fn new(market: MarketId) -> Self {
        let kept = Kept { book: Book::new(market.clone()), caught_up: false };
        Self { market, kept: Mutex::new(kept), changes: watch::channel(Some(0)).0 }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody keeps the book any more.
    pub(crate) fn end(&self) {
        self.changes.send_replace(None);
    }

    /// Changes the book and tells everyone who waits for that.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changes.send_modify(|count| *count = count.map(|count| count.wrapping_add(1)));
        changed
    }
}

impl LiveBook {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { changes: shared.changes.subscribe(), shared }
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

    /// Asks several things of one and the same state of the book. Keep it short: the book stands still meanwhile.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old book.
    pub fn read<T>(&self, ask: impl FnOnce(&Book) -> T) -> Result<T, NotLive> {
        Ok(ask(self.shared.lock().live()?))
    }

    /// Waits until the book has changed since this handle last waited, be it a level or its state.
    ///
    /// # Errors
    /// [`Ended`] where it will never change again.
    pub async fn changed(&mut self) -> Result<(), Ended> {
        let ended = || Ended { market: self.shared.market.clone() };
        if self.changes.borrow().is_none() {
            return Err(ended());
        }
        // The sender lives in what this handle shares, so it cannot be gone.
        self.changes.changed().await.map_err(|_| ended())?;
        self.changes.borrow().map(|_| ()).ok_or_else(ended)
    }

    /// Waits until the book is live.
    ///
    /// # Errors
    /// [`Ended`] where it will never be.
    pub async fn live(&mut self) -> Result<(), Ended> {
        while self.state() != State::Live {
            self.changed().await?;
        }
        Ok(())
    }

    /// Waits until the book is live and as it is wished for, and answers what the wish found.
    ///
    /// # Errors
    /// [`Ended`] where that will never be.
    pub async fn until<T>(&mut self, mut wish: impl FnMut(&Book) -> Option<T>) -> Result<T, Ended> {
        loop {
            if let Ok(Some(found)) = self.read(&mut wish) {
                return Ok(found);
            }
            self.changed().await?;
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
