//! Accounts: their roles, their restrictions, and who may act for whom. One file for each kind of account that another one
//! manages.

pub(crate) mod customers;
pub(crate) mod deposit_action;
pub(crate) mod documents;
pub(crate) mod facts;
mod merchants;
pub(crate) mod sub_accounts;
mod ubos;
pub(crate) mod verification;
pub(crate) mod webhooks;

use self::{customers::Customer, documents::Received, sub_accounts::Details, verification::Verification};
use super::{
    catalogue::NotAdded,
    command::{Command, Holds, Replayable, replayable},
    desk::Desk,
    notice::Webhook,
};
use crate::base::id::AccountId;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// The role of an account on the exchange. All roles may trade; only the merchant calls check the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Why a call is refused although its signature is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The holder's level of verification does not allow trading: 403 `market.trade.not_permitted` on calls below
    /// `/market`. Balances and the websocket stay open.
    NotVerified,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    /// The uid, in Cape's form: `CCT` and seven digits.
    pub(crate) uid: String,
    pub(crate) role: Role,
    pub(crate) restriction: Option<Restriction>,
    /// Its own level of verification, from [`UNVERIFIED`] to [`VERIFIED`]. A sub-account has that of its parent, see
    /// [`People::level`].
    pub(crate) level: u8,
    /// The account that manages it.
    pub(crate) parent: Option<AccountId>,
    /// A deleted account stays in the lists of its parent, but nobody can act for it.
    pub(crate) is_deleted: bool,
}

/// The level of verification of an account that has none.
pub(crate) const UNVERIFIED: u8 = 0;
/// The level of verification of an account that is fully verified.
pub(crate) const VERIFIED: u8 = 3;

/// All accounts. It has its own lock, so that it can be read while the exchange is busy.
#[derive(Debug, Default)]
pub(crate) struct People(RwLock<Lists>);

#[derive(Debug, Default)]
struct Lists {
    all: BTreeMap<AccountId, Person>,
    by_name: BTreeMap<String, AccountId>,
    by_uid: BTreeMap<String, AccountId>,
    sub_accounts: BTreeMap<AccountId, Details>,
    /// Customers, and merchants of aggregators.
    customers: BTreeMap<AccountId, Customer>,
    /// The e-mails of customers and merchants: who manages them, and whether it is a merchant's.
    emails: BTreeSet<(AccountId, bool, String)>,
    /// The owners of businesses, by their uids.
    ubos: BTreeMap<String, AccountId>,
    /// By the uids of customers, merchants and owners.
    verifications: BTreeMap<String, Verification>,
    documents: Vec<Received>,
    webhooks: BTreeMap<AccountId, Webhook>,
    /// The number of uids given so far.
    uids: u64,
}

impl People {
    fn lists(&self) -> RwLockReadGuard<'_, Lists> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Lists> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every account, the oldest first.
    pub(crate) fn all(&self) -> Vec<(AccountId, Person)> {
        self.lists().all.iter().map(|(id, person)| (*id, person.clone())).collect()
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<Person> {
        self.lists().all.get(&id).cloned()
    }

    /// The account of that name. A managed account has its uid as its name here.
    pub(crate) fn by_name(&self, name: &str) -> Option<AccountId> {
        let lists = self.lists();
        lists.by_name.get(name).or_else(|| lists.by_uid.get(name)).copied()
    }

    /// The account that `caller` may act for under this uid: itself, or one that it manages, directly or through another.
    pub(crate) fn acting_as(&self, caller: AccountId, uid: &str) -> Option<AccountId> {
        let lists = self.lists();
        let acted = *lists.by_uid.get(uid)?;
        let mut account = acted;
        loop {
            if account == caller {
                return Some(acted);
            }
            let person = lists.all.get(&account).filter(|person| !person.is_deleted)?;
            account = person.parent?;
        }
    }

    /// The restriction of an account.
    pub(crate) fn restriction(&self, id: AccountId) -> Option<Restriction> {
        self.lists().all.get(&id)?.restriction
    }

    /// The level of verification of an account; a sub-account has that of the account that manages it.
    pub(crate) fn level(&self, id: AccountId) -> u8 {
        let lists = self.lists();
        lists.all.get(&lists.verified_as(id)).map_or(UNVERIFIED, |person| person.level)
    }

    /// Whether the level of verification allows trading.
    pub(crate) fn may_trade(&self, id: AccountId) -> bool {
        let lists = self.lists();
        let allows = |person: &Person| person.restriction != Some(Restriction::NotVerified);
        let verified = lists.all.get(&lists.verified_as(id));
        verified.is_some_and(|person| person.level > UNVERIFIED && allows(person))
            && lists.all.get(&id).is_some_and(allows)
    }

    /// Whether an account has no verification of its own, but that of the account that manages it.
    pub(crate) fn inherits_level(&self, id: AccountId) -> bool {
        self.lists().sub_accounts.contains_key(&id)
    }
}

impl Lists {
    /// The account whose verification counts for this one.
    fn verified_as(&self, id: AccountId) -> AccountId {
        let mut id = id;
        while self.sub_accounts.contains_key(&id)
            && let Some(parent) = self.all.get(&id).and_then(|person| person.parent)
        {
            id = parent;
        }
        id
    }

    /// Whether an account is this one, or is managed by it, directly or through another.
    fn is_managed_by(&self, id: AccountId, manager: AccountId) -> bool {
        let mut id = Some(id);
        while let Some(account) = id {
            if account == manager {
                return true;
            }
            id = self.all.get(&account).and_then(|person| person.parent);
        }
        false
    }

    /// Adds an account that another one manages, and returns its uid. It has no name of its own.
    fn add_managed(&mut self, desk: &Desk, parent: AccountId, role: Role, level: u8) -> (AccountId, String) {
        let (id, uid) = (self.next_id(), self.next_uid(desk));
        let (name, parent) = (uid.clone(), Some(parent));
        self.by_uid.insert(uid.clone(), id);
        self.all.insert(
            id,
            Person { name, uid: uid.clone(), role, restriction: None, level, parent, is_deleted: false },
        );
        (id, uid)
    }

    fn next_id(&self) -> AccountId {
        AccountId(self.all.last_key_value().map_or(0, |(id, _)| id.0) + 1)
    }

    /// A new uid. The first one depends on the seed, so that no test relies on a fixed uid.
    fn next_uid(&mut self, desk: &Desk) -> String {
        const UIDS: u64 = 9_000_000;
        let number = (desk.number_below(UIDS) + self.uids) % UIDS;
        self.uids += 1;
        format!("CCT{}", 1_000_000 + number)
    }
}

/// The commands of this folder.
pub(crate) fn commands<E: Holds<Arc<People>>>() -> impl Iterator<Item = Replayable<E>> {
    [replayable::<E, AddAccount>(), replayable::<E, Restrict>(), replayable::<E, SetLevel>()]
        .into_iter()
        .chain(sub_accounts::commands())
        .chain(customers::commands())
        .chain(documents::commands())
        .chain(verification::commands())
        .chain(webhooks::commands())
}

/// Opens an account. Its keys are not part of the exchange's state; `host` makes them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddAccount {
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl Command for AddAccount {
    const NAME: &'static str = "add_account";
    type Part = Arc<People>;
    type Answer = Result<AccountId, NotAdded>;

    fn run(self, people: &mut Arc<People>, desk: &mut Desk, _at_ms: i64) -> Self::Answer {
        let Self { name, role } = self;
        // These two names are reserved: the ledger uses them for parties that are not accounts.
        if name.is_empty() || matches!(name.as_str(), "fees" | "outside") {
            return Err(NotAdded::Invalid);
        }
        let mut people = people.change();
        if people.by_name.contains_key(&name) {
            return Err(NotAdded::Taken);
        }
        let (id, uid) = (people.next_id(), people.next_uid(desk));
        people.by_name.insert(name.clone(), id);
        people.by_uid.insert(uid.clone(), id);
        let (restriction, parent, is_deleted) = (None, None, false);
        people.all.insert(id, Person { name, uid, role, restriction, level: VERIFIED, parent, is_deleted });
        Ok(id)
    }
}

/// Sets the restriction of an account, or removes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Restrict {
    pub(crate) account: AccountId,
    pub(crate) restriction: Option<Restriction>,
}

impl Command for Restrict {
    const NAME: &'static str = "restrict";
    type Part = Arc<People>;
    type Answer = ();

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, _at_ms: i64) {
        if let Some(person) = people.change().all.get_mut(&self.account) {
            person.restriction = self.restriction;
        }
    }
}

/// Sets the level of verification of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetLevel {
    pub(crate) account: AccountId,
    pub(crate) level: u8,
}

impl Command for SetLevel {
    const NAME: &'static str = "set_level";
    type Part = Arc<People>;
    type Answer = ();

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, _at_ms: i64) {
        if let Some(person) = people.change().all.get_mut(&self.account) {
            person.level = self.level;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_shaped_like_capes_and_named_once() {
        let (mut people, mut desk) = (Arc::<People>::default(), Desk::new(3));
        let mut add = |name: &str| {
            let command = AddAccount { name: name.to_owned(), role: Role::Member };
            command.run(&mut people, &mut desk, 0)
        };
        assert_eq!([add("maker"), add("taker")], [Ok(AccountId(1)), Ok(AccountId(2))]);
        assert_eq!(add("maker"), Err(NotAdded::Taken));
        assert_eq!([add(""), add("fees"), add("outside")], [Err(NotAdded::Invalid); 3]);
        let mut uids: Vec<String> = people.all().into_iter().map(|(_, person)| person.uid).collect();
        for uid in &uids {
            let digits = uid.strip_prefix("CCT").unwrap();
            assert!(digits.len() == 7 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{uid}");
        }
        uids.sort_unstable();
        uids.dedup();
        assert_eq!(uids.len(), 2);
    }
}
