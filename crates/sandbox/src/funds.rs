//! What an account has beside its balances: beneficiaries, and the lines of its history, which are put there through the
//! control door; and the documents that were sent.

use serde_json::{Map, Value};

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
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    account: usize,
    pub(crate) at_ms: i64,
    pub(crate) fields: Map<String, Value>,
}

impl Transaction {
    /// A field's text; nothing where it has none.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }
}

/// A document that was sent for a customer; of its content only the size is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// The customer.
    pub uid: String,
    /// `doc_type`.
    pub doc_type: String,
    /// The file's name.
    pub file_name: String,
    /// The file's size.
    pub bytes: usize,
}

/// Beneficiaries and history of all accounts, and documents of customers.
#[derive(Debug, Default)]
pub(crate) struct Funds {
    pub(crate) documents: Vec<Document>,
    beneficiaries: Vec<(u64, usize)>,
    transactions: Vec<Transaction>,
    last_id: u64,
}

impl Funds {
    /// A number that nothing else of the funds has.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn add_beneficiary(&mut self, account: usize) -> u64 {
        let id = self.next_id();
        self.beneficiaries.push((id, account));
        id
    }

    /// Whether it was there, and the account's.
    pub(crate) fn delete_beneficiary(&mut self, account: usize, id: u64) -> bool {
        let before = self.beneficiaries.len();
        self.beneficiaries.retain(|beneficiary| *beneficiary != (id, account));
        self.beneficiaries.len() < before
    }

    /// Adds a line; its number and time are made here. Nothing where a field is none of the documents'.
    pub(crate) fn add_transaction(
        &mut self,
        account: usize,
        mut fields: Map<String, Value>,
        at_ms: i64,
        iso: String,
    ) -> Option<u64> {
        let known = fields.keys().all(|field| FIELDS.contains(&field.as_str()));
        if !known || !fields.get("type").is_some_and(Value::is_string) {
            return None;
        }
        let id = self.next_id();
        fields.insert("id".to_owned(), id.into());
        fields.insert("created_at".to_owned(), iso.into());
        self.transactions.push(Transaction { account, at_ms, fields });
        Some(id)
    }

    /// An account's lines, the newest first.
    pub(crate) fn transactions(&self, account: usize) -> impl Iterator<Item = &Transaction> {
        self.transactions.iter().rev().filter(move |line| line.account == account)
    }
}
