//! What is known of a person.

use crate::{Sensitive, Timestamp, time, tolerant};
use serde::{Deserialize, Serialize};

/// What is known of a person. The documents name the first four fields, "etc.". `Debug` shows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
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
    /// Code of the country of residence.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub country_of_residence: Option<Sensitive<String>>,
    /// Number of the identity document.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub id_number: Option<Sensitive<String>>,
    /// What the person works as.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub occupation: Option<Sensitive<String>>,
    /// Where the person's money comes from.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub source_of_funds: Option<Sensitive<String>>,
}

/// A telephone. `Debug` shows nothing of it but the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Phone {
    /// Code of the country.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub country: Option<Sensitive<String>>,
    /// The number. The server family writes it without `+`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub number: Option<Sensitive<String>>,
    /// When it was confirmed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub validated_at: Option<Timestamp>,
}
