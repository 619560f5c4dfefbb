//! Balances, with one meaning wherever they come from.

use crate::{CurrencyId, Decimal, Malformed, Timestamp, decimal, time, tolerant};
use serde::{Deserialize, Serialize};

/// What an account holds of one currency.
///
/// The wire has two meanings for one key. Over REST (documents: "Account") and on the older stream, `balance` is
/// what is available. On the stream of today (documents: "Balance Stream") it is the total, and `available`
/// stands beside it. Here the three amounts mean the same in both cases: the two forms are told apart by the presence
/// of `available`. For a server whose REST answers mean the total, see
/// [`with_balance_as_total`](Self::with_balance_as_total).
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// Two balances are equal where currency, amounts and time are, whichever form they came in.
impl PartialEq for Balance {
    fn eq(&self, other: &Self) -> bool {
        self.has_same_amounts(other) && self.updated_at == other.updated_at
    }
}

impl Eq for Balance {}

/// Which of the two forms the balance came in, so that it can be written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `balance` is what is available.
    AvailableAlone,
    /// `balance` is the total, with `available` beside it.
    AllThree,
    /// `balance` is the total, and `available` is not written.
    TotalAlone,
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

    /// Reads the key `balance` as the total, where it came without `available` and so was read as what is available.
    /// The answer itself does not tell which of the two it means: see `BalanceMeaning` of the environment.
    ///
    /// A balance that came with `available` beside it stays as it is.
    ///
    /// # Errors
    /// [`Malformed`] where more is locked than the total would be: then it is no total.
    pub fn with_balance_as_total(self) -> Result<Self, Malformed> {
        if self.form != Form::AvailableAlone {
            return Ok(self);
        }
        let total = self.available;
        let rest = total.checked_sub(self.locked).filter(|rest| *rest >= Decimal::ZERO);
        // The difference of numbers with very different digits would be rounded without a word.
        match rest.filter(|rest| rest.checked_add(self.locked) == Some(total)) {
            Some(available) => Ok(Self { available, total, form: Form::TotalAlone, ..self }),
            None => Err(Malformed::new(
                "`balance` cannot be the total, since `locked` is larger",
                "say in the environment that `balance` is what is available",
            )),
        }
    }

    /// Whether both tell the same of the same currency, whenever and wherever they come from: for reconciling.
    pub fn has_same_amounts(&self, other: &Self) -> bool {
        (&self.currency, self.available, self.locked) == (&other.currency, other.available, other.locked)
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    currency: Option<CurrencyId>,
    /// The older stream's name for it; a server that changes from one to the other may send both.
    #[serde(default, skip_serializing, deserialize_with = "tolerant::optional_text_id")]
    currency_id: Option<CurrencyId>,
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
        // The sum of two large numbers would be rounded without a word.
        let exact = |available: Decimal| {
            let sum = available.checked_add(wire.locked)?;
            (sum.checked_sub(wire.locked)? == available && sum.checked_sub(available)? == wire.locked)
                .then_some(sum)
        };
        let sum =
            |available| exact(available).ok_or("the sum of available and locked has more than 28 digits");
        let (available, total, form) = match wire.available {
            Some(available) if sum(available)? == wire.balance => (available, wire.balance, Form::AllThree),
            // Guessing which of the three is wrong would be inventing money.
            Some(_) => return Err("available and locked do not add up to balance"),
            None => (wire.balance, sum(wire.balance)?, Form::AvailableAlone),
        };
        Ok(Self {
            currency: wire.currency.or(wire.currency_id).ok_or("missing field `currency`")?,
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
            Form::AvailableAlone => (balance.available, None),
            Form::AllThree => (balance.total, Some(balance.available)),
            Form::TotalAlone => (balance.total, None),
        };
        Self {
            currency: Some(balance.currency),
            currency_id: None,
            balance: total,
            locked: balance.locked,
            available,
            updated_at: balance.updated_at,
        }
    }
}
