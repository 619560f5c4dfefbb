//! The exchange's state and its rules: commands in, events out. No clock, no lock, no socket; time is a value.
//!
//! A command that is accepted (an order, a cancellation) is queued as [`Work`] and carried out by [`Engine::step`],
//! so that answers come before their effects, as on the real exchange. Events wait in the outbox, in order.

mod book;
mod event;
mod feed;
mod history;
mod intake;
mod listing;
mod matching;
mod order;
mod orders;
#[cfg(test)]
mod property;
mod stats;
mod trade;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

pub(crate) use self::book::Level;
pub(crate) use self::event::{Event, Increment};
use self::feed::MarketState;
use self::history::History;
pub(crate) use self::history::Page as TradePage;
pub(crate) use self::intake::{NewOrder, codes};
pub(crate) use self::listing::Cut;
pub(crate) use self::order::{Order, OrderType, Side, State};
pub(crate) use self::orders::OrderFilter;
use self::orders::Orders;
pub(crate) use self::stats::{Candle, PERIODS, Ticker};
pub(crate) use self::trade::Trade;
use crate::ledger::{Balance, Ledger, Party, Pocket, Posting, Refused};
use crate::markets::{MARKETS, Market};
use crate::money;

/// Levels of a side in a snapshot.
const SNAPSHOT_DEPTH: usize = 301;
/// How much may wait to be carried out or told before new commands are turned away.
const BACKLOG: usize = 10_000;

/// Where the two profiles differ in behaviour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether an account may trade with itself.
    pub(crate) self_trades: bool,
    /// Whether a market order's only event is `done`.
    pub(crate) quiet_market_orders: bool,
    /// The most increments that are stored after a snapshot.
    pub(crate) replay_cap: u32,
}

/// An accepted command that is yet to be carried out.
#[derive(Debug, Clone, Copy)]
enum Work {
    Place(u64),
    Cancel(u64),
}

/// The one state.
#[derive(Debug)]
pub(crate) struct Engine {
    rules: Rules,
    ledger: Ledger,
    orders: Orders,
    markets: BTreeMap<&'static str, MarketState>,
    history: History,
    work: VecDeque<Work>,
    outbox: VecDeque<Event>,
    paused: bool,
    lose_pending_cancels: bool,
    last_order: u64,
    last_trade: u64,
}

impl Engine {
    pub(crate) fn new(rules: Rules, now_ms: i64) -> Self {
        let mut markets: BTreeMap<_, _> =
            MARKETS.iter().map(|spec| (spec.id, MarketState::new(spec, now_ms))).collect();
        let outbox = markets.values_mut().map(|market| market.snapshot(now_ms)).collect();
        Self {
            rules,
            ledger: Ledger::default(),
            orders: Orders::default(),
            markets,
            history: History::default(),
            work: VecDeque::new(),
            outbox,
            paused: false,
            lose_pending_cancels: false,
            last_order: 0,
            last_trade: 0,
        }
    }

    /// Carries out the oldest accepted command. False where there is none, or while matching is paused.
    pub(crate) fn step(&mut self, now_ms: i64) -> bool {
        if self.paused {
            return false;
        }
        match self.work.pop_front() {
            Some(Work::Place(order)) => self.place(order, now_ms),
            Some(Work::Cancel(order)) => self.cancel_now(order, now_ms),
            None => return false,
        }
        true
    }

    /// Carries out everything accepted so far.
    pub(crate) fn settle(&mut self, now_ms: i64) {
        while self.step(now_ms) {}
    }

    /// The next thing to tell.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.outbox.pop_front()
    }

    /// Whether so much waits that new commands must be turned away.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.work.len() + self.outbox.len() > BACKLOG
    }

    /// Stops or restarts the carrying out of accepted commands.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Fault: a request to cancel an order that is still pending is lost, as it can be upstream.
    pub(crate) fn set_lose_pending_cancels(&mut self, lose: bool) {
        self.lose_pending_cancels = lose;
    }

    /// Money from outside.
    pub(crate) fn deposit(
        &mut self,
        account: usize,
        currency: &'static str,
        amount: Decimal,
        now_ms: i64,
    ) -> Result<(), Refused> {
        let supply = money::add(self.ledger.supply(currency), amount).ok_or(Refused::OutOfRange)?;
        if supply > money::MAX_SUPPLY {
            return Err(Refused::OutOfRange);
        }
        self.ledger.post(&[Posting {
            currency,
            from: (Party::Outside, Pocket::Available),
            to: (Party::Member(account), Pocket::Available),
            amount,
        }])?;
        self.tell_balances(&[(account, currency)], now_ms);
        Ok(())
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn balance(&self, account: usize, currency: &'static str) -> Balance {
        self.ledger.balance(Party::Member(account), currency)
    }

    /// An account's order by its number.
    pub(crate) fn order(&self, account: usize, id: u64) -> Option<&Order> {
        self.orders.get(id).filter(|order| order.account == account)
    }

    /// An account's order by its uuid.
    pub(crate) fn order_by_uuid(&self, account: usize, uuid: Uuid) -> Option<&Order> {
        self.orders.by_uuid(uuid).filter(|order| order.account == account)
    }

    /// How many of an account's orders the filter leaves, and a part of them, by the time of their last change.
    pub(crate) fn orders_page(&self, account: usize, filter: &OrderFilter, cut: Cut) -> (usize, Vec<&Order>) {
        self.orders.page(account, filter, cut)
    }

    /// An account's matches in a span, of one market or own side where given.
    pub(crate) fn own_trades_page(
        &self,
        account: usize,
        market: Option<&Market>,
        side: Option<Side>,
        within: Range<i64>,
        cut: Cut,
    ) -> TradePage<'_> {
        self.history.own_page(account, market, side, within, cut)
    }

    /// A market's matches in a span.
    pub(crate) fn trades_page(&self, market: &Market, within: Range<i64>, cut: Cut) -> TradePage<'_> {
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

    /// The single orders of both sides of the book, best first, then oldest: asks, bids.
    pub(crate) fn resting(
        &self,
        market: &Market,
        most_asks: usize,
        most_bids: usize,
    ) -> (Vec<&Order>, Vec<&Order>) {
        let Some(state) = self.markets.get(market.id) else { return Default::default() };
        let side = |side, most| {
            state.book.orders(side).filter_map(|id| self.orders.get(id)).take(most).collect::<Vec<_>>()
        };
        (side(Side::Sell, most_asks), side(Side::Buy, most_bids))
    }

    /// The best levels of both sides: asks, bids.
    pub(crate) fn depth(&self, market: &Market, limit: usize) -> (Vec<Level>, Vec<Level>) {
        self.markets.get(market.id).map_or_else(Default::default, |state| {
            (state.book.levels(Side::Sell, limit), state.book.levels(Side::Buy, limit))
        })
    }

    fn tell_order(&mut self, id: u64) {
        let Some(order) = self.orders.get(id) else { return };
        let quiet = self.rules.quiet_market_orders
            && order.ord_type == OrderType::Market
            && order.state != State::Done;
        if !quiet {
            self.outbox.push_back(Event::Order(Box::new(order.clone())));
        }
    }

    /// One event for each account and currency, even where it is named twice.
    fn tell_balances(&mut self, changed: &[(usize, &'static str)], at_ms: i64) {
        for (place, &(account, currency)) in changed.iter().enumerate() {
            if changed.iter().take(place).any(|earlier| *earlier == (account, currency)) {
                continue;
            }
            let balance = self.balance(account, currency);
            self.outbox.push_back(Event::Balance { account, currency, balance, at_ms });
        }
    }
}
