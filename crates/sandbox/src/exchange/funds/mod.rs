//! An account's money on its way in and out, and what it needs for that. One file for each theme; what they share is here.

pub(crate) mod addresses;
pub(crate) mod beneficiaries;
pub(crate) mod deposit_state;
pub(crate) mod deposits;
pub(crate) mod lightning;
pub(crate) mod limits;
pub(crate) mod methods;
pub(crate) mod new_withdrawal;
pub(crate) mod otp;
pub(crate) mod quotes;
pub(crate) mod transfers;
pub(crate) mod vouchers;
pub(crate) mod withdrawals;

#[cfg(test)]
mod tests;

use self::{
    addresses::Addresses, beneficiaries::Beneficiaries, deposits::Deposits, lightning::Lightning,
    limits::Opening, otp::OneTimeCodes, quotes::Quotes, vouchers::Vouchers, withdrawals::Withdrawals,
};
use super::{
    command::{Command, Due, Holds, Replayable, replayable},
    desk::Desk,
    history::{FIELDS, Fields},
};
use crate::base::id::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of all themes.
#[derive(Debug, Default)]
pub(crate) struct Funds {
    pub(crate) addresses: Addresses,
    pub(crate) beneficiaries: Beneficiaries,
    pub(crate) deposits: Deposits,
    pub(crate) vouchers: Vouchers,
    pub(crate) lightning: Lightning,
    pub(crate) one_time_codes: OneTimeCodes,
    pub(crate) quotes: Quotes,
    pub(crate) withdrawals: Withdrawals,
    pub(crate) opening: Opening,
    last_id: u64,
}

impl Funds {
    /// A new number, unique among everything in here, so that a timer needs only a number.
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl Due for Funds {
    /// Asks each theme that sets timers; the one that has the number does the work.
    fn due(&mut self, id: u64, desk: &mut Desk, at_ms: i64) {
        self.deposits.due(id, desk, at_ms);
        self.withdrawals.due(id, desk, at_ms);
        self.follow_payments(desk, at_ms);
    }
}

/// The commands of this folder.
pub(crate) fn commands<E: Holds<Funds>>() -> impl Iterator<Item = Replayable<E>> {
    [replayable::<E, AddTransaction>()]
        .into_iter()
        .chain(addresses::commands())
        .chain(beneficiaries::commands())
        .chain(deposits::commands())
        .chain(limits::commands())
        .chain(vouchers::commands())
        .chain(lightning::commands())
        .chain(new_withdrawal::commands())
        .chain(otp::commands())
        .chain(quotes::commands())
        .chain(withdrawals::commands())
        .chain(transfers::commands())
}

/// Adds a line to an account's history, from the control door. The answer is its number; `None` if the documents do not
/// name one of its fields.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddTransaction {
    pub(crate) account: AccountId,
    pub(crate) fields: Fields,
}

impl Command for AddTransaction {
    const NAME: &'static str = "add_transaction";
    type Part = Funds;
    type Answer = Option<u64>;

    fn run(self, _funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Option<u64> {
        let Self { account, fields } = self;
        let known = fields.keys().all(|field| FIELDS.contains(&field.as_str()));
        if !known || !fields.get("type").is_some_and(Value::is_string) {
            return None;
        }
        Some(desk.history.add(account, at_ms, fields))
    }
}
