//! Orders and their states.

use crate::{
    base::{
        id::{AccountId, Code},
        money,
    },
    exchange::catalogue::Market,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Buy,
    Sell,
}

impl Side {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "buy" => Some(Self::Buy),
            "sell" => Some(Self::Sell),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// The side as `bid` or `ask`, for the field `kind` of the legacy websocket.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Buy => "bid",
            Self::Sell => "ask",
        }
    }

    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// The documents' `ord_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderType {
    Limit,
    Market,
}

impl OrderType {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "limit" => Some(Self::Limit),
            "market" => Some(Self::Market),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
        }
    }
}

/// The documents' order states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Accepted, funds locked, not yet at the matching engine.
    Pending,
    /// At the matching engine or in the book; may have fills.
    Wait,
    /// Filled.
    Done,
    /// Ended before it was filled; may have fills.
    Cancel,
    /// Ended by the matching engine without a single fill.
    Reject,
}

impl State {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "pending" => Some(Self::Pending),
            "wait" => Some(Self::Wait),
            "done" => Some(Self::Done),
            "cancel" => Some(Self::Cancel),
            "reject" => Some(Self::Reject),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Wait => "wait",
            Self::Done => "done",
            Self::Cancel => "cancel",
            Self::Reject => "reject",
        }
    }

    /// Whether it may still trade.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Wait)
    }
}

/// What a conversion may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(super) worst_price: Decimal,
    /// What a buy locks.
    pub(super) budget: Decimal,
}

/// An order as the exchange holds it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) uuid: Uuid,
    /// The owner.
    pub(crate) account: AccountId,
    pub(crate) market: Arc<Market>,
    pub(crate) side: Side,
    pub(crate) ord_type: OrderType,
    /// `None` for a market order.
    pub(crate) price: Option<Decimal>,
    /// The worst price at which a conversion trades. It is shown to nobody.
    pub(crate) worst_price: Option<Decimal>,
    pub(crate) origin_volume: Decimal,
    pub(crate) remaining_volume: Decimal,
    /// The rest of the lock: quote currency for a buy, base currency for a sell. Zero when the order is final.
    pub(crate) locked: Decimal,
    /// The sum of price × amount over its fills.
    pub(crate) turnover: Decimal,
    pub(crate) state: State,
    pub(crate) post_only: bool,
    pub(crate) custom_order_id: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) trades_count: u32,
}

impl Order {
    pub(crate) fn executed_volume(&self) -> Decimal {
        self.origin_volume - self.remaining_volume
    }

    /// Turnover divided by executed volume, cut to the market's price precision; 0 before the first fill.
    pub(crate) fn average_price(&self) -> Decimal {
        money::div_down(self.turnover, self.executed_volume(), self.market.price_precision)
            .unwrap_or_default()
    }

    /// The currency that it locks.
    pub(crate) fn pays_with(&self) -> Code {
        match self.side {
            Side::Buy => self.market.quote,
            Side::Sell => self.market.base,
        }
    }

    /// Whether it would trade with a resting order of the other side at that price.
    pub(crate) fn crosses(&self, price: Decimal) -> bool {
        crosses(self.side, self.price.or(self.worst_price), price)
    }
}

/// Whether an order of that side and limit (`None` for a market order) would trade at `price`.
pub(crate) fn crosses(side: Side, limit: Option<Decimal>, price: Decimal) -> bool {
    match (limit, side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => limit >= price,
        (Some(limit), Side::Sell) => limit <= price,
    }
}
