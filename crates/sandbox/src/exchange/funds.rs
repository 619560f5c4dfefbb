//! Deposits, and what an account has apart from its balances: beneficiaries, lines of its history, and documents of
//! customers. Lines of the history are added through the control door.

use super::{
    command::{Command, Due, Holds, Replayable, replayable},
    desk::{Desk, Part},
};
use crate::base::{
    id::{AccountId, Code},
    ledger::{Party, Pocket, Posting, Reason, Refused},
    money::{self, exact},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// The fields of a transaction (the documents' "Transaction"), and the columns of the table, in the documents' order.
pub(crate) const FIELDS: [&str; 35] = [
    "id",
    "type",
    "reference_type",
    "reference_id",
    "credit_currency",
    "credit_amount",
    "debit_currency",
    "debit_amount",
    "fee_currency",
    "fee",
    "blockchain_key",
    "blockchain_name",
    "market_id",
    "order_id",
    "price",
    "origin_volume",
    "payment_method_provider",
    "payment_method_name",
    "payment_method_precision",
    "payment_method_icon_url",
    "voucher_pin",
    "change_voucher_pin",
    "change_voucher_expiry",
    "change_voucher_amount",
    "description",
    "member_description",
    "sender",
    "receiver",
    "state",
    "address",
    "txid",
    "beneficiary_id",
    "paid_at",
    "expires_at",
    "created_at",
];

/// A line of an account's history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transaction {
    account: AccountId,
    pub(crate) id: u64,
    pub(crate) at_ms: i64,
    pub(crate) fields: Map<String, Value>,
}

impl Transaction {
    /// The text of a field; `None` if the field is missing or not a text.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }
}

/// A document that was sent for a customer. Only the size of its content is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// The uid of the customer.
    pub uid: String,
    /// The type of the document (`doc_type`).
    pub doc_type: String,
    /// The file's name.
    pub file_name: String,
    /// The file's size in bytes.
    pub bytes: usize,
}

/// A deposit that has not arrived yet.
#[derive(Debug, Clone, Copy)]
struct Coming {
    account: AccountId,
    currency: Code,
    amount: Decimal,
}

/// Deposits, beneficiaries and history of all accounts, and documents of customers.
#[derive(Debug, Default)]
pub(crate) struct Funds {
    documents: Vec<Document>,
    beneficiaries: Vec<(u64, AccountId)>,
    transactions: Vec<Arc<Transaction>>,
    coming: BTreeMap<u64, Coming>,
    last_id: u64,
}

impl Funds {
    /// A new number, unique among deposits, beneficiaries and transactions.
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The documents, in order of arrival.
    pub(crate) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// An account's lines, the newest first.
    pub(crate) fn transactions(&self, account: AccountId) -> impl Iterator<Item = &Arc<Transaction>> {
        self.transactions.iter().rev().filter(move |line| line.account == account)
    }

    fn credit(id: u64, coming: Coming, desk: &mut Desk, at_ms: i64) -> Result<(), Refused> {
        let Coming { account, currency, amount } = coming;
        let posting = Posting {
            currency,
            from: (Party::Outside, Pocket::Available),
            to: (Party::Member(account), Pocket::Available),
            amount,
        };
        desk.ledger.post(at_ms, Reason::Deposit(id), &[posting])?;
        desk.tell_balances(&[(account, currency)], at_ms);
        Ok(())
    }
}

impl Due for Funds {
    fn due(&mut self, key: u64, desk: &mut Desk, at_ms: i64) {
        if let Some(coming) = self.coming.remove(&key) {
            let credited = Self::credit(key, coming, desk, at_ms);
            debug_assert_eq!(
                credited,
                Ok(()),
                "the supply limit was checked when deposit {key} was accepted"
            );
        }
    }
}

/// The commands of this file.
pub(crate) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 5] {
    [
        replayable::<E, Deposit>(),
        replayable::<E, AddBeneficiary>(),
        replayable::<E, DeleteBeneficiary>(),
        replayable::<E, AddTransaction>(),
        replayable::<E, AddDocument>(),
    ]
}

/// Deposits money into an account, at once or later.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deposit {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    /// How long it takes to arrive.
    pub(crate) after_ms: u32,
}

impl Command for Deposit {
    const NAME: &'static str = "deposit";
    type Part = Funds;
    type Answer = Result<(), Refused>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, currency, amount, after_ms } = self;
        let coming = funds.coming.values().filter(|other| other.currency == currency);
        let amounts = coming.map(|other| other.amount).chain([amount]);
        let supply = desk.ledger.supply(currency);
        let supply = { amounts }.try_fold(supply, money::add).ok_or(Refused::OutOfRange)?;
        if supply > money::MAX_SUPPLY {
            return Err(Refused::OutOfRange);
        }
        let (id, coming) = (funds.next_id(), Coming { account, currency, amount });
        if after_ms == 0 {
            return Funds::credit(id, coming, desk, at_ms);
        }
        funds.coming.insert(id, coming);
        desk.timers.set(at_ms.saturating_add(i64::from(after_ms)), (Part::Funds, id));
        Ok(())
    }
}

/// Gives an account a beneficiary; the answer is its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddBeneficiary {
    pub(crate) account: AccountId,
}

impl Command for AddBeneficiary {
    const NAME: &'static str = "add_beneficiary";
    type Part = Funds;
    type Answer = u64;

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) -> u64 {
        let id = funds.next_id();
        funds.beneficiaries.push((id, self.account));
        id
    }
}

/// Deletes a beneficiary; the answer is whether the account had it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeleteBeneficiary {
    pub(crate) account: AccountId,
    pub(crate) id: u64,
}

impl Command for DeleteBeneficiary {
    const NAME: &'static str = "delete_beneficiary";
    type Part = Funds;
    type Answer = bool;

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) -> bool {
        let before = funds.beneficiaries.len();
        funds.beneficiaries.retain(|beneficiary| *beneficiary != (self.id, self.account));
        funds.beneficiaries.len() < before
    }
}

/// Adds a line to an account's history. The answer is its number; `None` if the documents do not name one of its fields.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddTransaction {
    pub(crate) account: AccountId,
    pub(crate) fields: Map<String, Value>,
}

impl Command for AddTransaction {
    const NAME: &'static str = "add_transaction";
    type Part = Funds;
    type Answer = Option<u64>;

    fn run(self, funds: &mut Funds, _desk: &mut Desk, at_ms: i64) -> Option<u64> {
        let Self { account, fields } = self;
        let known = fields.keys().all(|field| FIELDS.contains(&field.as_str()));
        if !known || !fields.get("type").is_some_and(Value::is_string) {
            return None;
        }
        let id = funds.next_id();
        funds.transactions.push(Arc::new(Transaction { account, id, at_ms, fields }));
        Some(id)
    }
}

/// Keeps the facts of a document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddDocument(pub(crate) Document);

impl Command for AddDocument {
    const NAME: &'static str = "add_document";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) {
        funds.documents.push(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deposit(amount: Decimal, after_ms: u32) -> Deposit {
        let currency = Code::new("zar").unwrap();
        Deposit { account: AccountId(1), currency, amount, after_ms }
    }

    #[test]
    fn money_on_its_way_has_its_room_in_the_supply_and_comes_once() {
        let (mut funds, mut desk) = (Funds::default(), Desk::new(1));
        let zar = Code::new("zar").unwrap();
        deposit(money::MAX_SUPPLY - Decimal::TWO, 500).run(&mut funds, &mut desk, 100).unwrap();
        deposit(Decimal::ONE, 0).run(&mut funds, &mut desk, 101).unwrap();
        let too_much = deposit(Decimal::TWO, 0).run(&mut funds, &mut desk, 102);
        assert_eq!(too_much, Err(Refused::OutOfRange));
        assert_eq!(desk.balance(AccountId(1), zar).available, Decimal::ONE);
        assert_eq!(desk.timers.take_due(599), None);
        let (at_ms, (part, key)) = desk.timers.take_due(700).unwrap();
        assert_eq!((at_ms, part), (600, Part::Funds));
        funds.due(key, &mut desk, at_ms);
        funds.due(key, &mut desk, at_ms);
        assert_eq!(desk.balance(AccountId(1), zar).available, money::MAX_SUPPLY - Decimal::ONE);
    }
}
