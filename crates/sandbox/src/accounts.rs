//! The demo accounts, their keys, and what may stand in the way of using one.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an account may do on the exchange. Until the merchant calls exist, all of them trade alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Trades for itself.
    Member,
    /// Has customers.
    Merchant,
    /// Has merchants.
    Aggregator,
}

/// An account with one API key, made afresh at each start. Debug hides the secret; serialising shows it, since the
/// program's first line must.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Account {
    /// `maker`, `taker`, `merchant` or `aggregator`.
    pub name: String,
    /// Cape's shape: `CCT` and seven digits.
    pub uid: String,
    /// What it may do.
    pub role: Role,
    /// Begins with `sandbox_`.
    pub api_key: String,
    /// The signing secret, used as its ASCII bytes.
    pub secret: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("uid", &self.uid)
            .field("role", &self.role)
            .field("api_key", &self.api_key)
            .field("secret", &"…")
            .finish()
    }
}

/// Why a right signature is still refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Restriction {
    /// The key was disabled: `authz.apikey_not_active`.
    KeyInactive,
    /// The holder is banned: `authz.invalid_session`.
    HolderInactive,
    /// The holder has no second factor: `authz.disabled_2fa`.
    NoTwoFactor,
    /// The role lacks the permission: `authz.invalid_permission`.
    NoPermission,
    /// The holder's level of verification doesn't allow trading: 403 `market.trade.not_permitted` on calls below
    /// `/market`. Balances and the websocket stay open.
    NotVerified,
}

/// All accounts; an account's id is its place here.
#[derive(Debug)]
pub(crate) struct Directory {
    accounts: Vec<Account>,
    restrictions: Mutex<Vec<(usize, Restriction)>>,
}

impl Directory {
    /// The four demo accounts.
    pub(crate) fn demo() -> Self {
        let roles = [
            ("maker", Role::Member),
            ("taker", Role::Member),
            ("merchant", Role::Merchant),
            ("aggregator", Role::Aggregator),
        ];
        let start = Uuid::new_v4().as_u128() % 9_000_000;
        let accounts = (start..).zip(roles).map(|(number, (name, role))| Account {
            name: name.to_owned(),
            uid: format!("CCT{}", 1_000_000 + number % 9_000_000),
            role,
            api_key: format!("sandbox_{}", Uuid::new_v4().simple()),
            secret: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        });
        Self { accounts: accounts.collect(), restrictions: Mutex::default() }
    }

    pub(crate) fn all(&self) -> &[Account] {
        &self.accounts
    }

    pub(crate) fn get(&self, id: usize) -> Option<&Account> {
        self.accounts.get(id)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.name == name)
    }

    pub(crate) fn by_key(&self, api_key: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.api_key == api_key)
    }

    /// Puts one restriction on an account, or lifts it.
    pub(crate) fn restrict(&self, id: usize, restriction: Option<Restriction>) {
        let mut restrictions = self.restrictions.lock().unwrap_or_else(PoisonError::into_inner);
        restrictions.retain(|(account, _)| *account != id);
        restrictions.extend(restriction.map(|restriction| (id, restriction)));
    }

    pub(crate) fn restriction(&self, id: usize) -> Option<Restriction> {
        let restrictions = self.restrictions.lock().unwrap_or_else(PoisonError::into_inner);
        restrictions.iter().find(|(account, _)| *account == id).map(|(_, restriction)| *restriction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_accounts_are_fresh_and_shaped_like_capes() {
        let (one, other) = (Directory::demo(), Directory::demo());
        for (account, stranger) in one.all().iter().zip(other.all()) {
            assert_eq!(account.uid.len(), 10);
            let digits = account.uid.strip_prefix("CCT").unwrap();
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(account.api_key.starts_with("sandbox_"));
            assert_ne!(account.api_key, stranger.api_key);
            assert_ne!(account.secret, stranger.secret);
            assert!(!format!("{account:?}").contains(&account.secret));
        }
        let mut uids: Vec<_> = one.all().iter().map(|account| &account.uid).collect();
        uids.dedup();
        assert_eq!(uids.len(), 4);
    }
}
