//! The exchange itself, its markets and its currencies (the documents' section "Public").

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Page, SHARED_CODES, SHARED_LEGACY_CODES, ascending, shared_limits},
    params::Value,
};
use crate::{
    base::{clock::iso, id::Code, money::text, refusal::Refusal, reply::Reply},
    exchange::catalogue::{Currency, Market, MarketState},
};
use serde::Serialize;
use std::sync::Arc;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("trade", "GET", "/public/health/alive", alive, &[]),
        route("trade", "GET", "/public/timestamp", timestamp, &[]),
        route("trade", "GET", "/public/markets", markets, MARKETS_CODES),
        route("trade", "GET", "/public/currencies", currencies, CURRENCIES_CODES),
        route("trade", "GET", "/public/currencies/{id}", currency, CURRENCY_CODES),
    ],
    own_codes: &[],
};

const INVALID_ORDERING: &str = "public.markets.invalid_ordering";
const INVALID_ORDER_BY: &str = "public.markets.invalid_order_by";
const NO_BASE_UNIT: &str = "public.markets.base_unit_doesnt_exist";
const NO_QUOTE_UNIT: &str = "public.markets.quote_unit_doesnt_exist";
const INVALID_TYPE: &str = "public.currency.invalid_type";
const NO_CURRENCY: &str = "public.currency.doesnt_exist";

const MARKETS_CODES: &[&[&str]] =
    &[SHARED_CODES, SHARED_LEGACY_CODES, &[INVALID_ORDERING, INVALID_ORDER_BY, NO_BASE_UNIT, NO_QUOTE_UNIT]];
const CURRENCIES_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES, &[INVALID_TYPE]];
const CURRENCY_CODES: &[&[&str]] = &[&[NO_CURRENCY]];

#[derive(Debug, Serialize)]
struct MarketView {
    id: Code,
    name: String,
    base_unit: Code,
    quote_unit: Code,
    min_price: String,
    max_price: String,
    min_amount: String,
    amount_precision: u32,
    price_precision: u32,
    state: MarketState,
}

fn market_view(market: &Market) -> MarketView {
    MarketView {
        id: market.id,
        name: market.name.clone(),
        base_unit: market.base,
        quote_unit: market.quote,
        min_price: text(market.min_price),
        max_price: text(market.max_price),
        min_amount: text(market.min_amount),
        amount_precision: market.amount_precision,
        price_precision: market.price_precision,
        state: market.state,
    }
}

#[derive(Debug, Serialize)]
struct CurrencyView {
    id: Code,
    name: String,
    symbol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    explorer_transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explorer_address: Option<String>,
    r#type: &'static str,
    deposit_enabled: bool,
    withdrawal_enabled: bool,
    deposit_fee: String,
    min_deposit_amount: String,
    withdraw_fee: String,
    min_withdraw_amount: String,
    withdraw_limit_24h: String,
    withdraw_limit_72h: String,
    base_factor: u64,
    precision: u32,
    position: u32,
    icon_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_confirmations: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_two_withdraw_fee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_two_max_deposit_amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_two_max_withdraw_amount: Option<String>,
}

fn currency_view(currency: &Currency) -> CurrencyView {
    CurrencyView {
        id: currency.id,
        name: currency.name.clone(),
        symbol: currency.symbol.clone(),
        explorer_transaction: currency.explorer_transaction.clone(),
        explorer_address: currency.explorer_address.clone(),
        r#type: currency.kind.as_str(),
        deposit_enabled: true,
        withdrawal_enabled: currency.withdrawal_enabled,
        deposit_fee: text(currency.deposit_fee),
        min_deposit_amount: text(currency.min_deposit),
        withdraw_fee: text(currency.withdraw_fee),
        min_withdraw_amount: text(currency.min_withdraw),
        withdraw_limit_24h: text(currency.withdraw_limit_24h),
        withdraw_limit_72h: text(currency.withdraw_limit_72h),
        base_factor: currency.base_factor,
        precision: currency.precision,
        position: currency.position,
        icon_url: format!("https://icons.example/{}.svg", currency.id),
        min_confirmations: currency.min_confirmations,
        layer_two_withdraw_fee: currency.lightning_fee.map(text),
        layer_two_max_deposit_amount: currency.lightning_max_deposit.map(text),
        layer_two_max_withdraw_amount: currency.lightning_max_withdraw.map(text),
    }
}

/// The body is the number `200`; only the status has a meaning.
fn alive(_: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&200))
}

fn timestamp(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&iso(request.now_ms(), request.profile().zone_hours())))
}

fn markets(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
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
        if !request.has_currency(unit) {
            codes.push(code);
        }
        Some(unit)
    };
    let base = unit("base_unit", NO_BASE_UNIT);
    let quote = unit("quote_unit", NO_QUOTE_UNIT);
    Refusal::all(codes)?;
    let mut all: Vec<Arc<Market>> = request.host.catalogue.markets();
    all.retain(|market| {
        base.is_none_or(|unit| market.base == *unit) && quote.is_none_or(|unit| market.quote == *unit)
    });
    if by_id {
        all.sort_by_key(|market| market.id);
    }
    if !ascending {
        all.reverse();
    }
    let views: Vec<_> = page.of(all.iter().map(|market| market_view(market)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

fn currencies(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
    let kind = request.params.get("type").map(|value| value.as_text().unwrap_or_default());
    if kind.is_some_and(|kind| kind != "coin" && kind != "fiat") {
        codes.push(INVALID_TYPE);
    }
    Refusal::all(codes)?;
    let mut all: Vec<Arc<Currency>> = request.host.catalogue.currencies();
    all.retain(|currency| kind.is_none_or(|kind| currency.kind.as_str() == kind));
    let views = page.of(all.iter().map(|currency| currency_view(currency)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

fn currency(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let currency = request.host.catalogue.currency(request.path(0));
    let currency = currency.ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    Ok(Reply::ok(&currency_view(&currency)))
}
