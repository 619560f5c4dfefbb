//! Figures of the last 24 hours.

use crate::{Decimal, MarketId, Timestamp, decimal, time};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// A market's ticker with the time it was taken (documents: "Ticker").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ticker {
    /// When it was taken.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub at: Option<Timestamp>,
    /// The figures.
    pub ticker: TickerEntry,
}

/// Figures of a market over the last 24 hours (documents: "TickerEntry").
///
/// If nothing was traded in that time, all figures except [`last`](Self::last) are 0 or missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TickerEntry {
    /// Lowest price, in quote currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub low: Option<Decimal>,
    /// Highest price.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub high: Option<Decimal>,
    /// First price.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub open: Option<Decimal>,
    /// Latest price, however long ago.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub last: Option<Decimal>,
    /// Turnover, in **quote** currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub volume: Option<Decimal>,
    /// Traded amount, in **base** currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub amount: Option<Decimal>,
    /// The same as [`volume`](Self::volume); not on the stream.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub vol: Option<Decimal>,
    /// Volume-weighted average price.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub avg_price: Option<Decimal>,
    /// Change of the price as text, such as `+3.19%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_change_percent: Option<String>,
    /// When it was taken, if the entry itself says so.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub at: Option<Timestamp>,
}

impl TickerEntry {
    /// Change of the price in percent: `3.19` for `+3.19%`; `None` if the text is missing or not a percentage.
    pub fn price_change(&self) -> Option<Decimal> {
        let text = self.price_change_percent.as_deref()?;
        let text = text.strip_suffix('%').unwrap_or(text);
        decimal::parse(text.strip_prefix('+').unwrap_or(text)).ok()
    }
}

/// The tickers of all markets.
///
/// The server sends an object keyed by market. The documents describe an array, whose elements do not name their
/// market. Both forms are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tickers(Vec<(Option<MarketId>, Ticker)>);

impl Tickers {
    /// The ticker of a market.
    pub fn get(&self, market: &str) -> Option<&Ticker> {
        self.iter().find(|(id, _)| id.is_some_and(|id| id == market)).map(|(_, ticker)| ticker)
    }

    /// All tickers, in the server's order. The market is `None` if the server sent an array.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&MarketId>, &Ticker)> {
        self.0.iter().map(|(id, ticker)| (id.as_ref(), ticker))
    }

    /// Number of tickers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no tickers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Option<MarketId>, Ticker)> for Tickers {
    fn from_iter<I: IntoIterator<Item = (Option<MarketId>, Ticker)>>(tickers: I) -> Self {
        Self(tickers.into_iter().collect())
    }
}

impl Serialize for Tickers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.iter().all(|(id, _)| id.is_some()) {
            serializer.collect_map(self.0.iter().filter_map(|(id, ticker)| Some((id.as_ref()?, ticker))))
        } else {
            serializer.collect_seq(self.0.iter().map(|(_, ticker)| ticker))
        }
    }
}

impl<'de> Deserialize<'de> for Tickers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Tickers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tickers by market, or a list of tickers")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tickers, A::Error> {
                let mut all = Vec::new();
                while let Some((id, ticker)) = map.next_entry()? {
                    all.push((Some(id), ticker));
                }
                Ok(Tickers(all))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tickers, A::Error> {
                let mut all = Vec::new();
                while let Some(ticker) = seq.next_element()? {
                    all.push((None, ticker));
                }
                Ok(Tickers(all))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
