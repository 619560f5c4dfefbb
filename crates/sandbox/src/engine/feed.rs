//! The book's public feed: sequence numbers, increments, and when the next snapshot is due.
//!
//! 1. The sequence starts at 1 and rises by one with each increment.
//! 2. A snapshot goes to the store with the first change 60 s after the last one, or with a change that is at least
//!    the 20th since and 10 s later. The store keeps the increments since.
//! 3. Ours: also with every n-th increment, so that what is stored has a bound (`Rules::replay_cap`).
//! 4. A restart of the engine keeps the orders and starts the sequence again at 1.

use rust_decimal::Decimal;

use super::book::Book;
use super::event::{Event, Increment};
use super::order::Side;
use super::{Engine, SNAPSHOT_DEPTH};
use crate::markets::Market;

/// One market: its book, its feed's state.
#[derive(Debug)]
pub(crate) struct MarketState {
    pub(crate) spec: &'static Market,
    pub(crate) book: Book,
    sequence: u64,
    snapshot_ms: i64,
    since_snapshot: u32,
    snapshot_due: bool,
    lose_next: bool,
}

impl MarketState {
    pub(crate) fn new(spec: &'static Market, now_ms: i64) -> Self {
        Self {
            spec,
            book: Book::default(),
            sequence: 1,
            snapshot_ms: now_ms,
            since_snapshot: 0,
            snapshot_due: false,
            lose_next: false,
        }
    }

    /// The book as of now, for the store.
    pub(crate) fn snapshot(&mut self, now_ms: i64) -> Event {
        self.snapshot_ms = now_ms;
        self.since_snapshot = 0;
        self.snapshot_due = false;
        Event::Snapshot {
            market: self.spec,
            asks: self.book.levels(Side::Sell, SNAPSHOT_DEPTH),
            bids: self.book.levels(Side::Buy, SNAPSHOT_DEPTH),
            sequence: self.sequence,
        }
    }

    fn is_snapshot_due(&self, now_ms: i64, replay_cap: u32) -> bool {
        let age_ms = now_ms.saturating_sub(self.snapshot_ms);
        self.snapshot_due
            || age_ms >= 60_000
            || (self.since_snapshot >= 20 && age_ms >= 10_000)
            || self.since_snapshot >= replay_cap
    }
}

impl Engine {
    /// Sets what is left of a resting order, and tells it.
    pub(super) fn rest(
        &mut self,
        market: &'static Market,
        side: Side,
        price: Decimal,
        order: u64,
        left: Decimal,
        now_ms: i64,
    ) {
        if let Some(state) = self.markets.get_mut(market.id) {
            let total = state.book.set(side, price, order, left);
            self.increment(market, side, price, total, now_ms);
        }
    }

    fn increment(
        &mut self,
        market: &'static Market,
        side: Side,
        price: Decimal,
        total: Option<Decimal>,
        now_ms: i64,
    ) {
        let replay_cap = self.rules.replay_cap;
        let Some(state) = self.markets.get_mut(market.id) else { return };
        state.sequence += 1;
        state.since_snapshot += 1;
        let lost = std::mem::take(&mut state.lose_next);
        let sequence = state.sequence;
        self.outbox.push_back(Event::Increment(Increment { market, side, price, total, sequence, lost }));
        if state.is_snapshot_due(now_ms, replay_cap) {
            self.outbox.push_back(state.snapshot(now_ms));
        }
    }

    /// Fault: the next increment never reaches the live sockets.
    pub(crate) fn lose_next_increment(&mut self, market: &'static Market) {
        if let Some(state) = self.markets.get_mut(market.id) {
            state.lose_next = true;
        }
    }

    /// Fault: the engine restarts, so that the next increment is number 2 again.
    pub(crate) fn restart(&mut self, market: &'static Market, now_ms: i64) {
        if let Some(state) = self.markets.get_mut(market.id) {
            state.sequence = 1;
            self.outbox.push_back(state.snapshot(now_ms));
        }
    }

    /// Fault: the store loses its snapshot. It gets the next one with the next change of the book; that change's
    /// own increment is dropped, and the one after it reaches sockets that never saw a snapshot.
    pub(crate) fn forget_snapshot(&mut self, market: &'static Market) {
        if let Some(state) = self.markets.get_mut(market.id) {
            state.snapshot_due = true;
            self.outbox.push_back(Event::Forget { market });
        }
    }

    /// Fault: an increment that deletes a level which isn't there (a late cancel does that upstream).
    pub(crate) fn delete_unknown_level(&mut self, market: &'static Market, now_ms: i64) {
        // No order can rest above the cap.
        self.increment(market, Side::Sell, market.max_price + Decimal::ONE, None, now_ms);
    }
}
