//! Deposits of sub-accounts that an action was set for ("Create Sub-Account", "Deposit Action Options").
//!
//! They walk as those of payment references do. The documents have no event and no state of it, so nobody is told, and nothing is kept
//! of a walk that has ended. Of customers the documents say that only `none` is available, so theirs do not walk.

use super::{
    Parts, Payments, Waiting,
    failure::Failure,
    state::State,
    walk::{Next, Walk, Way},
};
use crate::{
    base::id::AccountId,
    exchange::{desk::Part, funds::deposits::Deposited, people::deposit_action::DepositAction},
};

/// A deposit of a sub-account that is on its way.
#[derive(Debug)]
pub(super) struct Errand {
    /// As it was when the deposit came.
    action: DepositAction,
    /// The account that manages the sub-account.
    owner: AccountId,
    name: String,
    state: State,
    pub(super) walk: Walk,
}

impl Errand {
    fn act(&mut self, parts: &mut Parts<'_>) -> Option<Result<Next, Failure>> {
        let way = Way { action: &self.action, owner: self.owner, name: &self.name };
        self.walk.act(self.state, &way, parts)
    }

    pub(super) fn end_of_wait(&mut self, parts: &Parts<'_>) -> Option<Result<State, Failure>> {
        self.walk.end_of_wait(self.state, parts)
    }
}

impl Payments {
    /// Begins the action of the sub-account that a deposit came to, if it has one.
    pub(super) fn begin_action(&mut self, deposit: &Deposited, parts: &mut Parts<'_>) {
        if deposit.is_settled {
            return;
        }
        let Some((owner, action)) = parts.people.deposit_action(deposit.account) else { return };
        let walk = Walk::new(deposit);
        let first = walk.first_state(&action, parts);
        let (name, state) = (format!("deposit-{}", deposit.id), State::PendingDeposit);
        self.errands.insert(deposit.id, Errand { action, owner, name, state, walk });
        self.enter_action(deposit.id, first, parts);
    }

    /// Begins the next step of a deposit whose timer fired.
    pub(crate) fn action_due(&mut self, deposit: u64, parts: &mut Parts<'_>) {
        match self.errands.get_mut(&deposit).and_then(|errand| errand.act(parts)) {
            None => {}
            Some(Ok(Next::Wait)) => {
                self.waiting.insert(Waiting::Deposit(deposit));
            }
            Some(Ok(Next::To(state))) => self.enter_action(deposit, Ok(state), parts),
            Some(Err(failure)) => self.enter_action(deposit, Err(failure), parts),
        }
    }

    /// Brings a deposit into its next state, or ends its walk.
    pub(super) fn enter_action(&mut self, deposit: u64, next: Result<State, Failure>, parts: &mut Parts<'_>) {
        match (next, self.errands.get_mut(&deposit)) {
            (Ok(state), Some(errand)) if state.is_on_the_way() => {
                errand.state = state;
                errand.walk.act_later((Part::DepositActions, deposit), parts);
            }
            // If it failed, the money stays where it is.
            _ => drop(self.errands.remove(&deposit)),
        }
    }
}
