//! The merchants of an aggregator.

use super::{People, Role};
use crate::base::id::AccountId;

impl People {
    /// The merchants of an account, the oldest first.
    pub(crate) fn merchants(&self, aggregator: AccountId) -> Vec<AccountId> {
        let lists = self.lists();
        let of_aggregator = |id: &&AccountId| {
            let merchant = lists.all.get(*id).filter(|person| person.role == Role::Merchant);
            merchant.is_some_and(|merchant| merchant.parent == Some(aggregator))
        };
        lists.customers.keys().filter(of_aggregator).copied().collect()
    }

    /// The merchant of an account with this uid.
    pub(crate) fn merchant(&self, aggregator: AccountId, uid: &str) -> Option<AccountId> {
        let lists = self.lists();
        let id = *lists.by_uid.get(uid)?;
        let merchant = lists.all.get(&id).filter(|_| lists.customers.contains_key(&id))?;
        (merchant.role == Role::Merchant && merchant.parent == Some(aggregator)).then_some(id)
    }
}
