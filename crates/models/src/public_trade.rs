//! Trades of a market, whoever made them.

use crate::{Decimal, MarketId, Side, Timestamp, TradeId, decimal};
use serde::{Deserialize, Serialize};

/// A trade of the market (documents: "Market trades"; on the stream the fields are `tid` and `date`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PublicTrade {
    /// The trade's number.
    #[serde(alias = "tid")]
    pub id: TradeId,
    /// Price, quote currency for one unit of base.
    #[serde(with = "decimal")]
    pub price: Decimal,
    /// Amount, in base currency.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// Notional: price times amount, in quote currency; not on the stream.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub total: Option<Decimal>,
    /// The market; on the stream the topic says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market: Option<MarketId>,
    /// Side of the taker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taker_type: Option<Side>,
    /// When it happened.
    #[serde(alias = "date")]
    pub created_at: Timestamp,
}
