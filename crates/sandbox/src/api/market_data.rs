//! Market data: tickers, depth, candles and public trades (the documents' section "Public").

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Limits, Page, Span, SpanCodes, ascending},
    params::Value,
};
use crate::{
    base::{
        clock::iso, config::Profile, id::Code, money::text, number::Number, refusal::Refusal, reply::Reply,
    },
    exchange::market::{
        book::Level,
        stats::{self, PERIODS, Ticker},
        trade::Trade,
    },
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("trade", "GET", "/public/markets/tickers", tickers, &[]),
        route("trade", "GET", "/public/markets/{market}/tickers", ticker, MARKET_CODES),
        route("trade", "GET", "/public/markets/{market}/depth", depth, DEPTH_CODES),
        route("trade", "GET", "/public/markets/{market}/k-line", candles, CANDLES_CODES),
        route("trade", "GET", "/public/markets/{market}/trades", trades, TRADES_CODES),
    ],
    own_codes: &[],
};

pub(super) const DOESNT_EXIST: &str = "public.market.doesnt_exist";

const TRADES: Limits = Limits {
    default: 100,
    least: 1,
    most: 1000,
    non_integer_limit: "public.trade.non_integer_limit",
    invalid_limit: "public.trade.invalid_limit",
    non_integer_page: Some("public.trade.non_integer_page"),
};
const TRADES_SPAN: SpanCodes = SpanCodes {
    non_integer_from: "public.trade.non_integer_time_from",
    empty_from: "public.trade.empty_time_from",
    non_integer_to: "public.trade.non_integer_time_to",
    empty_to: "public.trade.empty_time_to",
};
const CANDLES: Limits = Limits {
    default: 30,
    least: 1,
    most: 10_000,
    non_integer_limit: "public.k_line.non_integer_limit",
    invalid_limit: "public.k_line.invalid_limit",
    non_integer_page: None,
};
const CANDLES_SPAN: SpanCodes = SpanCodes {
    non_integer_from: "public.k_line.non_integer_time_from",
    empty_from: "public.k_line.empty_time_from",
    non_integer_to: "public.k_line.non_integer_time_to",
    empty_to: "public.k_line.empty_time_to",
};
const DEPTH: Limits = Limits {
    default: 100,
    least: 1,
    most: 1000,
    non_integer_limit: "public.market_depth.non_integer_limit",
    invalid_limit: "public.market_depth.invalid_limit",
    non_integer_page: None,
};

const NON_INTEGER_PERIOD: &str = "public.k_line.non_integer_period";
const INVALID_PERIOD: &str = "public.k_line.invalid_period";
const INVALID_TRADES_ORDER: &str = "public.trade.invalid_order_by";
const MARKET_CODES: &[&[&str]] = &[&[DOESNT_EXIST]];
const DEPTH_CODES: &[&[&str]] = &[&[DOESNT_EXIST], &DEPTH.codes()];
const CANDLES_CODES: &[&[&str]] =
    &[&[DOESNT_EXIST, NON_INTEGER_PERIOD, INVALID_PERIOD], &CANDLES.codes(), &CANDLES_SPAN.codes()];
const TRADES_CODES: &[&[&str]] =
    &[&[DOESNT_EXIST, INVALID_TRADES_ORDER], &TRADES.codes(), &TRADES_SPAN.codes()];

/// Seconds: an integer in the documents, a text on the older servers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

fn seconds(profile: Profile, now_ms: i64) -> Seconds {
    let seconds = now_ms.div_euclid(1000);
    match profile {
        Profile::Docs => Seconds::Number(seconds),
        Profile::Legacy => Seconds::Text(seconds.to_string()),
    }
}

#[derive(Debug, Serialize)]
struct TickerView {
    at: Seconds,
    ticker: TickerEntry,
}

#[derive(Debug, Serialize)]
struct TickerEntry {
    low: String,
    high: String,
    open: String,
    last: String,
    volume: String,
    amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vol: Option<String>,
    avg_price: String,
    price_change_percent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Seconds>,
}

/// One market's ticker. On the older servers a single ticker has no inner `at`, and a ticker in the list has no `vol`.
fn ticker_view(profile: Profile, ticker: &Ticker, now_ms: i64, in_list: bool) -> TickerView {
    let volume = text(ticker.volume);
    let (has_vol, has_at) = match profile {
        Profile::Docs => (true, true),
        Profile::Legacy => (!in_list, in_list),
    };
    TickerView {
        at: seconds(profile, now_ms),
        ticker: TickerEntry {
            low: text(ticker.low),
            high: text(ticker.high),
            open: text(ticker.open),
            last: text(ticker.last),
            vol: has_vol.then(|| volume.clone()),
            volume,
            amount: text(ticker.amount),
            avg_price: text(ticker.avg_price),
            price_change_percent: ticker.change_percent(),
            at: has_at.then(|| seconds(profile, now_ms)),
        },
    }
}

#[derive(Debug, Serialize)]
struct DepthView {
    timestamp: i64,
    asks: Vec<[String; 2]>,
    bids: Vec<[String; 2]>,
}

fn depth_view(asks: &[Level], bids: &[Level], now_ms: i64) -> DepthView {
    DepthView { timestamp: now_ms.div_euclid(1000), asks: levels(asks), bids: levels(bids) }
}

/// Prices and amounts as texts.
fn levels(levels: &[Level]) -> Vec<[String; 2]> {
    levels.iter().map(|(price, amount)| [text(*price), text(*amount)]).collect()
}

/// A time: ISO text in the documents, whole seconds on the older servers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum When {
    Iso(String),
    Seconds(i64),
}

#[derive(Debug, Serialize)]
struct TradeView {
    id: u64,
    price: Number,
    amount: Number,
    total: Number,
    market: Code,
    created_at: When,
    taker_type: &'static str,
}

fn trade_view(profile: Profile, trade: &Trade) -> TradeView {
    TradeView {
        id: trade.id,
        price: Number::rest(trade.price),
        amount: Number::rest(trade.amount),
        total: Number::rest(trade.total),
        market: trade.market.id,
        created_at: match profile {
            Profile::Docs => When::Iso(iso(trade.at_ms, profile.zone_hours())),
            Profile::Legacy => When::Seconds(trade.at_ms.div_euclid(1000)),
        },
        taker_type: trade.taker.side.as_str(),
    }
}

fn ticker(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = request.market(DOESNT_EXIST)?;
    let now_ms = request.now_ms();
    let ticker = request.host.read(|exchange| Ticker::of(&market, exchange.engine().trades(&market), now_ms));
    Ok(Reply::ok(&ticker_view(request.profile(), &ticker, now_ms, false)))
}

fn tickers(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (now_ms, all) = request.host.tickers();
    let view = |(market, ticker): &(Code, Ticker)| {
        (market.to_string(), ticker_view(request.profile(), ticker, now_ms, true))
    };
    Ok(Reply::ok(&all.iter().map(view).collect::<BTreeMap<_, _>>()))
}

fn depth(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = request.market(DOESNT_EXIST)?;
    let mut codes = Vec::new();
    let default = match request.profile() {
        Profile::Docs => 100,
        Profile::Legacy => 300,
    };
    let page = Page::read(request.params, &Limits { default, ..DEPTH }, &mut codes);
    Refusal::all(codes)?;
    let (asks, bids) = request.host.read(|exchange| exchange.engine().depth(&market, page.limit));
    Ok(Reply::ok(&depth_view(&asks, &bids, request.now_ms())))
}

fn candles(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = request.market(DOESNT_EXIST)?;
    let profile = request.profile();
    let mut codes = Vec::new();
    let minutes = match request.params.get("period").map(Value::as_integer) {
        None => 1,
        Some(None) => {
            codes.push(NON_INTEGER_PERIOD);
            1
        }
        Some(Some(minutes)) => {
            if !PERIODS.iter().any(|(_, known)| *known == minutes) {
                codes.push(INVALID_PERIOD);
            }
            minutes
        }
    };
    let page = Page::read(request.params, &CANDLES, &mut codes);
    let span = Span::read(request.params, profile, &CANDLES_SPAN, &mut codes);
    Refusal::all(codes)?;
    let trades = request.host.read(|exchange| exchange.engine().trades(&market).to_vec());
    let mut candles = stats::candles(&trades, minutes);
    candles.retain(|candle| span.holds_inclusive(candle.start_s.saturating_mul(1000)));
    // With both bounds the limit is ignored. With only a start the oldest candles are kept, otherwise the newest.
    if !(span.has_start() && span.has_end()) {
        if span.has_start() {
            candles.truncate(page.limit);
        } else {
            candles.drain(..candles.len().saturating_sub(page.limit));
        }
    }
    let views: Vec<_> = candles.iter().map(|candle| candle.row(Number::rest)).collect();
    Ok(Reply::ok(&views))
}

/// Public trades, newest first. The older servers ignore times, page and order.
fn trades(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = request.market(DOESNT_EXIST)?;
    let profile = request.profile();
    let mut codes = Vec::new();
    let mut page = Page::read(request.params, &TRADES, &mut codes);
    let oldest_first = ascending(request.params, "order_by", false, INVALID_TRADES_ORDER, &mut codes);
    let span = Span::read(request.params, profile, &TRADES_SPAN, &mut codes);
    let (within, oldest_first) = match profile {
        Profile::Docs => (span.within(), oldest_first),
        Profile::Legacy => {
            codes.retain(|code| code.ends_with("_limit"));
            page = page.first();
            (i64::MIN..i64::MAX, false)
        }
    };
    Refusal::all(codes)?;
    let (total, trades) = request.host.read(|exchange| {
        let (total, trades) = exchange.engine().trades_page(&market, within, page.cut(oldest_first));
        (total, trades.into_iter().cloned().collect::<Vec<_>>())
    });
    let views: Vec<_> = trades.iter().map(|trade| trade_view(profile, trade)).collect();
    let reply = Reply::ok(&views);
    Ok(match profile {
        Profile::Docs => page.headers(reply, Some(total)),
        Profile::Legacy => reply,
    })
}
