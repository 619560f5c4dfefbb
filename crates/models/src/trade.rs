//! The account's own trades (fills).

use crate::{CurrencyId, Decimal, MarketId, OrderId, Side, Timestamp, TradeId, decimal, tolerant};
use serde::{Deserialize, Serialize};

/// A fill of one of the account's orders (documents: "Trade").
///
/// The fills in an [`Order`](crate::Order) and those of the older stream carry no fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trade {
    /// The trade's number; both sides of a trade see the same one.
    pub id: TradeId,
    /// The order that was filled.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub order_id: Option<OrderId>,
    /// That order's custom id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub custom_order_id: Option<String>,
    /// The market.
    pub market: MarketId,
    /// Price of the maker's order, in quote currency for one unit of base.
    #[serde(with = "decimal")]
    pub price: Decimal,
    /// Amount, in base currency.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// Notional: price times amount, in quote currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub total: Option<Decimal>,
    /// Whether the account bought or sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Side of the taker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taker_type: Option<Side>,
    /// Currency of the fee: what the fill brought in (base when buying, quote when selling).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub fee_currency: Option<CurrencyId>,
    /// Fee as a ratio of what the fill brought in: `0.002` is 0.2 %.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee: Option<Decimal>,
    /// Fee in [`fee_currency`](Self::fee_currency).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_amount: Option<Decimal>,
    /// When the trade happened.
    pub created_at: Timestamp,
}

impl Trade {
    /// Whether the account was the maker: its order rested in the book. `None` if one of the sides is missing or unknown
    /// to this version.
    pub fn is_maker(&self) -> Option<bool> {
        let known = |side: &Option<Side>| side.clone().filter(Side::is_known);
        Some(known(&self.side)? != known(&self.taker_type)?)
    }
}
