//! Snapshots of the book, as read over REST.

use crate::{Decimal, Timestamp, decimal, decimal::Exact, time, tolerant};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};
use std::fmt;

/// A price level: on the wire a pair `["price", "amount"]` (documents: "Orderbook entry"). Elements after
/// the second are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "(Exact, Exact)")]
pub struct Level {
    /// Price, quote currency for one unit of base.
    pub price: Decimal,
    /// Sum of the orders at that price, in base currency.
    pub amount: Decimal,
}

impl Level {
    /// A level with this price and amount.
    pub const fn new(price: Decimal, amount: Decimal) -> Self {
        Self { price, amount }
    }

    /// Price times amount, in quote currency; `None` where no [`Decimal`] holds the value exactly.
    pub fn notional(&self) -> Option<Decimal> {
        decimal::product(self.price, self.amount)
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Level;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a level: price and amount")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Level, A::Error> {
                let Exact(price) = tolerant::place(&mut seq, 0, &self)?;
                let Exact(amount) = tolerant::place(&mut seq, 1, &self)?;
                tolerant::skip_rest(&mut seq)?;
                Ok(Level { price, amount })
            }
        }
        deserializer.deserialize_seq(Pair)
    }
}

impl From<Level> for (Exact, Exact) {
    fn from(level: Level) -> Self {
        (Exact(level.price), Exact(level.amount))
    }
}

/// Price levels of a market at one moment (documents: "Orderbook").
///
/// It carries no sequence, so the stream's increments cannot be applied to it. For a book that stays current, use the
/// stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Depth {
    /// When it was taken; `None` if the server does not say, since the documents do not promise it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub timestamp: Option<Timestamp>,
    /// Sellers, lowest price first.
    pub asks: Vec<Level>,
    /// Buyers, highest price first.
    pub bids: Vec<Level>,
}
