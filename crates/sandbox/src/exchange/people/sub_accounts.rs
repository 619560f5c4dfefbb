//! Sub-accounts: accounts that inherit the verification of the one that manages them.

use super::{Lists, People, Role, deposit_action::DepositAction};
use crate::{
    base::id::AccountId,
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a sub-account has in addition to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubAccount {
    pub(crate) parent: AccountId,
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) deposit_action: DepositAction,
    pub(crate) created_ms: i64,
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Arc<People>>>() -> [Replayable<E>; 1] {
    [replayable::<E, CreateSubAccount>()]
}

/// Opens a sub-account of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateSubAccount {
    pub(crate) parent: AccountId,
    pub(crate) name: String,
    pub(crate) deposit_action: DepositAction,
}

impl Command for CreateSubAccount {
    const NAME: &'static str = "create_sub_account";
    type Part = Arc<People>;
    type Answer = SubAccount;

    fn run(self, people: &mut Arc<People>, desk: &mut Desk, at_ms: i64) -> SubAccount {
        let Self { parent, name, deposit_action } = self;
        let lists: &mut Lists = &mut people.change();
        let level = lists.all.get(&parent).map_or(0, |person| person.level);
        let (id, uid) = lists.add_managed(desk, parent, Role::Member, level);
        let sub_account = SubAccount { parent, uid, name, deposit_action, created_ms: at_ms };
        lists.sub_accounts.insert(id, sub_account.clone());
        sub_account
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::people::AddAccount;

    #[test]
    fn the_account_that_manages_another_may_act_for_it_and_no_other_may() {
        let (mut people, mut desk) = (Arc::<People>::default(), Desk::new(3));
        for name in ["shop", "stranger"] {
            let add = AddAccount { name: name.to_owned(), role: Role::Merchant };
            add.run(&mut people, &mut desk, 0).unwrap();
        }
        let (shop, stranger) = (AccountId(1), AccountId(2));
        let create = |parent| CreateSubAccount {
            parent,
            name: "till".to_owned(),
            deposit_action: DepositAction::default(),
        };
        let till = create(shop).run(&mut people, &mut desk, 5);
        let id = people.by_name(&till.uid).unwrap();
        let drawer = create(id).run(&mut people, &mut desk, 6);
        let own = people.get(shop).unwrap().uid;
        assert_eq!(people.acting_as(shop, &own), Some(shop));
        assert_eq!(people.acting_as(shop, &till.uid), Some(id));
        assert_eq!(people.acting_as(shop, &drawer.uid), people.by_name(&drawer.uid));
        for (caller, uid) in [(stranger, &till.uid), (stranger, &own), (id, &own)] {
            assert_eq!(people.acting_as(caller, uid), None);
        }
        assert_eq!(people.acting_as(shop, "CCT0000000"), None);
        people.change().all.get_mut(&id).unwrap().is_deleted = true;
        assert_eq!(people.acting_as(shop, &till.uid), None);
        assert_eq!(people.acting_as(shop, &drawer.uid), None, "its manager was deleted");
    }
}
