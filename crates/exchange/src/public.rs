//! Market data, open to everyone (documents: "Public").

use crate::args::{self, Direction, Limit, PageNumber};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Candle, Currency, CurrencyId, CurrencyType, Depth, Market, MarketId, Period, PublicTrade, Ticker,
    Tickers, Timestamp, TradeId,
};
use capecrypto_rest::{
    DecodeError, Entries, FromResponse, Head, InvalidArgument, Mismatch, Page, Paged, UnreadableRow,
    endpoints, setters, without_bom,
};
use serde::{Serialize, Serializer};
use std::ops::Deref;

endpoints! { Trade public {
    GET "/public/health/alive"             CheckHealth    -> Alive, unreviewed("it asks for nothing in particular");
    GET "/public/timestamp"                GetTimestamp   -> Timestamp, unreviewed("it asks for nothing in particular");
    GET "/public/markets"                  ListMarkets    -> Page<Market>, reviewed;
    GET "/public/markets/{market}/tickers" GetTicker      -> Ticker, unreviewed("a ticker does not name its market");
    GET "/public/markets/tickers"          ListTickers    -> AllTickers, unreviewed("it asks for all markets");
    GET "/public/markets/{market}/k-line"  ListCandles    -> Page<Candle>, checked reviewed;
    GET "/public/markets/{market}/depth"   GetDepth       -> Depth, unreviewed("a depth does not name its market");
    GET "/public/markets/{market}/trades"  ListTrades     -> Page<PublicTrade>, checked reviewed;
    GET "/public/currencies"               ListCurrencies -> Page<Currency>, reviewed;
    GET "/public/currencies/{id}"          GetCurrency    -> Currency, reviewed;
}}

/// Asks whether the trade engine runs (documents: "Alive"). An engine under maintenance answers with an error of
/// kind `Maintenance`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct CheckHealth;

impl CheckHealth {
    /// The question has no arguments.
    pub fn new() -> Self {
        Self
    }
}

/// The trade engine runs. The body says nothing more than the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Alive;

impl FromResponse for Alive {
    /// The server sends a number, or nothing. A page of somebody else's, such as a portal's, is no sign of life.
    fn from_response(_: &Head, body: &[u8]) -> Result<Self, DecodeError> {
        let body = without_bom(body).trim_ascii();
        if body.iter().all(u8::is_ascii_digit) {
            return Ok(Self);
        }
        Err(DecodeError { path: ".".to_owned(), why: "expected a number or nothing".to_owned() })
    }
}

/// Reads the exchange's clock, to the second.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct GetTimestamp;

impl GetTimestamp {
    /// The question has no arguments.
    pub fn new() -> Self {
        Self
    }
}

/// Lists the markets with their limits (documents: "Markets").
#[derive(Debug, Clone, Default, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct ListMarkets {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit<1_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<MarketOrder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_unit: Option<Arg<CurrencyId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote_unit: Option<Arg<CurrencyId>>,
}

/// What a list of markets is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MarketOrder {
    /// The market's id.
    Id,
    /// Its place as the exchange sees it.
    Position,
}

impl ListMarkets {
    /// All markets.
    pub fn new() -> Self {
        Self::default()
    }

    fn review_answer(&self, page: &mut Page<Market>, _: &Environment) -> Result<(), Mismatch> {
        let (base, quote) = (args::given(self.base_unit.as_ref()), args::given(self.quote_unit.as_ref()));
        args::only("base_unit", base, page.iter().map(|market| Some(&market.base_unit)))?;
        args::only("quote_unit", quote, page.iter().map(|market| Some(&market.quote_unit)))
    }
}

setters! { ListMarkets {
    /// Most markets of a page, 1 to 1,000; 100 when left out.
    limit: Limit<1_000>;
    /// Page, from 1.
    page: PageNumber;
    /// Direction; ascending when left out.
    ordering: Direction;
    /// What to sort by.
    order_by: MarketOrder;
    /// Only markets of this base currency.
    base_unit: Arg<CurrencyId>;
    /// Only markets of this quote currency.
    quote_unit: Arg<CurrencyId>;
}}

impl Paged for ListMarkets {
    type Row = Market;
    type Key = MarketId;

    fn key(row: &Market) -> MarketId {
        row.id.clone()
    }

    fn set_page(&mut self, page: u32) {
        self.page = Some(page.into());
    }
}

/// Reads a market's figures of the last 24 hours (documents: "Ticker").
#[derive(Debug, Clone, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct GetTicker {
    market: Arg<MarketId>,
}

impl GetTicker {
    /// Of this market.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self { market: market.into() }
    }
}

/// Reads the figures of all markets (documents: "All tickers").
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct ListTickers;

impl ListTickers {
    /// The question has no arguments.
    pub fn new() -> Self {
        Self
    }
}

/// The tickers of all markets, with what of them could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllTickers {
    /// The tickers.
    pub tickers: Tickers,
    /// Entries that could not be read: they hide no others.
    pub unreadable: Vec<UnreadableRow>,
}

impl Deref for AllTickers {
    type Target = Tickers;

    fn deref(&self) -> &Tickers {
        &self.tickers
    }
}

impl FromResponse for AllTickers {
    fn from_response(head: &Head, body: &[u8]) -> Result<Self, DecodeError> {
        let entries = Entries::<Ticker>::from_response(head, body)?;
        let market = |name: &str| name.parse::<MarketId>().map_err(|_| "its key is no name of a market");
        let (tickers, unreadable) = entries.with_names(market);
        Ok(Self { tickers: tickers.into_iter().collect(), unreadable })
    }

    fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }
}

impl Serialize for AllTickers {
    /// The tickers, as the server wrote them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.tickers.serialize(serializer)
    }
}

/// Reads a market's candles, oldest first (documents: "K Line").
#[derive(Debug, Clone, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct ListCandles {
    market: Arg<MarketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "args::from")]
    time_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "args::to")]
    time_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit<10_000>>,
}

impl ListCandles {
    /// The newest 30 candles of one minute, unless said otherwise.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self { market: market.into(), period: None, time_from: None, time_to: None, limit: None }
    }

    fn check_arguments(&self, _: &Environment) -> Result<(), InvalidArgument> {
        args::check_range(self.time_from, self.time_to)
    }

    /// Both bounds are within the range.
    fn review_answer(&self, candles: &mut Page<Candle>, _: &Environment) -> Result<(), Mismatch> {
        candles.retain(|candle| {
            self.time_from.is_none_or(|from| candle.opened_at >= from)
                && self.time_to.is_none_or(|to| candle.opened_at <= to)
        });
        Ok(())
    }
}

setters! { ListCandles {
    /// Length of a candle; a minute when left out.
    period: Period;
    /// From this time on. Without an end, the first candles from there.
    time_from: Timestamp;
    /// Up to this time.
    time_to: Timestamp;
    /// How many, 1 to 10,000; 30 when left out. Ignored by the exchange where both times are given.
    limit: Limit<10_000>;
}}

/// Reads a market's price levels at one moment (documents: "Orderbook"). For a book that follows the market take the
/// stream.
#[derive(Debug, Clone, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct GetDepth {
    market: Arg<MarketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit<1_000>>,
}

impl GetDepth {
    /// Of this market.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self { market: market.into(), limit: None }
    }
}

setters! { GetDepth {
    /// Most levels a side, 1 to 1,000; 100 when left out.
    limit: Limit<1_000>;
}}

/// Lists a market's trades (documents: "Market trades").
#[derive(Debug, Clone, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct ListTrades {
    market: Arg<MarketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit<1_000>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "args::from")]
    time_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "args::to")]
    time_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<Direction>,
}

impl ListTrades {
    /// The newest trades of this market.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self {
            market: market.into(),
            limit: None,
            time_from: None,
            time_to: None,
            page: None,
            order_by: None,
        }
    }

    fn check_arguments(&self, _: &Environment) -> Result<(), InvalidArgument> {
        args::check_range(self.time_from, self.time_to)
    }

    fn review_answer(&self, page: &mut Page<PublicTrade>, _: &Environment) -> Result<(), Mismatch> {
        let market = self.market.value().ok();
        args::only("market", market, page.iter().map(|trade| trade.market.as_ref()))?;
        page.retain(|trade| args::within(trade.created_at, self.time_from, self.time_to));
        Ok(())
    }
}

setters! { ListTrades {
    /// Most trades of a page, 1 to 1,000; 100 when left out.
    limit: Limit<1_000>;
    /// Only trades from this time on.
    time_from: Timestamp;
    /// Only trades before this time.
    time_to: Timestamp;
    /// Page, from 1.
    page: PageNumber;
    /// Direction; newest first when left out.
    order_by: Direction;
}}

impl Paged for ListTrades {
    type Row = PublicTrade;
    type Key = TradeId;

    fn key(row: &PublicTrade) -> TradeId {
        row.id.clone()
    }

    fn set_page(&mut self, page: u32) {
        self.page = Some(page.into());
    }
}

/// Lists the currencies (documents: "All Currencies").
#[derive(Debug, Clone, Default, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct ListCurrencies {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit<1_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageNumber>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    kind: Option<CurrencyType>,
}

impl ListCurrencies {
    /// All currencies.
    pub fn new() -> Self {
        Self::default()
    }

    fn review_answer(&self, page: &mut Page<Currency>, _: &Environment) -> Result<(), Mismatch> {
        // The documents write `coin` and `crypto` for the same: only words that are known are compared.
        let known = |kind: &&CurrencyType| kind.is_known();
        let asked = self.kind.as_ref().filter(known);
        args::only("type", asked, page.iter().map(|currency| Some(&currency.kind).filter(known)))
    }
}

setters! { ListCurrencies {
    /// Most currencies of a page, 1 to 1,000; 100 when left out.
    limit: Limit<1_000>;
    /// Page, from 1.
    page: PageNumber;
    /// Only coins, or only fiat (`type` on the wire).
    kind: CurrencyType;
}}

impl Paged for ListCurrencies {
    type Row = Currency;
    type Key = CurrencyId;

    fn key(row: &Currency) -> CurrencyId {
        row.id.clone()
    }

    fn set_page(&mut self, page: u32) {
        self.page = Some(page.into());
    }
}

/// Reads one currency (documents: "Single Currency").
#[derive(Debug, Clone, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct GetCurrency {
    id: Arg<CurrencyId>,
}

impl GetCurrency {
    /// Of this code, such as `btc`.
    pub fn new(id: impl Into<Arg<CurrencyId>>) -> Self {
        Self { id: id.into() }
    }

    fn review_answer(&self, currency: &mut Currency, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("id", self.id.value().ok(), Some(&currency.id))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::probe::{Samples, time};

    impl Samples for CheckHealth {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }

    impl Samples for GetTimestamp {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }

    impl Samples for ListMarkets {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
                .limit(1_000)
                .page(2)
                .ordering(Direction::Descending)
                .order_by(MarketOrder::Position)
                .base_unit("btc")
                .quote_unit("zar")
        }
    }

    impl Samples for GetTicker {
        fn smallest() -> Self {
            Self::new("btczar")
        }
        fn fullest() -> Self {
            Self::smallest()
        }
    }

    impl Samples for ListTickers {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }

    impl Samples for ListCandles {
        fn smallest() -> Self {
            Self::new("btczar")
        }
        fn fullest() -> Self {
            Self::smallest().period(Period::OneHour).time_from(time(0)).time_to(time(1)).limit(10_000)
        }
    }

    impl Samples for GetDepth {
        fn smallest() -> Self {
            Self::new("btczar")
        }
        fn fullest() -> Self {
            Self::smallest().limit(300)
        }
    }

    impl Samples for ListTrades {
        fn smallest() -> Self {
            Self::new("btczar")
        }
        fn fullest() -> Self {
            Self::smallest()
                .limit(1)
                .time_from(time(0))
                .time_to(time(1))
                .page(1)
                .order_by(Direction::Ascending)
        }
    }

    impl Samples for ListCurrencies {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().limit(100).page(1).kind(CurrencyType::Fiat)
        }
    }

    impl Samples for GetCurrency {
        fn smallest() -> Self {
            Self::new("btc")
        }
        fn fullest() -> Self {
            Self::smallest()
        }
    }
}
