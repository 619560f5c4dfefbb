//! Markets and their limits.

use crate::{CurrencyId, Decimal, MarketId, decimal, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Whether a market can be traded.
    pub enum MarketState {
        /// Open for trading.
        Enabled = "enabled",
        /// Closed.
        Disabled = "disabled",
        /// Open, but not shown.
        Hidden = "hidden",
        /// Closed for a while.
        Locked = "locked",
        /// In a token sale.
        Sale = "sale",
        /// Before a token sale.
        Presale = "presale",
    }
}

/// A market and the limits for its orders (documents: "Market").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Market {
    /// The market's id, such as `btczar`.
    pub id: MarketId,
    /// Its name, such as `BTC/ZAR`.
    pub name: String,
    /// Base currency: what volumes are counted in.
    pub base_unit: CurrencyId,
    /// Quote currency: what prices are counted in.
    pub quote_unit: CurrencyId,
    /// Lowest price of an order, in quote currency.
    #[serde(with = "decimal")]
    pub min_price: Decimal,
    /// Highest price of an order, in quote currency; 0 means no cap: see [`price_cap`](Self::price_cap).
    #[serde(with = "decimal")]
    pub max_price: Decimal,
    /// Smallest volume of an order, in base currency.
    #[serde(with = "decimal")]
    pub min_amount: Decimal,
    /// Most fraction digits of a volume.
    #[serde(deserialize_with = "tolerant::small")]
    pub amount_precision: u32,
    /// Most fraction digits of a price.
    #[serde(deserialize_with = "tolerant::small")]
    pub price_precision: u32,
    /// Whether it can be traded.
    pub state: MarketState,
}

impl Market {
    /// The highest price of an order, if there is a cap.
    pub fn price_cap(&self) -> Option<Decimal> {
        Some(self.max_price).filter(|price| !price.is_zero())
    }
}
