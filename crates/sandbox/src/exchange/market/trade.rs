//! A match of two orders, as the public and the two owners see it.

use super::order::Side;
use crate::{
    base::id::{AccountId, Code},
    exchange::catalogue::Market,
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// One match.
#[derive(Debug, Clone)]
pub(crate) struct Trade {
    pub(crate) id: u64,
    pub(crate) market: Arc<Market>,
    /// The maker's price.
    pub(crate) price: Decimal,
    /// In base currency.
    pub(crate) amount: Decimal,
    /// price × amount, in quote currency.
    pub(crate) total: Decimal,
    pub(crate) maker: TradeSide,
    pub(crate) taker: TradeSide,
    pub(crate) at_ms: i64,
}

/// One owner's half of a match.
#[derive(Debug, Clone)]
pub(crate) struct TradeSide {
    pub(crate) account: AccountId,
    pub(crate) order_id: u64,
    pub(crate) custom_order_id: Option<String>,
    pub(crate) side: Side,
    /// The fee rate: 0.001 for a maker, 0.002 for a taker.
    pub(crate) fee: Decimal,
    /// The fee: the rate times the income, in the currency of the income.
    pub(crate) fee_amount: Decimal,
}

impl Trade {
    /// The half that this account sees. An account that trades with itself sees the maker's half.
    pub(crate) fn side_of(&self, account: AccountId) -> Option<&TradeSide> {
        [&self.maker, &self.taker].into_iter().find(|half| half.account == account)
    }

    /// The half that belongs to that order.
    pub(crate) fn side_of_order(&self, order_id: u64) -> Option<&TradeSide> {
        [&self.maker, &self.taker].into_iter().find(|half| half.order_id == order_id)
    }

    /// The currency of a half's income and fee: base for a buy, quote for a sell.
    pub(crate) fn income_currency(&self, side: Side) -> Code {
        match side {
            Side::Buy => self.market.base,
            Side::Sell => self.market.quote,
        }
    }
}
