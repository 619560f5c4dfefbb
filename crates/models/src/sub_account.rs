//! Sub-accounts.

use crate::{Timestamp, Uid, tolerant};
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
    /// What happens to deposits, such as `none` or `transfer_to_parent`. If the exchange sends an object, this is its JSON
    /// text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::any_text")]
    pub deposit_action: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}
