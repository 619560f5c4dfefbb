//! Quotes.

use super::{Pair, QuoteId};
use capecrypto_models::{Decimal, Timestamp, decimal};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A price for a conversion, for a short time (documents: "Latest quotation").
///
/// Cabital has one order of the two currencies, whatever order was asked for: see [`pair`](Self::pair).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quote {
    /// The price of one unit of the left currency, in the right one.
    #[serde(with = "decimal")]
    pub quote: Decimal,
    /// The price of one unit of the right currency, in the left one.
    #[serde(with = "decimal")]
    pub reversed_quote: Decimal,
    /// Its id, such as `20220217160254:BTC-EUR:Customer`.
    pub quote_id: QuoteId,
    /// When it ends.
    pub valid_until: Timestamp,
    /// For how many seconds a quote is good.
    pub valid_interval: u64,
}

impl Quote {
    /// The pair in Cabital's own order, which the id names; `None` if it names none.
    pub fn pair(&self) -> Option<Pair> {
        self.quote_id.as_str().split(':').find_map(|part| Pair::of_listed(part).ok())
    }

    /// Whether it can be used at this time of Cabital's clock.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        now < self.valid_until
    }

    /// How long it can still be used at this time; zero if it has expired.
    pub fn time_left(&self, now: Timestamp) -> Duration {
        let left = self.valid_until.as_unix_millis().saturating_sub(now.as_unix_millis());
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }
}
