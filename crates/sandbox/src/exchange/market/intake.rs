//! Accepts trading commands: checks an order after its parameters are read, locks its funds, and takes cancellation
//! requests. Accepted commands are queued as [`Work`].

use super::{
    engine::{Engine, Work},
    order::{Bounds, Order, OrderType, Side, State, crosses},
};
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Party, Pocket, Posting, Reason},
        money,
        refusal::{OwnCode, own},
    },
    exchange::{catalogue::Market, desk::Desk},
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// The sort of uuids for orders, see `Desk::uuid`.
const UUIDS: u64 = 1;

/// The error codes of the engine.
pub(crate) mod codes {
    pub(crate) const INSUFFICIENT_LIQUIDITY: &str = "market.order.insufficient_market_liquidity";
    pub(crate) const INSUFFICIENT_BALANCE: &str = "market.account.insufficient_balance";
    pub(crate) const INVALID_VOLUME_OR_PRICE: &str = "market.order.invalid_volume_or_price";
    pub(crate) const CREATE_ERROR: &str = "market.order.create_error";
    pub(crate) const POST_ONLY_WOULD_MATCH: &str = "sandbox.order.post_only_would_match";
    pub(crate) const ALL: &[&str] = &[
        INSUFFICIENT_LIQUIDITY,
        INSUFFICIENT_BALANCE,
        INVALID_VOLUME_OR_PRICE,
        CREATE_ERROR,
        POST_ONLY_WOULD_MATCH,
    ];
}

/// The only one of them that the documents do not name.
pub(crate) const OWN_CODE: OwnCode = own(
    codes::POST_ONLY_WOULD_MATCH,
    "422: a post-only order would match; the documents only say that the request will fail",
);

/// A market buy locks its estimated cost times this factor.
const LOCK_BUFFER: Decimal = Decimal::from_parts(11, 0, 0, false, 1);

/// A new order whose parameters are well formed.
#[derive(Debug, Clone)]
pub(crate) struct NewOrder {
    pub(crate) market: Arc<Market>,
    pub(crate) side: Side,
    pub(crate) ord_type: OrderType,
    /// Above zero.
    pub(crate) volume: Decimal,
    /// Above zero. Set for limit orders only.
    pub(crate) price: Option<Decimal>,
    pub(crate) post_only: bool,
    pub(crate) custom_order_id: Option<String>,
    /// Set for a conversion only.
    pub(crate) bounds: Option<Bounds>,
}

impl Engine {
    /// Accepts an order: locks its funds and queues it. The returned order is `pending`.
    pub(super) fn submit(
        &mut self,
        desk: &mut Desk,
        account: AccountId,
        new: NewOrder,
        now_ms: i64,
    ) -> Result<Order, &'static str> {
        // Earlier commands are carried out first, so that the checks use the book as the caller could know it.
        self.settle(desk, now_ms);
        let lock = self.required_lock(desk, account, &new)?;
        check_limits(&new)?;
        if new.post_only && self.would_match(&new) {
            return Err(codes::POST_ONLY_WOULD_MATCH);
        }
        let pays_with = match new.side {
            Side::Buy => new.market.quote,
            Side::Sell => new.market.base,
        };
        let owner = Party::Member(account);
        let (from, to) = ((owner, Pocket::Available), (owner, Pocket::Locked));
        let posting = Posting { currency: pays_with, from, to, amount: lock };
        desk.ledger
            .post(now_ms, Reason::OrderLocked(self.last_order + 1), &[posting])
            .map_err(|_| codes::CREATE_ERROR)?;
        self.last_order += 1;
        let order = Order {
            id: self.last_order,
            uuid: desk.uuid(UUIDS, self.last_order),
            account,
            market: new.market,
            side: new.side,
            ord_type: new.ord_type,
            price: new.price,
            worst_price: new.bounds.map(|bounds| bounds.worst_price),
            origin_volume: new.volume,
            remaining_volume: new.volume,
            locked: lock,
            turnover: Decimal::ZERO,
            state: State::Pending,
            post_only: new.post_only,
            custom_order_id: new.custom_order_id,
            created_ms: now_ms,
            updated_ms: now_ms,
            trades_count: 0,
        };
        self.orders.insert(order.clone());
        self.work.push_back(Work::Place(order.id));
        self.tell_order(desk, order.id);
        desk.tell_balances(&[(account, pays_with)], now_ms);
        Ok(order)
    }

    /// The amount that the order must lock. Checks liquidity first, then the balance, then the precision.
    fn required_lock(
        &self,
        desk: &Desk,
        account: AccountId,
        new: &NewOrder,
    ) -> Result<Decimal, &'static str> {
        let paying = match new.side {
            Side::Buy => new.market.quote,
            Side::Sell => new.market.base,
        };
        let available = desk.balance(account, paying).available;
        let estimate = match new.ord_type {
            OrderType::Limit => None,
            OrderType::Market => {
                let state = self.markets.get(&new.market.id).ok_or(codes::CREATE_ERROR)?;
                Some(state.book.cost(new.side.opposite(), new.volume).ok_or(codes::INSUFFICIENT_LIQUIDITY)?)
            }
        };
        let lock = match (new.side, new.price, estimate, new.bounds) {
            (Side::Sell, ..) => new.volume,
            (Side::Buy, .., Some(bounds)) => bounds.budget,
            // An estimate that is out of range is more than any balance.
            (Side::Buy, _, Some(estimate), None) => estimate
                .and_then(|cost| cost.checked_mul(LOCK_BUFFER))
                .map_or(available, |wanted| wanted.min(available)),
            (Side::Buy, Some(price), None, None) => match money::mul(price, new.volume) {
                Some(lock) => lock,
                // Too many digits: report the precision, unless the balance is too small anyway.
                None => match price.checked_mul(new.volume) {
                    Some(about) if about <= available => return Err(codes::INVALID_VOLUME_OR_PRICE),
                    _ => return Err(codes::INSUFFICIENT_BALANCE),
                },
            },
            (Side::Buy, None, None, None) => return Err(codes::CREATE_ERROR),
        };
        // A market buy locks at most the available balance, so with an empty balance its lock is zero.
        if available < lock || lock.is_zero() {
            return Err(codes::INSUFFICIENT_BALANCE);
        }
        Ok(lock)
    }

    fn would_match(&self, new: &NewOrder) -> bool {
        self.markets
            .get(&new.market.id)
            .and_then(|state| state.book.best(new.side.opposite()))
            .is_some_and(|best| crosses(new.side, new.price, best.price))
    }

    /// Requests the cancellation of one order and returns the order as it is now. A final order is not changed.
    pub(super) fn request_cancel(
        &mut self,
        desk: &mut Desk,
        account: AccountId,
        order: u64,
        now_ms: i64,
    ) -> Option<Order> {
        self.settle(desk, now_ms);
        let order = self.order(account, order)?.clone();
        if order.state == State::Wait || (order.state == State::Pending && !self.lose_pending_cancels) {
            self.work.push_back(Work::Cancel(order.id));
        }
        Some(order)
    }

    /// Requests the cancellation of an account's `wait` orders, limited to one market or side if given. Returns the orders
    /// before they are cancelled.
    pub(super) fn request_cancel_all(
        &mut self,
        desk: &mut Desk,
        account: AccountId,
        market: Option<Code>,
        side: Option<Side>,
        now_ms: i64,
    ) -> Vec<Order> {
        self.settle(desk, now_ms);
        let open: Vec<Order> = self
            .orders
            .open_of(account)
            .filter(|order| order.state == State::Wait)
            .filter(|order| market.is_none_or(|market| order.market.id == market))
            .filter(|order| side.is_none_or(|side| order.side == side))
            .cloned()
            .collect();
        self.work.extend(open.iter().map(|order| Work::Cancel(order.id)));
        open
    }
}

/// The market's limits, all under one code.
fn check_limits(new: &NewOrder) -> Result<(), &'static str> {
    let market = &new.market;
    let volume_fits =
        new.volume >= market.min_amount && money::fraction_digits(new.volume) <= market.amount_precision;
    let price_fits = new.price.is_none_or(|price| {
        price >= market.min_price
            && (market.max_price.is_zero() || price <= market.max_price)
            && money::fraction_digits(price) <= market.price_precision
    });
    if volume_fits && price_fits { Ok(()) } else { Err(codes::INVALID_VOLUME_OR_PRICE) }
}
