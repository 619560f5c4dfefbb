//! Tickers and candles: sent at a steady pace, changed or not, to whoever subscribed. Nothing on subscription.

use super::{hub::Hub, view};
use crate::{
    base::id::Code,
    exchange::market::stats::{Candle, Ticker},
};

const TICKERS: &str = "global.tickers";

/// When they were made, and the ticker of each market.
pub(crate) type Tickers = (i64, Vec<(Code, Ticker)>);

/// One round of `global.tickers`.
pub(crate) fn tickers(hub: &Hub, tickers: impl FnOnce() -> Tickers) {
    if !hub.is_held(TICKERS) {
        return;
    }
    let (now_ms, all) = tickers();
    hub.publish_raw(Some(TICKERS), &view::tickers(&all, now_ms));
}

/// One round of every candle topic: market and period lead to the newest candle. A market without trades has none.
pub(crate) fn candles(hub: &Hub, newest: impl Fn(&str, &str) -> Option<Candle>) {
    for topic in hub.held() {
        let candle = topic.split_once(".kline-").and_then(|(market, period)| newest(market, period));
        if let Some(candle) = candle {
            hub.publish_raw(Some(&topic), &view::candle(&topic, &candle));
        }
    }
}
