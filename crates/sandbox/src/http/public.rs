//! Public calls (the documents' section "Public").

use rust_decimal::Decimal;

use super::ApiRequest;
use super::paging::{Limits, Page, Span, SpanCodes, ascending};
use super::params::Value;
use super::reply::Reply;
use super::routes::{Route, route};
use crate::clock::iso;
use crate::config::Profile;
use crate::engine::PERIODS;
use crate::errors::Refusal;
use crate::markets::{self, CURRENCIES, MARKETS, Market};
use crate::render::number::Number;
use crate::render::rest::{self, Tickers};

/// The calls of this file.
pub(super) const ROUTES: &[Route] = &[
    route("trade", "GET", "/public/health/alive", alive, &[]),
    route("trade", "GET", "/public/timestamp", timestamp, &[]),
    route("trade", "GET", "/public/markets", markets, MARKETS_CODES),
    route("trade", "GET", "/public/markets/tickers", tickers, &[]),
    route("trade", "GET", "/public/markets/{market}/tickers", ticker, MARKET_CODES),
    route("trade", "GET", "/public/markets/{market}/depth", depth, DEPTH_CODES),
    route("trade", "GET", "/public/markets/{market}/k-line", candles, CANDLES_CODES),
    route("trade", "GET", "/public/markets/{market}/trades", trades, TRADES_CODES),
    route("trade", "GET", "/public/currencies", currencies, CURRENCIES_CODES),
    route("trade", "GET", "/public/currencies/{id}", currency, CURRENCY_CODES),
];

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

const SHARED: Limits = Limits {
    default: 100,
    least: 1,
    most: 1000,
    non_integer_limit: "pagination.non_integer_limit",
    invalid_limit: "pagination.invalid_limit",
    non_integer_page: Some("pagination.non_integer_page"),
};
const SHARED_LEGACY: Limits = Limits {
    non_integer_limit: "admin.pagination.non_integer_limit",
    invalid_limit: "admin.pagination.invalid_limit",
    non_integer_page: Some("admin.pagination.non_integer_page"),
    ..SHARED
};
pub(super) const SHARED_CODES: &[&str] = &SHARED.codes();
pub(super) const SHARED_LEGACY_CODES: &[&str] = &SHARED_LEGACY.codes();

const INVALID_ORDERING: &str = "public.markets.invalid_ordering";
const INVALID_ORDER_BY: &str = "public.markets.invalid_order_by";
const NO_BASE_UNIT: &str = "public.markets.base_unit_doesnt_exist";
const NO_QUOTE_UNIT: &str = "public.markets.quote_unit_doesnt_exist";
const NON_INTEGER_PERIOD: &str = "public.k_line.non_integer_period";
const INVALID_PERIOD: &str = "public.k_line.invalid_period";
const INVALID_TRADES_ORDER: &str = "public.trade.invalid_order_by";
const INVALID_TYPE: &str = "public.currency.invalid_type";
const NO_CURRENCY: &str = "public.currency.doesnt_exist";

const MARKET_CODES: &[&[&str]] = &[&[DOESNT_EXIST]];
const MARKETS_CODES: &[&[&str]] =
    &[SHARED_CODES, SHARED_LEGACY_CODES, &[INVALID_ORDERING, INVALID_ORDER_BY, NO_BASE_UNIT, NO_QUOTE_UNIT]];
const DEPTH_CODES: &[&[&str]] = &[&[DOESNT_EXIST], &DEPTH.codes()];
const CANDLES_CODES: &[&[&str]] =
    &[&[DOESNT_EXIST, NON_INTEGER_PERIOD, INVALID_PERIOD], &CANDLES.codes(), &CANDLES_SPAN.codes()];
const TRADES_CODES: &[&[&str]] =
    &[&[DOESNT_EXIST, INVALID_TRADES_ORDER], &TRADES.codes(), &TRADES_SPAN.codes()];
const CURRENCIES_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES, &[INVALID_TYPE]];
const CURRENCY_CODES: &[&[&str]] = &[&[NO_CURRENCY]];

/// The paging of markets, currencies and balances; the older servers put `admin.` before its codes.
pub(super) fn shared_limits(profile: Profile) -> Limits {
    match profile {
        Profile::Docs => SHARED,
        Profile::Legacy => SHARED_LEGACY,
    }
}

pub(super) fn market(request: &ApiRequest<'_>) -> Result<&'static Market, Refusal> {
    markets::market(request.path(0)).ok_or_else(|| Refusal::unprocessable(DOESNT_EXIST))
}

/// The body is a bare `200`; only the status means something.
pub(super) fn alive(_: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&200))
}

pub(super) fn timestamp(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&iso(request.app.clock.now_ms(), request.app.config.profile.zone_hours())))
}

pub(super) fn markets(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.app.config.profile), &mut codes);
    let ascending = ascending(request.params, "ordering", true, INVALID_ORDERING, &mut codes);
    let by_id = match request.params.get("order_by").map(Value::as_text) {
        None | Some(Some("position")) => false,
        Some(Some("id")) => true,
        Some(_) => {
            codes.push(INVALID_ORDER_BY);
            false
        }
    };
    let mut unit = |name, code| {
        let unit = request.params.get(name)?.as_text().unwrap_or_default();
        if markets::currency(unit).is_none() {
            codes.push(code);
        }
        Some(unit)
    };
    let base = unit("base_unit", NO_BASE_UNIT);
    let quote = unit("quote_unit", NO_QUOTE_UNIT);
    Refusal::all(codes)?;
    let mut all: Vec<&Market> = MARKETS
        .iter()
        .filter(|market| base.is_none_or(|unit| market.base == unit))
        .filter(|market| quote.is_none_or(|unit| market.quote == unit))
        .collect();
    if by_id {
        all.sort_by_key(|market| market.id);
    }
    if !ascending {
        all.reverse();
    }
    let views: Vec<_> = page.of(all.iter().map(|market| rest::market(market)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

pub(super) fn ticker(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = market(request)?;
    let now_ms = request.app.clock.now_ms();
    let ticker = request.app.engine().ticker(market, now_ms);
    Ok(Reply::ok(&rest::ticker(request.app.config.profile, &ticker, now_ms, false)))
}

pub(super) fn tickers(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let now_ms = request.app.clock.now_ms();
    let engine = request.app.engine();
    let tickers: Tickers = MARKETS
        .iter()
        .map(|market| {
            let ticker = engine.ticker(market, now_ms);
            (market.id, rest::ticker(request.app.config.profile, &ticker, now_ms, true))
        })
        .collect();
    drop(engine);
    Ok(Reply::ok(&tickers))
}

pub(super) fn depth(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = market(request)?;
    let mut codes = Vec::new();
    let default = match request.app.config.profile {
        Profile::Docs => 100,
        Profile::Legacy => 300,
    };
    let page = Page::read(request.params, &Limits { default, ..DEPTH }, &mut codes);
    Refusal::all(codes)?;
    let (asks, bids) = request.app.engine().depth(market, page.limit);
    Ok(Reply::ok(&rest::depth(&asks, &bids, request.app.clock.now_ms())))
}

pub(super) fn candles(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = market(request)?;
    let profile = request.app.config.profile;
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
    let mut candles = request.app.engine().candles(market, minutes);
    candles.retain(|candle| span.holds_inclusive(candle.start_s.saturating_mul(1000)));
    // With both bounds the limit is ignored; with a start alone the first ones count, otherwise the newest.
    if !(span.has_start() && span.has_end()) {
        if span.has_start() {
            candles.truncate(page.limit);
        } else {
            candles.drain(..candles.len().saturating_sub(page.limit));
        }
    }
    let number: fn(Decimal) -> Number = Number::rest;
    let views: Vec<_> = candles.iter().map(|candle| rest::candle(candle, number)).collect();
    Ok(Reply::ok(&views))
}

/// Newest first. The older servers ignore times, page and order.
pub(super) fn trades(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = market(request)?;
    let profile = request.app.config.profile;
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
    let engine = request.app.engine();
    let (total, trades) = engine.trades_page(market, within, page.cut(oldest_first));
    let views: Vec<_> = trades.into_iter().map(|trade| rest::public_trade(profile, trade)).collect();
    drop(engine);
    let reply = Reply::ok(&views);
    Ok(match profile {
        Profile::Docs => page.headers(reply, Some(total)),
        Profile::Legacy => reply,
    })
}

pub(super) fn currencies(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.app.config.profile), &mut codes);
    let kind = request.params.get("type").map(|value| value.as_text().unwrap_or_default());
    if kind.is_some_and(|kind| kind != "coin" && kind != "fiat") {
        codes.push(INVALID_TYPE);
    }
    Refusal::all(codes)?;
    let all: Vec<_> = CURRENCIES
        .iter()
        .filter(|currency| kind.is_none_or(|kind| rest::currency_type(currency) == kind))
        .collect();
    let views = page.of(all.iter().map(|currency| rest::currency(currency)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

pub(super) fn currency(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let currency = markets::currency(request.path(0)).ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    Ok(Reply::ok(&rest::currency(currency)))
}
