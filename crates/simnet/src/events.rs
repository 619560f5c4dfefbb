//! What the exchange tells about an account and a market, in the form of the documents.

use capecrypto_models::{Decimal, Timestamp};
use serde_json::{Value, json};

/// One of the account's orders, for [`Exchange::order`](crate::Exchange::order).
#[derive(Debug, Clone)]
pub struct OrderEvent {
    id: u64,
    market: String,
    side: &'static str,
    price: Decimal,
    volume: Decimal,
    filled: Decimal,
    fills: u64,
    state: String,
    custom_id: Option<String>,
}

impl OrderEvent {
    /// A limit order to buy that waits in the book.
    pub fn buy(id: u64, market: &str, price: Decimal, volume: Decimal) -> Self {
        Self::new(id, market, "buy", price, volume)
    }

    /// A limit order to sell that waits in the book.
    pub fn sell(id: u64, market: &str, price: Decimal, volume: Decimal) -> Self {
        Self::new(id, market, "sell", price, volume)
    }

    fn new(id: u64, market: &str, side: &'static str, price: Decimal, volume: Decimal) -> Self {
        let (market, state) = (market.to_owned(), "wait".to_owned());
        Self { id, market, side, price, volume, filled: Decimal::ZERO, fills: 0, state, custom_id: None }
    }

    /// The same with a custom order id.
    #[must_use]
    pub fn custom_id(self, custom_id: &str) -> Self {
        Self { custom_id: Some(custom_id.to_owned()), ..self }
    }

    /// The same with another state: `pending`, `wait`, `done`, `cancel` or `reject`.
    #[must_use]
    pub fn state(self, state: &str) -> Self {
        Self { state: state.to_owned(), ..self }
    }

    /// The same with so much filled by so many fills.
    #[must_use]
    pub fn filled(self, filled: Decimal, fills: u64) -> Self {
        Self { filled, fills, ..self }
    }

    pub(crate) fn body(&self, now: Timestamp) -> Value {
        let remaining = self.volume.saturating_sub(self.filled);
        let average = if self.fills == 0 { Decimal::ZERO } else { self.price };
        let mut body = json!({
            "id": self.id,
            "market": self.market,
            "side": self.side,
            "ord_type": "limit",
            "price": self.price.to_string(),
            "avg_price": average.to_string(),
            "state": self.state,
            "created_at": now.to_string(),
            "updated_at": now.to_string(),
            "origin_volume": self.volume.to_string(),
            "remaining_volume": remaining.to_string(),
            "executed_volume": self.filled.to_string(),
            "trades_count": self.fills,
        });
        if let (Some(custom_id), Some(body)) = (&self.custom_id, body.as_object_mut()) {
            body.insert("custom_order_id".to_owned(), json!(custom_id));
        }
        body
    }
}

/// A fill of one of the account's orders, for [`Exchange::trade`](crate::Exchange::trade).
#[derive(Debug, Clone)]
pub struct TradeEvent {
    id: u64,
    order_id: u64,
    market: String,
    side: &'static str,
    taker: &'static str,
    price: Decimal,
    amount: Decimal,
}

impl TradeEvent {
    /// The account bought, as the maker.
    pub fn buy(id: u64, order_id: u64, market: &str, price: Decimal, amount: Decimal) -> Self {
        Self { id, order_id, market: market.to_owned(), side: "buy", taker: "sell", price, amount }
    }

    /// The account sold, as the maker.
    pub fn sell(id: u64, order_id: u64, market: &str, price: Decimal, amount: Decimal) -> Self {
        Self { side: "sell", taker: "buy", ..Self::buy(id, order_id, market, price, amount) }
    }

    /// The same with the account as the taker.
    #[must_use]
    pub fn as_taker(self) -> Self {
        Self { taker: self.side, ..self }
    }

    pub(crate) fn body(&self, now: Timestamp) -> Value {
        json!({
            "id": self.id,
            "order_id": self.order_id,
            "market": self.market,
            "side": self.side,
            "taker_type": self.taker,
            "price": self.price.to_string(),
            "amount": self.amount.to_string(),
            "total": self.price.saturating_mul(self.amount).to_string(),
            "created_at": now.to_string(),
        })
    }
}

pub(crate) fn balance(currency: &str, available: Decimal, locked: Decimal, now: Timestamp) -> Value {
    json!({
        "currency": currency,
        "balance": available.saturating_add(locked).to_string(),
        "available": available.to_string(),
        "locked": locked.to_string(),
        "updated_at": now.as_unix_millis(),
    })
}

pub(crate) fn ticker(last: Decimal, now: Timestamp) -> Value {
    let last = last.to_string();
    json!({
        "at": now.as_unix_seconds().to_string(),
        "avg_price": last,
        "high": last,
        "last": last,
        "low": last,
        "open": last,
        "price_change_percent": "+0.00%",
        "volume": "0.0",
        "amount": "0.0",
    })
}
