//! Tickers and candles: sent to their subscribers at a fixed interval, even if unchanged. A subscription itself sends
//! nothing.

use super::{hub::Hub, view};
use crate::{
    base::id::Code,
    exchange::market::stats::{Candle, Ticker},
};

const TICKERS: &str = "global.tickers";

/// The time of the tickers, and the ticker of each market.
pub(crate) type Tickers = (i64, Vec<(Code, Ticker)>);

/// Sends `global.tickers` once.
pub(crate) fn tickers(hub: &Hub, tickers: impl FnOnce() -> Tickers) {
    if !hub.is_held(TICKERS) {
        return;
    }
    let (now_ms, all) = tickers();
    hub.publish_raw(Some(TICKERS), &view::tickers(&all, now_ms));
}

/// Sends the newest candle of every subscribed candle topic. A market without trades has none.
pub(crate) fn candles(hub: &Hub, newest: impl Fn(&str, &str) -> Option<Candle>) {
    for topic in hub.held() {
        let candle = topic.split_once(".kline-").and_then(|(market, period)| newest(market, period));
        if let Some(candle) = candle {
            hub.publish_raw(Some(&topic), &view::candle(&topic, &candle));
        }
    }
}
