//! The individual orders of a market's book, which only the older servers show.

use super::{
    call::{ApiRequest, Theme, legacy},
    market_data::DOESNT_EXIST,
    orders::{OrderView, anonymous_view},
};
use crate::{
    base::{refusal::Refusal, reply::Reply},
    exchange::market::order::Order,
};
use serde::Serialize;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[legacy("trade", "GET", "/public/markets/{market}/order-book", order_book, CODES)],
    own_codes: &[],
};

const INVALID_ASK_LIMIT: &str = "public.order_book.invalid_ask_limit";
const INVALID_BID_LIMIT: &str = "public.order_book.invalid_bid_limit";
/// The largest number of orders of a side.
const MOST: usize = 200;
const DEFAULT: usize = 20;

const CODES: &[&[&str]] = &[&[DOESNT_EXIST, INVALID_ASK_LIMIT, INVALID_BID_LIMIT]];

#[derive(Debug, Serialize)]
struct OrderBook {
    asks: Vec<OrderView>,
    bids: Vec<OrderView>,
}

/// The orders of both sides: best price first, oldest first within a price.
fn order_book(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let market = request.market(DOESNT_EXIST)?;
    let profile = request.profile();
    let mut codes = Vec::new();
    let mut limit = |name, invalid| {
        let Some(value) = request.params.get(name) else { return DEFAULT };
        let most = value.as_integer().and_then(|most| usize::try_from(most).ok());
        most.filter(|most| (1..=MOST).contains(most)).unwrap_or_else(|| {
            codes.push(invalid);
            DEFAULT
        })
    };
    let most_asks = limit("asks_limit", INVALID_ASK_LIMIT);
    let most_bids = limit("bids_limit", INVALID_BID_LIMIT);
    Refusal::all(codes)?;
    let (asks, bids) = request.host.read(|exchange| {
        let (asks, bids) = exchange.engine().resting(&market, most_asks, most_bids);
        let copied = |orders: Vec<&Order>| orders.into_iter().cloned().collect::<Vec<_>>();
        (copied(asks), copied(bids))
    });
    // The custom order id is private to the owner.
    let views = |orders: &[Order]| orders.iter().map(|order| anonymous_view(profile, order)).collect();
    Ok(Reply::ok(&OrderBook { asks: views(&asks), bids: views(&bids) }))
}
