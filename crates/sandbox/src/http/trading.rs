//! Orders and own trades (the documents' section "Trading").

use std::sync::Arc;

use http::StatusCode;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::ApiRequest;
use super::paging::{Limits, Page, Span, SpanCodes, ascending};
use super::params::{Params, Value};
use super::reply::Reply;
use super::routes::{Route, route};
use crate::config::Profile;
use crate::engine::{Engine, NewOrder, Order, OrderFilter, OrderType, Side, State, Trade, codes};
use crate::errors::{self, Refusal};
use crate::markets::{self, Market};
use crate::money::Parsed;
use crate::render::rest;

/// The calls of this file.
pub(super) const ROUTES: &[Route] = &[
    route("trade", "POST", "/market/orders", create, CREATE_CODES),
    route("trade", "GET", "/market/orders", orders, ORDERS_CODES),
    route("trade", "POST", "/market/orders/cancel", cancel_all, CANCEL_ALL_CODES),
    route("trade", "GET", "/market/orders/{id}", order, ORDER_CODES).also(&[(404, errors::NOT_FOUND)]),
    route("trade", "POST", "/market/orders/{id}/cancel", cancel, ORDER_CODES)
        .also(&[(404, errors::NOT_FOUND)]),
    route("trade", "GET", "/market/trades", trades, TRADES_CODES),
];

const ORDERS: Limits = Limits {
    default: 100,
    least: 0,
    most: 1000,
    non_integer_limit: "market.order.non_integer_limit",
    invalid_limit: "market.order.invalid_limit",
    non_integer_page: Some("market.order.non_integer_page"),
};
const ORDERS_SPAN: SpanCodes = SpanCodes {
    non_integer_from: "market.order.non_integer_time_from",
    empty_from: "market.order.empty_time_from",
    non_integer_to: "market.order.non_integer_time_to",
    empty_to: "market.order.empty_time_to",
};
const TRADES: Limits = Limits {
    default: 100,
    least: 1,
    most: 1000,
    non_integer_limit: "market.trade.non_integer_limit",
    invalid_limit: "market.trade.invalid_limit",
    non_integer_page: Some("market.trade.non_integer_page"),
};
const TRADES_SPAN: SpanCodes = SpanCodes {
    non_integer_from: "market.trade.non_integer_time_from",
    empty_from: "market.trade.empty_time_from",
    non_integer_to: "market.trade.non_integer_time_to",
    empty_to: "market.trade.empty_time_to",
};

const MISSING_MARKET: &str = "market.order.missing_market";
const NO_SUCH_MARKET: &str = "market.market.doesnt_exist_or_not_enabled";
const MISSING_SIDE: &str = "market.order.missing_side";
const INVALID_SIDE: &str = "market.order.invalid_side";
const INVALID_TYPE: &str = "market.order.invalid_type";
const MARKET_ORDER_PRICE: &str = "market.order.market_order_price";
const INVALID_ID: &str = "market.order.invaild_id_or_uuid";
const INVALID_STATE: &str = "market.order.invalid_state";
const INVALID_ORD_TYPE: &str = "market.order.invalid_ord_type";
const INVALID_ORDER_BY: &str = "market.order.invalid_order_by";
const INVALID_TRADE_TYPE: &str = "market.trade.invalid_type";
const INVALID_TRADE_ORDER_BY: &str = "market.trade.invalid_order_by";
/// The last word of a message that upstream never gave a code.
const WORTHLESS: &str = "value";
/// Missing, not a decimal, not positive.
const VOLUME_CODES: [&str; 3] =
    ["market.order.missing_volume", "market.order.non_decimal_volume", "market.order.non_positive_volume"];
const PRICE_CODES: [&str; 3] =
    ["market.order.missing_price", "market.order.non_decimal_price", "market.order.non_positive_price"];
/// The code of a filter that names no market (or unit of one).
const MARKET_DOESNT_EXIST: &str = "market.market.doesnt_exist";
/// Ours: the documents give `custom_order_id` no limit.
const CUSTOM_ORDER_ID_CHARS: usize = 255;

const CREATE_CODES: &[&[&str]] = &[
    &VOLUME_CODES,
    &PRICE_CODES,
    &[MISSING_MARKET, NO_SUCH_MARKET, MISSING_SIDE, INVALID_SIDE, INVALID_TYPE, MARKET_ORDER_PRICE],
    &[errors::INVALID_POST_ONLY, errors::POST_ONLY_NEEDS_LIMIT, errors::INVALID_CUSTOM_ORDER_ID],
    &[errors::POST_ONLY_WOULD_MATCH],
    codes::ALL,
];
const ORDERS_CODES: &[&[&str]] = &[
    &[MARKET_DOESNT_EXIST, INVALID_STATE, INVALID_ORD_TYPE, INVALID_TYPE, INVALID_ORDER_BY],
    &ORDERS.codes(),
    &ORDERS_SPAN.codes(),
];
const ORDER_CODES: &[&[&str]] = &[&[INVALID_ID]];
const CANCEL_ALL_CODES: &[&[&str]] = &[&[MARKET_DOESNT_EXIST, INVALID_SIDE, WORTHLESS]];
const TRADES_CODES: &[&[&str]] = &[
    &[MARKET_DOESNT_EXIST, errors::NON_INTEGER_ORDER_ID, INVALID_TRADE_TYPE, INVALID_TRADE_ORDER_BY],
    &TRADES.codes(),
    &TRADES_SPAN.codes(),
];

pub(super) fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.app.config.profile;
    let new = new_order(request.params, profile)?;
    let now_ms = request.app.clock.now_ms();
    let mut engine = request.app.engine();
    turn_away(&engine)?;
    let order = engine.submit(account, new, now_ms).map_err(Refusal::unprocessable)?;
    drop(engine);
    Ok(Reply::created(&rest::order(profile, &order, None)))
}

/// The parameters of a new order. All that is wrong with them is told at once;
/// a market order that names a price, even `null`, only when nothing else is wrong (point 2).
fn new_order(params: &Params, profile: Profile) -> Result<NewOrder, Refusal> {
    let mut codes = Vec::new();
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    // A missing parameter gets its own code and the one of its value.
    let market = text("market").map_or_else(
        || {
            codes.push(MISSING_MARKET);
            None
        },
        markets::market,
    );
    if market.is_none() {
        codes.push(NO_SUCH_MARKET);
    }
    let side = text("side");
    if side.is_none() {
        codes.push(MISSING_SIDE);
    }
    let side = side.and_then(Side::parse);
    if side.is_none() {
        codes.push(INVALID_SIDE);
    }
    let volume = decimal(params.get("volume"), VOLUME_CODES, &mut codes);
    let ord_type = match text("ord_type") {
        // Required by the documents, `limit` when left out on the older servers.
        None if profile == Profile::Legacy => Some(OrderType::Limit),
        None => None,
        Some(text) => OrderType::parse(text),
    };
    if ord_type.is_none() {
        codes.push(INVALID_TYPE);
    }
    let price =
        (ord_type == Some(OrderType::Limit)).then(|| decimal(params.get("price"), PRICE_CODES, &mut codes));
    let post_only = params.get("post_only").map_or(Some(false), Value::as_bool);
    match post_only {
        None => codes.push(errors::INVALID_POST_ONLY),
        Some(true) if ord_type == Some(OrderType::Market) => codes.push(errors::POST_ONLY_NEEDS_LIMIT),
        Some(_) => {}
    }
    let custom_order_id = params.get("custom_order_id").map(Value::as_text);
    let fits = |id: &str| (1..=CUSTOM_ORDER_ID_CHARS).contains(&id.chars().count());
    if custom_order_id.is_some_and(|id| !id.is_some_and(fits)) {
        codes.push(errors::INVALID_CUSTOM_ORDER_ID);
    }
    if codes.is_empty() && ord_type == Some(OrderType::Market) && params.raw("price").is_some() {
        codes.push(MARKET_ORDER_PRICE);
    }
    Refusal::all(codes)?;
    let out_of_range = || Refusal::unprocessable(codes::INVALID_VOLUME_OR_PRICE);
    let (Some(market), Some(side), Some(ord_type)) = (market, side, ord_type) else {
        return Err(Refusal::unprocessable(codes::CREATE_ERROR));
    };
    Ok(NewOrder {
        market,
        side,
        ord_type,
        volume: volume.ok_or_else(out_of_range)?,
        price: price.map(|price| price.ok_or_else(out_of_range)).transpose()?,
        post_only: post_only == Some(true),
        custom_order_id: custom_order_id.flatten().map(str::to_owned),
    })
}

/// A decimal above zero; nothing where it is refused, or positive but past 28 digits (no market allows that many).
/// The codes: missing, not a decimal, not positive.
fn decimal(
    value: Option<&Value>,
    [missing, non_decimal, non_positive]: [&'static str; 3],
    codes: &mut Vec<&'static str>,
) -> Option<Decimal> {
    match value.map(Value::as_decimal) {
        Some(Parsed::Exact(value)) if value > Decimal::ZERO => return Some(value),
        Some(Parsed::Unrepresentable { negative: false }) => return None,
        Some(Parsed::Exact(_) | Parsed::Unrepresentable { negative: true }) => {}
        Some(Parsed::NotDecimal) => codes.push(non_decimal),
        None => codes.push(missing),
    }
    codes.push(non_positive);
    None
}

pub(super) fn order(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.app.config.profile;
    let engine = request.app.engine();
    let order = find(&engine, account, request.path(0))?;
    let trades = engine
        .trades_of_order(order.id)
        .iter()
        .filter_map(|trade| rest::trade(profile, trade, order.id, true))
        .collect();
    let view = rest::order(profile, order, Some(trades));
    drop(engine);
    Ok(Reply::ok(&view))
}

/// The caller's order of that number or uuid.
fn find<'a>(engine: &'a Engine, account: usize, id: &str) -> Result<&'a Order, Refusal> {
    let order = if id.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number out of range is well formed, but nobody's.
        id.parse().ok().and_then(|id| engine.order(account, id))
    } else {
        let uuid = Uuid::try_parse(id)
            .ok()
            .filter(|_| id.len() == 36)
            .ok_or_else(|| Refusal::unprocessable(INVALID_ID))?;
        engine.order_by_uuid(account, uuid)
    };
    order.ok_or_else(Refusal::not_found)
}

pub(super) fn orders(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.app.config.profile;
    let params = request.params;
    let mut codes = Vec::new();
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    let market = market_filter(text("market"), &mut codes);
    let (base, quote) = (text("base_unit"), text("quote_unit"));
    if [base, quote].into_iter().flatten().any(|unit| markets::currency(unit).is_none()) {
        codes.push(MARKET_DOESNT_EXIST);
    }
    let named_states = params.all("state");
    let states: Vec<State> = named_states.iter().filter_map(|value| State::parse(value.as_text()?)).collect();
    if states.len() != named_states.len() {
        codes.push(INVALID_STATE);
    }
    let ord_type = text("ord_type").map(OrderType::parse);
    if ord_type == Some(None) {
        codes.push(INVALID_ORD_TYPE);
    }
    let side = text("type").map(Side::parse);
    if side == Some(None) {
        codes.push(INVALID_TYPE);
    }
    let page = Page::read(params, &ORDERS, &mut codes);
    let oldest_first = ascending(params, "order_by", false, INVALID_ORDER_BY, &mut codes);
    let span = Span::read(params, profile, &ORDERS_SPAN, &mut codes);
    Refusal::all(codes)?;
    let filter = OrderFilter {
        market,
        base: base.map(str::to_owned),
        quote: quote.map(str::to_owned),
        states,
        ord_type: ord_type.flatten(),
        side: side.flatten(),
        created: Some(span.within()),
    };
    let engine = request.app.engine();
    let (total, orders) = engine.orders_page(account, &filter, page.cut(oldest_first));
    let views: Vec<_> = orders.into_iter().map(|order| rest::order(profile, order, None)).collect();
    drop(engine);
    Ok(page.headers(Reply::ok(&views), promised(profile, total)))
}

/// The documents promise a total with every list; the older servers keep it back for orders and own trades.
fn promised(profile: Profile, total: usize) -> Option<usize> {
    (profile == Profile::Docs).then_some(total)
}

/// The market of a filter, where one is given.
fn market_filter(id: Option<&str>, codes: &mut Vec<&'static str>) -> Option<&'static Market> {
    let market = markets::market(id?);
    if market.is_none() {
        codes.push(MARKET_DOESNT_EXIST);
    }
    market
}

pub(super) fn trades(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.app.config.profile;
    let params = request.params;
    let mut codes = Vec::new();
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    let market = market_filter(text("market"), &mut codes);
    // The older servers don't know this parameter, and ignore it as any other that they don't know.
    let order_id = params.get("order_id").filter(|_| profile == Profile::Docs).map(Value::as_integer);
    if order_id == Some(None) {
        codes.push(errors::NON_INTEGER_ORDER_ID);
    }
    let side = text("type").map(Side::parse);
    if side == Some(None) {
        codes.push(INVALID_TRADE_TYPE);
    }
    let page = Page::read(params, &TRADES, &mut codes);
    let oldest_first = ascending(params, "order_by", false, INVALID_TRADE_ORDER_BY, &mut codes);
    let span = Span::read(params, profile, &TRADES_SPAN, &mut codes);
    Refusal::all(codes)?;
    // A negative number is no order's.
    let order_id = order_id.flatten().map(|id| u64::try_from(id).unwrap_or_default());
    let side = side.flatten();
    let cut = page.cut(oldest_first);
    let engine = request.app.engine();
    let (total, views): (usize, Vec<_>) = match order_id {
        // That order's half counts: of a match with itself an account has both.
        Some(id) => {
            let order = engine
                .order(account, id)
                .filter(|order| market.is_none_or(|market| order.market.id == market.id))
                .filter(|order| side.is_none_or(|side| order.side == side));
            let within = span.within();
            let trades = order.map(|order| engine.trades_of_order(order.id)).unwrap_or_default();
            let trades: Vec<_> = trades.iter().filter(|trade| within.contains(&trade.at_ms)).collect();
            let view = |trade: &&Arc<Trade>| rest::trade(profile, trade, id, false);
            let views = if oldest_first {
                page.of(trades.iter().map(view))
            } else {
                page.of(trades.iter().rev().map(view))
            };
            (trades.len(), views.into_iter().flatten().collect())
        }
        None => {
            let (total, trades) = engine.own_trades_page(account, market, side, span.within(), cut);
            let view =
                |trade: &Arc<Trade>| rest::trade(profile, trade, trade.side_of(account)?.order_id, false);
            (total, trades.into_iter().filter_map(view).collect())
        }
    };
    drop(engine);
    Ok(page.headers(Reply::ok(&views), promised(profile, total)))
}

/// Only asks for the end: the order comes back as it is now, `wait` as a rule.
pub(super) fn cancel(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let now_ms = request.app.clock.now_ms();
    let mut engine = request.app.engine();
    turn_away(&engine)?;
    let id = find(&engine, account, request.path(0))?.id;
    let order = engine.request_cancel(account, id, now_ms).ok_or_else(Refusal::not_found)?;
    drop(engine);
    Ok(Reply::created(&rest::order(request.app.config.profile, &order, None)))
}

pub(super) fn cancel_all(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.app.config.profile;
    let mut codes = Vec::new();
    let text = |name| request.params.get(name).map(|value| value.as_text().unwrap_or_default());
    let market = market_filter(text("market"), &mut codes);
    let side = text("side").map(Side::parse);
    if side == Some(None) {
        codes.push(match profile {
            Profile::Docs => INVALID_SIDE,
            Profile::Legacy => WORTHLESS,
        });
    }
    Refusal::all(codes)?;
    let now_ms = request.app.clock.now_ms();
    let mut engine = request.app.engine();
    turn_away(&engine)?;
    let orders = engine.request_cancel_all(account, market, side.flatten(), now_ms);
    drop(engine);
    let views: Vec<_> = orders.iter().map(|order| rest::order(profile, order, None)).collect();
    Ok(Reply::created(&views))
}

/// New commands wait for nobody: where too much is queued, nothing is taken.
fn turn_away(engine: &Engine) -> Result<(), Refusal> {
    if engine.is_overloaded() {
        return Err(Refusal::Codes(StatusCode::SERVICE_UNAVAILABLE, vec![errors::OVERLOADED]));
    }
    Ok(())
}
