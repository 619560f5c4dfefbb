//! Sub-accounts: accounts that inherit the verification of the one that manages them.

use super::{
    Lists, People, Role,
    deposit_action::{ActionName, DepositAction},
};
use crate::{
    base::id::AccountId,
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        notice::Webhook,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a sub-account has in addition to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) name: String,
    pub(crate) deposit_action: DepositAction,
    pub(crate) created_ms: i64,
}

/// A sub-account, as its parent sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubAccount {
    pub(crate) uid: String,
    pub(crate) is_deleted: bool,
    pub(crate) details: Details,
}

impl People {
    /// The sub-accounts of an account, the oldest first. Deleted ones are among them, and those of its sub-accounts are not.
    pub(crate) fn sub_accounts(&self, parent: AccountId) -> Vec<SubAccount> {
        let lists = self.lists();
        let ids = lists.sub_accounts.keys();
        ids.filter_map(|id| lists.sub_account(*id, parent)).collect()
    }

    /// What its manager wants to happen to the deposits of a sub-account, and who that is. `None` if nothing is to happen.
    pub(crate) fn deposit_action(&self, id: AccountId) -> Option<(AccountId, DepositAction)> {
        let lists = self.lists();
        let manager = lists.all.get(&id).filter(|person| !person.is_deleted)?.parent?;
        let action = &lists.sub_accounts.get(&id)?.deposit_action;
        (action.action != ActionName::None).then(|| (manager, action.clone()))
    }

    /// The sub-account of an account with this uid.
    pub(crate) fn sub_account(&self, parent: AccountId, uid: &str) -> Option<SubAccount> {
        let lists = self.lists();
        lists.sub_account(*lists.by_uid.get(uid)?, parent)
    }
}

impl Lists {
    fn sub_account(&self, id: AccountId, parent: AccountId) -> Option<SubAccount> {
        let person = self.all.get(&id).filter(|person| person.parent == Some(parent))?;
        let details = self.sub_accounts.get(&id)?.clone();
        Some(SubAccount { uid: person.uid.clone(), is_deleted: person.is_deleted, details })
    }

    /// The sub-account with this uid, if it was not deleted.
    fn living(&self, parent: AccountId, uid: &str) -> Option<AccountId> {
        let id = *self.by_uid.get(uid)?;
        self.sub_account(id, parent).filter(|found| !found.is_deleted).map(|_| id)
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Arc<People>>>() -> [Replayable<E>; 3] {
    [
        replayable::<E, CreateSubAccount>(),
        replayable::<E, UpdateSubAccount>(),
        replayable::<E, DeleteSubAccount>(),
    ]
}

/// Opens a sub-account of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateSubAccount {
    pub(crate) parent: AccountId,
    pub(crate) name: String,
    pub(crate) deposit_action: DepositAction,
    pub(crate) webhook: Option<Webhook>,
}

#[cfg(test)]
impl CreateSubAccount {
    /// A sub-account without settings.
    pub(crate) fn of(parent: AccountId) -> Self {
        let (name, deposit_action) = ("till".to_owned(), DepositAction::default());
        Self { parent, name, deposit_action, webhook: None }
    }
}

impl Command for CreateSubAccount {
    const NAME: &'static str = "create_sub_account";
    type Part = Arc<People>;
    type Answer = SubAccount;

    fn run(self, people: &mut Arc<People>, desk: &mut Desk, at_ms: i64) -> SubAccount {
        let Self { parent, name, deposit_action, webhook } = self;
        let lists: &mut Lists = &mut people.change();
        let level = lists.all.get(&parent).map_or(0, |person| person.level);
        let (id, uid) = lists.add_managed(desk, parent, Role::Member, level);
        let details = Details { name, deposit_action, created_ms: at_ms };
        lists.sub_accounts.insert(id, details.clone());
        lists.set_webhook(id, webhook);
        SubAccount { uid, is_deleted: false, details }
    }
}

/// Changes what happens to the deposits of a sub-account. A deleted one is not found any more.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpdateSubAccount {
    pub(crate) parent: AccountId,
    pub(crate) uid: String,
    /// `None`: it stays as it is.
    pub(crate) deposit_action: Option<DepositAction>,
}

impl Command for UpdateSubAccount {
    const NAME: &'static str = "update_sub_account";
    type Part = Arc<People>;
    type Answer = Option<SubAccount>;

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, _at_ms: i64) -> Option<SubAccount> {
        let Self { parent, uid, deposit_action } = self;
        let lists: &mut Lists = &mut people.change();
        let id = lists.living(parent, &uid)?;
        if let (Some(details), Some(action)) = (lists.sub_accounts.get_mut(&id), deposit_action) {
            details.deposit_action = action;
        }
        lists.sub_account(id, parent)
    }
}

/// Why a sub-account was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDeleted {
    /// There is none with this uid, or it was deleted before.
    Unknown,
    /// It has money, or an account below it has.
    HasMoney,
}

/// Deletes a sub-account: its record stays, and nobody can act for it any more, nor for the accounts below it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeleteSubAccount {
    pub(crate) parent: AccountId,
    pub(crate) uid: String,
}

impl Command for DeleteSubAccount {
    const NAME: &'static str = "delete_sub_account";
    type Part = Arc<People>;
    type Answer = Result<(), NotDeleted>;

    fn run(self, people: &mut Arc<People>, desk: &mut Desk, _at_ms: i64) -> Result<(), NotDeleted> {
        let lists: &mut Lists = &mut people.change();
        let id = lists.living(self.parent, &self.uid).ok_or(NotDeleted::Unknown)?;
        let mut lost = lists.all.keys().filter(|account| lists.is_managed_by(**account, id));
        if lost.any(|account| has_money(desk, *account)) {
            return Err(NotDeleted::HasMoney);
        }
        if let Some(person) = lists.all.get_mut(&id) {
            person.is_deleted = true;
        }
        Ok(())
    }
}

/// Whether an account has money in any currency, locked money included.
fn has_money(desk: &Desk, account: AccountId) -> bool {
    desk.catalogue.currencies().iter().any(|currency| {
        let balance = desk.balance(account, currency.id);
        balance.available > Decimal::ZERO || balance.locked > Decimal::ZERO
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::people::{AddAccount, Restrict, Restriction, SetLevel, VERIFIED};

    /// Two accounts; the first one has a sub-account, which has one too.
    struct Setup {
        people: Arc<People>,
        desk: Desk,
        till: SubAccount,
        drawer: SubAccount,
    }

    const SHOP: AccountId = AccountId(1);
    const STRANGER: AccountId = AccountId(2);

    impl Setup {
        fn new() -> Self {
            let (mut people, mut desk) = (Arc::<People>::default(), Desk::new(3));
            for name in ["shop", "stranger"] {
                let add = AddAccount { name: name.to_owned(), role: Role::Merchant };
                add.run(&mut people, &mut desk, 0).unwrap();
            }
            let till = CreateSubAccount::of(SHOP).run(&mut people, &mut desk, 5);
            let id = people.by_name(&till.uid).unwrap();
            let drawer = CreateSubAccount::of(id).run(&mut people, &mut desk, 6);
            Self { people, desk, till, drawer }
        }

        fn run<C: Command<Part = Arc<People>>>(&mut self, command: C) -> C::Answer {
            command.run(&mut self.people, &mut self.desk, 7)
        }

        fn id(&self, sub_account: &SubAccount) -> AccountId {
            self.people.by_name(&sub_account.uid).unwrap()
        }

        fn delete(&mut self, parent: AccountId, uid: &str) -> Result<(), NotDeleted> {
            self.run(DeleteSubAccount { parent, uid: uid.to_owned() })
        }
    }

    #[test]
    fn the_account_that_manages_another_may_act_for_it_and_no_other_may() {
        let mut setup = Setup::new();
        let Setup { people, till, drawer, .. } = &setup;
        let id = setup.id(till);
        let own = people.get(SHOP).unwrap().uid;
        assert_eq!(people.acting_as(SHOP, &own), Some(SHOP));
        assert_eq!(people.acting_as(SHOP, &till.uid), Some(id));
        assert_eq!(people.acting_as(SHOP, &drawer.uid), Some(setup.id(drawer)));
        for (caller, uid) in [(STRANGER, &till.uid), (STRANGER, &own), (id, &own)] {
            assert_eq!(people.acting_as(caller, uid), None);
        }
        assert_eq!(people.acting_as(SHOP, "CCT0000000"), None);
        let (till, drawer) = (till.uid.clone(), drawer.uid.clone());
        setup.delete(SHOP, &till).unwrap();
        assert_eq!(setup.people.acting_as(SHOP, &till), None);
        assert_eq!(setup.people.acting_as(SHOP, &drawer), None, "its manager was deleted");
    }

    #[test]
    fn only_the_own_ones_are_seen_and_changed() {
        let mut setup = Setup::new();
        let (till, drawer) = (setup.till.clone(), setup.drawer.clone());
        let id = setup.id(&till);
        assert_eq!(setup.people.sub_accounts(SHOP), std::slice::from_ref(&till));
        assert_eq!(setup.people.sub_accounts(id), std::slice::from_ref(&drawer));
        assert_eq!(setup.people.sub_accounts(STRANGER), []);
        for (parent, uid) in [(STRANGER, &till.uid), (SHOP, &drawer.uid), (SHOP, &"CCT0000000".to_owned())] {
            assert_eq!(setup.people.sub_account(parent, uid), None);
            let update = UpdateSubAccount { parent, uid: uid.clone(), deposit_action: None };
            assert_eq!(setup.run(update), None);
            assert_eq!(setup.delete(parent, uid), Err(NotDeleted::Unknown));
        }
        assert_eq!(setup.delete(SHOP, &till.uid), Ok(()));
        let deleted = SubAccount { is_deleted: true, ..till.clone() };
        assert_eq!(setup.people.sub_accounts(SHOP), [deleted]);
        let update = UpdateSubAccount { parent: SHOP, uid: till.uid.clone(), deposit_action: None };
        assert_eq!(setup.run(update), None);
        assert_eq!(setup.delete(SHOP, &till.uid), Err(NotDeleted::Unknown));
    }

    #[test]
    fn the_verification_is_the_parents_now_and_later() {
        let mut setup = Setup::new();
        let (till, drawer) = (setup.id(&setup.till), setup.id(&setup.drawer));
        assert_eq!([SHOP, till, drawer].map(|id| setup.people.level(id)), [VERIFIED; 3]);
        setup.run(SetLevel { account: SHOP, level: 1 });
        assert_eq!([SHOP, till, drawer, STRANGER].map(|id| setup.people.level(id)), [1, 1, 1, VERIFIED]);
        assert!([till, drawer].into_iter().all(|id| setup.people.may_trade(id)));
        setup.run(Restrict { account: SHOP, restriction: Some(Restriction::NotVerified) });
        assert!(![SHOP, till, drawer].into_iter().any(|id| setup.people.may_trade(id)));
        assert!(setup.people.may_trade(STRANGER));
    }
}
