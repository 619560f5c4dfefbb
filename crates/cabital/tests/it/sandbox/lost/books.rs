//! What the sandbox's ledger says about an account, without the client.

use capecrypto_models::Decimal;
use capecrypto_sandbox::CabitalControl;
use std::collections::{BTreeMap, BTreeSet};

/// The account's money, and how it came to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Books {
    pub(super) conversions: BTreeSet<String>,
    pub(super) transfers: BTreeSet<String>,
    pub(super) sold: Decimal,
    pub(super) bought: Decimal,
    /// With the fee, which is taken out of it.
    pub(super) moved: Decimal,
    pub(super) sums_to_zero: bool,
    available: BTreeMap<String, Decimal>,
}

impl Books {
    pub(super) fn read(control: &CabitalControl, account: &str) -> Self {
        let ledger = control.ledger();
        let own = ledger.entries.iter().filter(|entry| entry.account == account);
        let available = own.map(|entry| {
            assert!(entry.locked.is_zero(), "{entry:?}");
            (entry.currency.to_ascii_uppercase(), entry.available)
        });
        let mut books = Self {
            conversions: BTreeSet::new(),
            transfers: BTreeSet::new(),
            sold: Decimal::ZERO,
            bought: Decimal::ZERO,
            moved: Decimal::ZERO,
            sums_to_zero: ledger.sums_to_zero,
            available: available.collect(),
        };
        for entry in control.journal(0) {
            let gives = entry.postings.iter().filter(|posting| posting.from == account);
            let gives: Decimal = gives.map(|posting| posting.amount).sum();
            let gets = entry.postings.iter().filter(|posting| posting.to == account);
            let gets: Decimal = gets.map(|posting| posting.amount).sum();
            match &*entry.kind {
                "conversion" => {
                    assert!(books.conversions.insert(entry.reference));
                    books.sold += gives;
                    books.bought += gets;
                }
                "transfer" => {
                    assert!(books.transfers.insert(entry.reference));
                    books.moved += gives;
                }
                "correction" => {}
                other => panic!("{other}"),
            }
        }
        books
    }

    /// What the account has of a currency.
    pub(super) fn available(&self, symbol: &str) -> Decimal {
        self.available[symbol]
    }
}
