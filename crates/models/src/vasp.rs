//! Companies that keep or move crypto for others.

use crate::{Timestamp, VaspId, time, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// State of a VASP (documents: "VASP").
    pub enum VaspState {
        /// It can be named in the answers to the travel rule.
        Active = "active",
        /// It is not checked yet.
        Pending = "pending",
        /// It was refused.
        Rejected = "rejected",
        /// A customer asked for it.
        Requested = "requested",
    }
}

/// A virtual asset service provider: a company that keeps or moves crypto for others, such as an exchange (documents: "VASP").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Vasp {
    /// Its number, which the travel rule's `vasp_id` takes.
    pub id: VaspId,
    /// Its name.
    pub name: String,
    /// Its web site.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub url: Option<String>,
    /// Its e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub email: Option<String>,
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<VaspState>,
    /// URL of its icon.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub icon_url: Option<String>,
    /// When it was registered.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
}
