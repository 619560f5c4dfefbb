//! Markets and their limits.

use crate::{CurrencyId, Decimal, MarketId, decimal, tolerant};
use rust_decimal::RoundingStrategy;
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

/// The side to which a price is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// To the lower price. A buyer then never pays more than the price before.
    Down,
    /// To the higher price. A seller then never gets less than the price before.
    Up,
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

    /// The volume, rounded down to the market's [`amount_precision`](Self::amount_precision). A volume that fits is not
    /// changed. The result may be below [`min_amount`](Self::min_amount), or zero.
    ///
    /// ```
    /// # use capecrypto_models::{Market, dec};
    /// # let btczar: Market = serde_json::from_str(r#"{"id":"btczar","name":"BTC/ZAR","base_unit":"btc","quote_unit":"zar","min_price":"1",
    /// #     "max_price":"0","min_amount":"0.00001","amount_precision":8,"price_precision":2,"state":"enabled"}"#)?;
    /// assert_eq!(btczar.amount_precision, 8);
    /// assert_eq!(btczar.round_down(dec!(0.123456789)), dec!(0.12345678));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use = "this returns the rounded volume"]
    pub fn round_down(&self, volume: Decimal) -> Decimal {
        volume.round_dp_with_strategy(self.amount_precision, RoundingStrategy::ToNegativeInfinity)
    }

    /// The price, rounded to the market's [`price_precision`](Self::price_precision), to the side that you name. A price that
    /// fits is not changed. The result may be outside of the market's price limits.
    ///
    /// ```
    /// # use capecrypto_models::{Market, Toward, dec};
    /// # let btczar: Market = serde_json::from_str(r#"{"id":"btczar","name":"BTC/ZAR","base_unit":"btc","quote_unit":"zar","min_price":"1",
    /// #     "max_price":"0","min_amount":"0.00001","amount_precision":8,"price_precision":2,"state":"enabled"}"#)?;
    /// assert_eq!(btczar.price_precision, 2);
    /// assert_eq!(btczar.round_price(dec!(800000.001), Toward::Down), dec!(800000));
    /// assert_eq!(btczar.round_price(dec!(800000.001), Toward::Up), dec!(800000.01));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use = "this returns the rounded price"]
    pub fn round_price(&self, price: Decimal, toward: Toward) -> Decimal {
        price.round_dp_with_strategy(
            self.price_precision,
            match toward {
                Toward::Down => RoundingStrategy::ToNegativeInfinity,
                Toward::Up => RoundingStrategy::ToPositiveInfinity,
            },
        )
    }
}
