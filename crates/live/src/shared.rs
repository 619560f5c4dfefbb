//! The state of a book that the socket's task writes and the handles read.

use crate::{
    error::{NotLive, Why},
    top::{SharedTop, Top},
};
use capecrypto_models::{MarketId, Timestamp};
use capecrypto_orderbook::{Applied, Book, State};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// One book: behind a lock for those who write it or need all of it, and its top for readers without a lock. What each frame needs
/// stands together at the front: with a thousand books, memory that is far apart is what costs.
#[repr(C)]
pub(crate) struct Shared {
    top: SharedTop,
    inner: Mutex<Inner>,
    pub(crate) market: MarketId,
    /// How long a wait for the book to be live may take.
    pub(crate) live_within: Duration,
    /// Wakes those who wait for a change.
    changed: Notify,
}

/// In this order for the same reason.
#[repr(C)]
pub(crate) struct Inner {
    /// When the last message came.
    as_of_ms: u64,
    /// Number of changes so far.
    version: u64,
    /// A copy of the current book for readers: made on demand, and dropped when the book changes.
    view: Option<Arc<Book>>,
    /// The book is no longer updated.
    ended: bool,
    /// Someone waits for the next change.
    is_awaited: bool,
    /// The exchange has answered every request, and does not list the book.
    pub(crate) not_listed: bool,
    pub(crate) book: Book,
    /// Why the book is not live, and since when.
    why: Why,
    since_ms: u64,
}

impl Inner {
    pub(crate) fn state(&self) -> State {
        if self.ended { State::Stale } else { self.book.state() }
    }

    fn is_live(&self) -> bool {
        self.state() == State::Live
    }

    /// Asks the book, if it is live.
    pub(crate) fn ask<'b, T>(
        &'b self,
        question: impl FnOnce(&'b Book) -> Result<T, capecrypto_orderbook::NotLive>,
    ) -> Result<T, NotLive> {
        if !self.ended
            && let Ok(answer) = question(&self.book)
        {
            return Ok(answer);
        }
        Err(NotLive {
            market: self.book.market().clone(),
            state: self.state(),
            since: wall(self.since_ms),
            why: self.why.clone(),
        })
    }

    fn top(&self) -> Top {
        let best = self.book.best().ok().filter(|_| !self.ended);
        let sequence = best.and_then(|_| self.book.sequence());
        Top { state: self.state(), best, sequence, as_of_ms: self.as_of_ms }
    }
}

impl Shared {
    pub(crate) fn new(book: Book, live_within: Duration, now_ms: u64) -> Self {
        let inner = Inner {
            not_listed: false,
            ended: false,
            why: Why::New,
            since_ms: now_ms,
            as_of_ms: now_ms,
            version: 0,
            is_awaited: false,
            view: None,
            book,
        };
        let top = SharedTop::default();
        top.write(inner.version, &inner.top());
        Self {
            market: inner.book.market().clone(),
            live_within,
            inner: Mutex::new(inner),
            top,
            changed: Notify::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the book, shows its new top, and wakes everyone who waits for a change. `None`: it is no longer updated.
    fn change<T>(&self, now_ms: u64, change: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        let (changed, is_awaited) = {
            let mut inner = self.lock();
            if inner.ended {
                return None;
            }
            let was_live = inner.is_live();
            inner.view = None;
            inner.as_of_ms = now_ms;
            let changed = change(&mut inner);
            if was_live && !inner.is_live() {
                inner.since_ms = now_ms;
            }
            inner.version = inner.version.wrapping_add(1);
            self.top.write(inner.version, &inner.top());
            (changed, std::mem::take(&mut inner.is_awaited))
        };
        if is_awaited {
            self.changed.notify_waiters();
        }
        Some(changed)
    }

    /// Applies a frame. `None`: the book is no longer updated, or the frame is another book's.
    pub(crate) fn apply(&self, frame: &[u8], now_ms: u64) -> Option<Applied> {
        self.change(now_ms, |inner| {
            let was_live = inner.book.state() == State::Live;
            let applied = inner.book.apply_frame(frame).ok()?;
            match &applied {
                Applied::Lost(why) => inner.why = Why::Lost(why.clone()),
                Applied::Snapshot { .. } if was_live => inner.why = Why::Replayed,
                Applied::Snapshot { .. } | Applied::Increment { .. } | Applied::Ignored => {}
            }
            Some(applied)
        })?
    }

    /// The exchange has confirmed the subscription; whether the book is live now.
    pub(crate) fn confirmed(&self, now_ms: u64) -> bool {
        let confirmed = self.change(now_ms, |inner| {
            inner.not_listed = false;
            inner.book.confirmed()
        });
        confirmed.unwrap_or(false)
    }

    /// The book is old, for this reason.
    pub(crate) fn stale(&self, why: Why, now_ms: u64) {
        self.change(now_ms, |inner| {
            inner.why = why;
            inner.book.mark_stale();
        });
    }

    /// A new connection was made: the book's snapshot is on its way.
    pub(crate) fn resyncing(&self, now_ms: u64) {
        self.change(now_ms, |inner| {
            inner.not_listed = false;
            inner.book.mark_resyncing();
        });
    }

    /// The server does not list the book, or no longer.
    pub(crate) fn not_listed(&self, now_ms: u64) {
        self.change(now_ms, |inner| {
            inner.not_listed = true;
            inner.why = Why::NotListed;
            if matches!(inner.book.state(), State::Live | State::CatchingUp) {
                inner.book.mark_stale();
            }
        });
    }

    /// The server has ended the subscription. A book that was subscribed to again meanwhile still waits for its snapshot.
    pub(crate) fn unsubscribed(&self, now_ms: u64) {
        self.change(now_ms, |inner| {
            if matches!(inner.book.state(), State::Live | State::CatchingUp) {
                inner.why = Why::Unsubscribed;
                inner.book.mark_stale();
            }
        });
    }

    /// Ends the updates: from now on the book is stale, even if more frames come in.
    pub(crate) fn end(&self, why: Why, now_ms: u64) {
        self.change(now_ms, |inner| {
            inner.why = why;
            inner.ended = true;
            // Handles may be kept for long; they show no level any more.
            inner.book = Book::new(self.market.clone());
        });
    }

    /// The top of the book, without the lock.
    pub(crate) fn top(&self) -> Top {
        self.top.read().unwrap_or_else(|| self.lock().top())
    }

    /// A copy of the live book, for code that must not run under the lock.
    pub(crate) fn view(&self) -> Result<Arc<Book>, NotLive> {
        let mut inner = self.lock();
        inner.ask(Book::best)?;
        if let Some(view) = &inner.view {
            return Ok(view.clone());
        }
        let view = Arc::new(inner.book.clone());
        inner.view = Some(view.clone());
        Ok(view)
    }

    /// Waits until the number of changes is another one than `seen`, and gives it; `None` once the book has ended.
    pub(crate) async fn changed_since(&self, seen: Option<u64>) -> Option<u64> {
        loop {
            // Register before the look, so that a change right after the look wakes this task.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let mut inner = self.lock();
                if inner.ended {
                    return None;
                }
                if seen != Some(inner.version) {
                    return Some(inner.version);
                }
                inner.is_awaited = true;
            }
            changed.await;
        }
    }
}

pub(crate) fn wall(unix_millis: u64) -> Timestamp {
    let millis = i64::try_from(unix_millis).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis).unwrap_or_else(|_| std::time::SystemTime::UNIX_EPOCH.into())
}
