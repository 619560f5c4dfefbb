//! A payment reference: a code that a customer gives with a deposit, and how far the payment is.

use super::{
    Parts, Payments,
    failure::Failure,
    state::State,
    walk::{Next, Walk, Way},
};
use crate::{
    base::id::{AccountId, Code},
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::{Desk, Part},
        notice::Webhook,
        people::deposit_action::DepositAction,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

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
    /// Whether a deposit counts only if the account has some verification at that time.
    #[serde(default)]
    pub(crate) verified_only: bool,
}

/// A payment reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentReference {
    pub(crate) id: u64,
    /// The code that the customer gives.
    pub(crate) code: String,
    pub(crate) terms: Terms,
    pub(crate) state: State,
    /// How many deposits came.
    pub(crate) usage_count: u64,
    /// When the last of them came.
    pub(crate) last_used_ms: Option<i64>,
    /// What became of the first one. `None` until it came.
    pub(crate) walk: Option<Walk>,
    /// Why it failed.
    pub(crate) error: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

impl PaymentReference {
    pub(crate) fn expires_ms(&self) -> i64 {
        self.created_ms.saturating_add(self.terms.lifetime_ms)
    }

    fn action(&self) -> DepositAction {
        self.terms.action.clone().unwrap_or_default()
    }

    /// Where the walk of its deposit begins.
    pub(super) fn first_state(&self, parts: &Parts<'_>) -> Result<State, Failure> {
        self.walk.as_ref().map_or(Ok(State::Completed), |walk| walk.first_state(&self.action(), parts))
    }

    /// Sets the timer of the current state's action.
    pub(super) fn act_later(&mut self, parts: &mut Parts<'_>) {
        if let Some(walk) = &mut self.walk {
            walk.act_later((Part::Payments, self.id), parts);
        }
    }

    /// Begins the action of its state. `None` if none is due.
    pub(super) fn act(&mut self, parts: &mut Parts<'_>) -> Option<Result<Next, Failure>> {
        let action = self.action();
        let Self { code, terms, state, walk, .. } = self;
        let way = Way { action: &action, owner: terms.owner, name: code };
        walk.as_mut()?.act(*state, &way, parts)
    }

    /// What follows the order or the withdrawal that it waits for. `None` if that has not ended.
    pub(super) fn end_of_wait(&mut self, parts: &Parts<'_>) -> Option<Result<State, Failure>> {
        self.walk.as_mut()?.end_of_wait(self.state, parts)
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

impl Payments {
    /// A new code. It looks random, and is the same for the same seed.
    fn new_code(&self, desk: &Desk, id: u64) -> String {
        let made = (0..).map(|attempt| code(desk.uuid(CODES + attempt, id).as_u128()));
        made.into_iter().find(|code| !self.codes.contains_key(code)).unwrap_or_default()
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Payments>>() -> [Replayable<E>; 1] {
    [replayable::<E, CreatePaymentReference>()]
}

/// Creates a payment reference.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreatePaymentReference(pub(crate) Terms);

impl Command for CreatePaymentReference {
    const NAME: &'static str = "create_payment_reference";
    type Part = Payments;
    type Answer = PaymentReference;

    fn run(self, payments: &mut Payments, desk: &mut Desk, at_ms: i64) -> PaymentReference {
        let id = payments.all.last_key_value().map_or(1, |(last, _)| last + 1);
        let code = payments.new_code(desk, id);
        let made = PaymentReference {
            id,
            code: code.clone(),
            terms: self.0,
            state: State::PendingDeposit,
            usage_count: 0,
            last_used_ms: None,
            walk: None,
            error: None,
            created_ms: at_ms,
            updated_ms: at_ms,
        };
        payments.codes.insert(code, id);
        payments.all.insert(id, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_follow_from_the_seed_and_differ() {
        let made = |seed: u64| {
            let (mut payments, mut desk) = (Payments::default(), Desk::new(seed));
            let terms = Terms {
                owner: AccountId(1),
                account: AccountId(2),
                currency: Code::new("btc").unwrap(),
                expected_amount: None,
                action: None,
                webhook: None,
                lifetime_ms: 1_000,
                verified_only: true,
            };
            let mut create = || CreatePaymentReference(terms.clone()).run(&mut payments, &mut desk, 5);
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
        let (mut payments, desk) = (Payments::default(), Desk::new(7));
        let first = payments.new_code(&desk, 1);
        payments.codes.insert(first.clone(), 1);
        assert_ne!(payments.new_code(&desk, 1), first);
    }
}
