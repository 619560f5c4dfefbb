//! Market data, open to everyone (documents: "Public").

mod candles;
pub mod vasps;

pub use candles::{CandleWalk, WalkedCandle};
pub use vasps::*;

use crate::{
    TRADE,
    args::{self, Direction},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Candle, Currency, CurrencyId, CurrencyType, Depth, Market, MarketId, Period, PublicTrade, Ticker,
    Tickers, Timestamp, TradeId,
    param::{Param, Place},
};
use capecrypto_rest::{
    Bytes, DecodeError, Entries, FromResponse, Head, Limit, Mismatch, Page, Paged, Paging, TimeRange,
    UnreadableRow, Windowed, endpoints, request, without_bom,
};
use serde::{Serialize, Serializer};
use std::{ops::Deref, time::Duration};

endpoints! { TRADE public; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/public/health/alive"             CheckHealth    -> Alive, unreviewed("the request has no arguments");
    GET "/public/timestamp"                GetTimestamp   -> Timestamp, unreviewed("the request has no arguments");
    GET "/public/markets"                  ListMarkets    -> Page<Market>, paged reviewed;
    GET "/public/markets/{market}/tickers" GetTicker      -> Ticker, unreviewed("a ticker does not name its market");
    GET "/public/markets/tickers"          ListTickers    -> AllTickers, unreviewed("the request asks for all markets");
    GET "/public/markets/{market}/k-line"  ListCandles    -> Page<Candle>, reviewed;
    GET "/public/markets/{market}/depth"   GetDepth       -> Depth, unreviewed("a depth does not name its market");
    GET "/public/markets/{market}/trades"  ListTrades     -> Page<PublicTrade>, paged reviewed;
    GET "/public/currencies"               ListCurrencies -> Page<Currency>, paged reviewed;
    GET "/public/currencies/{id}"          GetCurrency    -> Currency, reviewed;
}

request! {
    /// Asks whether the trade engine runs (documents: "Alive"). An engine under maintenance answers with an error of
    /// kind `Maintenance`.
    #[derive(Default)]
    pub struct CheckHealth {}
}

impl CheckHealth {
    /// A request without arguments.
    pub fn new() -> Self {
        Self::with()
    }
}

/// The trade engine runs. The body adds nothing to the status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Alive;

impl FromResponse for Alive {
    /// The server sends a number, or nothing. Any other body is an error: the page of a gateway or a login portal does not
    /// prove that the engine runs.
    fn from_response(_: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let body = without_bom(body).trim_ascii();
        if body.iter().all(u8::is_ascii_digit) {
            return Ok(Self);
        }
        Err(DecodeError { path: ".".to_owned(), why: "expected a number or nothing".to_owned() })
    }
}

request! {
    /// Reads the exchange's clock, to the second.
    #[derive(Default)]
    pub struct GetTimestamp {}
}

impl GetTimestamp {
    /// A request without arguments.
    pub fn new() -> Self {
        Self::with()
    }
}

request! {
    /// Lists the markets with their limits (documents: "Markets").
    #[derive(Default)]
    pub struct ListMarkets {}
    optional {
        /// Sort direction; ascending when left out.
        ordering: Direction,
        /// What to sort by.
        order_by: MarketOrder,
        /// Only markets of this base currency.
        base_unit: Arg<CurrencyId>,
        /// Only markets of this quote currency.
        quote_unit: Arg<CurrencyId>,
    }
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
}

/// What a list of markets is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketOrder {
    /// The market's id.
    Id,
    /// The exchange's own order of its markets.
    Position,
}

impl Param for MarketOrder {
    fn write(&self, place: &mut dyn Place) {
        place.text(match self {
            Self::Id => "id",
            Self::Position => "position",
        });
    }
}

impl ListMarkets {
    /// All markets.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Market>, _: &Environment) -> Result<(), Mismatch> {
        let (base, quote) = (args::given(self.base_unit.as_ref()), args::given(self.quote_unit.as_ref()));
        args::only("base_unit", base, page.iter().map(|market| Some(&market.base_unit)))?;
        args::only("quote_unit", quote, page.iter().map(|market| Some(&market.quote_unit)))
    }
}

impl Paged for ListMarkets {
    type Row = Market;
    type Key = MarketId;

    fn key(row: &Market) -> MarketId {
        row.id.clone()
    }
}

request! {
    /// Reads a market's figures of the last 24 hours (documents: "Ticker").
    pub struct GetTicker {
        market: Arg<MarketId>,
    }
}

impl GetTicker {
    /// The figures of this market.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self::with(market.into())
    }
}

request! {
    /// Reads the figures of all markets (documents: "All tickers").
    #[derive(Default)]
    pub struct ListTickers {}
}

impl ListTickers {
    /// A request without arguments.
    pub fn new() -> Self {
        Self::with()
    }
}

/// The tickers of all markets, and the entries that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllTickers {
    /// The tickers.
    pub tickers: Tickers,
    /// Entries that could not be read. All others are in `tickers`.
    pub unreadable: Vec<UnreadableRow>,
}

impl Deref for AllTickers {
    type Target = Tickers;

    fn deref(&self) -> &Tickers {
        &self.tickers
    }
}

impl FromResponse for AllTickers {
    #[inline]
    fn from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let entries = Entries::<Ticker>::from_response(head, body)?;
        let market = |name: &str| name.parse::<MarketId>().map_err(|_| "its key is not a market's name");
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

request! {
    /// Reads a market's candles, oldest first (documents: "K Line").
    pub struct ListCandles {
        market: Arg<MarketId>,
    }
    optional {
        /// Length of a candle; a minute when left out.
        period: Period,
        /// How many candles, 1 to 10,000; 30 when left out. The exchange ignores it when both times are given.
        limit: Limit<10_000>,
    }
    times TimeRange;
}

impl ListCandles {
    /// The newest 30 candles of one minute; the setters choose others.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self::with(market.into())
    }

    /// Keeps the candles within the range, which includes both bounds.
    #[inline]
    fn review_answer(&self, candles: &mut Page<Candle>, _: &Environment) -> Result<(), Mismatch> {
        candles.retain(|candle| self.times.holds_with_end(candle.opened_at));
        Ok(())
    }
}

request! {
    /// Reads a market's price levels at one moment (documents: "Orderbook"). For a book that stays up to date use the
    /// stream.
    pub struct GetDepth {
        market: Arg<MarketId>,
    }
    optional {
        /// Largest number of levels a side, 1 to 1,000; 100 when left out.
        limit: Limit<1_000>,
    }
}

impl GetDepth {
    /// The levels of this market.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self::with(market.into())
    }
}

request! {
    /// Lists a market's trades (documents: "Market trades").
    pub struct ListTrades {
        market: Arg<MarketId>,
    }
    optional {
        /// Sort direction; newest first when left out.
        order_by: Direction,
    }
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
    times TimeRange;
}

impl ListTrades {
    /// The newest trades of this market.
    pub fn new(market: impl Into<Arg<MarketId>>) -> Self {
        Self::with(market.into())
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<PublicTrade>, _: &Environment) -> Result<(), Mismatch> {
        let market = self.market.value().ok();
        args::only("market", market, page.iter().map(|trade| trade.market.as_ref()))?;
        page.retain(|trade| self.times.holds(trade.created_at));
        Ok(())
    }
}

impl Windowed for ListTrades {
    fn window(&self) -> Duration {
        args::DAY
    }

    fn oldest_first(&self) -> bool {
        self.order_by == Some(Direction::Ascending)
    }

    fn time(row: &PublicTrade) -> Option<Timestamp> {
        Some(row.created_at)
    }
}

impl Paged for ListTrades {
    type Row = PublicTrade;
    type Key = TradeId;

    fn key(row: &PublicTrade) -> TradeId {
        row.id.clone()
    }
}

request! {
    /// Lists the currencies (documents: "All Currencies").
    #[derive(Default)]
    pub struct ListCurrencies {}
    optional {
        /// Only coins, or only fiat (`type` on the wire).
        kind as "type": CurrencyType,
    }
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
}

impl ListCurrencies {
    /// All currencies.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Currency>, _: &Environment) -> Result<(), Mismatch> {
        // The documents use both `coin` and `crypto` for coins, so an unknown word is not compared.
        let known = |kind: &&CurrencyType| kind.is_known();
        let asked = self.kind.as_ref().filter(known);
        args::only("type", asked, page.iter().map(|currency| Some(&currency.kind).filter(known)))
    }
}

impl Paged for ListCurrencies {
    type Row = Currency;
    type Key = CurrencyId;

    fn key(row: &Currency) -> CurrencyId {
        row.id.clone()
    }
}

request! {
    /// Reads one currency (documents: "Single Currency").
    pub struct GetCurrency {
        id: Arg<CurrencyId>,
    }
}

impl GetCurrency {
    /// The currency with this code, such as `btc`.
    pub fn new(id: impl Into<Arg<CurrencyId>>) -> Self {
        Self::with(id.into())
    }

    #[inline]
    fn review_answer(&self, currency: &mut Currency, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("id", self.id.value().ok(), Some(&currency.id))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, time};

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
            Self::smallest().limit(1_000)
        }
    }

    impl Samples for ListTrades {
        fn smallest() -> Self {
            Self::new("btczar")
        }
        fn fullest() -> Self {
            Self::smallest()
                .limit(1_000)
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
            Self::new().limit(1_000).page(1).kind(CurrencyType::Fiat)
        }
    }

    impl Samples for GetCurrency {
        fn smallest() -> Self {
            Self::new("btc")
        }
    }
}
