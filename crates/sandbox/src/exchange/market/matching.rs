//! Matching: best price first, then oldest. A trade is at the maker's price. Fees are taken from what each side receives.
//!
//! If an order would match an order of its own account, and the profile does not allow this, the incoming order ends: as
//! `cancel` if it has fills, otherwise as `reject`. The resting order stays.

use super::{
    book::Best,
    engine::Engine,
    order::{Order, OrderType, Side, State},
    trade::{Trade, TradeSide},
};
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Party, Pocket, Posting, Reason},
        money,
    },
    exchange::{desk::Desk, event::Event},
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// What a maker pays of its income: 0.1 %.
const MAKER_FEE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// What a taker pays of its income: 0.2 %.
const TAKER_FEE: Decimal = Decimal::from_parts(2, 0, 0, false, 3);

/// Why an incoming order stops matching.
enum Stop {
    /// It is filled.
    Filled,
    /// The other side has no order that it can trade with.
    NothingLeft,
    /// The next match is not allowed, or the ledger refused it.
    NotAllowed,
}

impl Engine {
    /// Matches a pending order, and adds the rest of a limit order to the book.
    pub(super) fn place(&mut self, desk: &mut Desk, id: u64, now_ms: i64) {
        if self.orders.get(id).is_none_or(|order| order.state != State::Pending) {
            return;
        }
        self.orders.change(id, |order| {
            order.state = State::Wait;
            order.updated_ms = now_ms;
        });
        self.tell_order(desk, id);
        let stop = loop {
            match self.next_match(id) {
                Ok((best, amount)) => {
                    if self.trade(desk, id, best, amount, now_ms).is_none() {
                        break Stop::NotAllowed;
                    }
                }
                Err(stop) => break stop,
            }
        };
        let Some(order) = self.orders.get(id) else { return };
        match (stop, order.ord_type, order.price) {
            (Stop::Filled, ..) => {}
            (Stop::NothingLeft, OrderType::Limit, Some(price)) => {
                let (market, side, left) = (order.market.id, order.side, order.remaining_volume);
                self.rest(desk, market, (side, price), id, left, now_ms);
            }
            (Stop::NotAllowed, ..) if order.trades_count == 0 => self.end(desk, id, State::Reject, now_ms),
            _ => self.end(desk, id, State::Cancel, now_ms),
        }
    }

    /// The order that this order trades with next, and the amount.
    fn next_match(&self, id: u64) -> Result<(Best, Decimal), Stop> {
        let taker = self.orders.get(id).ok_or(Stop::NothingLeft)?;
        if taker.remaining_volume.is_zero() {
            return Err(Stop::Filled);
        }
        let best = self
            .markets
            .get(&taker.market.id)
            .and_then(|state| state.book.best(taker.side.opposite()))
            .filter(|best| taker.crosses(best.price))
            .ok_or(Stop::NothingLeft)?;
        let maker = self.orders.get(best.order).ok_or(Stop::NothingLeft)?;
        let own = maker.account == taker.account && !self.rules.self_trades;
        // A post-only order can match only if the book changed after it was accepted.
        if own || taker.post_only {
            return Err(Stop::NotAllowed);
        }
        let mut amount = taker.remaining_volume.min(maker.remaining_volume);
        if taker.ord_type == OrderType::Market && taker.side == Side::Buy {
            let affordable =
                money::div_down(taker.locked, best.price, taker.market.amount_precision).unwrap_or_default();
            amount = amount.min(affordable);
        }
        if amount.is_zero() { Err(Stop::NothingLeft) } else { Ok((best, amount)) }
    }

    /// Carries out one match and queues its events: maker's trade, taker's trade, public trade, the two orders, the
    /// balances, the book. `None` if the ledger refuses it, which the checks of a new order prevent.
    fn trade(
        &mut self,
        desk: &mut Desk,
        taker_id: u64,
        best: Best,
        amount: Decimal,
        now_ms: i64,
    ) -> Option<()> {
        let taker = self.orders.get(taker_id)?;
        let maker = self.orders.get(best.order)?;
        let market = Arc::clone(&taker.market);
        let total = money::mul(best.price, amount)?;
        let half = |order: &Order, fee: Decimal| {
            let income = match order.side {
                Side::Buy => amount,
                Side::Sell => total,
            };
            Some(TradeSide {
                account: order.account,
                order_id: order.id,
                custom_order_id: order.custom_order_id.clone(),
                side: order.side,
                fee,
                fee_amount: money::mul(income, fee)?,
            })
        };
        let (maker_half, taker_half) = (half(maker, MAKER_FEE)?, half(taker, TAKER_FEE)?);
        let maker_side = maker.side;
        let (buyer, seller) = match taker.side {
            Side::Buy => (&taker_half, &maker_half),
            Side::Sell => (&maker_half, &taker_half),
        };
        let pay = |currency: Code, from: AccountId, to: (Party, Pocket), amount| Posting {
            currency,
            from: (Party::Member(from), Pocket::Locked),
            to,
            amount,
        };
        let income_of = |half: &TradeSide| (Party::Member(half.account), Pocket::Available);
        let fees = (Party::Fees, Pocket::Available);
        let postings = [
            pay(market.quote, buyer.account, income_of(seller), total - seller.fee_amount),
            pay(market.quote, buyer.account, fees, seller.fee_amount),
            pay(market.base, seller.account, income_of(buyer), amount - buyer.fee_amount),
            pay(market.base, seller.account, fees, buyer.fee_amount),
        ];
        desk.ledger.post(now_ms, Reason::Trade(self.last_trade + 1), &postings).ok()?;
        let (taker_account, maker_account) = (taker.account, maker.account);
        let (taker_volume, maker_volume) = (taker.origin_volume, maker.origin_volume);
        let maker_left = self.fill(desk, best.order, amount, total, now_ms);
        self.fill(desk, taker_id, amount, total, now_ms);
        self.last_trade += 1;
        let trade = Arc::new(Trade {
            id: self.last_trade,
            market: Arc::clone(&market),
            price: best.price,
            amount,
            total,
            maker: maker_half,
            taker: taker_half,
            at_ms: now_ms,
        });
        self.history.add(&trade);
        desk.history.add_trade(&trade, &trade.maker, maker_volume);
        desk.history.add_trade(&trade, &trade.taker, taker_volume);
        // An account that trades with itself gets the maker's view twice, as upstream.
        let taker_view = trade.side_of(taker_account).map_or(taker_id, |half| half.order_id);
        for (account, order_id) in [(maker_account, best.order), (taker_account, taker_view)] {
            desk.tell(Event::OwnTrade { trade: Arc::clone(&trade), account, order_id });
        }
        desk.tell(Event::PublicTrade(trade));
        self.tell_order(desk, best.order);
        self.tell_order(desk, taker_id);
        desk.tell_balances(
            &[
                (maker_account, market.base),
                (maker_account, market.quote),
                (taker_account, market.base),
                (taker_account, market.quote),
            ],
            now_ms,
        );
        self.rest(desk, market.id, (maker_side, best.price), best.order, maker_left, now_ms);
        Some(())
    }

    /// Adds a match to an order and returns the remaining volume. A filled order becomes `done`, and the rest of its lock
    /// is released.
    fn fill(&mut self, desk: &mut Desk, id: u64, amount: Decimal, total: Decimal, now_ms: i64) -> Decimal {
        let left = self.orders.change(id, |order| {
            order.remaining_volume -= amount;
            order.turnover += total;
            order.trades_count += 1;
            order.updated_ms = now_ms;
            order.locked -= match order.side {
                Side::Buy => total,
                Side::Sell => amount,
            };
            order.remaining_volume
        });
        if left.is_some_and(|left| left.is_zero()) {
            self.close(desk, id, State::Done, now_ms);
        }
        left.unwrap_or_default()
    }

    /// Makes an order final and releases the rest of its lock.
    fn close(&mut self, desk: &mut Desk, id: u64, state: State, now_ms: i64) {
        let Some(order) = self.orders.get(id) else { return };
        let (owner, currency, amount) = (Party::Member(order.account), order.pays_with(), order.locked);
        let (from, to) = ((owner, Pocket::Locked), (owner, Pocket::Available));
        let released = if amount.is_zero() {
            Ok(())
        } else {
            let posting = Posting { currency, from, to, amount };
            desk.ledger.post(now_ms, Reason::OrderReleased(id), &[posting])
        };
        debug_assert_eq!(released, Ok(()), "the ledger holds every order's lock");
        self.orders.change(id, |order| {
            order.state = state;
            if released.is_ok() {
                order.locked = Decimal::ZERO;
            }
        });
    }

    /// Ends an order that is not in the book.
    fn end(&mut self, desk: &mut Desk, id: u64, state: State, now_ms: i64) {
        self.close(desk, id, state, now_ms);
        let changed = self.orders.change(id, |order| {
            order.updated_ms = now_ms;
            (order.account, order.pays_with())
        });
        let Some(changed) = changed else { return };
        self.tell_order(desk, id);
        desk.tell_balances(&[changed], now_ms);
    }

    /// Carries out a cancellation. An order that has already ended is not changed.
    pub(super) fn cancel_now(&mut self, desk: &mut Desk, id: u64, now_ms: i64) {
        let Some(order) = self.orders.get(id).filter(|order| order.state == State::Wait) else { return };
        let (market, side, price) = (order.market.id, order.side, order.price);
        if let Some(price) = price {
            self.rest(desk, market, (side, price), id, Decimal::ZERO, now_ms);
        }
        self.end(desk, id, State::Cancel, now_ms);
    }

    /// Sets the remaining amount of a resting order in its book.
    fn rest(
        &mut self,
        desk: &mut Desk,
        market: Code,
        at: (Side, Decimal),
        order: u64,
        left: Decimal,
        now_ms: i64,
    ) {
        if let Some(state) = self.markets.get_mut(&market) {
            state.rest(desk, at, order, left, now_ms);
        }
    }
}
