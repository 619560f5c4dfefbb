//! Cabital's partner side: accounts, quotes, conversions, transfers, the name match, and the callbacks to the partner.
//!
//! It has its own state, lock, keys and listeners, and shares nothing with the exchange but the clock, the type of the
//! ledger, and the file of the record. The state is changed by commands alone, which use no clock and no random source, so
//! that a record gives the same state with the same ids.
//!
//! # Codes that no request gets
//! A fault that names the code (`Control::cabital`, `fail_next_with`) answers with any of them. By themselves requests do not
//! get:
//! * `PA022` (IBAN): no documented call takes an IBAN.
//! * `PA999` (internal error): nothing fails inside.

pub(crate) mod accounts;
pub(crate) mod api;
mod call;
pub(crate) mod callbacks;
pub(crate) mod command;
pub(crate) mod conversions;
mod failure;
pub(crate) mod links;
mod quotes;
pub(crate) mod room;
mod sign;
pub(crate) mod terms;
#[cfg(test)]
mod tests;
pub(crate) mod transfers;
mod views;

pub(crate) use self::failure::Pa;
pub use self::{
    accounts::{ConnectionState, MatchOutcome},
    callbacks::{Callback, CallbackKind, CallbackState},
    conversions::PairOrder,
    sign::{Digest, Signing},
    terms::{TransactionKind, TransferFee},
    transfers::{TransferDirection, TransferStatus},
};

use self::{
    accounts::Account,
    callbacks::Callbacks,
    command::{Command, Replayable, replayable},
    conversions::Conversion,
    quotes::Quotes,
    terms::Terms,
    transfers::{PlanTransfer, Transfer},
};
use crate::base::{
    id::{self, AccountId},
    ledger::{Ledger, Party, Pocket, Posting, Reason, Refused},
    timers::Timers,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// The party that all money comes from and goes to: the partner, and the market that conversions use.
const OUTSIDE: (Party, Pocket) = (Party::Outside, Pocket::Available);

/// What an account may spend.
const fn available(account: AccountId) -> (Party, Pocket) {
    (Party::Member(account), Pocket::Available)
}

/// The kinds of ids, so that things of different kinds never share one.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Account,
    Reference,
    Token,
    Conversion,
    Transfer,
    Instruction,
}

/// Work that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// The next attempt of a callback.
    Callback(u64),
    /// A transfer that is `PROCESSING` succeeds.
    Transfer(u64),
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct Cabital {
    seed: u64,
    terms: Terms,
    pair_order: PairOrder,
    ledger: Ledger,
    timers: Timers<Due>,
    accounts: Vec<Account>,
    quotes: Quotes,
    conversions: Vec<Conversion>,
    transfers: Vec<Transfer>,
    external_ids: BTreeMap<String, u64>,
    callbacks: Callbacks,
    planned_transfers: VecDeque<PlanTransfer>,
    planned_conversions: VecDeque<TransferStatus>,
    corrections: u64,
}

/// Every command that a record may name.
fn commands() -> [Replayable; 22] {
    [
        replayable::<accounts::AddAccount>(),
        replayable::<accounts::SetBalance>(),
        replayable::<accounts::SetState>(),
        replayable::<accounts::SetOtp>(),
        replayable::<accounts::SetAccountLimit>(),
        replayable::<accounts::PlanMatch>(),
        replayable::<accounts::SubmitMatch>(),
        replayable::<terms::SetAvailable>(),
        replayable::<terms::SetFee>(),
        replayable::<terms::SetRate>(),
        replayable::<quotes::MakeQuote>(),
        replayable::<conversions::Convert>(),
        replayable::<conversions::PlanConversion>(),
        replayable::<PlanTransfer>(),
        replayable::<transfers::CreateTransfer>(),
        replayable::<transfers::CustomerTransfer>(),
        replayable::<transfers::EndTransfer>(),
        replayable::<transfers::ReportResult>(),
        replayable::<callbacks::SetCallbackUrl>(),
        replayable::<callbacks::AttemptEnded>(),
        replayable::<callbacks::GiveUpAll>(),
        replayable::<Moment>(),
    ]
}

/// Why a line of a record could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("there is no command '{0}'; replay the record with the version that wrote it")]
    UnknownCommand(String),
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Only fires the timers that are due.
#[derive(Debug, Serialize, Deserialize)]
struct Moment {}

impl Command for Moment {
    const NAME: &'static str = "cabital_moment";
    type Answer = ();

    fn run(self, _cabital: &mut Cabital, _at_ms: i64) {}
}

impl Cabital {
    /// Cabital without accounts. Quotes are valid for `quote_valid_s` seconds.
    pub(crate) fn new(seed: u64, quote_valid_s: i64, pair_order: PairOrder) -> Self {
        Self {
            seed,
            terms: Terms::default(),
            pair_order,
            ledger: Ledger::default(),
            timers: Timers::default(),
            accounts: Vec::new(),
            quotes: Quotes::new(quote_valid_s),
            conversions: Vec::new(),
            transfers: Vec::new(),
            external_ids: BTreeMap::new(),
            callbacks: Callbacks::default(),
            planned_transfers: VecDeque::new(),
            planned_conversions: VecDeque::new(),
            corrections: 0,
        }
    }

    fn uuid(&self, sort: Sort, number: u64) -> Uuid {
        // Each kind of id has its own numbers.
        let sort = match sort {
            Sort::Account => 101,
            Sort::Reference => 102,
            Sort::Token => 103,
            Sort::Conversion => 104,
            Sort::Transfer => 105,
            Sort::Instruction => 106,
        };
        id::uuid(self.seed, sort, number)
    }

    /// Carries out a command, after all timers that are due.
    fn run<C: Command>(&mut self, command: C, at_ms: i64) -> C::Answer {
        debug_assert!(
            commands().iter().any(|known| known.name == C::NAME),
            "the command {} cannot be replayed: add it to `commands()`",
            C::NAME
        );
        self.fire_due(at_ms);
        command.run(self, at_ms)
    }

    /// Carries out a command from a record.
    fn replay(&mut self, name: &str, with: &str, at_ms: i64) -> Result<(), ReplayError> {
        let command = commands().into_iter().find(|command| command.name == name);
        let command = command.ok_or_else(|| ReplayError::UnknownCommand(name.to_owned()))?;
        self.fire_due(at_ms);
        Ok((command.run)(self, at_ms, with)?)
    }

    /// Fires the timers that are due, in the order of their times, each at its own time.
    fn fire_due(&mut self, now_ms: i64) {
        while let Some((at_ms, due)) = self.timers.take_due(now_ms) {
            match due {
                Due::Callback(number) => self.callbacks.due(number),
                Due::Transfer(number) => {
                    let ended = self.end(number, TransferStatus::Success, at_ms);
                    debug_assert_eq!(ended, Ok(()), "the amount was locked");
                }
            }
        }
    }

    /// Moves money, or refuses.
    fn post(&mut self, at_ms: i64, reason: Reason, postings: &[Posting]) -> Result<(), Pa> {
        if postings.is_empty() {
            return Ok(());
        }
        self.ledger.post(at_ms, reason, postings).map_err(|refused| match refused {
            Refused::Insufficient => Pa::NO_BALANCE,
            Refused::OutOfRange => Pa::WRONG_AMOUNT,
        })
    }
}
