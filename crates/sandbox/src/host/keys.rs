//! The keys of the accounts. They are not part of the exchange's state, so that no record contains a key.

use crate::{
    base::id::AccountId,
    exchange::people::{Person, Role},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// An account with its API key, which is new at each start. `Debug` hides the secret. `Serialize` shows it, because the
/// program prints it in its first line.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Account {
    /// The name: `maker`, `taker`, `merchant`, `aggregator`, or the name of an account that was added.
    pub name: String,
    /// The uid, in Cape's form: `CCT` and seven digits.
    pub uid: String,
    /// What it may do.
    pub role: Role,
    /// The API key; it begins with `sandbox_`.
    pub api_key: String,
    /// The signing secret. Its ASCII bytes are the HMAC key.
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

/// All keys.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_id: BTreeMap<AccountId, Arc<Account>>,
    by_key: BTreeMap<String, AccountId>,
}

impl Keys {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a new key and secret for an account. An earlier key ends.
    pub(crate) fn make(&self, id: AccountId, person: &Person) -> Arc<Account> {
        let account = Arc::new(Account {
            name: person.name.clone(),
            uid: person.uid.clone(),
            role: person.role,
            api_key: format!("sandbox_{}", Uuid::new_v4().simple()),
            secret: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        });
        let mut state = self.state();
        state.by_key.insert(account.api_key.clone(), id);
        if let Some(earlier) = state.by_id.insert(id, Arc::clone(&account)) {
            state.by_key.remove(&earlier.api_key);
        }
        account
    }

    /// Every account, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Account>> {
        self.state().by_id.values().cloned().collect()
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<Arc<Account>> {
        self.state().by_id.get(&id).cloned()
    }

    /// The account that has this key.
    pub(crate) fn find(&self, api_key: &str) -> Option<(AccountId, Arc<Account>)> {
        let state = self.state();
        let id = *state.by_key.get(api_key)?;
        Some((id, Arc::clone(state.by_id.get(&id)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fresh_and_secrets_hidden() {
        let keys = Keys::default();
        let person = |name: &str| Person {
            name: name.to_owned(),
            uid: "CCT1234567".to_owned(),
            role: Role::Member,
            restriction: None,
            level: 3,
            parent: None,
            is_deleted: false,
        };
        let one = keys.make(AccountId(1), &person("maker"));
        let other = keys.make(AccountId(2), &person("taker"));
        assert!(one.api_key.starts_with("sandbox_"));
        assert!(one.api_key != other.api_key && one.secret != other.secret);
        assert!(!format!("{one:?} {keys:?}").contains(&one.secret));
        let (id, found) = keys.find(&other.api_key).unwrap();
        assert_eq!((id, found.name.as_str()), (AccountId(2), "taker"));
        assert!(keys.find("nobody").is_none());
        assert_eq!(keys.all().len(), 2);
        let again = keys.make(AccountId(2), &person("taker"));
        assert!(keys.find(&other.api_key).is_none() && keys.find(&again.api_key).is_some());
    }
}
