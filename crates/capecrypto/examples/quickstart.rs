//! A trader's day on a local exchange: `cargo run --example quickstart`.
//!
//! The exchange runs in this process. Everything else is what a program does with the real one, only through the public
//! API. Each step is checked, and the exit code is 0 only if all checks pass.

// An example prints its results.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use capecrypto::{
    Balance, Cape, Credentials, Decimal, Environment, Event, Level, Live, LiveBook, Market, Order, OrderId,
    OrderState, Outcome, Page, Side, Trade, account, dec, orderbook::BookSide, public, stream::Topic,
    trading, trading::CreateOrder,
};
use capecrypto_sandbox::Sandbox;
use comfy_table::{CellAlignment, Table, presets};
use std::{collections::BTreeMap, error::Error, process::ExitCode, time::Duration};
use tokio::time::timeout;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Longest wait for an answer or an event; on one machine it takes milliseconds.
const SOON: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    match timeout(Duration::from_secs(14), Box::pin(day())).await {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => eprintln!("\nThe example failed: {error}"),
        Err(_) => eprintln!("\nThe example took too long."),
    }
    ExitCode::FAILURE
}

async fn day() -> Result<()> {
    step(1, "An exchange opens in this process, and two accounts sign in");
    let sandbox = Sandbox::start().await?;
    let me = sign_in(&sandbox, "taker")?;
    let other = sign_in(&sandbox, "maker")?;
    let opening = balances(&me).await?;
    println!("{}", me.environment().origin().as_str());

    step(2, "Which markets are there?");
    let markets: Page<Market> = me.items(public::ListMarkets::new()).try_collect().await?;
    let rows = markets.iter().map(|market| {
        let smallest = format!("{} {}", text(market.min_amount), market.base_unit);
        let highest = market.price_cap().map_or("none".to_owned(), text);
        [market.id.to_string(), market.state.to_string(), smallest, text(market.min_price), highest]
    });
    print_table(["market", "state", "smallest order", "lowest price", "highest price"], rows);
    ensure("there are markets, and btczar is one", markets.iter().any(|market| market.id == "btczar"))?;

    step(3, "One websocket: the book of btczar, and my orders, trades and balances");
    let mut desk = Desk::open(&me).await?;
    let mut book = desk.live.book("btczar")?;
    desk.follow("the subscriptions", |desk| !desk.topics.is_empty()).await?;
    println!("confirmed: {}", desk.topics.iter().map(Topic::name).collect::<Vec<_>>().join(", "));
    ensure("all four are confirmed", desk.topics.len() == 4)?;

    step(4, "The other account quotes; depth and tickers");
    for (side, volume, price) in [
        (Side::Buy, dec!(0.01), dec!(835000)),
        (Side::Buy, dec!(0.015), dec!(833000)),
        (Side::Buy, dec!(0.02), dec!(830000.5)),
        (Side::Sell, dec!(0.01), dec!(840000.25)),
        (Side::Sell, dec!(0.015), dec!(842000.5)),
        (Side::Sell, dec!(0.02), dec!(845000.5)),
    ] {
        other.send(CreateOrder::limit("btczar", side, volume, price).post_only(true)).await?;
    }
    // The exchange first accepts an order and then carries it out: the stream tells when it is in the book.
    watch(&mut book, |bids, asks| bids.len() == 3 && asks.len() == 3).await?;
    show(&me, &book).await?;
    let tickers = me.send(public::ListTickers::new()).await?;
    let idle = tickers.iter().all(|(_, each)| each.ticker.amount == Some(Decimal::ZERO));
    ensure("each market has a ticker, and nothing was traded yet", idle && tickers.len() == markets.len())?;
    println!("{} tickers, nothing traded yet", tickers.len());

    step(5, "A post-only order rests, and is the best bid");
    let order = CreateOrder::limit("btczar", Side::Buy, dec!(0.004), dec!(836000.75)).post_only(true);
    let resting = desk.place(order, |order| order.state == OrderState::Wait).await?;
    watch(&mut book, |bids, _| bids.first() == Some(&Level::new(dec!(836000.75), dec!(0.004)))).await?;

    step(6, "A post-only order that would match is refused");
    let order = CreateOrder::limit("btczar", Side::Buy, dec!(0.004), dec!(840000.25)).post_only(true);
    let Err(refusal) = me.send(order).await else { return Err("the order was accepted".into()) };
    println!("{refusal}");
    ensure("it is certain that nothing was done", refusal.outcome() == Outcome::Refused)?;
    ensure("matching is the reason", refusal.has_code("sandbox.order.post_only_would_match"))?;

    step(7, "A limit order takes the best ask; the rest of it waits");
    let order = CreateOrder::limit("btczar", Side::Buy, dec!(0.012), dec!(840000.25));
    let limit = desk.place(order, |order| order.executed_volume == dec!(0.01)).await?;
    ensure("the rest waits", desk.order(limit)?.is_open())?;

    step(8, "A market order takes from the next ask");
    let order = CreateOrder::market("btczar", Side::Buy, dec!(0.005));
    let market = desk.place(order, Order::is_final).await?;
    ensure("it is filled", desk.order(market)?.state == OrderState::Done)?;

    step(9, "The other account sells into my two bids");
    other.send(CreateOrder::market("btczar", Side::Sell, dec!(0.003))).await?;
    let filled = |desk: &Desk| desk.orders.get(&resting).is_some_and(|order| order.trades_count == Some(1));
    desk.follow("the fill", filled).await?;
    ensure("the limit order is filled", desk.order(limit)?.state == OrderState::Done)?;
    let ticker = me.send(public::GetTicker::new("btczar")).await?.ticker;
    let traded: Decimal = desk.trades.iter().map(|trade| trade.amount).sum();
    println!("the ticker: {} btc traded, last at {}", text(traded), text(dec!(836000.75)));
    ensure("the ticker says so", (ticker.amount, ticker.last) == (Some(traded), Some(dec!(836000.75))))?;

    step(10, "Cancel one order, then all");
    me.send(trading::CancelOrder::new(resting)).await?;
    desk.follow("the end of the order", |desk| desk.is_final(resting)).await?;
    ensure("what was filled stays filled", desk.order(resting)?.executed_volume == dec!(0.001))?;
    let mut open = Vec::new();
    for n in [dec!(1), dec!(2)] {
        let bid = CreateOrder::limit("btczar", Side::Buy, dec!(0.001) * n, dec!(820000) - n);
        let ask = CreateOrder::limit("ethzar", Side::Sell, dec!(0.5) * n, dec!(60000) + n);
        open.push(desk.place(bid, |order| order.state == OrderState::Wait).await?);
        open.push(desk.place(ask, |order| order.state == OrderState::Wait).await?);
    }
    let asked = me.send(trading::CancelOrders::everything()).await?;
    ensure("each open order is named in the answer", asked.len() == open.len())?;
    desk.follow("the end of all orders", |desk| open.iter().all(|id| desk.is_final(*id))).await?;

    step(11, "The order history, three orders a page");
    let mut history = BTreeMap::new();
    let (mut page_count, mut row_count) = (0, 0);
    let mut pages = me.pages(trading::ListOrders::new().limit(3));
    while let Some(page) = pages.try_next().await? {
        // An order that changes moves in the list, so the client reads the list again until it finds nothing new.
        if page.is_empty() {
            continue;
        }
        page_count += 1;
        row_count += page.len();
        for order in page {
            println!("page {page_count}: {}", line(&order));
            history.insert(order.id.ok_or("an order without a number")?, order);
        }
    }
    ensure("the seven orders are there on three pages", (page_count, row_count) == (3, 7))?;
    ensure("each order is there once", history.keys().eq(desk.orders.keys()) && history.len() == row_count)?;
    let end = |order: &Order| (order.state.clone(), order.executed_volume, order.remaining_volume);
    let same = history.values().map(end).eq(desk.orders.values().map(end));
    ensure("the history matches the websocket", same)?;
    ensure("nothing is open any more", history.values().all(Order::is_final))?;

    step(12, "The book at the end of the day");
    watch(&mut book, |bids, asks| bids.len() == 3 && asks.len() == 2).await?;
    show(&me, &book).await?;

    step(13, "Do the exchange's ledger and the client's view agree?");
    let closing = balances(&me).await?;
    let told = |desk: &Desk| desk.balances.values().all(|told| same_money(told, &closing));
    desk.follow("the last balances", told).await?;
    compare_with_ledger(&sandbox, &desk, &closing, &balances(&other).await?)?;

    let trades: Page<Trade> = me.items(trading::ListTrades::new()).try_collect().await?;
    ensure("every trade can be read", trades.unreadable.is_empty())?;
    let mut trades = trades.items;
    trades.sort_by_key(|trade| trade.id.clone());
    ensure("REST lists the trades that the websocket told", trades == desk.trades)?;
    let moved = sum(&trades, &markets)?;
    for (currency, balance) in &closing {
        let before = opening.get(currency).ok_or("a currency is new")?.total();
        let moved = moved.get(currency).copied().unwrap_or_default();
        ensure("the trades explain every balance", before + moved == balance.total())?;
        let [before, moved, now] = [before, moved, balance.total()].map(text);
        println!("{currency}: {before} before, {moved} by trading, {now} now");
    }

    desk.live.close().await;
    sandbox.shutdown().await;
    println!("\nLedger, REST, websocket and trades agree to the last digit.");
    Ok(())
}

/// Compares both accounts, in every currency, with the exchange's own ledger, and my account also with the websocket.
fn compare_with_ledger(
    sandbox: &Sandbox,
    desk: &Desk,
    mine: &BTreeMap<String, Balance>,
    others: &BTreeMap<String, Balance>,
) -> Result<()> {
    let ledger = sandbox.control().ledger();
    ensure("every currency of the ledger sums to zero", ledger.sums_to_zero)?;
    let mut rows = Vec::new();
    for (name, balances) in [("taker", mine), ("maker", others)] {
        let entries: Vec<_> = ledger.entries.iter().filter(|entry| entry.account == name).collect();
        ensure(
            "REST shows every currency of the ledger",
            !entries.is_empty() && entries.len() == balances.len(),
        )?;
        for entry in entries {
            let rest = balances.get(&entry.currency).ok_or("a currency is missing")?;
            let same = (rest.available(), rest.locked()) == (entry.available, entry.locked);
            ensure("REST and the ledger agree to the last digit", same)?;
            // The websocket reports only balances that change: mine in btc and zar by trading, in eth by an order's lock.
            let told = desk.balances.get(&entry.currency).filter(|_| name == "taker");
            let moved = name == "taker" && ["btc", "eth", "zar"].contains(&entry.currency.as_str());
            ensure("the websocket reported what changed, and nothing else", told.is_some() == moved)?;
            ensure("the websocket and the ledger agree", told.is_none_or(|told| same_money(told, balances)))?;
            let told = told.map_or("", |_| "the same");
            let [available, locked] = [entry.available, entry.locked].map(text);
            rows.push([name, &entry.currency, &available, &locked, "the same", told].map(str::to_owned));
        }
    }
    print_table(["ledger", "currency", "available", "locked", "REST", "websocket"], rows);
    Ok(())
}

/// My account as the websocket reports it.
struct Desk {
    cape: Cape,
    live: Live,
    topics: Vec<Topic>,
    orders: BTreeMap<OrderId, Order>,
    trades: Vec<Trade>,
    balances: BTreeMap<String, Balance>,
}

impl Desk {
    async fn open(cape: &Cape) -> Result<Self> {
        let live = cape.live().book("btczar").orders().trades().balances().connect().await?;
        let (orders, balances) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { cape: cape.clone(), live, topics: Vec::new(), orders, trades: Vec::new(), balances })
    }

    /// Reads events of the websocket until `known` is true.
    async fn follow(&mut self, what: &str, known: impl Fn(&Self) -> bool) -> Result<()> {
        while !known(self) {
            let event = timeout(SOON, self.live.next()).await.map_err(|_| format!("{what} did not come"))?;
            match event.ok_or("the connection ended")? {
                Event::Connected { .. } => {}
                Event::Subscribed { topics } => self.topics.extend(topics),
                Event::Order(order) => {
                    println!("{}", line(&order));
                    self.orders.insert(order.id.ok_or("an order without a number")?, *order);
                }
                Event::Trade(trade) => {
                    let role = if trade.is_maker() == Some(true) { "maker" } else { "taker" };
                    println!("  trade of {} at {} as {role}", text(trade.amount), text(trade.price));
                    self.trades.push(*trade);
                }
                Event::Balance(balance) => {
                    self.balances.insert(balance.currency.to_string(), *balance);
                }
                // A program that runs for longer handles gaps here: see the example `follow_my_orders`.
                disturbance => return Err(format!("{disturbance:?} came before {what}").into()),
            }
        }
        Ok(())
    }

    /// Sends an order and waits until the websocket reports it in the expected state.
    async fn place(&mut self, order: CreateOrder, stands: impl Fn(&Order) -> bool) -> Result<OrderId> {
        let id = self.cape.send(order).await?.id.ok_or("an order without a number")?;
        self.follow("the order", |desk| desk.orders.get(&id).is_some_and(&stands)).await?;
        Ok(id)
    }

    fn order(&self, id: OrderId) -> Result<&Order> {
        self.orders.get(&id).ok_or_else(|| format!("the websocket never reported order {id}").into())
    }

    fn is_final(&self, id: OrderId) -> bool {
        self.orders.get(&id).is_some_and(Order::is_final)
    }
}

/// A handle to the exchange with an account's key.
fn sign_in(sandbox: &Sandbox, name: &str) -> Result<Cape> {
    let account = sandbox.account(name).ok_or("no such account")?;
    let credentials = Credentials::new(&account.api_key, &account.secret)?;
    Ok(Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?)
}

/// An account's balances by currency, over REST.
async fn balances(cape: &Cape) -> Result<BTreeMap<String, Balance>> {
    let rows = cape.items(account::ListBalances::new()).try_collect().await?;
    Ok(rows.into_iter().map(|balance| (balance.currency.to_string(), balance)).collect())
}

/// Whether the websocket and REST show the same balance of a currency.
fn same_money(told: &Balance, rest: &BTreeMap<String, Balance>) -> bool {
    let money = |balance: &Balance| (balance.available(), balance.locked(), balance.total());
    rest.get(told.currency.as_str()).is_some_and(|rest| money(rest) == money(told))
}

/// The exact change of each balance by the trades, with fees.
fn sum(trades: &[Trade], markets: &[Market]) -> Result<BTreeMap<String, Decimal>> {
    let mut moved = BTreeMap::<String, Decimal>::new();
    for trade in trades {
        let market = markets.iter().find(|market| market.id == trade.market).ok_or("an unknown market")?;
        let total = trade.total.ok_or("a trade without a total")?;
        let (base, quote) =
            if trade.side == Some(Side::Buy) { (trade.amount, -total) } else { (-trade.amount, total) };
        let fee = trade.fee_amount.ok_or("a trade without a fee")?;
        let fee_currency = trade.fee_currency.as_ref().ok_or("a fee without a currency")?;
        *moved.entry(market.base_unit.to_string()).or_default() += base;
        *moved.entry(market.quote_unit.to_string()).or_default() += quote;
        *moved.entry(fee_currency.to_string()).or_default() -= fee;
    }
    Ok(moved)
}

/// Waits until the live book looks as expected. While it is not live it shows no levels, so old ones cannot count.
async fn watch(book: &mut LiveBook, done: impl Fn(&[Level], &[Level]) -> bool) -> Result<()> {
    let seen = book.until(|book| {
        let (bids, asks): (Vec<_>, Vec<_>) = (book.bids().ok()?.collect(), book.asks().ok()?.collect());
        done(&bids, &asks).then_some(())
    });
    timeout(SOON, seen).await.map_err(|_| "the book did not look as expected in time")??;
    Ok(())
}

fn levels(book: &LiveBook) -> Result<(Vec<Level>, Vec<Level>)> {
    Ok((book.levels(BookSide::Bid, 10)?, book.levels(BookSide::Ask, 10)?))
}

/// Prints the live book, and compares it with the exchange's answer over REST.
async fn show(cape: &Cape, book: &LiveBook) -> Result<()> {
    let (bids, asks) = levels(book)?;
    let rows = (0..bids.len().max(asks.len())).map(|place| {
        let [bid, ask] = [&bids, &asks].map(|side| side.get(place));
        let cell = |value: Option<Decimal>| value.map_or(String::new(), text);
        [bid.map(|l| l.amount), bid.map(|l| l.price), ask.map(|l| l.price), ask.map(|l| l.amount)].map(cell)
    });
    print_table(["amount", "bid", "ask", "amount"], rows);
    let depth = cape.send(public::GetDepth::new("btczar")).await?;
    ensure("REST and the live book show the same", (depth.bids, depth.asks) == (bids, asks))
}

fn line(order: &Order) -> String {
    let Order { side, market, state, .. } = order;
    let number = order.id.map_or(String::new(), |id| id.to_string());
    let price = order.price.map_or("market".to_owned(), text);
    let [filled, volume] = [order.executed_volume, order.origin_volume].map(text);
    format!("order {number:>2} {market} {side:4} {volume} at {price}: {state}, {filled} filled")
}

/// Without trailing zeros.
fn text(value: Decimal) -> String {
    value.normalize().to_string()
}

fn step(number: u32, what: &str) {
    println!("\n{number}. {what}");
}

fn ensure(what: &str, holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err(format!("this check failed: {what}").into()) }
}

fn print_table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
