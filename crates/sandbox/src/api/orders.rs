//! Orders (the documents' section "Trading").

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Limits, Page, Span, SpanCodes, ascending, promised},
    params::Value,
    trades::{self, MARKET_DOESNT_EXIST, market_filter},
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        id::{AccountId, Code},
        money::{Parsed, text},
        refusal::{NOT_FOUND, OVERLOADED, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::{
        Exchange,
        market::{
            commands::{CancelOrder, CancelOrders, PlaceOrder, TurnedAway},
            intake::{self, codes},
            order::{Order, OrderType, Side, State},
            orders::OrderFilter,
        },
    },
};
use http::StatusCode;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("trade", "POST", "/market/orders", create, CREATE_CODES),
        route("trade", "GET", "/market/orders", orders, ORDERS_CODES),
        route("trade", "POST", "/market/orders/cancel", cancel_all, CANCEL_ALL_CODES),
        route("trade", "GET", "/market/orders/{id}", order, ORDER_CODES).also(&[(404, NOT_FOUND)]),
        route("trade", "POST", "/market/orders/{id}/cancel", cancel, ORDER_CODES).also(&[(404, NOT_FOUND)]),
    ],
    own_codes: OWN_CODES,
};

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
/// The code for a wrong cancellation filter. Upstream has a message without a code here, and sends its last word.
const WORTHLESS: &str = "value";
/// Missing, not a decimal, not positive.
const VOLUME_CODES: [&str; 3] =
    ["market.order.missing_volume", "market.order.non_decimal_volume", "market.order.non_positive_volume"];
const PRICE_CODES: [&str; 3] =
    ["market.order.missing_price", "market.order.non_decimal_price", "market.order.non_positive_price"];
/// The longest `custom_order_id`. The documents name no limit.
const CUSTOM_ORDER_ID_CHARS: usize = 255;

const INVALID_POST_ONLY: &str = "sandbox.order.invalid_post_only";
const POST_ONLY_NEEDS_LIMIT: &str = "sandbox.order.post_only_needs_limit";
const INVALID_CUSTOM_ORDER_ID: &str = "sandbox.order.invalid_custom_order_id";

const OWN_CODES: &[OwnCode] = &[
    intake::OWN_CODE,
    own(
        POST_ONLY_NEEDS_LIMIT,
        "422: `post_only` with a market order; the documents offer it for limit orders only",
    ),
    own(INVALID_POST_ONLY, "422: `post_only` is neither true nor false; no code is documented"),
    own(
        INVALID_CUSTOM_ORDER_ID,
        "422: `custom_order_id` is not a text, or has more than 255 characters; no limit is documented",
    ),
];

const CREATE_CODES: &[&[&str]] = &[
    &VOLUME_CODES,
    &PRICE_CODES,
    &[MISSING_MARKET, NO_SUCH_MARKET, MISSING_SIDE, INVALID_SIDE, INVALID_TYPE, MARKET_ORDER_PRICE],
    &[INVALID_POST_ONLY, POST_ONLY_NEEDS_LIMIT, INVALID_CUSTOM_ORDER_ID],
    codes::ALL,
];
const ORDERS_CODES: &[&[&str]] = &[
    &[MARKET_DOESNT_EXIST, INVALID_STATE, INVALID_ORD_TYPE, INVALID_TYPE, INVALID_ORDER_BY],
    &ORDERS.codes(),
    &ORDERS_SPAN.codes(),
];
const ORDER_CODES: &[&[&str]] = &[&[INVALID_ID]];
const CANCEL_ALL_CODES: &[&[&str]] = &[&[MARKET_DOESNT_EXIST, INVALID_SIDE, WORTHLESS]];

#[derive(Debug, Serialize)]
pub(super) struct OrderView {
    id: u64,
    uuid: String,
    side: &'static str,
    ord_type: &'static str,
    price: Option<String>,
    avg_price: String,
    state: &'static str,
    market: Code,
    created_at: String,
    updated_at: String,
    origin_volume: String,
    remaining_volume: String,
    executed_volume: String,
    trades_count: u32,
    /// The outer option is for the key, the inner one for `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_order_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trades: Option<Vec<trades::TradeView>>,
}

/// The JSON of an order. The trades are shown only if a single order was requested.
pub(super) fn view(profile: Profile, order: &Order, trades: Option<Vec<trades::TradeView>>) -> OrderView {
    let custom = order.custom_order_id.clone();
    OrderView {
        id: order.id,
        uuid: order.uuid.to_string(),
        side: order.side.as_str(),
        ord_type: order.ord_type.as_str(),
        price: order.price.map(text),
        avg_price: text(order.average_price()),
        state: order.state.as_str(),
        market: order.market.id,
        created_at: iso(order.created_ms, profile.zone_hours()),
        updated_at: iso(order.updated_ms, profile.zone_hours()),
        origin_volume: text(order.origin_volume),
        remaining_volume: text(order.remaining_volume),
        executed_volume: text(order.executed_volume()),
        trades_count: order.trades_count,
        custom_order_id: match profile {
            Profile::Docs => Some(custom),
            Profile::Legacy => custom.map(Some),
        },
        post_only: (profile == Profile::Docs).then_some(order.post_only),
        trades,
    }
}

/// An order as shown to the public: without its custom order id.
pub(super) fn anonymous_view(profile: Profile, order: &Order) -> OrderView {
    OrderView { custom_order_id: None, ..view(profile, order, None) }
}

impl From<TurnedAway> for Refusal {
    fn from(why: TurnedAway) -> Self {
        match why {
            TurnedAway::Overloaded => Self::Codes(StatusCode::SERVICE_UNAVAILABLE, vec![OVERLOADED]),
            TurnedAway::NotFound => Self::not_found(),
            TurnedAway::Refused(code) => Self::unprocessable(code),
        }
    }
}

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let order = request.host.command(new_order(request)?)?;
    Ok(Reply::created(&view(request.profile(), &order, None)))
}

/// Reads the parameters of a new order. All errors are reported at once, except one: a market order with a price, even
/// `null`, is refused only if nothing else is wrong.
fn new_order(request: &ApiRequest<'_>) -> Result<PlaceOrder, Refusal> {
    let (account, params) = (request.account()?, request.params);
    let mut codes = Vec::new();
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    // A missing parameter gets two codes: that it is missing, and that its value is wrong.
    let market = text("market");
    if market.is_none() {
        codes.push(MISSING_MARKET);
    }
    let market = market.and_then(|id| request.find_market(id)).filter(|market| market.takes_orders());
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
        // The documents require it; on the older servers the default is `limit`.
        None if request.profile() == Profile::Legacy => Some(OrderType::Limit),
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
        None => codes.push(INVALID_POST_ONLY),
        Some(true) if ord_type == Some(OrderType::Market) => codes.push(POST_ONLY_NEEDS_LIMIT),
        Some(_) => {}
    }
    let custom_order_id = params.get("custom_order_id").map(Value::as_text);
    let fits = |id: &str| (1..=CUSTOM_ORDER_ID_CHARS).contains(&id.chars().count());
    if custom_order_id.is_some_and(|id| !id.is_some_and(fits)) {
        codes.push(INVALID_CUSTOM_ORDER_ID);
    }
    if codes.is_empty() && ord_type == Some(OrderType::Market) && params.raw("price").is_some() {
        codes.push(MARKET_ORDER_PRICE);
    }
    Refusal::all(codes)?;
    let out_of_range = || Refusal::unprocessable(codes::INVALID_VOLUME_OR_PRICE);
    let (Some(market), Some(side), Some(ord_type)) = (market, side, ord_type) else {
        return Err(Refusal::unprocessable(codes::CREATE_ERROR));
    };
    Ok(PlaceOrder {
        account,
        market: market.id,
        side,
        ord_type,
        volume: volume.ok_or_else(out_of_range)?,
        price: price.map(|price| price.ok_or_else(out_of_range)).transpose()?,
        post_only: post_only == Some(true),
        custom_order_id: custom_order_id.flatten().map(str::to_owned),
    })
}

/// Reads a decimal above zero and adds the codes of what is wrong: missing, not a decimal, not positive. A positive number
/// with more than 28 digits gives `None` without a code, because no market allows so many digits.
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

fn order(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, id) = (request.account()?, Id::read(request.path(0))?);
    let found = request.host.read(|exchange| {
        let order = id.find(exchange, account)?;
        Some((order.clone(), exchange.engine().trades_of_order(order.id).to_vec()))
    });
    let (order, trades) = found.ok_or_else(Refusal::not_found)?;
    let profile = request.profile();
    let trades = trades.iter().filter_map(|trade| trades::view(profile, trade, order.id, true)).collect();
    Ok(Reply::ok(&view(profile, &order, Some(trades))))
}

/// How a path names an order.
#[derive(Debug, Clone, Copy)]
enum Id {
    /// A number; `None` if it is out of range. It is well formed, but no order has it.
    Number(Option<u64>),
    Uuid(Uuid),
}

impl Id {
    fn read(text: &str) -> Result<Self, Refusal> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Number(text.parse().ok()));
        }
        let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        uuid.map(Self::Uuid).ok_or_else(|| Refusal::unprocessable(INVALID_ID))
    }

    /// The account's order.
    fn find(self, exchange: &Exchange, account: AccountId) -> Option<&Order> {
        match self {
            Self::Number(id) => exchange.engine().order(account, id?),
            Self::Uuid(uuid) => exchange.engine().order_by_uuid(account, uuid),
        }
    }
}

fn orders(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.profile();
    let params = request.params;
    let mut codes = Vec::new();
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    let market = market_filter(request, text("market"), &mut codes);
    let (base, quote) = (text("base_unit"), text("quote_unit"));
    if [base, quote].into_iter().flatten().any(|unit| !request.has_currency(unit)) {
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
        base: base.and_then(Code::new),
        quote: quote.and_then(Code::new),
        states,
        ord_type: ord_type.flatten(),
        side: side.flatten(),
        created: Some(span.within()),
    };
    let (total, orders) = request.host.read(|exchange| {
        let (total, orders) = exchange.engine().orders_page(account, &filter, page.cut(oldest_first));
        (total, orders.into_iter().cloned().collect::<Vec<_>>())
    });
    let views: Vec<_> = orders.iter().map(|order| view(profile, order, None)).collect();
    Ok(page.headers(Reply::ok(&views), promised(profile, total)))
}

/// Requests the cancellation. The answer is the order before it is cancelled, so its state is usually `wait`.
fn cancel(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, id) = (request.account()?, Id::read(request.path(0))?);
    let order = request.host.read(|exchange| Some(id.find(exchange, account)?.id));
    let order = order.ok_or_else(Refusal::not_found)?;
    let order = request.host.command(CancelOrder { account, order })?;
    Ok(Reply::created(&view(request.profile(), &order, None)))
}

fn cancel_all(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let profile = request.profile();
    let mut codes = Vec::new();
    let text = |name| request.params.get(name).map(|value| value.as_text().unwrap_or_default());
    let market = market_filter(request, text("market"), &mut codes);
    let side = text("side").map(Side::parse);
    if side == Some(None) {
        codes.push(match profile {
            Profile::Docs => INVALID_SIDE,
            Profile::Legacy => WORTHLESS,
        });
    }
    Refusal::all(codes)?;
    let market = market.map(|market| market.id);
    let orders = request.host.command(CancelOrders { account, market, side: side.flatten() })?;
    let views: Vec<_> = orders.iter().map(|order| view(profile, order, None)).collect();
    Ok(Reply::created(&views))
}
