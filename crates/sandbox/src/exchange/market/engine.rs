//! The matching engine: the state of trading, and how it is read.
//!
//! A command that is accepted (an order, a cancellation) is queued as [`Work`] and carried out by [`Engine::step`],
//! so that answers come before their effects, as on the real exchange.

use super::{
    book::Level,
    feed::MarketState,
    history::{History, Page},
    order::{Order, OrderType, Side, State},
    orders::{OrderFilter, Orders},
    trade::Trade,
};
use crate::{
    base::{
        config::Profile,
        id::{AccountId, Code},
        listing::Cut,
    },
    exchange::{catalogue::Market, desk::Desk, event::Event},
};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::Arc,
};
use uuid::Uuid;

/// How many commands and events may wait before new commands are refused.
const BACKLOG: usize = 10_000;

/// Where the two profiles differ in behaviour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether an account may trade with itself.
    pub(crate) self_trades: bool,
    /// Whether `done` is the only event of a market order.
    pub(crate) quiet_market_orders: bool,
    /// The most increments that are stored after a snapshot.
    pub(crate) replay_cap: u32,
}

impl Rules {
    pub(crate) fn of(profile: Profile) -> Self {
        match profile {
            // 4 markets × (50 increments + a snapshot) + the confirmation fit the 256 frames of a socket's queue.
            Profile::Docs => Self { self_trades: false, quiet_market_orders: false, replay_cap: 50 },
            // More than a socket's queue holds, as can happen upstream.
            Profile::Legacy => Self { self_trades: true, quiet_market_orders: true, replay_cap: 1_000 },
        }
    }
}

/// An accepted command that waits to be carried out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    Place(u64),
    Cancel(u64),
}

/// Orders, books and matches.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(super) rules: Rules,
    pub(super) orders: Orders,
    pub(super) markets: BTreeMap<Code, MarketState>,
    /// Sorted by number.
    listed: Vec<Arc<Market>>,
    pub(super) history: History,
    pub(super) work: VecDeque<Work>,
    pub(super) paused: bool,
    pub(super) lose_pending_cancels: bool,
    pub(super) last_order: u64,
    pub(super) last_trade: u64,
}

impl Engine {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            orders: Orders::default(),
            markets: BTreeMap::new(),
            listed: Vec::new(),
            history: History::default(),
            work: VecDeque::new(),
            paused: false,
            lose_pending_cancels: false,
            last_order: 0,
            last_trade: 0,
        }
    }

    /// Opens a market's book.
    pub(super) fn open(&mut self, market: Arc<Market>, desk: &mut Desk, now_ms: i64) {
        let id = market.id;
        self.listed.push(Arc::clone(&market));
        let mut state = MarketState::new(market, now_ms, self.rules.replay_cap);
        desk.tell(state.snapshot(now_ms));
        self.markets.insert(id, state);
    }

    /// Carries out the oldest accepted command. False if there is none, or if matching is paused.
    pub(super) fn step(&mut self, desk: &mut Desk, now_ms: i64) -> bool {
        if self.paused {
            return false;
        }
        match self.work.pop_front() {
            Some(Work::Place(order)) => self.place(desk, order, now_ms),
            Some(Work::Cancel(order)) => self.cancel_now(desk, order, now_ms),
            None => return false,
        }
        true
    }

    /// Carries out all accepted commands.
    pub(super) fn settle(&mut self, desk: &mut Desk, now_ms: i64) {
        while self.step(desk, now_ms) {}
    }

    /// Whether an accepted command can be carried out now.
    pub(crate) fn has_work(&self) -> bool {
        !self.paused && !self.work.is_empty()
    }

    /// Whether so many commands and events wait that new commands must be refused.
    pub(super) fn is_overloaded(&self, desk: &Desk) -> bool {
        self.work.len() + desk.untold() > BACKLOG
    }

    /// An account's order by its number.
    pub(crate) fn order(&self, account: AccountId, id: u64) -> Option<&Order> {
        self.orders.get(id).filter(|order| order.account == account)
    }

    /// An account's order by its uuid.
    pub(crate) fn order_by_uuid(&self, account: AccountId, uuid: Uuid) -> Option<&Order> {
        self.orders.by_uuid(uuid).filter(|order| order.account == account)
    }

    /// How many of an account's orders match the filter, and a part of them, by the time of their last change.
    pub(crate) fn orders_page(
        &self,
        account: AccountId,
        filter: &OrderFilter,
        cut: Cut,
    ) -> (usize, Vec<&Order>) {
        self.orders.page(&self.listed, account, filter, cut)
    }

    /// An account's matches in a span, limited to one market or own side if given.
    pub(crate) fn own_trades_page(
        &self,
        account: AccountId,
        market: Option<&Market>,
        side: Option<Side>,
        within: Range<i64>,
        cut: Cut,
    ) -> Page<'_> {
        self.history.own_page(account, market, side, within, cut)
    }

    /// A market's matches in a span.
    pub(crate) fn trades_page(&self, market: &Market, within: Range<i64>, cut: Cut) -> Page<'_> {
        self.history.public_page(market, within, cut)
    }

    /// An order's matches, oldest first.
    pub(crate) fn trades_of_order(&self, order: u64) -> &[Arc<Trade>] {
        self.history.of_order(order)
    }

    /// A market's matches, oldest first.
    pub(crate) fn trades(&self, market: &Market) -> &[Arc<Trade>] {
        self.history.of_market(market)
    }

    /// The individual orders of the book, asks and bids: best price first, then oldest first.
    pub(crate) fn resting(
        &self,
        market: &Market,
        most_asks: usize,
        most_bids: usize,
    ) -> (Vec<&Order>, Vec<&Order>) {
        let Some(state) = self.markets.get(&market.id) else { return Default::default() };
        let side = |side, most| {
            state.book.orders(side).filter_map(|id| self.orders.get(id)).take(most).collect::<Vec<_>>()
        };
        (side(Side::Sell, most_asks), side(Side::Buy, most_bids))
    }

    /// The best levels of the book: asks and bids.
    pub(crate) fn depth(&self, market: &Market, limit: usize) -> (Vec<Level>, Vec<Level>) {
        self.markets.get(&market.id).map_or_else(Default::default, |state| {
            (state.book.levels(Side::Sell, limit), state.book.levels(Side::Buy, limit))
        })
    }

    pub(super) fn tell_order(&self, desk: &mut Desk, id: u64) {
        let Some(order) = self.orders.get(id) else { return };
        let quiet = self.rules.quiet_market_orders
            && order.ord_type == OrderType::Market
            && order.state != State::Done;
        if !quiet {
            desk.tell(Event::Order(Box::new(order.clone())));
        }
    }
}
