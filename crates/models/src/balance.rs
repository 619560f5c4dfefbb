//! Balances, with one meaning wherever they come from.

use crate::{CurrencyId, Decimal, Timestamp, decimal, time};
use serde::{Deserialize, Serialize};

/// What an account holds of one currency.
///
/// The wire has two meanings for one key. Over REST (documents: "Account") and on the older stream, `balance` is
/// what is available. On the stream of today (documents: "Balance Stream") it is the total, and `available`
/// stands beside it. Here the three amounts mean the same in both cases, and the constructor of the difference
/// is the presence of `available`, as the wire has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
#[non_exhaustive]
pub struct Balance {
    /// The currency.
    pub currency: CurrencyId,
    /// When it last changed; only the stream tells.
    pub updated_at: Option<Timestamp>,
    available: Decimal,
    locked: Decimal,
    total: Decimal,
    form: Form,
}

/// Which of the two forms the balance came in, so that it can be written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    BalanceIsAvailable,
    BalanceIsTotal,
}

impl Balance {
    /// What can be used for orders and withdrawals.
    pub fn available(&self) -> Decimal {
        self.available
    }

    /// What open orders and pending withdrawals hold back.
    pub fn locked(&self) -> Decimal {
        self.locked
    }

    /// Available and locked together.
    pub fn total(&self) -> Decimal {
        self.total
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(alias = "currency_id")]
    currency: CurrencyId,
    #[serde(with = "decimal")]
    balance: Decimal,
    #[serde(with = "decimal")]
    locked: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    available: Option<Decimal>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    updated_at: Option<Timestamp>,
}

impl TryFrom<Wire> for Balance {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let sum =
            |available: Decimal| available.checked_add(wire.locked).ok_or("balance and locked overflow");
        let (available, total, form) = match wire.available {
            Some(available) if sum(available)? == wire.balance => {
                (available, wire.balance, Form::BalanceIsTotal)
            }
            // Guessing which of the three is wrong would be inventing money.
            Some(_) => return Err("available and locked do not add up to balance"),
            None => (wire.balance, sum(wire.balance)?, Form::BalanceIsAvailable),
        };
        Ok(Self {
            currency: wire.currency,
            updated_at: wire.updated_at,
            available,
            locked: wire.locked,
            total,
            form,
        })
    }
}

impl From<Balance> for Wire {
    fn from(balance: Balance) -> Self {
        let (total, available) = match balance.form {
            Form::BalanceIsAvailable => (balance.available, None),
            Form::BalanceIsTotal => (balance.total, Some(balance.available)),
        };
        Self {
            currency: balance.currency,
            balance: total,
            locked: balance.locked,
            available,
            updated_at: balance.updated_at,
        }
    }
}
