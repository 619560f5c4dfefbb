//! Orders and trades of the account (documents: "Trading").

mod rules;

pub use rules::{MarketRules, Violation, Violations};

use crate::{
    TRADE,
    args::{self, Direction, Positive},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, CurrencyId, CustomOrderId, Decimal, MarketId, Order, OrderId, OrderKey, OrderState, OrderType, Side,
    Timestamp, Trade, TradeId,
};
use capecrypto_rest::{
    Checks, Client, Error, Mismatch, Objection, Page, Paged, Paging, TimeRange, Windowed, endpoints, request,
};
use std::time::Duration;

endpoints! { TRADE signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/market/orders"             CreateOrder  -> Order, checked reviewed;
    GET  "/market/orders"             ListOrders   -> Page<Order>, checked paged reviewed;
    GET  "/market/orders/{id}"        GetOrder     -> Order, reviewed;
    POST "/market/orders/{id}/cancel" CancelOrder  -> Order, idempotent urgent reviewed;
    POST "/market/orders/cancel"      CancelOrders -> Page<Order>, partly_idempotent urgent reviewed;
    GET  "/market/trades"             ListTrades   -> Page<Trade>, paged reviewed;
}

request! {
    /// Places an order (documents: "Create Order").
    ///
    /// The answer is the accepted order in state `pending`, even if it fills at once. The stream or [`GetOrder`] tells what
    /// happens to it afterwards. An answer in state `reject` is an error with the outcome `Refused`. The request is sent at
    /// most once; see `Error::outcome`.
    ///
    /// Every order has a custom order id (a random one if you give none), so that [`find`](Self::find) finds it after an
    /// unknown outcome.
    pub struct CreateOrder {
        market: Arg<MarketId>,
        side: Side,
        volume: Positive,
        ord_type: OrderType,
        price: Option<Positive>,
        custom_order_id: Arg<CustomOrderId>,
    }
    optional {
        /// Makes the exchange refuse the order if it would match at once. Limit orders only. The documents do not name the
        /// error code: check for `Outcome::Refused`.
        post_only: bool,
    }
}

impl CreateOrder {
    /// A limit order for `volume` of the base currency at `price` (quote currency for one unit) or better. The part that
    /// does not fill at once rests in the book.
    pub fn limit(market: impl Into<Arg<MarketId>>, side: Side, volume: Decimal, price: Decimal) -> Self {
        Self::with(market.into(), side, volume.into(), OrderType::Limit, Some(price.into()), random_name())
    }

    /// A market order for `volume` of the base currency (when buying, too), at the prices that the book offers.
    pub fn market(market: impl Into<Arg<MarketId>>, side: Side, volume: Decimal) -> Self {
        Self::with(market.into(), side, volume.into(), OrderType::Market, None, random_name())
    }

    /// Sets your own name for the order, to find it again: any text of 1 to 255 characters without control characters. Use
    /// a new one for each order: the documents do not say whether the exchange refuses one that was used before.
    #[must_use = "a setter returns the changed request"]
    pub fn custom_order_id(mut self, custom_order_id: impl Into<Arg<CustomOrderId>>) -> Self {
        self.custom_order_id = custom_order_id.into();
        self
    }

    /// The custom order id, yours or the random one; `None` if the given text is not a valid id, so that the order cannot
    /// be sent. Clones have the same id. Store it before you send the order: an order with the same market and id
    /// [finds](Self::find) it also after a restart, and [`Order::is_named`] tells it in any list.
    pub fn name(&self) -> Option<&CustomOrderId> {
        self.custom_order_id.value().ok()
    }

    /// Looks for the order in the account's orders: after the outcome `Unknown`, before anything else is sent for it. Orders of
    /// this market with this [`name`](Self::name) are found, whatever has become of them. `sent_at` is the time shortly before
    /// it was sent ([`Client::now`]); the search begins a minute earlier.
    ///
    /// An order that is not found may still come: the exchange accepts its nonce for five seconds, and a server can be slow to
    /// show it. So look again after that, before it counts as not placed. Rows that cannot be read are in
    /// [`Page::unreadable`]: one of them may be the order.
    ///
    /// ```no_run
    /// use capecrypto_exchange::trading::CreateOrder;
    /// use capecrypto_models::{Side, dec};
    /// # async fn example(client: capecrypto_rest::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let order = CreateOrder::limit("btczar", Side::Buy, dec!(0.001), dec!(800000));
    /// let sent_at = client.now();
    /// match client.send(order.clone()).await {
    ///     Err(error) if error.is_outcome_unknown() => {
    ///         tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    ///         let found = order.find(&client, sent_at).await?;
    ///         println!("{} of them, {} rows cannot be read", found.len(), found.unreadable.len());
    ///     }
    ///     placed => println!("{:?}", placed?.id),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client, sent_at: Timestamp) -> Result<Page<Order>, Error> {
        let (Ok(market), Some(name)) = (self.market.value(), self.name()) else {
            return Err(args::never_sent());
        };
        let since = sent_at.checked_sub(args::EARLIER).unwrap_or(sent_at);
        let list = ListOrders::new().market(market.clone()).time_from(since).limit(1_000);
        let mut found = client.items(list).try_collect().await?;
        found.retain(|order| order.is_named(name));
        // The exchange's total counts all rows, not those that were found.
        found.total = None;
        Ok(found)
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if self.ord_type == OrderType::Market && self.post_only == Some(true) {
            let remedy = "leave it out, or place a limit order";
            checks.refuse("post_only", "a market order always matches at once", remedy);
        }
    }

    /// Compares every field that the request fixed, so that the answer to another request is not taken for this order.
    #[inline]
    fn review_answer(&self, order: &mut Order, _: &Environment) -> Result<(), Objection> {
        Mismatch::check("market", self.market.value().ok(), Some(&order.market))?;
        Mismatch::check("side", Some(&self.side), Some(&order.side))?;
        Mismatch::check("ord_type", Some(&self.ord_type), Some(&order.ord_type))?;
        Mismatch::check("origin_volume", Some(&self.volume.get()), Some(&order.origin_volume))?;
        let price = self.price.map(Positive::get);
        Mismatch::check("price", price.as_ref(), order.price.as_ref())?;
        Mismatch::check("post_only", self.post_only.as_ref(), order.post_only.as_ref())?;
        Mismatch::check(
            "custom_order_id",
            self.name().map(CustomOrderId::as_str).as_ref(),
            order.custom_order_id.as_deref().as_ref(),
        )?;
        if order.state == OrderState::Reject {
            return Err(Objection::Refused("the exchange accepted the request and then rejected the order"));
        }
        Ok(())
    }
}

/// A random UUID (version 4). It need not be secret, so a fast generator is enough.
fn random_name() -> Arg<CustomOrderId> {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let mut text = String::with_capacity(36);
    for place in (0..32_u32).rev() {
        let digit = u32::try_from(bits >> (4 * place) & 0xf).unwrap_or_default();
        text.push(char::from_digit(digit, 16).unwrap_or_default());
        if matches!(place, 24 | 20 | 16 | 12) {
            text.push('-');
        }
    }
    text.as_str().into()
}

request! {
    /// Reads one order with its fills (documents: "Order by id").
    pub struct GetOrder {
        id: Arg<OrderKey>,
    }
}

impl GetOrder {
    /// The order with this number or UUID.
    pub fn new(id: impl Into<Arg<OrderKey>>) -> Self {
        Self::with(id.into())
    }

    #[inline]
    fn review_answer(&self, order: &mut Order, _: &Environment) -> Result<(), Mismatch> {
        same_order(&self.id, order)
    }
}

request! {
    /// Asks for an order's cancellation (documents: "Cancel Order").
    ///
    /// The answer is the order **before** the cancellation, usually still in state `wait`. The stream or [`GetOrder`] tells
    /// when it is cancelled. If the order was already final, the answer is that order and not an error.
    pub struct CancelOrder {
        id: Arg<OrderKey>,
    }
}

impl CancelOrder {
    /// The order with this number or UUID.
    pub fn new(id: impl Into<Arg<OrderKey>>) -> Self {
        Self::with(id.into())
    }

    #[inline]
    fn review_answer(&self, order: &mut Order, _: &Environment) -> Result<(), Mismatch> {
        same_order(&self.id, order)
    }
}

fn same_order(asked: &Arg<OrderKey>, order: &Order) -> Result<(), Mismatch> {
    let Ok(asked) = asked.value() else { return Ok(()) };
    match asked.as_str().parse::<OrderId>() {
        Ok(id) => Mismatch::check("id", Some(&id), order.id.as_ref()),
        Err(_) => match &order.uuid {
            Some(uuid) if !uuid.as_str().eq_ignore_ascii_case(asked.as_str()) => {
                Err(Mismatch { field: "uuid" })
            }
            _ => Ok(()),
        },
    }
}

request! {
    /// Asks for the cancellation of open orders (documents: "Cancel All Orders").
    ///
    /// The answer lists the orders in state `wait`, as they were before. Orders that are still `pending` are not cancelled.
    /// With a market or a side the request is sent up to three times, as for a single order; without both it is sent once.
    pub struct CancelOrders {
        market: Option<Arg<MarketId>>,
    }
    optional {
        /// Only orders of this side.
        side: Side,
    }
}

impl CancelOrders {
    /// All of the account's orders, in every market.
    pub fn everything() -> Self {
        Self::with(None)
    }

    /// The account's orders in one market.
    pub fn in_market(market: impl Into<Arg<MarketId>>) -> Self {
        Self::with(Some(market.into()))
    }

    /// Whether the request may be sent again: only with a market or a side. A repetition can also cancel an order that was
    /// placed in between, and without a market or a side that could be any order.
    fn may_be_repeated(&self) -> bool {
        self.market.is_some() || self.side.is_some()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Order>, _: &Environment) -> Result<(), Mismatch> {
        args::only(
            "market",
            args::given(self.market.as_ref()),
            page.iter().map(|order| Some(&order.market)),
        )?;
        args::only("side", self.side.as_ref(), page.iter().map(|order| Some(&order.side)))
    }
}

request! {
    /// Lists the account's orders, most recently changed first (documents: "All orders").
    ///
    /// [`time_from`](Self::time_from) and [`time_to`](Self::time_to) are about the time when an order was **created**. So a list
    /// since the start of a gap does not have the older orders that were filled or cancelled in it. To catch up, list the open
    /// ones (`states([OrderState::Pending, OrderState::Wait])`); each order that you know as open and that is not among them
    /// has ended, or is newer than the list: [`GetOrder`] tells. The example `follow_my_orders` of the crate `capecrypto` does it.
    #[derive(Default)]
    pub struct ListOrders {
        states as "state[]": Vec<OrderState>,
    }
    optional {
        /// Only this market.
        market: Arg<MarketId>,
        /// Only markets of this base currency.
        base_unit: Arg<CurrencyId>,
        /// Only markets of this quote currency.
        quote_unit: Arg<CurrencyId>,
        /// Only orders in this state.
        state: OrderState,
        /// Sort direction; descending when left out. Read pages in descending order: in ascending order an order that changes
        /// moves to the end, and the orders after it move up to a page that was already read.
        order_by: Direction,
        /// Only limit or only market orders.
        ord_type: OrderType,
        /// Only this side (`type` on the wire).
        side as "type": Side,
    }
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
    times TimeRange;
}

impl ListOrders {
    /// All orders, open and final.
    pub fn new() -> Self {
        Self::with(Vec::new())
    }

    /// Only orders in one of these states. Use this or `state`, not both.
    #[must_use = "a setter returns the changed request"]
    pub fn states(mut self, states: impl IntoIterator<Item = impl Into<OrderState>>) -> Self {
        self.states = states.into_iter().map(Into::into).collect();
        self
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if self.state.is_some() && !self.states.is_empty() {
            checks.refuse("states", "`state` was given too", "give either `state` or `states`");
        }
    }

    /// Does not compare the currencies: an order names only its market, and the name does not tell them for certain.
    #[inline]
    fn review_answer(&self, page: &mut Page<Order>, _: &Environment) -> Result<(), Mismatch> {
        args::only(
            "market",
            args::given(self.market.as_ref()),
            page.iter().map(|order| Some(&order.market)),
        )?;
        args::only("side", self.side.as_ref(), page.iter().map(|order| Some(&order.side)))?;
        args::only("ord_type", self.ord_type.as_ref(), page.iter().map(|order| Some(&order.ord_type)))?;
        args::only("state", self.state.as_ref(), page.iter().map(|order| Some(&order.state)))?;
        if !self.states.is_empty() && page.iter().any(|order| !self.states.contains(&order.state)) {
            return Err(Mismatch { field: "state" });
        }
        page.retain(|order| self.times.holds(order.created_at));
        Ok(())
    }
}

/// By the time when an order was created. Within a window, orders come in the list's own order, by their last change.
impl Windowed for ListOrders {
    fn window(&self) -> Duration {
        args::MONTH
    }

    fn oldest_first(&self) -> bool {
        self.order_by == Some(Direction::Ascending)
    }

    fn time(row: &Order) -> Option<Timestamp> {
        Some(row.created_at)
    }
}

impl Paged for ListOrders {
    type Row = Order;
    /// An order without number and UUID is identified by its whole content.
    type Key = Result<OrderKey, String>;

    const REORDERS: bool = true;

    fn key(row: &Order) -> Self::Key {
        row.key().ok_or_else(|| format!("{row:?}"))
    }
}

request! {
    /// Lists the account's trades, newest first (documents: "Trades").
    #[derive(Default)]
    pub struct ListTrades {}
    optional {
        /// Only this market.
        market: Arg<MarketId>,
        /// Only the fills of this order. The older version does not have this parameter.
        order_id (current_only): OrderId,
        /// Sort direction; newest first when left out.
        order_by: Direction,
    }
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
    times TimeRange;
}

impl ListTrades {
    /// All trades.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Trade>, _: &Environment) -> Result<(), Mismatch> {
        args::only(
            "market",
            args::given(self.market.as_ref()),
            page.iter().map(|trade| Some(&trade.market)),
        )?;
        args::only("order_id", self.order_id.as_ref(), page.iter().map(|trade| trade.order_id.as_ref()))?;
        page.retain(|trade| self.times.holds(trade.created_at));
        Ok(())
    }
}

impl Windowed for ListTrades {
    fn window(&self) -> Duration {
        args::MONTH
    }

    fn oldest_first(&self) -> bool {
        self.order_by == Some(Direction::Ascending)
    }

    fn time(row: &Trade) -> Option<Timestamp> {
        Some(row.created_at)
    }
}

impl Paged for ListTrades {
    type Row = Trade;
    /// The number alone is not enough: an account that traded with itself has both sides of a trade, with the same number.
    type Key = (TradeId, Option<OrderId>, Option<Side>);

    fn key(row: &Trade) -> Self::Key {
        (row.id.clone(), row.order_id, row.side.clone())
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, Seed, time};

    impl Samples for CreateOrder {
        const MADE: &[&str] = &["custom_order_id"];

        fn smallest() -> Self {
            Self::market("btczar", Side::Buy, Decimal::new(1, 5))
        }
        /// The documents' own example.
        fn fullest() -> Self {
            Self::limit("btczar", Side::Sell, Decimal::new(1, 5), Decimal::from(800_000))
                .post_only(true)
                .custom_order_id("302b0494-1a06-4089-846c-0c6b13f1b661")
        }
        /// At a price that does not match.
        fn answered(_: &Seed) -> Self {
            Self::limit("btczar", Side::Sell, Decimal::new(1, 3), Decimal::from(990_000))
                .post_only(true)
                .custom_order_id("302b0494-1a06-4089-846c-0c6b13f1b661")
        }
    }

    impl Samples for ListOrders {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
                .market("btczar")
                .base_unit("btc")
                .quote_unit("zar")
                .state("wait")
                .limit(1_000)
                .page(1)
                .order_by(Direction::Ascending)
                .ord_type("limit")
                .side("sell")
                .time_from(time(0))
                .time_to(time(1))
        }
    }

    impl Samples for GetOrder {
        fn smallest() -> Self {
            Self::new(173_757)
        }
        fn fullest() -> Self {
            Self::new("7e86a4fa-fcae-4953-b9bc-d6f328beea48")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.filled)
        }
    }

    impl Samples for CancelOrder {
        fn smallest() -> Self {
            Self::new(173_757)
        }
        fn fullest() -> Self {
            Self::new("7e86a4fa-fcae-4953-b9bc-d6f328beea48")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.to_cancel)
        }
    }

    impl Samples for CancelOrders {
        fn smallest() -> Self {
            Self::everything()
        }
        fn fullest() -> Self {
            Self::in_market("btczar").side("sell")
        }
    }

    impl Samples for ListTrades {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
                .market("btczar")
                .order_id(173_757)
                .limit(1_000)
                .page(3)
                .time_from(time(0))
                .time_to(time(1))
                .order_by(Direction::Descending)
        }
    }
}
