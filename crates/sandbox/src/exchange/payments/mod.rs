//! Payments: deposits that name a payment reference, or come to a sub-account with a deposit action, and what is done with them.
//!
//! A deposit is linked to the reference that it names as soon as its money is in the balance. Then the actions of the reference are
//! carried out, one after another: the transfer to the parent account, the order, the withdrawal. Each begins [`STEP_MS`] after
//! the reference has entered its state. The money is ordinary money of an account at any time. So when an action fails, it stays
//! where it is.

mod account_action;
mod arrival;
mod failure;
mod notices;
pub(crate) mod reference;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod walk;

use self::{account_action::Errand, failure::Failure, reference::PaymentReference, state::State, walk::Next};
use super::{
    command::{Holds, Replayable},
    desk::Desk,
    funds::Funds,
    market::engine::Engine,
    people::People,
};
use crate::base::id::AccountId;
use std::collections::{BTreeMap, BTreeSet};

/// How long a payment reference is in a state before the state's action begins. The documents name no times; this one is ours.
pub(crate) const STEP_MS: i64 = 5_000;

/// Every payment reference.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    all: BTreeMap<u64, PaymentReference>,
    codes: BTreeMap<String, u64>,
    /// Deposits of sub-accounts on their way, by their numbers.
    errands: BTreeMap<u64, Errand>,
    /// What waits for the end of its order or withdrawal.
    waiting: BTreeSet<Waiting>,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waiting {
    Reference(u64),
    /// A deposit of a sub-account.
    Deposit(u64),
}

/// The other parts, which the actions need.
pub(crate) struct Parts<'a> {
    pub(crate) funds: &'a mut Funds,
    pub(crate) engine: &'a mut Engine,
    pub(crate) people: &'a People,
    pub(crate) desk: &'a mut Desk,
    pub(crate) at_ms: i64,
}

impl Parts<'_> {
    /// The uid of an account.
    fn uid(&self, account: AccountId) -> String {
        self.people.get(account).map(|person| person.uid).unwrap_or_default()
    }
}

impl Payments {
    pub(crate) fn get(&self, id: u64) -> Option<&PaymentReference> {
        self.all.get(&id)
    }

    /// The one with that code. Banks and people change the case of letters, so it does not count.
    pub(crate) fn by_code(&self, code: &str) -> Option<&PaymentReference> {
        self.all.get(self.codes.get(&code.trim().to_ascii_uppercase())?)
    }

    /// All of them, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &PaymentReference> {
        self.all.values().rev()
    }

    /// Begins the action of a reference whose timer fired.
    pub(crate) fn due(&mut self, id: u64, parts: &mut Parts<'_>) {
        let Some(reference) = self.all.get_mut(&id) else { return };
        match reference.act(parts) {
            None => {}
            Some(Ok(Next::Wait)) => {
                self.waiting.insert(Waiting::Reference(id));
            }
            Some(Ok(Next::To(state))) => self.enter(id, Ok(state), parts),
            Some(Err(failure)) => self.enter(id, Err(failure), parts),
        }
    }

    /// Looks at what changed: deposits, and the orders and withdrawals that references wait for.
    pub(crate) fn follow(&mut self, parts: &mut Parts<'_>) {
        while let Some((deposit, news)) = parts.funds.deposits.next_news() {
            if parts.funds.opening.has_ended() {
                self.arrived(deposit, news, parts);
            }
        }
        for waiting in self.waiting.clone() {
            let outcome = match waiting {
                Waiting::Reference(id) => {
                    self.all.get_mut(&id).and_then(|reference| reference.end_of_wait(parts))
                }
                Waiting::Deposit(id) => {
                    self.errands.get_mut(&id).and_then(|errand| errand.end_of_wait(parts))
                }
            };
            let Some(outcome) = outcome else { continue };
            self.waiting.remove(&waiting);
            match waiting {
                Waiting::Reference(id) => self.enter(id, outcome, parts),
                Waiting::Deposit(id) => self.enter_action(id, outcome, parts),
            }
        }
    }

    /// Brings a reference into its next state, or ends it.
    fn enter(&mut self, id: u64, next: Result<State, Failure>, parts: &mut Parts<'_>) {
        let Some(reference) = self.all.get_mut(&id) else { return };
        reference.updated_ms = parts.at_ms;
        match next {
            Ok(state) => reference.state = state,
            Err(failure) => {
                reference.state = State::Failed;
                reference.error = Some(failure.to_string());
            }
        }
        if reference.state.is_on_the_way() {
            reference.act_later(parts);
        } else {
            let notice = notices::ended(reference, parts);
            parts.desk.announce(notice);
        }
    }
}

/// The commands of this folder.
pub(crate) fn commands<E: Holds<Payments>>() -> impl Iterator<Item = Replayable<E>> {
    reference::commands().into_iter()
}
