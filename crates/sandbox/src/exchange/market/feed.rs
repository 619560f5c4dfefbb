//! The book's public feed: sequence numbers, increments, and when the next snapshot is due.
//!
//! 1. The sequence starts at 1 and rises by one with each increment.
//! 2. A change stores a new snapshot if the last one is at least 60 s old, or at least 10 s and 20 increments old. The
//!    store keeps the increments after the snapshot.
//! 3. The sandbox adds: a new snapshot after every `MarketState::replay_cap` increments, to limit the stored increments.
//! 4. A restart of the engine keeps the orders and starts the sequence again at 1.

use super::{book::Book, order::Side};
use crate::exchange::{
    catalogue::Market,
    desk::Desk,
    event::{Event, Increment},
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// The largest number of levels of a side in a snapshot.
const SNAPSHOT_DEPTH: usize = 301;

/// One market: its book and the state of its feed.
#[derive(Debug)]
pub(crate) struct MarketState {
    pub(crate) spec: Arc<Market>,
    pub(crate) book: Book,
    sequence: u64,
    snapshot_ms: i64,
    since_snapshot: u32,
    snapshot_due: bool,
    lose_next: bool,
    /// The most increments that are stored after a snapshot.
    replay_cap: u32,
}

impl MarketState {
    /// An empty book.
    pub(crate) fn new(spec: Arc<Market>, now_ms: i64, replay_cap: u32) -> Self {
        Self {
            spec,
            book: Book::default(),
            sequence: 1,
            snapshot_ms: now_ms,
            since_snapshot: 0,
            snapshot_due: false,
            lose_next: false,
            replay_cap,
        }
    }

    /// A snapshot of the book, for the store.
    pub(crate) fn snapshot(&mut self, now_ms: i64) -> Event {
        self.snapshot_ms = now_ms;
        self.since_snapshot = 0;
        self.snapshot_due = false;
        Event::Snapshot {
            market: self.spec.id,
            asks: self.book.levels(Side::Sell, SNAPSHOT_DEPTH),
            bids: self.book.levels(Side::Buy, SNAPSHOT_DEPTH),
            sequence: self.sequence,
        }
    }

    fn is_snapshot_due(&self, now_ms: i64) -> bool {
        let age_ms = now_ms.saturating_sub(self.snapshot_ms);
        self.snapshot_due
            || age_ms >= 60_000
            || (self.since_snapshot >= 20 && age_ms >= 10_000)
            || self.since_snapshot >= self.replay_cap
    }

    /// Sets the remaining amount of a resting order, and queues the increment.
    pub(crate) fn rest(
        &mut self,
        desk: &mut Desk,
        (side, price): (Side, Decimal),
        order: u64,
        left: Decimal,
        now_ms: i64,
    ) {
        let total = self.book.set(side, price, order, left);
        self.increment(desk, side, price, total, now_ms);
    }

    fn increment(
        &mut self,
        desk: &mut Desk,
        side: Side,
        price: Decimal,
        total: Option<Decimal>,
        now_ms: i64,
    ) {
        self.sequence += 1;
        self.since_snapshot += 1;
        let lost = std::mem::take(&mut self.lose_next);
        let (market, sequence) = (self.spec.id, self.sequence);
        desk.tell(Event::Increment(Increment { market, side, price, total, sequence, lost }));
        if self.is_snapshot_due(now_ms) {
            desk.tell(self.snapshot(now_ms));
        }
    }

    /// Fault: the next increment is not sent to the subscribed sockets.
    pub(crate) fn lose_next_increment(&mut self) {
        self.lose_next = true;
    }

    /// Fault: the engine restarts, so the next increment has sequence 2.
    pub(crate) fn restart(&mut self, desk: &mut Desk, now_ms: i64) {
        self.sequence = 1;
        desk.tell(self.snapshot(now_ms));
    }

    /// Fault: the store loses its snapshot. The next change of the book stores a new one, but its own increment is
    /// dropped. The increment after that reaches sockets that never got a snapshot.
    pub(crate) fn forget_snapshot(&mut self, desk: &mut Desk) {
        self.snapshot_due = true;
        desk.tell(Event::Forget { market: self.spec.id });
    }

    /// Fault: sends an increment that deletes a level that is not in the book, as a late cancel does upstream.
    pub(crate) fn delete_unknown_level(&mut self, desk: &mut Desk, now_ms: i64) {
        // Higher than every price of the book.
        let highest = self.book.levels(Side::Sell, usize::MAX).last().map_or(Decimal::ZERO, |level| level.0);
        let price = highest.max(self.spec.max_price).saturating_add(Decimal::ONE);
        self.increment(desk, Side::Sell, price, None, now_ms);
    }
}
