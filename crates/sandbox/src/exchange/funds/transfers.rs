//! Money that moves inside of the exchange: between two accounts, or from the exchange to an account as a reward.

use super::Funds;
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Party, Pocket, Posting, Reason, Refused},
        money::{self, exact},
    },
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        history::{self, Fields, fields},
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why the exchange pays a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RewardKind {
    /// The account brought a new member.
    Referral,
    /// The account made a market.
    MakerReward,
}

impl RewardKind {
    /// The `type` of its line in the history, and the `reference_type`.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Referral => ("referral", "Referral"),
            Self::MakerReward => ("maker_reward", "MakerReward"),
        }
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 2] {
    [replayable::<E, Transfer>(), replayable::<E, Reward>()]
}

/// The fields that every line of this file has. An id of our own stands where a coin has the id of its blockchain.
fn line(kind: &str, (reference, id): (&str, u64), at_ms: i64) -> Fields {
    fields([
        ("type", kind.into()),
        ("reference_type", reference.into()),
        ("reference_id", id.into()),
        ("state", "completed".into()),
        ("txid", format!("{kind}-{id}").into()),
        ("paid_at", at_ms.into()),
    ])
}

/// Moves money from one account to another. Each of them gets a line in its history.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) from: AccountId,
    pub(crate) to: AccountId,
    pub(crate) currency: Code,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    /// The uid of each.
    pub(crate) sender: String,
    pub(crate) receiver: String,
    /// The note of the sender.
    pub(crate) note: Option<String>,
}

impl Command for Transfer {
    const NAME: &'static str = "transfer";
    type Part = Funds;
    /// Its number.
    type Answer = Result<u64, Refused>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { from, to, currency, amount, sender, receiver, note } = self;
        let available = |account| (Party::Member(account), Pocket::Available);
        let posting = Posting { currency, from: available(from), to: available(to), amount };
        let id = funds.next_id();
        desk.ledger.post(at_ms, Reason::Transfer(id), &[posting])?;
        let side = |currency_field: &str, amount_field: &str| {
            let mut side = line("internal_transfer", ("InternalTransfer", id), at_ms);
            side.extend(fields([
                (currency_field, currency.to_string().into()),
                (amount_field, history::amount(amount)),
                ("fee_currency", currency.to_string().into()),
                ("fee", history::amount(Decimal::ZERO)),
                ("sender", sender.as_str().into()),
                ("receiver", receiver.as_str().into()),
            ]));
            side
        };
        let mut debit = side("debit_currency", "debit_amount");
        debit.extend(fields([("member_description", note.map_or(Value::Null, Value::from))]));
        desk.history.add(from, at_ms, debit);
        desk.history.add(to, at_ms, side("credit_currency", "credit_amount"));
        desk.tell_balances(&[(from, currency), (to, currency)], at_ms);
        Ok(id)
    }
}

/// Pays a reward. The money comes from outside.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reward {
    pub(crate) account: AccountId,
    pub(crate) kind: RewardKind,
    pub(crate) currency: Code,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    /// The uid of the account.
    pub(crate) receiver: String,
}

impl Command for Reward {
    const NAME: &'static str = "reward";
    type Part = Funds;
    /// Its number.
    type Answer = Result<u64, Refused>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, kind, currency, amount, receiver } = self;
        let on_its_way = funds.deposits.on_its_way(currency);
        let supply = [on_its_way, amount].into_iter().try_fold(desk.ledger.supply(currency), money::add);
        if supply.is_none_or(|supply| supply > money::MAX_SUPPLY) {
            return Err(Refused::OutOfRange);
        }
        let available = |party| (party, Pocket::Available);
        let (from, to) = (available(Party::Outside), available(Party::Member(account)));
        let id = funds.next_id();
        desk.ledger.post(at_ms, Reason::Reward(id), &[Posting { currency, from, to, amount }])?;
        let (name, reference) = kind.names();
        let mut credit = line(name, (reference, id), at_ms);
        credit.extend(fields([
            ("credit_currency", currency.to_string().into()),
            ("credit_amount", history::amount(amount)),
            ("receiver", receiver.into()),
        ]));
        desk.history.add(account, at_ms, credit);
        desk.tell_balances(&[(account, currency)], at_ms);
        Ok(id)
    }
}
