//! Payment references: codes that customers give with their deposits. None of them gets a deposit yet.

use super::Funds;
use crate::{
    base::id::{AccountId, Code},
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        people::{deposit_action::DepositAction, webhooks::Webhook},
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a payment reference is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The merchant or aggregator that makes it. Only it can read the secret.
    pub(crate) owner: AccountId,
    /// The account that the deposit is for.
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    pub(crate) expected_amount: Option<Decimal>,
    pub(crate) action: Option<DepositAction>,
    /// Where its webhooks go.
    pub(crate) webhook: Option<Webhook>,
    /// How long it is valid.
    pub(crate) lifetime_ms: i64,
}

/// A payment reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentReference {
    pub(crate) id: u64,
    /// The code that the customer gives.
    pub(crate) code: String,
    pub(crate) terms: Terms,
    pub(crate) created_ms: i64,
}

impl PaymentReference {
    pub(crate) fn expires_ms(&self) -> i64 {
        self.created_ms.saturating_add(self.terms.lifetime_ms)
    }
}

/// Every payment reference.
#[derive(Debug, Default)]
pub(crate) struct PaymentReferences {
    all: BTreeMap<u64, PaymentReference>,
    codes: BTreeSet<String>,
}

impl PaymentReferences {
    pub(crate) fn get(&self, id: u64) -> Option<&PaymentReference> {
        self.all.get(&id)
    }

    /// All of them, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &PaymentReference> {
        self.all.values().rev()
    }

    /// A new code. It looks random, and is the same for the same seed.
    fn new_code(&mut self, desk: &Desk, id: u64) -> String {
        let made = (0..).map(|attempt| code(desk.uuid(CODES + attempt, id).as_u128()));
        let code = made.into_iter().find(|code| !self.codes.contains(code)).unwrap_or_default();
        self.codes.insert(code.clone());
        code
    }
}

/// The sort of the uuids that codes are made from, and of those for codes that are taken.
const CODES: u64 = 1_000;

/// `PAY-` and six letters or digits, as in the documents' samples.
fn code(mut number: u128) -> String {
    const DIGITS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut code = "PAY-".to_owned();
    for _ in 0..6 {
        let digit = usize::try_from(number % 36).ok().and_then(|digit| DIGITS.get(digit));
        code.extend(digit.copied().map(char::from));
        number /= 36;
    }
    code
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, CreatePaymentReference>()]
}

/// Creates a payment reference.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreatePaymentReference(pub(crate) Terms);

impl Command for CreatePaymentReference {
    const NAME: &'static str = "create_payment_reference";
    type Part = Funds;
    type Answer = PaymentReference;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> PaymentReference {
        let id = funds.next_id();
        let code = funds.payment_references.new_code(desk, id);
        let made = PaymentReference { id, code, terms: self.0, created_ms: at_ms };
        funds.payment_references.all.insert(id, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_from_the_seed_and_differ() {
        let made = |seed: u64| {
            let (mut funds, mut desk) = (Funds::default(), Desk::new(seed));
            let terms = Terms {
                owner: AccountId(1),
                account: AccountId(2),
                currency: Code::new("btc").unwrap(),
                expected_amount: None,
                action: None,
                webhook: None,
                lifetime_ms: 1_000,
            };
            let mut create = || CreatePaymentReference(terms.clone()).run(&mut funds, &mut desk, 5);
            (0..500).map(|_| create()).collect::<Vec<_>>()
        };
        let references = made(7);
        assert_eq!(references, made(7));
        assert_ne!(references[0].code, made(8)[0].code);
        assert_eq!(references[0].expires_ms(), 1_005);
        let codes: BTreeSet<&str> = references.iter().map(|reference| &*reference.code).collect();
        assert_eq!(codes.len(), 500);
        for code in codes {
            let letters = code.strip_prefix("PAY-").unwrap();
            assert!(
                letters.len() == 6 && letters.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            );
        }
    }

    #[test]
    fn a_code_that_is_taken_is_not_given_again() {
        let (mut references, desk) = (PaymentReferences::default(), Desk::new(7));
        let first = references.new_code(&desk, 1);
        assert_ne!(references.new_code(&desk, 1), first);
    }
}
