//! Money from outside, and the ledger.

use super::{
    control::{Control, ControlError},
    operation::{Operation, answer, done},
};
use crate::{
    api::params::Value,
    base::{
        id::{AccountId, Code},
        ledger::{Balance, Entry, Ledger as Books, Party, Pocket, Posting},
        money::{self, Parsed},
    },
    exchange::{Exchange, funds::deposits::Deposit},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "deposit, deposit_after",
        method: "POST",
        path: "deposit",
        about: r#"`{"account","currency","amount"}`; with `"after_ms"` it arrives that much later on the exchange's clock"#,
        run: |control, input| {
            let NewDeposit { account, currency, amount, after_ms } = input.read()?;
            control.deposit_after(&account, &currency, exact_amount(&amount)?, after_ms.unwrap_or(0))?;
            done()
        },
    },
    Operation {
        library: "ledger",
        method: "GET",
        path: "ledger",
        about: "every balance, and each currency's sum",
        run: |control, _| answer(&control.ledger()),
    },
    Operation {
        library: "journal",
        method: "GET",
        path: "journal/{after}",
        about: "up to 1,000 movements of money after that number, oldest first",
        run: |control, input| answer(&control.journal(input.number()?)),
    },
];

/// The largest number of entries that [`Control::journal`] returns.
const MOST_ENTRIES: usize = 1_000;

#[derive(Deserialize)]
struct NewDeposit {
    account: String,
    currency: String,
    amount: Box<RawValue>,
    after_ms: Option<u32>,
}

/// All balances of the exchange at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Every account, then `fees` (the exchange's income) and `outside` (negative: the sum of all deposits).
    pub entries: Vec<LedgerEntry>,
    /// Each currency's sum over all entries, available and locked.
    #[serde(serialize_with = "texts")]
    pub sums: BTreeMap<String, Decimal>,
    /// Whether every sum is zero.
    pub sums_to_zero: bool,
}

/// One party's money in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The account's name, `fees` or `outside`.
    pub account: String,
    /// The account's uid; `None` for `fees` and `outside`.
    pub uid: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// Free to spend.
    #[serde(serialize_with = "plain_text")]
    pub available: Decimal,
    /// Held for open orders and withdrawals.
    #[serde(serialize_with = "plain_text")]
    pub locked: Decimal,
}

impl Ledger {
    /// The entry of one account and one currency; `None` if a name is unknown.
    #[must_use]
    pub fn entry(&self, account: &str, currency: &str) -> Option<&LedgerEntry> {
        self.entries.iter().find(|entry| entry.account == account && entry.currency == currency)
    }
}

/// An amount of a request, as text or number. It is read without rounding.
pub(super) fn exact_amount(raw: &RawValue) -> Result<Decimal, ControlError> {
    match Value::from_json(raw).as_decimal() {
        Parsed::Exact(amount) => Ok(amount),
        Parsed::Unrepresentable { .. } | Parsed::NotDecimal => Err(ControlError::InvalidAmount),
    }
}

fn plain_text<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&money::text(*value))
}

fn texts<S: Serializer>(values: &BTreeMap<String, Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(key, value)| (key, money::text(*value))))
}

/// One batch of postings, applied whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JournalEntry {
    /// Its number, from 1 without a gap.
    pub id: u64,
    /// When, in milliseconds since the Unix epoch, by the exchange's clock.
    pub at_ms: i64,
    /// Such as `deposit`, `order_locked`, `order_released`, `trade`, `withdrawal_locked`, `withdrawal_paid`, `withdrawal_released`,
    /// `transfer` or `reward`.
    pub kind: String,
    /// The order, trade, deposit or withdrawal that caused it, such as `order 12`.
    pub reference: String,
    /// What moved.
    pub postings: Vec<JournalPosting>,
}

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JournalPosting {
    /// The currency's code.
    pub currency: String,
    /// The source: an account's name, `fees` or `outside`, followed by `:locked` if the money was locked.
    pub from: String,
    /// The target, in the same form.
    pub to: String,
    /// Zero or more.
    #[serde(serialize_with = "plain_text")]
    pub amount: Decimal,
}

impl Control {
    /// Deposits money into an account. The balance event is sent as usual.
    ///
    /// # Errors
    /// An unknown account or currency, or an amount out of range (see [`ControlError::InvalidAmount`]).
    pub fn deposit(&self, account: &str, currency: &str, amount: Decimal) -> Result<(), ControlError> {
        self.deposit_after(account, currency, amount, 0)
    }

    /// Deposits money into an account `after_ms` milliseconds later, on the exchange's clock.
    ///
    /// # Errors
    /// The same as for [`deposit`](Self::deposit).
    pub fn deposit_after(
        &self,
        account: &str,
        currency: &str,
        amount: Decimal,
        after_ms: u32,
    ) -> Result<(), ControlError> {
        let account = self.account(account)?;
        let currency = self.amount_of(currency, amount)?;
        let deposit = Deposit { account, currency, amount, after_ms };
        self.host.command(deposit).map_err(|_| ControlError::InvalidAmount)
    }

    /// The currency of that name, if it has such an amount.
    pub(super) fn amount_of(&self, currency: &str, amount: Decimal) -> Result<Code, ControlError> {
        let currency = self.host.catalogue.currency(currency).ok_or(ControlError::UnknownCurrency)?;
        if amount <= Decimal::ZERO || money::fraction_digits(amount) > currency.precision {
            return Err(ControlError::InvalidAmount);
        }
        Ok(currency.id)
    }

    /// Every balance, and the proof that each currency sums to zero.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.host.read(ledger)
    }

    /// Up to 1,000 movements of money whose number is above `after`, oldest first.
    #[must_use]
    pub fn journal(&self, after: u64) -> Vec<JournalEntry> {
        self.host.read(|exchange| {
            let name = |id| exchange.people().get(id).map(|person| person.name);
            journal_of(exchange.ledger(), after, |id| name(id).unwrap_or_default())
        })
    }
}

/// The journal of a ledger whose accounts have these names.
pub(super) fn journal_of(books: &Books, after: u64, name: impl Fn(AccountId) -> String) -> Vec<JournalEntry> {
    let holder = |(party, pocket)| {
        let name = match party {
            Party::Outside => "outside".to_owned(),
            Party::Fees => "fees".to_owned(),
            Party::Member(id) => name(id),
        };
        match pocket {
            Pocket::Available => name,
            Pocket::Locked => format!("{name}:locked"),
        }
    };
    let posting = |posting: &Posting| JournalPosting {
        currency: posting.currency.to_string(),
        from: holder(posting.from),
        to: holder(posting.to),
        amount: posting.amount,
    };
    let entries = books.journal().iter().zip(1..).skip(usize::try_from(after).unwrap_or(usize::MAX));
    let entry = |(entry, id): (&Entry, u64)| JournalEntry {
        id,
        at_ms: entry.at_ms,
        kind: entry.reason.kind().to_owned(),
        reference: entry.reason.to_string(),
        postings: entry.postings.iter().map(posting).collect(),
    };
    entries.take(MOST_ENTRIES).map(entry).collect()
}

fn ledger(exchange: &Exchange) -> Ledger {
    let currencies = exchange.catalogue().currencies();
    let members = exchange.people().all().into_iter();
    let members = members.map(|(id, person)| (id, person.name, Some(person.uid)));
    ledger_of(exchange.ledger(), members, &currencies.iter().map(|currency| currency.id).collect::<Vec<_>>())
}

/// All balances of a ledger with these accounts (with name and uid) and currencies.
pub(super) fn ledger_of(
    books: &Books,
    members: impl Iterator<Item = (AccountId, String, Option<String>)>,
    currencies: &[Code],
) -> Ledger {
    let parties = members
        .map(|(id, name, uid)| (Party::Member(id), name, uid))
        .chain([(Party::Fees, "fees".to_owned(), None), (Party::Outside, "outside".to_owned(), None)]);
    let entries = parties
        .flat_map(|(party, account, uid)| {
            currencies.iter().map(move |&currency| {
                let Balance { available, locked } = books.balance(party, currency);
                let (account, uid, currency) = (account.clone(), uid.clone(), currency.to_string());
                LedgerEntry { account, uid, currency, available, locked }
            })
        })
        .collect();
    let sums: BTreeMap<_, _> = currencies
        .iter()
        .filter_map(|currency| Some((currency.to_string(), books.sum(*currency)?)))
        .collect();
    // A sum without an exact value is missing from `sums`, so that the proof fails.
    let sums_to_zero = sums.len() == currencies.len() && sums.values().all(Decimal::is_zero);
    Ledger { entries, sums, sums_to_zero }
}
