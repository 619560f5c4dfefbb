//! The owners of businesses (ultimate beneficial owners). An owner has a uid for its documents, but no account: nobody can act
//! for it.

use super::{Lists, facts::Facts};
use crate::{base::id::AccountId, exchange::desk::Desk};

/// An owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ubo {
    pub(crate) uid: String,
    pub(crate) facts: Facts,
}

impl Lists {
    /// Gives an owner of a business its uid.
    pub(super) fn add_ubo(&mut self, desk: &Desk, business: AccountId, facts: Facts) -> Ubo {
        let uid = self.next_uid(desk);
        self.ubos.insert(uid.clone(), business);
        Ubo { uid, facts }
    }
}
