//! Customers and merchants, as the exchange answers them.

use crate::{Sensitive, Timestamp, Uid, time, tolerant};
use serde::{Deserialize, Serialize};

mod business;
mod person;

pub use business::{BusinessProfile, LicenseStatus, Ubo};
pub use person::{Phone, Profile};

crate::open_enum! {
    /// What a customer is.
    pub enum EntityType {
        /// A person.
        Individual = "individual",
        /// A business.
        Business = "business",
    }
}

crate::open_enum! {
    /// How far the verification of a person (KYC) or a business (KYB) is.
    pub enum KycStatus {
        /// It is verified.
        Verified = "verified",
        /// Documents are missing, or the exchange has not decided.
        Pending = "pending",
        /// The exchange refused it.
        Rejected = "rejected",
    }
}

crate::open_enum! {
    /// State of a customer's or a merchant's account.
    pub enum CustomerState {
        /// It can be used.
        Active = "active",
        /// It cannot be used yet.
        Pending = "pending",
        /// It was deleted.
        Deleted = "deleted",
    }
}

crate::open_enum! {
    /// What an account may do.
    pub enum AccountRole {
        /// It trades for itself.
        Member = "member",
        /// A merchant or an aggregator manages it.
        Customer = "customer",
        /// It has customers.
        Merchant = "merchant",
        /// It has merchants and customers.
        Aggregator = "aggregator",
    }
}

/// A customer or a merchant (documents: "Customer (Individual)", "Customer (Business)").
///
/// The documents give persons and businesses other fields, and a row of a list has fewer than the answer to the call for one
/// customer. So only `uid` is always there. `Debug` hides everything that is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Customer {
    /// Its uid, which `acting_as` takes.
    pub uid: Uid,
    /// The number of its record.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub id: Option<u64>,
    /// Its e-mail. The documents' example of a list does not have it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub email: Option<Sensitive<String>>,
    /// What the account may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<AccountRole>,
    /// Whether it is a person or a business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<EntityType>,
    /// Level of verification.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub level: Option<u64>,
    /// The name that is shown for the account.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub account_name: Option<Sensitive<String>>,
    /// State of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CustomerState>,
    /// Your own key.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub custom_id: Option<String>,
    /// Where an external service verifies the customer. It is hidden, because whoever knows such an address can often use it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub external_verification_url: Option<Sensitive<String>>,
    /// How far the verification is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyc_status: Option<KycStatus>,
    /// Marks that the exchange puts on the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tolerant::list")]
    pub labels: Vec<Label>,
    /// What is known of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// What is known of a business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_profile: Option<BusinessProfile>,
    /// The owners of a business.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tolerant::list")]
    pub ubos: Vec<Ubo>,
    /// When it was created.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub updated_at: Option<Timestamp>,
}

impl Customer {
    /// Whether the exchange says that it is verified. An unknown status is not.
    pub fn is_verified(&self) -> bool {
        self.kyc_status == Some(KycStatus::Verified)
    }

    /// Whether it has this e-mail; upper and lower case are the same. `None` if the answer has no e-mail.
    pub fn has_email(&self, email: &str) -> Option<bool> {
        let own = self.email.as_ref()?.expose();
        Some(own.trim().to_lowercase() == email.trim().to_lowercase())
    }
}

/// A mark that the exchange puts on an account, such as `phone: verified`. Its form is that of the server family; the documents
/// only mention labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Label {
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub key: Option<String>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub value: Option<String>,
    /// Who may change it: `public` or `private`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub scope: Option<String>,
    /// A remark.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub description: Option<Sensitive<String>>,
    /// When it was put on.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub updated_at: Option<Timestamp>,
}
