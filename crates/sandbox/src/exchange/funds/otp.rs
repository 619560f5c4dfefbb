//! One-time codes, which the older servers want for a withdrawal. A code of the sandbox stays valid.

use super::Funds;
use crate::{
    base::id::AccountId,
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The code of every account for which no other was set.
const USUAL: &str = "123456";

/// The code of each account.
#[derive(Debug, Default)]
pub(crate) struct OneTimeCodes(BTreeMap<AccountId, String>);

impl OneTimeCodes {
    pub(crate) fn is_right(&self, account: AccountId, code: &str) -> bool {
        self.0.get(&account).map_or(USUAL, String::as_str) == code
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, SetOneTimeCode>()]
}

/// Sets the code of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetOneTimeCode {
    pub(crate) account: AccountId,
    pub(crate) code: String,
}

impl Command for SetOneTimeCode {
    const NAME: &'static str = "set_one_time_code";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) {
        funds.one_time_codes.0.insert(self.account, self.code);
    }
}
