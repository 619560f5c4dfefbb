//! The JSON of REST answers (the documents' "Models", with the types that the server family really sends).

use std::collections::BTreeMap;

use serde::Serialize;

use super::number::Number;
use crate::clock::iso;
use crate::config::Profile;
use crate::engine::{Candle, Level, Order, Ticker, Trade};
use crate::ledger::Balance;
use crate::markets::{Currency, Market};
use crate::money::text;

/// `[timestamp in seconds, open, high, low, close, volume]`.
pub(crate) type CandleView = [Number; 6];

#[derive(Debug, Serialize)]
pub(crate) struct MarketView {
    id: &'static str,
    name: &'static str,
    base_unit: &'static str,
    quote_unit: &'static str,
    min_price: String,
    max_price: String,
    min_amount: String,
    amount_precision: u32,
    price_precision: u32,
    state: &'static str,
}

pub(crate) fn market(market: &Market) -> MarketView {
    MarketView {
        id: market.id,
        name: market.name,
        base_unit: market.base,
        quote_unit: market.quote,
        min_price: text(market.min_price),
        max_price: text(market.max_price),
        min_amount: text(market.min_amount),
        amount_precision: market.amount_precision,
        price_precision: market.price_precision,
        state: "enabled",
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct CurrencyView {
    id: &'static str,
    name: &'static str,
    symbol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    explorer_transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explorer_address: Option<String>,
    r#type: &'static str,
    deposit_enabled: bool,
    withdrawal_enabled: bool,
    deposit_fee: &'static str,
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

pub(crate) fn currency(currency: &Currency) -> CurrencyView {
    let coin = currency.coin.as_ref();
    let layer_two = currency.layer_two.map(|figures| figures.map(text));
    let [fee, max_in, max_out] = layer_two.map_or([None, None, None], |figures| figures.map(Some));
    CurrencyView {
        id: currency.id,
        name: currency.name,
        symbol: currency.symbol,
        explorer_transaction: coin.map(|coin| format!("{}/tx/#{{txid}}", coin.explorer)),
        explorer_address: coin.map(|coin| format!("{}/address/#{{address}}", coin.explorer)),
        r#type: currency_type(currency),
        deposit_enabled: true,
        withdrawal_enabled: true,
        deposit_fee: "0.0",
        min_deposit_amount: text(currency.min_deposit),
        withdraw_fee: text(currency.withdraw_fee),
        min_withdraw_amount: text(currency.min_withdraw),
        withdraw_limit_24h: text(currency.withdraw_limit_24h),
        withdraw_limit_72h: text(currency.withdraw_limit_72h),
        base_factor: currency.base_factor,
        precision: currency.precision,
        position: currency.position,
        icon_url: format!("https://icons.example/{}.svg", currency.id),
        min_confirmations: coin.map(|coin| coin.min_confirmations),
        layer_two_withdraw_fee: fee,
        layer_two_max_deposit_amount: max_in,
        layer_two_max_withdraw_amount: max_out,
    }
}

/// `coin` or `fiat`.
pub(crate) fn currency_type(currency: &Currency) -> &'static str {
    if currency.coin.is_some() { "coin" } else { "fiat" }
}

/// The documents say an integer, the older servers send its text.
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
pub(crate) struct TickerView {
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

/// One market's ticker. The older servers' single ticker has no inner `at`, their list no `vol`.
pub(crate) fn ticker(profile: Profile, ticker: &Ticker, now_ms: i64, in_list: bool) -> TickerView {
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
            price_change_percent: change(ticker),
            at: has_at.then(|| seconds(profile, now_ms)),
        },
    }
}

/// Like `+3.19%`.
pub(crate) fn change(ticker: &Ticker) -> String {
    if ticker.change.is_zero() {
        return "+0.00%".to_owned();
    }
    format!("{:+.2}%", ticker.change)
}

#[derive(Debug, Serialize)]
pub(crate) struct DepthView {
    timestamp: i64,
    asks: Vec<[String; 2]>,
    bids: Vec<[String; 2]>,
}

pub(crate) fn depth(asks: &[Level], bids: &[Level], now_ms: i64) -> DepthView {
    DepthView { timestamp: now_ms.div_euclid(1000), asks: levels(asks), bids: levels(bids) }
}

/// Prices and amounts as texts.
pub(crate) fn levels(levels: &[Level]) -> Vec<[String; 2]> {
    levels.iter().map(|(price, amount)| [text(*price), text(*amount)]).collect()
}

pub(crate) fn candle(candle: &Candle, number: fn(rust_decimal::Decimal) -> Number) -> CandleView {
    [
        Number::whole(candle.start_s),
        number(candle.open),
        number(candle.high),
        number(candle.low),
        number(candle.close),
        number(candle.volume),
    ]
}

/// The documents say ISO text, the older servers send whole seconds.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum When {
    Iso(String),
    Seconds(i64),
}

#[derive(Debug, Serialize)]
pub(crate) struct PublicTradeView {
    id: u64,
    price: Number,
    amount: Number,
    total: Number,
    market: &'static str,
    created_at: When,
    taker_type: &'static str,
}

pub(crate) fn public_trade(profile: Profile, trade: &Trade) -> PublicTradeView {
    PublicTradeView {
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

#[derive(Debug, Serialize)]
pub(crate) struct TradeView {
    id: u64,
    price: String,
    amount: String,
    total: String,
    market: &'static str,
    created_at: String,
    taker_type: &'static str,
    side: &'static str,
    #[serde(flatten)]
    details: Option<TradeDetails>,
}

/// What the older servers leave out of the trades inside an order.
#[derive(Debug, Serialize)]
struct TradeDetails {
    fee_currency: &'static str,
    fee: String,
    fee_amount: String,
    order_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_order_id: Option<String>,
}

/// A trade as the owner of that order sees it; nothing where the order had no part in it.
pub(crate) fn trade(profile: Profile, trade: &Trade, order_id: u64, in_order: bool) -> Option<TradeView> {
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

#[derive(Debug, Serialize)]
pub(crate) struct OrderView {
    id: u64,
    uuid: String,
    side: &'static str,
    ord_type: &'static str,
    price: Option<String>,
    avg_price: String,
    state: &'static str,
    market: &'static str,
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
    trades: Option<Vec<TradeView>>,
}

/// An order; the trades only where one order was asked for.
pub(crate) fn order(profile: Profile, order: &Order, trades: Option<Vec<TradeView>>) -> OrderView {
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

/// An order as everybody may see it: without the name by which its owner knows it.
pub(crate) fn anonymous_order(profile: Profile, order: &Order) -> OrderView {
    OrderView { custom_order_id: None, ..self::order(profile, order, None) }
}

#[derive(Debug, Serialize)]
pub(crate) struct BalanceView {
    currency: &'static str,
    /// What is available: over REST the locked part is not in it.
    balance: String,
    locked: String,
}

pub(crate) fn balance(currency: &'static str, balance: Balance) -> BalanceView {
    BalanceView { currency, balance: text(balance.available), locked: text(balance.locked) }
}

/// All tickers: an object by market id, not the list that the documents state.
pub(crate) type Tickers = BTreeMap<&'static str, TickerView>;
