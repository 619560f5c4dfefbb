//! Sub-accounts.

use crate::{Timestamp, Uid, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Where a sub-account stands.
    pub enum SubAccountState {
        /// It can be used.
        Active = "active",
        /// It was deleted; its history stays.
        Deleted = "deleted",
    }
}

/// An account that another one manages (documents: "SubAccount").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubAccount {
    /// Its uid: what `acting_as` takes.
    pub uid: Uid,
    /// Its name.
    pub account_name: String,
    /// Where it stands.
    pub state: SubAccountState,
    /// What becomes of deposits, such as `none` or `transfer_to_parent`. Where the exchange sends an object, its text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::any_text")]
    pub deposit_action: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}
