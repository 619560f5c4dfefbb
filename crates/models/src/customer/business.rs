//! What is known of a business and its owners.

use super::KycStatus;
use crate::{Decimal, Sensitive, Uid, decimal, tolerant};
use serde::{Deserialize, Serialize};
use std::fmt;

crate::open_enum! {
    /// Whether a business has the licence that its industry needs.
    pub enum LicenseStatus {
        /// It has one.
        Licensed = "Licensed",
        /// It has none.
        NotLicensed = "Not Licensed",
        /// It has asked for one.
        Pending = "Pending",
    }
}

/// What is known of a business. The documents ask for other names at creation than they show in the answer, so fields with the
/// names of both may be there; [`name`](Self::name) knows both. `Debug` hides the tax number and the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BusinessProfile {
    /// The legal name, as the documents show it in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub legal_name: Option<String>,
    /// The name that it trades under.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub trading_name: Option<String>,
    /// The legal name, under the name that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub company_name: Option<String>,
    /// Its number in the register.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub registration_number: Option<String>,
    /// Code of the country of that register.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub registration_country: Option<String>,
    /// Its tax number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub tax_id: Option<Sensitive<String>>,
    /// When it was founded, as the exchange writes it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub incorporation_date: Option<String>,
    /// Its legal form.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub business_type: Option<String>,
    /// Its industry.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub industry: Option<String>,
    /// What it needs the account for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub purpose_of_account: Option<String>,
    /// Volume that it expects in a month, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub expected_monthly_volume_usd: Option<Decimal>,
    /// Codes of the countries that it works in.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tolerant::list")]
    pub jurisdictions_of_operation: Vec<String>,
    /// Its website.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub website: Option<String>,
    /// Number of its employees.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub employee_count: Option<u64>,
    /// Street and number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub address: Option<Sensitive<String>>,
    /// City.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub city: Option<Sensitive<String>>,
    /// Postcode.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub postcode: Option<Sensitive<String>>,
    /// Code of the country.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub country: Option<Sensitive<String>>,
    /// Whether it has a licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_status: Option<LicenseStatus>,
    /// Number of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub license_number: Option<String>,
    /// Codes of the countries that the licence is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tolerant::list")]
    pub license_jurisdictions: Vec<String>,
}

impl BusinessProfile {
    /// The legal name, whichever of its two names the exchange uses.
    pub fn name(&self) -> Option<&str> {
        self.legal_name.as_deref().or(self.company_name.as_deref())
    }
}

/// An owner of a business (ultimate beneficial owner). The documents name the uid and the state of the verification, and promise
/// "ownership details"; the other fields have the names that are sent.
///
/// `Debug` shows only uid, status and share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ubo {
    /// Its uid, for which the owner's documents are uploaded.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub uid: Option<Uid>,
    /// How far the verification of the owner is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyc_status: Option<KycStatus>,
    /// E-mail.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub email: Option<Sensitive<String>>,
    /// First name.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub first_name: Option<Sensitive<String>>,
    /// Last name.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub last_name: Option<Sensitive<String>>,
    /// Telephone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub phone_number: Option<Sensitive<String>>,
    /// Day of birth, as the exchange writes it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub dob: Option<Sensitive<String>>,
    /// Street and number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub address: Option<Sensitive<String>>,
    /// Postcode.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub postcode: Option<Sensitive<String>>,
    /// City.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub city: Option<Sensitive<String>>,
    /// Code of the country.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub country: Option<Sensitive<String>>,
    /// Code of the country of nationality.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub nationality: Option<Sensitive<String>>,
    /// Number of the identity document or the passport.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub id_number: Option<Sensitive<String>>,
    /// What the owner works as.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub occupation: Option<Sensitive<String>>,
    /// Where the owner's money comes from.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub source_of_funds: Option<Sensitive<String>>,
    /// Share of the business, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub ownership_percentage: Option<Decimal>,
    /// Whether the owner is a director.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub is_director: Option<bool>,
    /// Whether the owner may sign for the business.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub is_authorized_signatory: Option<bool>,
    /// Whether the owner is politically exposed by occupation.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub is_pep_occupation: Option<bool>,
    /// Details of that.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub pep_occupation_data: Option<Sensitive<String>>,
    /// Whether the owner is related to somebody who is politically exposed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub is_pep_related: Option<bool>,
    /// Details of that.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub pep_related_data: Option<Sensitive<String>>,
    /// Whether the owner is a prominent influential person.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub is_pip: Option<bool>,
    /// Details of that.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub pip_data: Option<Sensitive<String>>,
}

impl Ubo {
    /// Whether the exchange says that the owner is verified. An unknown status is not.
    pub fn is_verified(&self) -> bool {
        self.kyc_status == Some(KycStatus::Verified)
    }
}

impl fmt::Debug for Ubo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, kyc_status, ownership_percentage, .. } = self;
        f.debug_struct("Ubo")
            .field("uid", uid)
            .field("kyc_status", kyc_status)
            .field("ownership_percentage", ownership_percentage)
            .finish_non_exhaustive()
    }
}
