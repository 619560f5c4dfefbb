//! What can be subscribed to.

use capecrypto_models::{MarketId, Period};
use std::fmt;

/// A stream of the websocket (documents: "Websocket").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// A market's order book: a snapshot, then increments.
    Book(MarketId),
    /// A market's trades.
    MarketTrades(MarketId),
    /// A market's candles.
    Candles(MarketId, Period),
    /// The tickers of all markets.
    Tickers,
    /// The account's orders.
    Orders,
    /// The account's trades.
    Trades,
    /// The account's balances.
    Balances,
}

impl Topic {
    /// The name on the wire.
    pub fn name(&self) -> String {
        match self {
            Self::Book(market) => format!("{market}.ob-inc"),
            Self::MarketTrades(market) => format!("{market}.trades"),
            Self::Candles(market, period) => format!("{market}.kline-{period}"),
            Self::Tickers => "global.tickers".to_owned(),
            Self::Orders => "order".to_owned(),
            Self::Trades => "trade".to_owned(),
            Self::Balances => "balance".to_owned(),
        }
    }

    /// Whether it is the account's, so that the connection has to be signed.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::Orders | Self::Trades | Self::Balances)
    }

    /// The topic that frames of this name belong to; `None` for a name that this version does not know.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "global.tickers" => return Some(Self::Tickers),
            "order" => return Some(Self::Orders),
            "trade" => return Some(Self::Trades),
            "balance" => return Some(Self::Balances),
            _ => {}
        }
        let (market, kind) = name.split_once('.')?;
        let market = market.parse().ok()?;
        match kind {
            "ob-inc" | "ob-snap" => Some(Self::Book(market)),
            "trades" => Some(Self::MarketTrades(market)),
            kind => Some(Self::Candles(market, kind.strip_prefix("kline-")?.parse().ok()?)),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
