//! Public trades: all trades of a market.

use crate::{Decimal, MarketId, Side, Timestamp, TradeId, decimal, ids::optional_trade_id, time, tolerant};
use serde::{Deserialize, Serialize};

/// A trade of the market (documents: "Market trades"; on the stream the fields are `tid` and `date`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
#[non_exhaustive]
pub struct PublicTrade {
    /// The trade's number.
    pub id: TradeId,
    /// Price, quote currency for one unit of base.
    #[serde(with = "decimal")]
    pub price: Decimal,
    /// Amount, in base currency.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// Notional: price times amount, in quote currency; not on the stream.
    #[serde(skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub total: Option<Decimal>,
    /// The market; `None` on the stream, where the topic names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<MarketId>,
    /// Side of the taker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_type: Option<Side>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// The fields in both spellings, because a server may send both while it changes from one to the other.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "optional_trade_id")]
    id: Option<TradeId>,
    #[serde(default, deserialize_with = "optional_trade_id")]
    tid: Option<TradeId>,
    #[serde(with = "decimal")]
    price: Decimal,
    #[serde(with = "decimal")]
    amount: Decimal,
    #[serde(default, with = "decimal::option")]
    total: Option<Decimal>,
    #[serde(default, deserialize_with = "tolerant::optional_text_id")]
    market: Option<MarketId>,
    taker_type: Option<Side>,
    #[serde(default, deserialize_with = "time::optional::deserialize")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time::optional::deserialize")]
    date: Option<Timestamp>,
}

impl TryFrom<Wire> for PublicTrade {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        Ok(Self {
            id: wire.id.or(wire.tid).ok_or("missing field `id`")?,
            price: wire.price,
            amount: wire.amount,
            total: wire.total,
            market: wire.market,
            taker_type: wire.taker_type,
            created_at: wire.created_at.or(wire.date).ok_or("missing field `created_at`")?,
        })
    }
}
