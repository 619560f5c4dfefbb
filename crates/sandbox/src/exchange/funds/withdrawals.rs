//! Withdrawals: money that leaves. The amount is locked when a withdrawal is created. It leaves when the withdrawal succeeds,
//! and is given back when it ends otherwise.
//!
//! A withdrawal walks through its states by steps, each a given time after the one before. Lightning payments are
//! withdrawals with other steps.

use super::Funds;
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Party, Pocket, Posting, Reason, Refused},
    },
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::{Desk, Part},
        history::{self, Fields, fields},
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The sort of uuids from which blockchain transaction ids are made, see `Desk::uuid`.
const TXIDS: u64 = 21;

/// A state of a withdrawal: those of the documents ("Withdraw states"), and the last two, which the server family has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the documents give names only")]
#[non_exhaustive]
pub enum WithdrawalState {
    Prepared,
    Submitted,
    Rejected,
    Accepted,
    Skipped,
    Processing,
    Succeed,
    Canceled,
    Failed,
    Errored,
    Confirming,
    ToReject,
    UnderReview,
}

use WithdrawalState as State;

/// How a withdrawal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Paid,
    GivenBack,
}

impl WithdrawalState {
    const ALL: [Self; 13] = [
        Self::Prepared,
        Self::Submitted,
        Self::Rejected,
        Self::Accepted,
        Self::Skipped,
        Self::Processing,
        Self::Succeed,
        Self::Canceled,
        Self::Failed,
        Self::Errored,
        Self::Confirming,
        Self::ToReject,
        Self::UnderReview,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Submitted => "submitted",
            Self::Rejected => "rejected",
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::Processing => "processing",
            Self::Succeed => "succeed",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Confirming => "confirming",
            Self::ToReject => "to_reject",
            Self::UnderReview => "under_review",
        }
    }

    /// The state with that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether a withdrawal ends in this state.
    pub(crate) fn is_end(self) -> bool {
        self.end().is_some()
    }

    /// Where a withdrawal ends, and whether the money left. The server family ends in these four states only.
    fn end(self) -> Option<End> {
        match self {
            Self::Succeed => Some(End::Paid),
            Self::Rejected | Self::Canceled | Self::Failed => Some(End::GivenBack),
            _ => None,
        }
    }
}

/// A change of a withdrawal, so long after the change before it. With 0 ms it happens together with that one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) after_ms: u32,
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    To(State),
    /// One more confirmation on the blockchain.
    Confirmed,
}

impl Step {
    pub(crate) const fn to(state: State, after_ms: u32) -> Self {
        Self { after_ms, change: Change::To(state) }
    }
}

/// A withdrawal that is to be created.
#[derive(Debug)]
pub(crate) struct Payout {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    /// What leaves the account. The fee is taken out of it.
    pub(crate) amount: Decimal,
    pub(crate) fee: Decimal,
    /// Where it goes: an address, an invoice, or the name of a beneficiary.
    pub(crate) rid: String,
    pub(crate) note: Option<String>,
    /// The transaction id that it gets when it is sent. `None` for a made-up one.
    pub(crate) txid: Option<String>,
    /// Whether it gets a transaction id at all.
    pub(crate) on_chain: bool,
    pub(crate) steps: Vec<Step>,
    /// Further fields of its line in the history.
    pub(crate) line: Fields,
}

/// One withdrawal.
#[derive(Debug, Clone)]
pub(crate) struct Withdrawal {
    pub(crate) id: u64,
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    pub(crate) amount: Decimal,
    pub(crate) fee: Decimal,
    pub(crate) rid: String,
    pub(crate) note: Option<String>,
    pub(crate) state: State,
    /// The transaction id, once it is sent.
    pub(crate) txid: Option<String>,
    /// How often it was confirmed; `None` before it is sent.
    pub(crate) confirmations: Option<u32>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    /// When it succeeded.
    pub(crate) done_ms: Option<i64>,
    coming_txid: Option<String>,
    steps: Vec<Step>,
    /// The place of the next step.
    next: usize,
    /// When the next step is due; `None` if none is.
    next_ms: Option<i64>,
    held: bool,
    /// The number of its line in the history.
    line: u64,
}

/// Every withdrawal.
#[derive(Debug, Default)]
pub(crate) struct Withdrawals {
    all: BTreeMap<u64, Withdrawal>,
    by_account: BTreeMap<AccountId, Vec<u64>>,
}

impl Withdrawals {
    /// Creates a withdrawal in the state `submitted`. Steps without a delay at the start happen at once.
    pub(crate) fn begin(
        &mut self,
        id: u64,
        payout: Payout,
        desk: &mut Desk,
        at_ms: i64,
    ) -> Result<(), Refused> {
        let Payout { account, currency, amount, fee, rid, note, txid, on_chain, steps, line } = payout;
        let member = |pocket| (Party::Member(account), pocket);
        let posting =
            Posting { currency, from: member(Pocket::Available), to: member(Pocket::Locked), amount };
        desk.ledger.post(at_ms, Reason::WithdrawalLocked(id), &[posting])?;
        desk.tell_balances(&[(account, currency)], at_ms);
        let mut facts = fields([
            ("type", "withdraw".into()),
            ("reference_type", "Withdraw".into()),
            ("reference_id", id.into()),
            ("debit_currency", currency.to_string().into()),
            ("debit_amount", history::amount(amount)),
            ("fee_currency", currency.to_string().into()),
            ("fee", history::amount(fee)),
            ("state", State::Submitted.as_str().into()),
        ]);
        facts.extend(line);
        let line = desk.history.add(account, at_ms, facts);
        let coming_txid = on_chain.then(|| {
            let half = |number| desk.uuid(TXIDS, number).simple();
            txid.unwrap_or_else(|| format!("{}{}", half(2 * id), half(2 * id + 1)))
        });
        let withdrawal = Withdrawal {
            id,
            account,
            currency,
            amount,
            fee,
            rid,
            note,
            state: State::Submitted,
            txid: None,
            confirmations: None,
            created_ms: at_ms,
            updated_ms: at_ms,
            done_ms: None,
            coming_txid,
            steps,
            next: 0,
            next_ms: None,
            held: false,
            line,
        };
        self.by_account.entry(account).or_default().push(id);
        self.all.entry(id).or_insert(withdrawal).go_on(desk, at_ms);
        Ok(())
    }

    /// An account's withdrawals, the newest first.
    pub(crate) fn of(&self, account: AccountId) -> impl Iterator<Item = &Withdrawal> {
        let ids = self.by_account.get(&account).map(Vec::as_slice).unwrap_or_default();
        ids.iter().rev().filter_map(|id| self.all.get(id))
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Withdrawal> {
        self.all.get(&id)
    }

    /// When an account withdrew how much of a currency, the newest first. What was given back does not count.
    pub(crate) fn moved(&self, account: AccountId, currency: Code) -> impl Iterator<Item = (i64, Decimal)> {
        self.of(account)
            .filter(move |one| one.currency == currency && one.state.end() != Some(End::GivenBack))
            .map(|one| (one.created_ms, one.amount))
    }

    /// The timer of a withdrawal, if `id` is one.
    pub(super) fn due(&mut self, id: u64, desk: &mut Desk, at_ms: i64) {
        // A timer whose step was moved or already made does nothing.
        if let Some(one) = self.all.get_mut(&id).filter(|one| one.next_ms == Some(at_ms)) {
            one.step(desk, at_ms);
            one.go_on(desk, at_ms);
        }
    }
}

impl Withdrawal {
    /// Makes the steps without a delay, and sets the timer of the next one.
    fn go_on(&mut self, desk: &mut Desk, at_ms: i64) {
        self.next_ms = None;
        while let Some(step) = self.steps.get(self.next).filter(|_| !self.held) {
            if step.after_ms > 0 {
                let due_ms = at_ms.saturating_add(i64::from(step.after_ms));
                self.next_ms = Some(due_ms);
                return desk.timers.set(due_ms, (Part::Funds, self.id));
            }
            self.step(desk, at_ms);
        }
    }

    /// Makes the next step.
    fn step(&mut self, desk: &mut Desk, at_ms: i64) {
        let Some(step) = self.steps.get(self.next).copied() else { return };
        self.next += 1;
        match step.change {
            Change::To(state) => self.enter(state, desk, at_ms),
            Change::Confirmed => {
                self.confirmations = self.confirmations.map(|count| count.saturating_add(1));
                self.updated_ms = at_ms;
            }
        }
    }

    fn enter(&mut self, state: State, desk: &mut Desk, at_ms: i64) {
        (self.state, self.updated_ms) = (state, at_ms);
        let sent = matches!(state, State::Confirming | State::Succeed);
        if sent && self.txid.is_none() && self.coming_txid.is_some() {
            self.txid.clone_from(&self.coming_txid);
            self.confirmations = Some(0);
        }
        let mut changes = fields([
            ("state", state.as_str().into()),
            ("txid", self.txid.as_deref().map_or(serde_json::Value::Null, Into::into)),
        ]);
        if let Some(end) = state.end() {
            let settled = self.settle(end, desk, at_ms);
            debug_assert_eq!(settled, Ok(()), "the amount of withdrawal {} is locked", self.id);
            if end == End::Paid {
                self.done_ms = Some(at_ms);
                changes.extend(fields([("paid_at", at_ms.into())]));
            }
            // Nothing follows an end.
            self.next = self.steps.len();
            desk.tell_balances(&[(self.account, self.currency)], at_ms);
        }
        desk.history.change(self.line, at_ms, changes);
    }

    /// Moves the locked amount out of the exchange, or back.
    fn settle(&self, end: End, desk: &mut Desk, at_ms: i64) -> Result<(), Refused> {
        let member = |pocket| (Party::Member(self.account), pocket);
        let posting =
            |to, amount| Posting { currency: self.currency, from: member(Pocket::Locked), to, amount };
        match end {
            End::Paid => {
                let postings = [
                    posting((Party::Fees, Pocket::Available), self.fee),
                    posting((Party::Outside, Pocket::Available), self.amount - self.fee),
                ];
                desk.ledger.post(at_ms, Reason::WithdrawalPaid(self.id), &postings)
            }
            End::GivenBack => {
                let postings = [posting(member(Pocket::Available), self.amount)];
                desk.ledger.post(at_ms, Reason::WithdrawalReleased(self.id), &postings)
            }
        }
    }
}

/// Why the control door cannot move a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotMoved {
    Unknown,
    /// It has ended, so its money was moved already.
    Ended,
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 2] {
    [replayable::<E, MoveWithdrawal>(), replayable::<E, HoldWithdrawal>()]
}

/// Brings a withdrawal into a state. Its walk goes on from there; a state that is no part of the walk ends it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MoveWithdrawal {
    pub(crate) id: u64,
    pub(crate) state: State,
}

impl Command for MoveWithdrawal {
    const NAME: &'static str = "move_withdrawal";
    type Part = Funds;
    type Answer = Result<(), NotMoved>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { id, state } = self;
        let one = funds.withdrawals.all.get_mut(&id).ok_or(NotMoved::Unknown)?;
        if one.state.end().is_some() {
            return Err(NotMoved::Ended);
        }
        let is_it = |step: &Step| matches!(step.change, Change::To(to) if to == state);
        one.next = match one.steps.iter().position(is_it) {
            Some(place) => place + 1,
            None if state == State::Submitted => 0,
            None => one.steps.len(),
        };
        one.enter(state, desk, at_ms);
        one.go_on(desk, at_ms);
        funds.follow_payments(desk, at_ms);
        Ok(())
    }
}

/// Stops the walk of a withdrawal, or lets it go on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HoldWithdrawal {
    pub(crate) id: u64,
    pub(crate) held: bool,
}

impl Command for HoldWithdrawal {
    const NAME: &'static str = "hold_withdrawal";
    type Part = Funds;
    type Answer = Result<(), NotMoved>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let one = funds.withdrawals.all.get_mut(&self.id).ok_or(NotMoved::Unknown)?;
        one.held = self.held;
        one.go_on(desk, at_ms);
        Ok(())
    }
}
