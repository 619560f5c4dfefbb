//! Balances, with the same meaning from every source.

use crate::{CurrencyId, Decimal, Malformed, Timestamp, decimal, time, tolerant};
use serde::{Deserialize, Serialize};

/// What an account holds of one currency.
///
/// On the wire, the key `balance` has two meanings. Over REST (documents: "Account") and on the older stream, it is
/// the available amount. On the current stream (documents: "Balance Stream") it is the total, and the key `available`
/// is sent too. That key tells the two forms apart, so the three amounts of this type always mean the same. For a
/// server whose REST answers mean the total, see [`with_balance_as_total`](Self::with_balance_as_total).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
#[non_exhaustive]
pub struct Balance {
    /// The currency.
    pub currency: CurrencyId,
    /// When it last changed; only the stream sends it.
    pub updated_at: Option<Timestamp>,
    available: Decimal,
    locked: Decimal,
    total: Decimal,
    form: Form,
}

/// Two balances are equal if currency, amounts and time are equal. The form they came in does not matter.
impl PartialEq for Balance {
    fn eq(&self, other: &Self) -> bool {
        self.has_same_amounts(other) && self.updated_at == other.updated_at
    }
}

impl Eq for Balance {}

/// The form that the balance came in, so that it is written back in the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `balance` is the available amount.
    AvailableAlone,
    /// `balance` is the total, with `available` beside it.
    AllThree,
    /// `balance` is the total, and `available` is not written.
    TotalAlone,
}

impl Balance {
    /// The amount that can be used for orders and withdrawals.
    pub fn available(&self) -> Decimal {
        self.available
    }

    /// The amount that open orders and pending withdrawals hold back.
    pub fn locked(&self) -> Decimal {
        self.locked
    }

    /// Available and locked together.
    pub fn total(&self) -> Decimal {
        self.total
    }

    /// Corrects a balance from a server whose key `balance` means the total. It was read as the available amount,
    /// because the answer itself does not say what it means: see `BalanceMeaning` of the environment.
    ///
    /// A balance that came with the key `available` is not changed.
    ///
    /// # Errors
    /// [`Malformed`] if more is locked than the total: then `balance` cannot be the total. Also if no [`Decimal`] holds what
    /// is available exactly.
    pub fn with_balance_as_total(self) -> Result<Self, Malformed> {
        if self.form != Form::AvailableAlone {
            return Ok(self);
        }
        let total = self.available;
        let wrong = |why| Malformed::new(why, "set the environment to `BalanceMeaning::Available`");
        let available = decimal::sum(total, -self.locked)
            .ok_or_else(|| wrong("`balance` minus `locked` has more than 28 digits"))?;
        if available < Decimal::ZERO {
            return Err(wrong("`balance` cannot be the total, since `locked` is larger"));
        }
        Ok(Self { available, total, form: Form::TotalAlone, ..self })
    }

    /// Whether currency and amounts are equal, for reconciliation. Time and source do not matter.
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
    /// The older stream's name for `currency`. A server may send both while it changes from one to the other.
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
        let sum = |available| {
            decimal::sum(available, wire.locked)
                .ok_or("the sum of available and locked has more than 28 digits")
        };
        let (available, total, form) = match wire.available {
            Some(available) if sum(available)? == wire.balance => (available, wire.balance, Form::AllThree),
            // It is not known which of the three is wrong, and a wrong guess would invent money.
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
