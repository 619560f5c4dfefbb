//! Conversions: a market order of the exchange itself that turns an amount of one currency into another one, within a limit of
//! the price. All of the amount is converted, or nothing is.

use super::{
    book::Book,
    engine::Engine,
    intake::{NewOrder, codes},
    order::{Bounds, OrderType, Side, crosses},
};
use crate::{
    base::{
        id::{AccountId, Code},
        money,
    },
    exchange::{catalogue::Market, desk::Desk},
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// An amount that is to be converted.
#[derive(Debug)]
pub(crate) struct Conversion {
    pub(crate) account: AccountId,
    pub(crate) market: Arc<Market>,
    pub(crate) side: Side,
    /// What is paid: of the base currency for a sell, of the quote currency for a buy. The order never costs more.
    pub(crate) amount: Decimal,
    /// How much worse than the best price it may be, in percent.
    pub(crate) slippage: Decimal,
    /// The custom order id of the order.
    pub(crate) name: String,
}

/// Why nothing was converted. No order was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotConverted {
    /// The book has less than that.
    NoLiquidity,
    /// The book has enough, but not within the limit of the price.
    Slippage,
    /// Less than the least order of the market.
    TooSmall,
    /// The account no longer has the amount.
    Insufficient,
    /// The market does not take the order.
    Refused,
}

/// The market between two currencies, and the side of an order that pays with the first one.
pub(crate) fn market_between(markets: &[Arc<Market>], from: Code, to: Code) -> Option<(Arc<Market>, Side)> {
    markets.iter().find_map(|market| {
        let side = if (market.base, market.quote) == (from, to) {
            Side::Sell
        } else if (market.quote, market.base) == (from, to) {
            Side::Buy
        } else {
            return None;
        };
        Some((Arc::clone(market), side))
    })
}

/// The worst price that may be paid or taken. A rounding of its 28th digit changes nothing: prices have a few digits.
fn worst_price(side: Side, best: Decimal, slippage: Decimal) -> Option<Decimal> {
    let part = slippage.checked_div(Decimal::ONE_HUNDRED)?;
    let factor = match side {
        Side::Buy => Decimal::ONE.checked_add(part)?,
        Side::Sell => Decimal::ONE.checked_sub(part)?,
    };
    best.checked_mul(factor)
}

/// The volume of an order that uses the whole amount, and the last price that it reaches. `None` if the book has less.
fn reach(book: &Book, market: &Market, side: Side, amount: Decimal) -> Option<(Decimal, Decimal)> {
    let (mut left, mut volume, mut last) = (amount, Decimal::ZERO, None);
    let digits = market.amount_precision;
    if side == Side::Sell {
        left = left.trunc_with_scale(digits);
    }
    // What can be traded at this price with what is left.
    let possible = |left: Decimal, price: Decimal| match side {
        Side::Sell => Some(left),
        Side::Buy => money::div_down(left, price, digits),
    };
    for (price, total) in book.walk(side.opposite()) {
        let part = possible(left, price)?.min(total);
        if part.is_zero() {
            break;
        }
        volume = money::add(volume, part)?;
        left -= match side {
            Side::Sell => part,
            Side::Buy => money::mul(price, part)?,
        };
        last = Some(price);
    }
    let last = last?;
    possible(left, last)?.is_zero().then_some((volume, last))
}

impl Engine {
    /// Converts an amount by a market order, which is carried out at once unless matching is paused. The answer is its number.
    pub(crate) fn convert(
        &mut self,
        desk: &mut Desk,
        conversion: Conversion,
        now_ms: i64,
    ) -> Result<u64, NotConverted> {
        let Conversion { account, market, side, amount, slippage, name } = conversion;
        // What was accepted before may change the book.
        self.settle(desk, now_ms);
        if side == Side::Sell && amount < market.min_amount {
            return Err(NotConverted::TooSmall);
        }
        let book = &self.markets.get(&market.id).ok_or(NotConverted::Refused)?.book;
        let best = book.best(side.opposite()).ok_or(NotConverted::NoLiquidity)?.price;
        let worst_price = worst_price(side, best, slippage).ok_or(NotConverted::Refused)?;
        let smallest = money::mul(best, market.min_amount);
        if side == Side::Buy && smallest.is_some_and(|smallest| amount < smallest) {
            return Err(NotConverted::TooSmall);
        }
        let (volume, last) = reach(book, &market, side, amount).ok_or(NotConverted::NoLiquidity)?;
        if !crosses(side, Some(worst_price), last) {
            return Err(NotConverted::Slippage);
        }
        let new = NewOrder {
            market,
            side,
            ord_type: OrderType::Market,
            volume,
            price: None,
            post_only: false,
            custom_order_id: Some(name),
            bounds: Some(Bounds { worst_price, budget: amount }),
        };
        let order = self.submit(desk, account, new, now_ms).map_err(|code| match code {
            codes::INSUFFICIENT_BALANCE => NotConverted::Insufficient,
            codes::INSUFFICIENT_LIQUIDITY => NotConverted::NoLiquidity,
            codes::INVALID_VOLUME_OR_PRICE => NotConverted::TooSmall,
            _ => NotConverted::Refused,
        })?;
        self.settle(desk, now_ms);
        Ok(order.id)
    }

    /// What a conversion brought: the income of its trades without the fees, and the currency of it. `None` if there is no such
    /// order, or its sum has no exact value.
    pub(crate) fn proceeds(&self, account: AccountId, order: u64) -> Option<(Code, Decimal)> {
        let order = self.order(account, order)?;
        let currency = match order.side {
            Side::Buy => order.market.base,
            Side::Sell => order.market.quote,
        };
        let income = self.trades_of_order(order.id).iter().try_fold(Decimal::ZERO, |sum, trade| {
            let half = trade.side_of_order(order.id)?;
            let income = match half.side {
                Side::Buy => trade.amount,
                Side::Sell => trade.total,
            };
            money::add(sum, money::add(income, -half.fee_amount)?)
        })?;
        Some((currency, income))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{
            config::Profile,
            ledger::{Party, Pocket, Posting, Reason},
        },
        exchange::{
            demo,
            market::{engine::Rules, order::State},
        },
    };

    const MAKER: AccountId = AccountId(1);
    const SHOP: AccountId = AccountId(2);

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn code(text: &str) -> Code {
        Code::new(text).unwrap()
    }

    struct Setup {
        engine: Engine,
        desk: Desk,
        market: Arc<Market>,
    }

    impl Setup {
        /// Both accounts have a lot of both currencies.
        fn new() -> Self {
            let (mut engine, mut desk) = (Engine::new(Rules::of(Profile::Docs)), Desk::new(1));
            desk.catalogue = demo::catalogue().into();
            for market in desk.catalogue.markets() {
                engine.open(market, &mut desk, 0);
            }
            for account in [MAKER, SHOP] {
                for (currency, amount) in [("btc", 1_000), ("zar", 900_000_000)] {
                    let to = (Party::Member(account), Pocket::Available);
                    let from = (Party::Outside, Pocket::Available);
                    let posting = Posting { currency: code(currency), from, to, amount: amount.into() };
                    desk.ledger.post(0, Reason::Deposit(1), &[posting]).unwrap();
                }
            }
            let market = desk.catalogue.market("btczar").unwrap();
            Self { engine, desk, market }
        }

        fn offer(&mut self, account: AccountId, side: Side, volume: &str, price: &str) {
            let new = NewOrder {
                market: Arc::clone(&self.market),
                side,
                ord_type: OrderType::Limit,
                volume: dec(volume),
                price: Some(dec(price)),
                post_only: false,
                custom_order_id: None,
                bounds: None,
            };
            self.engine.submit(&mut self.desk, account, new, 0).unwrap();
            self.engine.settle(&mut self.desk, 0);
        }

        fn convert(&mut self, side: Side, amount: &str, slippage: &str) -> Result<u64, NotConverted> {
            let conversion = Conversion {
                account: SHOP,
                market: Arc::clone(&self.market),
                side,
                amount: dec(amount),
                slippage: dec(slippage),
                name: "PAY-1".to_owned(),
            };
            self.engine.convert(&mut self.desk, conversion, 1)
        }

        fn available(&self, currency: &str) -> Decimal {
            self.desk.balance(SHOP, code(currency)).available
        }
    }

    #[test]
    fn a_sale_takes_all_prices_within_the_limit() {
        let mut setup = Setup::new();
        for price in ["800000", "792000", "700000"] {
            setup.offer(MAKER, Side::Buy, "0.5", price);
        }
        // 1 % below 800000 is 792000.
        assert_eq!(setup.convert(Side::Sell, "1", "0.99"), Err(NotConverted::Slippage));
        assert_eq!(setup.convert(Side::Sell, "1.51", "10"), Err(NotConverted::NoLiquidity));
        assert_eq!(setup.convert(Side::Sell, "0.00000999", "1"), Err(NotConverted::TooSmall));
        assert_eq!(setup.convert(Side::Sell, "5000", "1"), Err(NotConverted::NoLiquidity));
        let before = (setup.available("btc"), setup.available("zar"));
        let order = setup.convert(Side::Sell, "1.000000001", "1").unwrap();
        let made = setup.engine.order(SHOP, order).unwrap();
        assert_eq!((made.state, made.trades_count, made.ord_type), (State::Done, 2, OrderType::Market));
        let income = dec("796000") * dec("0.998");
        assert_eq!(setup.engine.proceeds(SHOP, order), Some((code("zar"), income)));
        assert_eq!(before.0 - setup.available("btc"), Decimal::ONE, "what the market cannot take stays");
        assert_eq!(setup.available("zar") - before.1, income);
    }

    #[test]
    fn a_purchase_costs_the_amount_at_most_and_locks_no_more() {
        let mut setup = Setup::new();
        for (volume, price) in [("0.3", "800000"), ("0.2", "801000"), ("5", "900000")] {
            setup.offer(MAKER, Side::Sell, volume, price);
        }
        assert_eq!(setup.convert(Side::Buy, "500000", "1"), Err(NotConverted::Slippage));
        assert_eq!(setup.convert(Side::Buy, "5000000", "10"), Err(NotConverted::NoLiquidity));
        assert_eq!(setup.convert(Side::Buy, "7.99", "10"), Err(NotConverted::TooSmall));
        let before = (setup.available("btc"), setup.available("zar"));
        let order = setup.convert(Side::Buy, "300001.23", "1").unwrap();
        let made = setup.engine.order(SHOP, order).unwrap();
        // 240000 for 0.3, and 60001.23 / 801000 for the rest.
        assert_eq!((made.state, made.origin_volume), (State::Done, dec("0.37490790")));
        let spent = before.1 - setup.available("zar");
        assert_eq!(spent, made.turnover);
        assert!(spent <= dec("300001.23") && dec("300001.23") - spent < dec("0.01"), "{spent}");
        let income = dec("0.37490790") * dec("0.998");
        assert_eq!(setup.engine.proceeds(SHOP, order), Some((code("btc"), income)));
        assert_eq!(setup.available("btc") - before.0, income);
        assert_eq!(setup.desk.balance(SHOP, code("zar")).locked, Decimal::ZERO);
    }

    /// Between the acceptance and the match the book may change only while matching is paused.
    #[test]
    fn the_limit_holds_when_the_book_changes_before_the_match() {
        let mut setup = Setup::new();
        setup.offer(MAKER, Side::Buy, "0.5", "800000");
        setup.engine.paused = true;
        // Accepted first, so it is carried out first: it takes what the conversion has seen.
        setup.offer(SHOP, Side::Sell, "0.4", "800000");
        setup.offer(MAKER, Side::Buy, "9", "700000");
        let order = setup.convert(Side::Sell, "0.5", "1").unwrap();
        assert_eq!(setup.engine.order(SHOP, order).unwrap().state, State::Pending);
        setup.engine.paused = false;
        setup.engine.settle(&mut setup.desk, 2);
        let made = setup.engine.order(SHOP, order).unwrap();
        assert_eq!((made.state, made.executed_volume()), (State::Cancel, dec("0.1")));
    }

    #[test]
    fn the_side_follows_from_the_market() {
        let markets = demo::catalogue().markets();
        let between = |from: &str, to: &str| {
            market_between(&markets, code(from), code(to)).map(|(market, side)| (market.id.to_string(), side))
        };
        assert_eq!(between("btc", "zar"), Some(("btczar".to_owned(), Side::Sell)));
        assert_eq!(between("zar", "usdc"), Some(("usdczar".to_owned(), Side::Buy)));
        assert_eq!(between("btc", "usdc"), None);
        assert_eq!(between("btc", "btc"), None);
    }
}
