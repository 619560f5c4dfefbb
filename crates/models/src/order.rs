//! Orders.

use crate::{
    CustomOrderId, Decimal, MarketId, OrderId, OrderKey, OrderUuid, Timestamp, Trade, decimal, tolerant,
};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Direction of an order or trade, in terms of the base currency.
    pub enum Side {
        /// Pays the quote currency, receives the base currency; a bid.
        Buy = "buy" | "bid",
        /// Pays the base currency, receives the quote currency; an ask.
        Sell = "sell" | "ask",
    }
}

crate::open_enum! {
    /// Whether an order has a limit price.
    pub enum OrderType {
        /// Fills at its price or better; what is left rests in the book.
        Limit = "limit",
        /// Fills at the prices that the book offers.
        Market = "market",
    }
}

crate::open_enum! {
    /// State of an order (documents: "States"). A partial fill has no state: see [`Order::executed_volume`].
    pub enum OrderState {
        /// Submitted, not yet placed.
        Pending = "pending",
        /// In the book.
        Wait = "wait",
        /// Filled completely.
        Done = "done",
        /// Cancelled; parts may have been filled before.
        Cancel = "cancel",
        /// Refused after it was submitted.
        Reject = "reject",
    }
}

impl OrderState {
    /// Whether the order can still fill. An unknown state is neither open nor final.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Wait)
    }

    /// Whether the order cannot change any more. An unknown state is never final.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Cancel | Self::Reject)
    }
}

/// An order as the exchange reports it, over REST and on the stream (documents: "Order").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Order {
    /// The exchange's number for the order. An exchange with an external matching engine may answer a new order with
    /// [`uuid`](Self::uuid) only; [`key`](Self::key) gives the number or, without one, the UUID.
    #[serde(default, deserialize_with = "tolerant::optional_id")]
    pub id: Option<OrderId>,
    /// The exchange's UUID; absent on the older stream.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub uuid: Option<OrderUuid>,
    /// Your own name for the order, as given when it was created.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub custom_order_id: Option<String>,
    /// The market.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// Limit or market.
    pub ord_type: OrderType,
    /// Whether it was submitted as post-only; `None` if the answer does not say.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub post_only: Option<bool>,
    /// Limit price, quote currency for one unit of base; `None` on market orders.
    #[serde(default, with = "decimal::option")]
    pub price: Option<Decimal>,
    /// Mean price of the fills, rounded down by the exchange to the market's price precision; 0 before the first fill.
    #[serde(default, with = "decimal::option")]
    pub avg_price: Option<Decimal>,
    /// State of the order.
    pub state: OrderState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Volume asked for, in base currency.
    #[serde(with = "decimal")]
    pub origin_volume: Decimal,
    /// Volume still unfilled, in base currency.
    #[serde(with = "decimal")]
    pub remaining_volume: Decimal,
    /// Volume filled, in base currency.
    #[serde(with = "decimal")]
    pub executed_volume: Decimal,
    /// Number of fills.
    #[serde(default, deserialize_with = "tolerant::optional_whole")]
    pub trades_count: Option<u64>,
    /// The fills, without fee and order id. Only the call that reads a single order returns them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tolerant::list")]
    pub trades: Vec<Trade>,
}

impl Order {
    /// The key that names this order in a call: the number or, without one, the UUID.
    pub fn key(&self) -> Option<OrderKey> {
        self.id.map(OrderKey::from).or_else(|| self.uuid.clone().map(OrderKey::from))
    }

    /// Whether the order carries this custom order id.
    pub fn is_named(&self, name: &CustomOrderId) -> bool {
        self.custom_order_id.as_deref() == Some(name.as_str())
    }

    /// Whether it can still fill.
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether it cannot change any more.
    pub fn is_final(&self) -> bool {
        self.state.is_final()
    }

    /// Filled share of the volume asked for, 0 to 1; `None` if that volume is 0.
    ///
    /// For display, not for settlement: a share such as 1/3 is rounded to 28 digits.
    pub fn filled_fraction(&self) -> Option<Decimal> {
        self.executed_volume.checked_div(self.origin_volume)
    }
}
