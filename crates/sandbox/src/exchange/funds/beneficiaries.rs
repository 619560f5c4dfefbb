//! Beneficiaries: where an account may withdraw to.

use super::Funds;
use crate::{
    base::id::AccountId,
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use serde::{Deserialize, Serialize};

/// Every beneficiary.
#[derive(Debug, Default)]
pub(crate) struct Beneficiaries(Vec<(u64, AccountId)>);

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 2] {
    [replayable::<E, AddBeneficiary>(), replayable::<E, DeleteBeneficiary>()]
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
        funds.beneficiaries.0.push((id, self.account));
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
        let all = &mut funds.beneficiaries.0;
        let before = all.len();
        all.retain(|beneficiary| *beneficiary != (self.id, self.account));
        all.len() < before
    }
}
