//! Balances.

use super::Symbol;
use capecrypto_models::{Decimal, decimal};
use serde::{Deserialize, Serialize};

/// What an account can use of a currency (documents: "账户可用余额", available balance).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Balance {
    /// The currency.
    #[serde(rename = "code")]
    pub symbol: Symbol,
    /// The available amount. The wire calls it `balances` too.
    #[serde(rename = "balances", with = "decimal")]
    pub amount: Decimal,
}

/// The balances of an account, one for each currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Balances {
    /// The balances, in Cabital's order.
    pub balances: Vec<Balance>,
}

impl Balances {
    /// The available amount of this currency; `None` if it is not listed.
    pub fn of(&self, symbol: &Symbol) -> Option<Decimal> {
        self.balances.iter().find(|balance| balance.symbol == *symbol).map(|balance| balance.amount)
    }
}
