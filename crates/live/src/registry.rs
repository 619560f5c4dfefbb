//! The books of a connection, as its handles and its task know them.

use crate::{error::Why, shared::Shared};
use capecrypto_models::MarketId;
use capecrypto_orderbook::Book;
use capecrypto_stream::Connect;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Which books there are. Handles add and remove books; the task follows.
pub(crate) struct Registry {
    connect: Arc<dyn Connect>,
    snapshot_depth: usize,
    live_within: Duration,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    books: BTreeMap<MarketId, Arc<Shared>>,
    /// What the task has not seen yet.
    changes: Vec<Change>,
    ended: bool,
}

/// A change that the task has to follow.
pub(crate) enum Change {
    Added(Arc<Shared>),
    Removed(MarketId),
}

impl Registry {
    pub(crate) fn new(connect: Arc<dyn Connect>, snapshot_depth: usize, live_within: Duration) -> Self {
        Self { connect, snapshot_depth, live_within, entries: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the book of a market; `false` if it is there already, or the connection has ended.
    pub(crate) fn add(&self, market: &MarketId) -> bool {
        let mut entries = self.lock();
        if entries.ended || entries.books.contains_key(market) {
            return false;
        }
        let book = Book::new(market.clone()).with_snapshot_depth(self.snapshot_depth);
        let shared = Arc::new(Shared::new(book, self.live_within, self.connect.unix_millis()));
        entries.books.insert(market.clone(), shared.clone());
        entries.changes.push(Change::Added(shared));
        true
    }

    /// Removes the book of a market: its handles are stale from now on.
    pub(crate) fn remove(&self, market: &MarketId) {
        let mut entries = self.lock();
        if let Some(shared) = entries.books.remove(market) {
            shared.end(Why::Unsubscribed, self.connect.unix_millis());
            entries.changes.push(Change::Removed(market.clone()));
        }
    }

    pub(crate) fn get(&self, market: &str) -> Option<Arc<Shared>> {
        self.lock().books.get(market).cloned()
    }

    pub(crate) fn markets(&self) -> Vec<MarketId> {
        self.lock().books.keys().cloned().collect()
    }

    /// What has changed since the last call.
    pub(crate) fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.lock().changes)
    }

    /// Ends all books: they are stale from now on, and everyone who waits for one wakes up.
    pub(crate) fn end(&self) {
        let mut entries = self.lock();
        entries.ended = true;
        let now_ms = self.connect.unix_millis();
        entries.books.values().for_each(|shared| shared.end(Why::Closed, now_ms));
    }
}
