//! Sub-accounts.

use crate::{DepositAction, Timestamp, Uid, deposit_action};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// State of a sub-account.
    pub enum SubAccountState {
        /// It can be used.
        Active = "active",
        /// It was deleted; its history stays.
        Deleted = "deleted",
    }
}

/// An account that another account manages (documents: "SubAccount").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubAccount {
    /// Its uid, which `acting_as` takes.
    pub uid: Uid,
    /// Its name.
    pub account_name: String,
    /// Its state.
    pub state: SubAccountState,
    /// What happens to deposits. The documents show it as text here and as an object elsewhere; both are read.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deposit_action::optional_deposit_action"
    )]
    pub deposit_action: Option<DepositAction>,
    /// When it was created.
    pub created_at: Timestamp,
}
