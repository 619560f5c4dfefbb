//! The text of websocket frames: objects with one key; inner keys in alphabetical order.

use crate::{
    base::{
        clock::iso,
        config::Profile,
        id::Code,
        ledger::Balance,
        money::{padded, text},
        number::Number,
    },
    exchange::{
        event::Increment,
        market::{
            book::Level,
            order::{Order, Side},
            stats::{Candle, Ticker},
            trade::Trade,
        },
    },
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How increments are written; the control door can change it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BookStyle {
    /// `[["p","a"]]` instead of `["p","a"]`.
    pub(crate) nested: bool,
    /// `"0"` instead of `""` for a removed level.
    pub(crate) zero_removals: bool,
}

/// `{"topic":body}`.
fn frame(topic: &str, body: &impl Serialize) -> String {
    serde_json::to_string(&BTreeMap::from([(topic, body)])).unwrap_or_default()
}

/// Prices and amounts as texts.
fn levels(levels: &[Level]) -> Vec<[String; 2]> {
    levels.iter().map(|(price, amount)| [text(*price), text(*amount)]).collect()
}

/// `btczar.ob-snap`: levels, best first, and the sequence of the last change that they include.
pub(crate) fn snapshot(market: Code, asks: &[Level], bids: &[Level], sequence: u64) -> String {
    #[derive(Serialize)]
    struct Body {
        asks: Vec<[String; 2]>,
        bids: Vec<[String; 2]>,
        sequence: u64,
    }
    let body = Body { asks: levels(asks), bids: levels(bids), sequence };
    frame(&format!("{market}.ob-snap"), &body)
}

/// `btczar.ob-inc`: one side, one level, its new total.
pub(crate) fn increment(increment: &Increment, style: BookStyle) -> String {
    let gone = if style.zero_removals { "0" } else { "" };
    let pair = [text(increment.price), increment.total.map_or_else(|| gone.to_owned(), text)];
    let pair = if style.nested { serde_json::json!([pair]) } else { serde_json::json!(pair) };
    let side = match increment.side {
        Side::Buy => "bids",
        Side::Sell => "asks",
    };
    // Alphabetical order puts `asks` and `bids` before `sequence`, as on the exchange.
    let body = BTreeMap::from([(side, pair), ("sequence", serde_json::json!(increment.sequence))]);
    frame(&format!("{}.ob-inc", increment.market), &body)
}

/// `btczar.trades`: whole seconds, texts, and other field names than over REST.
pub(crate) fn public_trade(trade: &Trade) -> String {
    #[derive(Serialize)]
    struct Body {
        trades: [Entry; 1],
    }
    #[derive(Serialize)]
    struct Entry {
        amount: String,
        date: i64,
        price: String,
        taker_type: &'static str,
        tid: u64,
    }
    let entry = Entry {
        amount: text(trade.amount),
        date: trade.at_ms.div_euclid(1000),
        price: text(trade.price),
        taker_type: trade.taker.side.as_str(),
        tid: trade.id,
    };
    frame(&format!("{}.trades", trade.market.id), &Body { trades: [entry] })
}

/// `global.tickers`: flat, texts only, no `vol`.
pub(crate) fn tickers(tickers: &[(Code, Ticker)], now_ms: i64) -> String {
    #[derive(Serialize)]
    struct Entry {
        amount: String,
        at: String,
        avg_price: String,
        high: String,
        last: String,
        low: String,
        open: String,
        price_change_percent: String,
        volume: String,
    }
    let entry = |ticker: &Ticker| Entry {
        amount: text(ticker.amount),
        at: now_ms.div_euclid(1000).to_string(),
        avg_price: text(ticker.avg_price),
        high: text(ticker.high),
        last: text(ticker.last),
        low: text(ticker.low),
        open: text(ticker.open),
        price_change_percent: ticker.change_percent(),
        volume: text(ticker.volume),
    };
    let body: BTreeMap<_, _> =
        tickers.iter().map(|(market, ticker)| (market.as_str(), entry(ticker))).collect();
    frame("global.tickers", &body)
}

/// `btczar.kline-1m`.
pub(crate) fn candle(topic: &str, candle: &Candle) -> String {
    frame(topic, &candle.row(Number::stream))
}

/// `order`: ISO times and uuid in the documents, seconds and `kind` on the older servers.
pub(crate) fn order(profile: Profile, order: &Order) -> String {
    #[derive(Serialize)]
    struct Docs<'a> {
        avg_price: String,
        created_at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        custom_order_id: Option<&'a str>,
        executed_volume: String,
        id: u64,
        market: Code,
        ord_type: &'static str,
        origin_volume: String,
        price: Option<String>,
        remaining_volume: String,
        side: &'static str,
        state: &'static str,
        trades_count: u32,
        updated_at: String,
        uuid: String,
    }
    #[derive(Serialize)]
    struct Legacy {
        at: i64,
        avg_price: String,
        created_at: i64,
        executed_volume: String,
        id: u64,
        kind: &'static str,
        market: Code,
        ord_type: &'static str,
        origin_volume: String,
        price: Option<String>,
        remaining_volume: String,
        side: &'static str,
        state: &'static str,
        trades_count: u32,
        updated_at: i64,
    }
    let created_s = order.created_ms.div_euclid(1000);
    match profile {
        Profile::Docs => frame(
            "order",
            &Docs {
                avg_price: text(order.average_price()),
                created_at: iso(order.created_ms, profile.zone_hours()),
                custom_order_id: order.custom_order_id.as_deref(),
                executed_volume: text(order.executed_volume()),
                id: order.id,
                market: order.market.id,
                ord_type: order.ord_type.as_str(),
                origin_volume: text(order.origin_volume),
                price: order.price.map(text),
                remaining_volume: text(order.remaining_volume),
                side: order.side.as_str(),
                state: order.state.as_str(),
                trades_count: order.trades_count,
                updated_at: iso(order.updated_ms, profile.zone_hours()),
                uuid: order.uuid.to_string(),
            },
        ),
        Profile::Legacy => frame(
            "order",
            &Legacy {
                at: created_s,
                avg_price: text(order.average_price()),
                created_at: created_s,
                executed_volume: text(order.executed_volume()),
                id: order.id,
                kind: order.side.kind(),
                market: order.market.id,
                ord_type: order.ord_type.as_str(),
                origin_volume: text(order.origin_volume),
                price: order.price.map(text),
                remaining_volume: text(order.remaining_volume),
                side: order.side.as_str(),
                state: order.state.as_str(),
                trades_count: order.trades_count,
                updated_at: order.updated_ms.div_euclid(1000),
            },
        ),
    }
}

/// `trade`, as the owner of that order sees it. The older servers leave out the fee.
pub(crate) fn trade(profile: Profile, trade: &Trade, order_id: u64) -> Option<String> {
    #[derive(Serialize)]
    struct Docs<'a> {
        amount: String,
        created_at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        custom_order_id: Option<&'a str>,
        fee: String,
        fee_amount: String,
        fee_currency: Code,
        id: u64,
        market: Code,
        order_id: u64,
        price: String,
        side: &'static str,
        taker_type: &'static str,
        total: String,
    }
    #[derive(Serialize)]
    struct Legacy {
        amount: String,
        created_at: i64,
        id: u64,
        market: Code,
        order_id: u64,
        price: String,
        side: &'static str,
        taker_type: &'static str,
        total: String,
    }
    let half = trade.side_of_order(order_id)?;
    Some(match profile {
        Profile::Docs => frame(
            "trade",
            &Docs {
                amount: text(trade.amount),
                created_at: iso(trade.at_ms, profile.zone_hours()),
                custom_order_id: half.custom_order_id.as_deref(),
                fee: text(half.fee),
                fee_amount: text(half.fee_amount),
                fee_currency: trade.income_currency(half.side),
                id: trade.id,
                market: trade.market.id,
                order_id,
                price: text(trade.price),
                side: half.side.as_str(),
                taker_type: trade.taker.side.as_str(),
                total: text(trade.total),
            },
        ),
        Profile::Legacy => frame(
            "trade",
            &Legacy {
                amount: text(trade.amount),
                created_at: trade.at_ms.div_euclid(1000),
                id: trade.id,
                market: trade.market.id,
                order_id,
                price: text(trade.price),
                side: half.side.as_str(),
                taker_type: trade.taker.side.as_str(),
                total: text(trade.total),
            },
        ),
    })
}

/// `balance`: in the documents the field `balance` is the total, on the older servers (and over REST) the available part.
pub(crate) fn balance(
    profile: Profile,
    (currency, digits): (Code, u32),
    balance: Balance,
    at_ms: i64,
) -> String {
    #[derive(Serialize)]
    struct Docs {
        available: String,
        balance: String,
        currency: Code,
        locked: String,
        updated_at: i64,
    }
    #[derive(Serialize)]
    struct Legacy {
        balance: String,
        currency_id: Code,
        locked: String,
    }
    let Balance { available, locked } = balance;
    // The documents' samples show at least the currency's own digits.
    match profile {
        Profile::Docs => frame(
            "balance",
            &Docs {
                available: padded(available, digits),
                balance: padded(available + locked, digits),
                currency,
                locked: padded(locked, digits),
                updated_at: at_ms,
            },
        ),
        Profile::Legacy => frame(
            "balance",
            &Legacy { balance: text(available), currency_id: currency, locked: text(locked) },
        ),
    }
}

/// `{"success":{…}}`: the subscriptions after a request.
pub(crate) fn confirmation(message: &str, streams: &[&str]) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        message: &'a str,
        streams: &'a [&'a str],
    }
    frame("success", &Body { message, streams })
}

/// `{"success":{"message":"cannot subscribe to …"}}`, for role-restricted names.
pub(crate) fn cannot_subscribe(stream: &str) -> String {
    frame("success", &BTreeMap::from([("message", format!("cannot subscribe to {stream}"))]))
}

/// `{"error":"…"}`.
pub(crate) fn error(message: &str) -> String {
    frame("error", &message)
}
