//! Accounts and their restrictions.

use super::{
    control::{Control, ControlError},
    operation::{Operation, answer, done},
};
use crate::{
    exchange::people::{Restrict, Restriction, Role},
    host::keys::Account,
};
use serde::Deserialize;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "add_account",
        method: "POST",
        path: "accounts",
        about: r#"`{"name","role"}`, with the role `member`, `merchant` or `aggregator`; answers with uid and keys"#,
        run: |control, input| {
            let NewAccount { name, role } = input.read()?;
            answer(&control.add_account(&name, role)?)
        },
    },
    Operation {
        library: "restrict",
        method: "POST",
        path: "restrict",
        about: r#"`{"account","restriction"}`: `key_inactive`, `holder_inactive`, `no_two_factor`, `no_permission`, `not_verified` (trading is 403) or `null`"#,
        run: |control, input| {
            let NewRestriction { account, restriction } = input.read()?;
            control.restrict(&account, restriction)?;
            done()
        },
    },
];

#[derive(Deserialize)]
struct NewAccount {
    name: String,
    role: Role,
}

#[derive(Deserialize)]
struct NewRestriction {
    account: String,
    restriction: Option<Restriction>,
}

impl Control {
    /// Opens an account without money, and returns it with its keys.
    ///
    /// # Errors
    /// The name is taken, empty, or reserved for the ledger (`fees`, `outside`).
    pub fn add_account(&self, name: &str, role: Role) -> Result<Account, ControlError> {
        Ok(Account::clone(&*self.host.add_account(name, role)?))
    }

    /// Sets the restriction of an account's key or holder; `None` removes it.
    ///
    /// # Errors
    /// An unknown account.
    pub fn restrict(&self, account: &str, restriction: Option<Restriction>) -> Result<(), ControlError> {
        let account = self.account(account)?;
        self.host.command(Restrict { account, restriction });
        Ok(())
    }
}
