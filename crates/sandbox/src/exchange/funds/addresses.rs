//! Addresses for deposits. An address takes a moment to be made, from the first time that the account asks for it.

use super::Funds;
use crate::{
    base::id::{AccountId, Code},
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// When each address is made.
#[derive(Debug, Default)]
pub(crate) struct Addresses(BTreeMap<(AccountId, Code), i64>);

impl Addresses {
    /// Whether an account has an address; `None` if it never asked for one.
    pub(crate) fn is_made(&self, account: AccountId, currency: Code, now_ms: i64) -> Option<bool> {
        self.0.get(&(account, currency)).map(|made_ms| *made_ms <= now_ms)
    }
}

/// The address of an account, made from its uid, so that nobody takes it for a real one. All accounts share the address of
/// xrp, and have a tag of their own behind it, as on the server family.
pub(crate) fn address(currency: Code, account: AccountId, uid: &str) -> String {
    match currency.as_str() {
        "xrp" => format!("sandbox-xrp?dt={}", 1_000_000 + account.0),
        coin => format!("sandbox-{coin}-{uid}"),
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, MakeAddress>()]
}

/// Begins to make an address, if the account never asked for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MakeAddress {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    /// How long it takes.
    pub(crate) after_ms: i64,
}

impl Command for MakeAddress {
    const NAME: &'static str = "make_address";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, at_ms: i64) {
        let Self { account, currency, after_ms } = self;
        funds.addresses.0.entry((account, currency)).or_insert(at_ms.saturating_add(after_ms));
    }
}
