//! Tickers and candles, computed from the market's own trades.

use super::trade::Trade;
use crate::{
    base::{money, number::Number},
    exchange::catalogue::Market,
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// A candle's length on the websocket, and in minutes over REST.
pub(crate) const PERIODS: [(&str, i64); 12] = [
    ("1m", 1),
    ("5m", 5),
    ("15m", 15),
    ("30m", 30),
    ("1h", 60),
    ("2h", 120),
    ("4h", 240),
    ("6h", 360),
    ("12h", 720),
    ("1d", 1440),
    ("3d", 4320),
    ("1w", 10080),
];

const DAY_MS: i64 = 86_400_000;

/// The last 24 hours of a market (the documents' "TickerEntry").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ticker {
    pub(crate) low: Decimal,
    pub(crate) high: Decimal,
    /// The price of the first trade in the window.
    pub(crate) open: Decimal,
    /// The price of the latest trade, even if it is older than the window.
    pub(crate) last: Decimal,
    /// Turnover in quote currency.
    pub(crate) volume: Decimal,
    /// Turnover in base currency.
    pub(crate) amount: Decimal,
    /// `volume / amount`, cut to the market's price precision.
    pub(crate) avg_price: Decimal,
    /// From `open` to `last`, in per cent, rounded to two digits.
    pub(crate) change: Decimal,
}

/// One candle. It begins at a multiple of its length since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candle {
    pub(crate) start_s: i64,
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    /// In base currency.
    pub(crate) volume: Decimal,
}

impl Ticker {
    /// The last 24 hours of a market's trades, which come oldest first.
    pub(crate) fn of(market: &Market, trades: &[Arc<Trade>], now_ms: i64) -> Self {
        let last = trades.last().map(|trade| trade.price).unwrap_or_default();
        let mut ticker = Self { last, ..Self::default() };
        // Newest first. After the clock was moved back, a trade can be in the future; its negative age keeps it in.
        for trade in trades.iter().rev().take_while(|trade| now_ms.saturating_sub(trade.at_ms) < DAY_MS) {
            ticker.low = if ticker.amount.is_zero() { trade.price } else { ticker.low.min(trade.price) };
            ticker.high = ticker.high.max(trade.price);
            ticker.open = trade.price;
            ticker.volume = ticker.volume.saturating_add(trade.total);
            ticker.amount = ticker.amount.saturating_add(trade.amount);
        }
        ticker.avg_price =
            money::div_down(ticker.volume, ticker.amount, market.price_precision).unwrap_or_default();
        ticker.change = (ticker.last - ticker.open)
            .checked_div(ticker.open)
            .map(|ratio| (ratio * Decimal::ONE_HUNDRED).round_dp(2))
            .unwrap_or_default();
        ticker
    }

    /// The change as both servers write it, such as `+3.19%`.
    pub(crate) fn change_percent(&self) -> String {
        if self.change.is_zero() {
            return "+0.00%".to_owned();
        }
        format!("{:+.2}%", self.change)
    }
}

/// All candles of a market's trades, oldest first. A period without a trade has none.
pub(crate) fn candles(trades: &[Arc<Trade>], minutes: i64) -> Vec<Candle> {
    let mut candles: Vec<Candle> = Vec::new();
    for trade in trades {
        let start_s = candle_start(trade, minutes);
        match candles.last_mut() {
            // After the clock was moved back, trades are added to the current candle.
            Some(candle) if candle.start_s >= start_s => candle.add(trade),
            _ => candles.push(Candle::first(start_s, trade)),
        }
    }
    candles
}

/// The newest candle, without a scan of the whole history.
pub(crate) fn last_candle(trades: &[Arc<Trade>], minutes: i64) -> Option<Candle> {
    let start_s = candle_start(trades.last()?, minutes);
    let count = trades.iter().rev().take_while(|trade| candle_start(trade, minutes) == start_s).count();
    let mut recent = trades.iter().skip(trades.len() - count);
    let mut candle = Candle::first(start_s, recent.next()?);
    recent.for_each(|trade| candle.add(trade));
    Some(candle)
}

impl Candle {
    fn first(start_s: i64, trade: &Trade) -> Self {
        let price = trade.price;
        Self { start_s, open: price, high: price, low: price, close: price, volume: trade.amount }
    }

    fn add(&mut self, trade: &Trade) {
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.close = trade.price;
        self.volume = self.volume.saturating_add(trade.amount);
    }

    /// `[start in seconds, open, high, low, close, volume]`, in the notation of one of the servers.
    pub(crate) fn row(&self, number: fn(Decimal) -> Number) -> [Number; 6] {
        [
            Number::whole(self.start_s),
            number(self.open),
            number(self.high),
            number(self.low),
            number(self.close),
            number(self.volume),
        ]
    }
}

fn candle_start(trade: &Trade, minutes: i64) -> i64 {
    let length_s = minutes.saturating_mul(60).max(1);
    let at_s = trade.at_ms.div_euclid(1000);
    at_s - at_s.rem_euclid(length_s)
}
