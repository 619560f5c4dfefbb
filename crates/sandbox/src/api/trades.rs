//! Own trades (the documents' section "Trading").

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Limits, Page, Span, SpanCodes, ascending, promised},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        id::Code,
        money::text,
        refusal::{OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::{
        catalogue::Market,
        market::{order::Side, trade::Trade},
    },
};
use serde::Serialize;
use std::sync::Arc;

/// The calls of this file.
pub(super) const THEME: Theme =
    Theme { routes: &[route("trade", "GET", "/market/trades", trades, TRADES_CODES)], own_codes: OWN_CODES };

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

const INVALID_TRADE_TYPE: &str = "market.trade.invalid_type";
const INVALID_TRADE_ORDER_BY: &str = "market.trade.invalid_order_by";
/// The code of a filter by a market or unit that does not exist.
pub(super) const MARKET_DOESNT_EXIST: &str = "market.market.doesnt_exist";
const NON_INTEGER_ORDER_ID: &str = "sandbox.trade.non_integer_order_id";

const OWN_CODES: &[OwnCode] = &[own(
    NON_INTEGER_ORDER_ID,
    "422: `order_id` of own trades is not a whole number; no code is documented",
)];
const TRADES_CODES: &[&[&str]] = &[
    &[MARKET_DOESNT_EXIST, NON_INTEGER_ORDER_ID, INVALID_TRADE_TYPE, INVALID_TRADE_ORDER_BY],
    &TRADES.codes(),
    &TRADES_SPAN.codes(),
];

#[derive(Debug, Serialize)]
pub(super) struct TradeView {
    id: u64,
    price: String,
    amount: String,
    total: String,
    market: Code,
    created_at: String,
    taker_type: &'static str,
    side: &'static str,
    #[serde(flatten)]
    details: Option<TradeDetails>,
}

/// The fields that the older servers leave out in the trades of an order.
#[derive(Debug, Serialize)]
struct TradeDetails {
    fee_currency: Code,
    fee: String,
    fee_amount: String,
    order_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_order_id: Option<String>,
}

/// A trade as the owner of that order sees it; `None` if the order was not part of it.
pub(super) fn view(profile: Profile, trade: &Trade, order_id: u64, in_order: bool) -> Option<TradeView> {
    let half = trade.side_of_order(order_id)?;
    let terse = in_order && profile == Profile::Legacy;
    Some(TradeView {
        id: trade.id,
        price: text(trade.price),
        amount: text(trade.amount),
        total: text(trade.total),
        market: trade.market.id,
        created_at: iso(trade.at_ms, profile.zone_hours()),
        taker_type: trade.taker.side.as_str(),
        side: half.side.as_str(),
        details: (!terse).then(|| TradeDetails {
            fee_currency: trade.income_currency(half.side),
            fee: text(half.fee),
            fee_amount: text(half.fee_amount),
            order_id: half.order_id,
            custom_order_id: half.custom_order_id.clone().filter(|_| profile == Profile::Docs),
        }),
    })
}

/// The market of a filter, if one is given.
pub(super) fn market_filter(
    request: &ApiRequest<'_>,
    id: Option<&str>,
    codes: &mut Vec<&'static str>,
) -> Option<Arc<Market>> {
    let market = request.find_market(id?);
    if market.is_none() {
        codes.push(MARKET_DOESNT_EXIST);
    }
    market
}

fn trades(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.profile();
    let params = request.params;
    let mut codes = Vec::new();
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    let market = market_filter(request, text("market"), &mut codes);
    // The older servers ignore this parameter, like every unknown one.
    let order_id = params.get("order_id").filter(|_| profile == Profile::Docs).map(Value::as_integer);
    if order_id == Some(None) {
        codes.push(NON_INTEGER_ORDER_ID);
    }
    let side = text("type").map(Side::parse);
    if side == Some(None) {
        codes.push(INVALID_TRADE_TYPE);
    }
    let page = Page::read(params, &TRADES, &mut codes);
    let oldest_first = ascending(params, "order_by", false, INVALID_TRADE_ORDER_BY, &mut codes);
    let span = Span::read(params, profile, &TRADES_SPAN, &mut codes);
    Refusal::all(codes)?;
    // No order has a negative number, and none has the number 0.
    let order_id = order_id.flatten().map(|id| u64::try_from(id).unwrap_or_default());
    let side = side.flatten();
    let cut = page.cut(oldest_first);
    let (total, views): (usize, Vec<_>) = match order_id {
        // Shows the half of that order, because in a match with itself an account has both halves.
        Some(id) => {
            let mut trades = request.host.read(|exchange| {
                let order = exchange
                    .engine()
                    .order(account, id)
                    .filter(|order| market.as_ref().is_none_or(|market| order.market.id == market.id))
                    .filter(|order| side.is_none_or(|side| order.side == side));
                order.map(|order| exchange.engine().trades_of_order(order.id).to_vec()).unwrap_or_default()
            });
            let within = span.within();
            trades.retain(|trade| within.contains(&trade.at_ms));
            if !oldest_first {
                trades.reverse();
            }
            let views = page.of(trades.iter().map(|trade| view(profile, trade, id, false)));
            (trades.len(), views.into_iter().flatten().collect())
        }
        None => {
            let (total, trades) = request.host.read(|exchange| {
                let engine = exchange.engine();
                let (total, trades) =
                    engine.own_trades_page(account, market.as_deref(), side, span.within(), cut);
                (total, trades.into_iter().cloned().collect::<Vec<_>>())
            });
            let view = |trade: &Arc<Trade>| view(profile, trade, trade.side_of(account)?.order_id, false);
            (total, trades.iter().filter_map(view).collect())
        }
    };
    Ok(page.headers(Reply::ok(&views), promised(profile, total)))
}
