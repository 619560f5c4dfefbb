//! The book as a picture taken over REST.

use crate::{Decimal, Timestamp, decimal::Exact};
use serde::{Deserialize, Serialize};

/// A price level: on the wire a pair `["price", "amount"]` (documents: "Orderbook entry").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Exact, Exact)", into = "(Exact, Exact)")]
pub struct Level {
    /// Price, quote currency for one unit of base.
    pub price: Decimal,
    /// Sum of the orders at that price, in base currency.
    pub amount: Decimal,
}

impl Level {
    /// A level.
    pub const fn new(price: Decimal, amount: Decimal) -> Self {
        Self { price, amount }
    }

    /// Price times amount, in quote currency; `None` where 28 digits do not hold it.
    pub fn notional(&self) -> Option<Decimal> {
        let product = self.price.checked_mul(self.amount)?;
        // `checked_mul` rounds what does not fit; the full product has the sum of both scales.
        let zero = self.price.is_zero() || self.amount.is_zero();
        let exact = zero || product.scale() == self.price.scale() + self.amount.scale();
        exact.then_some(product)
    }
}

impl From<(Exact, Exact)> for Level {
    fn from((price, amount): (Exact, Exact)) -> Self {
        Self { price: price.0, amount: amount.0 }
    }
}

impl From<Level> for (Exact, Exact) {
    fn from(level: Level) -> Self {
        (Exact(level.price), Exact(level.amount))
    }
}

/// Price levels of a market at one moment (documents: "Orderbook").
///
/// It carries no sequence, so it cannot be spliced with the stream's increments: for a book that stays right
/// take the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Depth {
    /// When it was taken.
    pub timestamp: Timestamp,
    /// Sellers, lowest price first.
    pub asks: Vec<Level>,
    /// Buyers, highest price first.
    pub bids: Vec<Level>,
}
