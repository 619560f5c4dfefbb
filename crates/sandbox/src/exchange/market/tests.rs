//! The engine against a naive model: 100,000 random commands in each profile.
//!
//! The model keeps its orders in one list and finds each match by looking at all of them. Prices, amounts, makers,
//! takers, order states and every balance must agree; each currency must sum to zero; no balance may be negative;
//! the locked balance must be the sum of the open orders' locks; and the books and balances rebuilt from the events must
//! be the same.

use super::{
    book::Level,
    engine::{Engine, Rules},
    intake::{NewOrder, codes},
    order::{Order, OrderType, Side, State},
    orders::OrderFilter,
    trade::Trade,
};
use crate::{
    base::{
        config::Profile,
        id::{AccountId, Code},
        ledger::{Balance, Party},
        listing::Cut,
    },
    exchange::{
        catalogue::{Catalogue, Market},
        command::Command,
        demo,
        desk::Desk,
        event::{Event, Increment},
        funds::{Funds, deposits::Deposit},
    },
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

const COMMANDS: u32 = 100_000;
const ACCOUNTS: [AccountId; 4] = [AccountId(1), AccountId(2), AccountId(3), AccountId(4)];

/// An order of the model: resting, or waiting to be carried out.
#[derive(Debug, Clone)]
struct Naive {
    id: u64,
    account: AccountId,
    market: Arc<Market>,
    side: Side,
    price: Option<Decimal>,
    left: Decimal,
    locked: Decimal,
    fills: u32,
}

/// Maker, taker, price, amount.
type Match = (u64, u64, Decimal, Decimal);

#[derive(Debug)]
enum Waiting {
    Place(Naive),
    Cancel(u64),
}

#[derive(Debug)]
struct Model {
    rules: Rules,
    resting: Vec<Naive>,
    waiting: VecDeque<Waiting>,
    balances: BTreeMap<(AccountId, Code), Balance>,
    /// Each market's matches, oldest first.
    matches: BTreeMap<Code, Vec<Match>>,
    /// How orders ended since the last comparison.
    ended: Vec<(u64, State)>,
}

impl Model {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            resting: Vec::new(),
            waiting: VecDeque::new(),
            balances: BTreeMap::new(),
            matches: BTreeMap::new(),
            ended: Vec::new(),
        }
    }

    fn balance(&mut self, account: AccountId, currency: Code) -> &mut Balance {
        self.balances.entry((account, currency)).or_default()
    }

    fn opposite(&self, market: &Market, side: Side) -> impl Iterator<Item = &Naive> {
        self.resting.iter().filter(move |o| o.market.id == market.id && o.side != side)
    }

    /// The best price of the other side, and the oldest order there.
    fn best(&self, market: &Market, side: Side) -> Option<&Naive> {
        self.opposite(market, side).min_by(|a, b| {
            let by_price = a.price.cmp(&b.price);
            (if side == Side::Buy { by_price } else { by_price.reverse() }).then(a.id.cmp(&b.id))
        })
    }

    /// The cost of taking `volume` from the other side; `None` if the side has less than that.
    fn cost(&self, market: &Market, side: Side, volume: Decimal) -> Option<Decimal> {
        let mut orders: Vec<&Naive> = self.opposite(market, side).collect();
        orders.sort_by_key(|o| if side == Side::Buy { o.price } else { o.price.map(|price| -price) });
        let (mut cost, mut left) = (Decimal::ZERO, volume);
        for order in orders {
            let part = left.min(order.left);
            cost += part * order.price.unwrap();
            left -= part;
        }
        left.is_zero().then_some(cost)
    }

    fn crosses(side: Side, limit: Option<Decimal>, price: Decimal) -> bool {
        limit.is_none_or(|limit| if side == Side::Buy { limit >= price } else { limit <= price })
    }

    /// The amount that the order must lock, or the code of its refusal, by the documented rules.
    fn expected(&mut self, account: AccountId, new: &NewOrder) -> Result<Decimal, &'static str> {
        let best = self.best(&new.market, new.side).and_then(|o| o.price);
        let cost = match new.ord_type {
            OrderType::Limit => Decimal::ZERO,
            OrderType::Market => {
                self.cost(&new.market, new.side, new.volume).ok_or(codes::INSUFFICIENT_LIQUIDITY)?
            }
        };
        let pays_with = if new.side == Side::Buy { new.market.quote } else { new.market.base };
        let available = self.balance(account, pays_with).available;
        let lock = match (new.side, new.price) {
            (Side::Sell, _) => new.volume,
            (Side::Buy, Some(price)) => price * new.volume,
            (Side::Buy, None) => (cost * Decimal::new(11, 1)).min(available),
        };
        if lock > available || lock.is_zero() {
            return Err(codes::INSUFFICIENT_BALANCE);
        }
        let market = &new.market;
        let good_volume =
            new.volume >= market.min_amount && new.volume.normalize().scale() <= market.amount_precision;
        let good_price = new.price.is_none_or(|price| {
            price >= market.min_price
                && price <= market.max_price
                && price.normalize().scale() <= market.price_precision
        });
        if !good_volume || !good_price {
            return Err(codes::INVALID_VOLUME_OR_PRICE);
        }
        if new.post_only && best.is_some_and(|best| Self::crosses(new.side, new.price, best)) {
            return Err(codes::POST_ONLY_WOULD_MATCH);
        }
        Ok(lock)
    }

    fn settle(&mut self) {
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting {
                Waiting::Place(order) => self.place(order),
                Waiting::Cancel(id) => {
                    if let Some(at) = self.resting.iter().position(|o| o.id == id) {
                        let order = self.resting.remove(at);
                        self.end(&order, State::Cancel);
                    }
                }
            }
        }
    }

    fn place(&mut self, mut taker: Naive) {
        loop {
            if taker.left.is_zero() {
                return self.end(&taker, State::Done);
            }
            let best = self.best(&taker.market, taker.side).cloned();
            let Some(maker) = best.filter(|o| Self::crosses(taker.side, taker.price, o.price.unwrap()))
            else {
                if taker.price.is_some() {
                    return self.resting.push(taker);
                }
                return self.end(&taker, State::Cancel);
            };
            if maker.account == taker.account && !self.rules.self_trades {
                let state = if taker.fills == 0 { State::Reject } else { State::Cancel };
                return self.end(&taker, state);
            }
            let price = maker.price.unwrap();
            let mut amount = taker.left.min(maker.left);
            if taker.side == Side::Buy && taker.price.is_none() {
                let affordable = (taker.locked / price).trunc_with_scale(taker.market.amount_precision);
                amount = amount.min(affordable);
            }
            if amount.is_zero() {
                return self.end(&taker, State::Cancel);
            }
            self.matches.entry(taker.market.id).or_default().push((maker.id, taker.id, price, amount));
            let total = price * amount;
            let at = self.resting.iter().position(|o| o.id == maker.id).unwrap();
            let mut maker = self.resting.swap_remove(at);
            self.fill(&mut maker, amount, total, Decimal::new(1, 3));
            self.fill(&mut taker, amount, total, Decimal::new(2, 3));
            if maker.left.is_zero() {
                self.end(&maker, State::Done);
            } else {
                self.resting.push(maker);
            }
        }
    }

    fn fill(&mut self, order: &mut Naive, amount: Decimal, total: Decimal, fee: Decimal) {
        let (base, quote) = (order.market.base, order.market.quote);
        let (paid, given, income, earned) = match order.side {
            Side::Buy => (quote, total, base, amount),
            Side::Sell => (base, amount, quote, total),
        };
        self.balance(order.account, paid).locked -= given;
        self.balance(order.account, income).available += earned - earned * fee;
        order.locked -= given;
        order.left -= amount;
        order.fills += 1;
    }

    fn end(&mut self, order: &Naive, state: State) {
        let pays_with = if order.side == Side::Buy { order.market.quote } else { order.market.base };
        let balance = self.balance(order.account, pays_with);
        balance.locked -= order.locked;
        balance.available += order.locked;
        self.ended.push((order.id, state));
    }
}

/// What a client knows: books and balances rebuilt from the events only.
#[derive(Debug, Default)]
struct Mirror {
    sequences: BTreeMap<Code, u64>,
    levels: BTreeMap<(Code, bool), BTreeMap<Decimal, Decimal>>,
    balances: BTreeMap<(AccountId, Code), Balance>,
    public_trades: usize,
    own_trades: usize,
}

impl Mirror {
    fn side(&mut self, market: Code, side: Side) -> &mut BTreeMap<Decimal, Decimal> {
        self.levels.entry((market, side == Side::Buy)).or_default()
    }

    /// Best first, as a snapshot has them.
    fn best_first(&mut self, market: Code, side: Side) -> Vec<Level> {
        let levels = self.side(market, side).iter().map(|(price, total)| (*price, *total));
        if side == Side::Sell { levels.collect() } else { levels.rev().collect() }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Increment(Increment { market, side, price, total, sequence, .. }) => {
                let last = self.sequences.insert(market, sequence).unwrap();
                assert_eq!(sequence, last + 1, "the sequence of {market}");
                match total {
                    Some(total) => self.side(market, side).insert(price, total),
                    None => self.side(market, side).remove(&price),
                };
            }
            Event::Snapshot { market, asks, bids, sequence } => {
                let last = *self.sequences.entry(market).or_insert(sequence);
                assert_eq!(sequence, last, "a snapshot has the sequence of the last increment");
                for (side, levels) in [(Side::Sell, asks), (Side::Buy, bids)] {
                    let mut known = self.best_first(market, side);
                    known.truncate(301);
                    assert_eq!(levels, known, "a snapshot equals the book from the increments");
                }
            }
            Event::Balance { account, currency, balance, .. } => {
                self.balances.insert((account, currency), balance);
            }
            Event::PublicTrade(_) => self.public_trades += 1,
            Event::OwnTrade { .. } => self.own_trades += 1,
            Event::Order(_) | Event::Forget { .. } => {}
        }
    }

    fn compare(&mut self, Setup { engine, desk, .. }: &Setup) {
        for market in &desk.catalogue.markets() {
            let (asks, bids) = engine.depth(market, usize::MAX);
            assert_eq!(self.best_first(market.id, Side::Sell), asks, "asks of {}", market.id);
            assert_eq!(self.best_first(market.id, Side::Buy), bids, "bids of {}", market.id);
        }
        for (&(account, currency), balance) in &self.balances {
            assert_eq!(desk.balance(account, currency), *balance, "{account:?} {currency}");
        }
        assert_eq!(self.own_trades, 2 * self.public_trades);
        let matches: usize = desk.catalogue.markets().iter().map(|market| engine.trades(market).len()).sum();
        assert_eq!(self.public_trades, matches);
    }
}

/// The engine, the desk that it shares with the other parts, and the part that makes deposits.
struct Setup {
    engine: Engine,
    desk: Desk,
    funds: Funds,
}

impl Setup {
    fn new(rules: Rules) -> Self {
        let mut setup = Self { engine: Engine::new(rules), desk: Desk::new(1), funds: Funds::default() };
        setup.desk.catalogue = Arc::new(demo::catalogue());
        for market in setup.desk.catalogue.markets() {
            setup.engine.open(market, &mut setup.desk, 0);
        }
        setup
    }

    fn settle(&mut self, now_ms: i64) {
        self.engine.settle(&mut self.desk, now_ms);
    }
}

/// Prints the seed if the test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {0}: run again with SANDBOX_SEED={0}", self.0);
        }
    }
}

fn random_order(random: &mut fastrand::Rng, catalogue: &Catalogue) -> NewOrder {
    // Only two markets, so that orders match often.
    let market = Arc::clone(&catalogue.markets()[random.usize(..2)]);
    let ord_type = if random.u8(..100) < 15 { OrderType::Market } else { OrderType::Limit };
    // A narrow range of prices, sometimes one that the market refuses.
    let middle = market.min_price * Decimal::from(2);
    let step = Decimal::from(random.i32(-20..=20)) * market.min_price / Decimal::from(1000);
    let price = match random.u8(..100) {
        0 => market.min_price / Decimal::from(2),
        1 => market.max_price + Decimal::ONE,
        2 => middle + Decimal::new(1, 3),
        _ => middle + step,
    };
    let volume = match random.u8(..100) {
        0 => market.min_amount / Decimal::from(10),
        1 => Decimal::new(random.i64(1..1_000_000_000), 9),
        2 => Decimal::from(random.u32(1_000..1_000_000)),
        3..20 => Decimal::new(random.i64(100_000_000..800_000_000), 8),
        _ => Decimal::new(random.i64(100_000..50_000_000), 8),
    };
    NewOrder {
        market,
        side: if random.bool() { Side::Buy } else { Side::Sell },
        ord_type,
        volume,
        price: (ord_type == OrderType::Limit).then_some(price),
        post_only: ord_type == OrderType::Limit && random.u8(..100) < 10,
        custom_order_id: None,
        bounds: None,
    }
}

fn run(profile: Profile) {
    let seed = std::env::var("SANDBOX_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = Seed(seed.unwrap_or_else(|| fastrand::u64(..)));
    let mut random = fastrand::Rng::with_seed(seed.0);
    let rules = Rules::of(profile);
    let (mut setup, mut model) = (Setup::new(rules), Model::new(rules));
    let mut mirror = Mirror::default();
    let (mut accepted, mut refused) = (0_u32, 0_u32);
    for command in 0..COMMANDS {
        let now_ms = i64::from(command) * 50;
        let account = ACCOUNTS[random.usize(..4)];
        match random.u8(..100) {
            0..70 => {
                let new = random_order(&mut random, &setup.desk.catalogue);
                model.settle();
                let expected = model.expected(account, &new);
                let order = setup.engine.submit(&mut setup.desk, account, new.clone(), now_ms);
                assert_eq!(order.as_ref().map(|order| order.locked).map_err(|code| *code), expected);
                if let Ok(order) = order {
                    accepted += 1;
                    let locked = order.locked;
                    let balance = model.balance(account, order.pays_with());
                    balance.available -= locked;
                    balance.locked += locked;
                    model.waiting.push_back(Waiting::Place(Naive {
                        id: order.id,
                        account,
                        market: new.market,
                        side: new.side,
                        price: new.price,
                        left: new.volume,
                        locked,
                        fills: 0,
                    }));
                } else {
                    refused += 1;
                }
            }
            70..90 => {
                model.settle();
                if !model.resting.is_empty() {
                    let order = &model.resting[random.usize(..model.resting.len())];
                    let (id, owner) = (order.id, order.account);
                    let shown = setup.engine.request_cancel(&mut setup.desk, owner, id, now_ms).unwrap();
                    assert_eq!(shown.state, State::Wait, "the answer shows the order before it is cancelled");
                    let other = AccountId(owner.0 + 1);
                    let refused = setup.engine.request_cancel(&mut setup.desk, other, id, now_ms);
                    assert!(refused.is_none(), "not the owner");
                    model.waiting.push_back(Waiting::Cancel(id));
                }
            }
            90..92 => {
                let market = random.bool().then(|| setup.desk.catalogue.markets()[random.usize(..2)].id);
                let side = random.bool().then_some(Side::Sell);
                model.settle();
                let shown = setup.engine.request_cancel_all(&mut setup.desk, account, market, side, now_ms);
                let ids: Vec<u64> = shown.iter().map(|order| order.id).collect();
                let mut wanted: Vec<u64> = model
                    .resting
                    .iter()
                    .filter(|o| o.account == account)
                    .filter(|o| market.is_none_or(|market| o.market.id == market))
                    .filter(|o| side.is_none_or(|side| o.side == side))
                    .map(|o| o.id)
                    .collect();
                wanted.sort_unstable();
                assert_eq!(ids, wanted);
                model.waiting.extend(ids.into_iter().map(Waiting::Cancel));
            }
            _ => {
                let currency = setup.desk.catalogue.currencies()[random.usize(..5)].id;
                let amount = Decimal::new(random.i64(1..100_000_000), 2);
                let deposit = Deposit { account, currency, amount, after_ms: 0 };
                deposit.run(&mut setup.funds, &mut setup.desk, now_ms).unwrap();
                model.balance(account, currency).available += amount;
            }
        }
        if random.u8(..10) < 8 {
            setup.settle(now_ms);
            model.settle();
        }
        if command % 16 == 0 {
            compare(&mut setup, &mut model, now_ms);
        }
        while let Some(event) = setup.desk.next_event() {
            mirror.take(event);
        }
        if command % 16 == 0 {
            mirror.compare(&setup);
        }
        if command % 1024 == 0 {
            compare_lists(&setup, &mut random, now_ms);
        }
    }
    compare(&mut setup, &mut model, i64::from(COMMANDS) * 50);
    let matched: usize = model.matches.values().map(Vec::len).sum();
    // With too few matches or orders the comparison would prove nothing.
    assert!(matched > 20_000 && accepted > 30_000 && refused > 1_000, "{matched} {accepted} {refused}");
}

fn compare(setup: &mut Setup, model: &mut Model, now_ms: i64) {
    setup.settle(now_ms);
    model.settle();
    let Setup { engine, desk, .. } = setup;
    for (id, state) in std::mem::take(&mut model.ended) {
        let order = engine.orders.get(id).unwrap();
        assert_eq!((order.state, order.locked), (state, Decimal::ZERO), "order {id}");
    }
    let mut locks: BTreeMap<(AccountId, Code), Decimal> = BTreeMap::new();
    for order in &model.resting {
        let held = engine.orders.get(order.id).unwrap();
        assert_eq!((held.state, held.remaining_volume), (State::Wait, order.left), "order {}", order.id);
        *locks.entry((held.account, held.pays_with())).or_default() += held.locked;
    }
    for currency in &desk.catalogue.currencies() {
        assert_eq!(desk.ledger.sum(currency.id), Some(Decimal::ZERO), "{} does not sum to zero", currency.id);
        assert!(desk.ledger.balance(Party::Fees, currency.id).available >= Decimal::ZERO);
        for account in ACCOUNTS {
            let balance = desk.balance(account, currency.id);
            assert_eq!(balance, *model.balance(account, currency.id), "{account:?} {}", currency.id);
            assert!(balance.available >= Decimal::ZERO && balance.locked >= Decimal::ZERO);
            let open = locks.get(&(account, currency.id)).copied().unwrap_or_default();
            assert_eq!(balance.locked, open, "locks of {account:?} in {}", currency.id);
        }
    }
    for market in &desk.catalogue.markets() {
        let matches = model.matches.entry(market.id).or_default();
        let trades = engine.trades(market);
        assert_eq!(trades.len(), matches.len());
        // Older matches were already compared.
        for (trade, wanted) in trades.iter().zip(matches.iter()).rev().take(64) {
            assert_eq!((trade.maker.order_id, trade.taker.order_id, trade.price, trade.amount), *wanted);
        }
        let (asks, bids) = engine.depth(market, usize::MAX);
        for (side, levels) in [(Side::Sell, asks), (Side::Buy, bids)] {
            let total: Decimal = levels.iter().map(|(_, amount)| *amount).sum();
            let left = model.resting.iter().filter(|o| o.market.id == market.id && o.side == side);
            assert_eq!(total, left.map(|o| o.left).sum::<Decimal>(), "depth of {}", market.id);
        }
    }
}

/// A page of a list equals the one from sorting and filtering the whole history, and the total counts the same rows.
fn compare_lists(Setup { engine, desk, .. }: &Setup, random: &mut fastrand::Rng, now_ms: i64) {
    let account = ACCOUNTS[random.usize(..4)];
    let within = match random.u8(..3) {
        0 => random.i64(..=now_ms)..random.i64(..=now_ms),
        1 => random.i64(..=now_ms)..i64::MAX,
        _ => i64::MIN..i64::MAX,
    };
    let markets = desk.catalogue.markets();
    let market = random.bool().then(|| &markets[random.usize(..3)]);
    let side = [None, Some(Side::Buy), Some(Side::Sell)][random.usize(..3)];
    let states = [vec![], vec![State::Wait], vec![State::Done, State::Cancel]][random.usize(..3)].clone();
    let ord_type = [None, Some(OrderType::Limit), Some(OrderType::Market)][random.usize(..3)];
    let base = (random.u8(..4) == 0).then(|| Code::new("btc").unwrap());
    let cut = Cut { skip: random.usize(..400), take: random.usize(..200), oldest_first: random.bool() };
    let page = |mut all: Vec<u64>| {
        if !cut.oldest_first {
            all.reverse();
        }
        (all.len(), all.into_iter().skip(cut.skip).take(cut.take).collect::<Vec<_>>())
    };

    let mut orders: Vec<&Order> = engine
        .orders
        .of(account)
        .filter(|order| market.is_none_or(|market| order.market.id == market.id))
        .filter(|order| base.is_none_or(|base| order.market.base == base))
        .filter(|order| side.is_none_or(|side| order.side == side))
        .filter(|order| ord_type.is_none_or(|ord_type| order.ord_type == ord_type))
        .filter(|order| states.is_empty() || states.contains(&order.state))
        .filter(|order| within.contains(&order.created_ms))
        .collect();
    orders.sort_by_key(|order| (order.updated_ms, order.id));
    let wanted = page(orders.iter().map(|order| order.id).collect());
    let created = Some(within.clone());
    let filter = OrderFilter { market: market.cloned(), base, quote: None, states, ord_type, side, created };
    let (total, got) = engine.orders_page(account, &filter, cut);
    assert_eq!((total, got.iter().map(|order| order.id).collect()), wanted, "{filter:?} {cut:?}");

    let mut trades: Vec<&Arc<Trade>> = markets.iter().flat_map(|market| engine.trades(market)).collect();
    trades.sort_by_key(|trade| trade.id);
    let own = trades.iter().filter(|trade| {
        market.is_none_or(|market| trade.market.id == market.id)
            && within.contains(&trade.at_ms)
            && trade.side_of(account).is_some_and(|half| side.is_none_or(|side| half.side == side))
    });
    let wanted = page(own.map(|trade| trade.id).collect());
    let (total, got) = engine.own_trades_page(account, market.map(Arc::as_ref), side, within.clone(), cut);
    assert_eq!((total, got.iter().map(|trade| trade.id).collect()), wanted, "own trades: {cut:?}");

    let market = &markets[0];
    let public = engine.trades(market).iter().filter(|trade| within.contains(&trade.at_ms));
    let wanted = page(public.map(|trade| trade.id).collect());
    let (total, got) = engine.trades_page(market, within, cut);
    assert_eq!((total, got.iter().map(|trade| trade.id).collect()), wanted, "public trades: {cut:?}");

    if let Some(order) = orders.last() {
        let of_order = trades.iter().filter(|trade| trade.side_of_order(order.id).is_some());
        let got = engine.trades_of_order(order.id).iter().map(|trade| trade.id);
        assert!(got.eq(of_order.map(|trade| trade.id)), "trades of order {}", order.id);
    }
}

#[test]
fn agrees_with_the_naive_model_in_docs() {
    run(Profile::Docs);
}

#[test]
fn agrees_with_the_naive_model_in_legacy() {
    run(Profile::Legacy);
}
