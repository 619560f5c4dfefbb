//! Tickers and candles: sent at a steady pace, changed or not, to whoever subscribed. Nothing on subscription.

use crate::app::App;
use crate::engine::PERIODS;
use crate::markets::{self, MARKETS};
use crate::render::stream;

const TICKERS: &str = "global.tickers";

/// One round of `global.tickers`.
pub(crate) fn tickers(app: &App) {
    if !app.hub.topics().contains(TICKERS) {
        return;
    }
    let now_ms = app.clock.now_ms();
    let engine = app.engine();
    let all: Vec<_> = MARKETS.iter().map(|market| (market, engine.ticker(market, now_ms))).collect();
    drop(engine);
    app.hub.publish_raw(Some(TICKERS), &stream::tickers(&all, now_ms));
}

/// One round of every candle topic; a market without trades has none.
pub(crate) fn candles(app: &App) {
    for topic in app.hub.topics() {
        let Some((market, period)) = topic.split_once(".kline-") else { continue };
        let minutes = PERIODS.iter().find(|(name, _)| *name == period).map(|(_, minutes)| *minutes);
        let (Some(market), Some(minutes)) = (markets::market(market), minutes) else { continue };
        let candle = app.engine().last_candle(market, minutes);
        if let Some(candle) = candle {
            app.hub.publish_raw(Some(&topic), &stream::candle(&topic, &candle));
        }
    }
}
