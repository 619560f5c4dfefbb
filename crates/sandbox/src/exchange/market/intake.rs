//! Taking commands: the checks of an order after its parameters are read,
//! its lock, and requests to cancel. What is accepted is queued as work.

use super::{
    engine::{Engine, Work},
    order::{Order, OrderType, Side, State, crosses},
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

/// Orders have uuids of their own sort.
const UUIDS: u64 = 1;

/// The codes that the engine gives.
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

/// The one of them that the documents do not have.
pub(crate) const OWN_CODE: OwnCode = own(
    codes::POST_ONLY_WOULD_MATCH,
    "422: a post-only order would match; the documents only say that the request will fail",
);

/// What a market buy locks, over its estimated cost.
const LOCK_BUFFER: Decimal = Decimal::from_parts(11, 0, 0, false, 1);

/// An order whose parameters are well formed.
#[derive(Debug, Clone)]
pub(crate) struct NewOrder {
    pub(crate) market: Arc<Market>,
    pub(crate) side: Side,
    pub(crate) ord_type: OrderType,
    /// Above zero.
    pub(crate) volume: Decimal,
    /// Above zero; there for a limit order and only there.
    pub(crate) price: Option<Decimal>,
    pub(crate) post_only: bool,
    pub(crate) custom_order_id: Option<String>,
}

impl Engine {
    /// Takes an order: locks its funds and queues it. The order that comes back is `pending`.
    pub(super) fn submit(
        &mut self,
        desk: &mut Desk,
        account: AccountId,
        new: NewOrder,
        now_ms: i64,
    ) -> Result<Order, &'static str> {
        // What came earlier comes first, so that the answer rests on the book as the caller could know it.
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

    /// What the order must lock. Liquidity is checked before the balance, the balance before the precision.
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
        let lock = match (new.side, new.price, estimate) {
            (Side::Sell, ..) => new.volume,
            // An estimate out of range costs more than anybody has.
            (Side::Buy, _, Some(estimate)) => estimate
                .and_then(|cost| cost.checked_mul(LOCK_BUFFER))
                .map_or(available, |wanted| wanted.min(available)),
            (Side::Buy, Some(price), None) => match money::mul(price, new.volume) {
                Some(lock) => lock,
                // Too many digits: the precision is at fault if the balance is not.
                None => match price.checked_mul(new.volume) {
                    Some(about) if about <= available => return Err(codes::INVALID_VOLUME_OR_PRICE),
                    _ => return Err(codes::INSUFFICIENT_BALANCE),
                },
            },
            (Side::Buy, None, None) => return Err(codes::CREATE_ERROR),
        };
        // A market buy locks what there is, but something there must be.
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

    /// Asks for one order's end and gives the order as it is now; a final one stays as it is.
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

    /// Asks for the end of an account's `wait` orders, of one market or side where given; gives them as they were.
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
