//! Fees.

use capecrypto_models::{Decimal, decimal, open_enum};
use serde::{Deserialize, Serialize};

open_enum! {
    /// Who pays a fee. Its spelling varies in the documents.
    pub enum FeePayer {
        /// The customer.
        Customer = "customer" | "Customer" | "CUSTOMER",
        /// The partner.
        Partner = "partner" | "Partner" | "PARTNER",
    }
}

open_enum! {
    /// How a fee is calculated. Its spelling varies in the documents.
    pub enum FeeMethod {
        /// The value is an amount.
        Fixed = "fixed" | "Fixed" | "FIXED",
        /// The value is a percentage.
        Percent = "percent" | "Percent" | "PERCENT",
    }
}

/// The fees of a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fees {
    /// For money that leaves Cabital.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit_fee: Option<Fee>,
}

/// A fee. The documents do not say how `value` and `original_value` differ; the second may be the one before a discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fee {
    /// Who pays it.
    pub object: FeePayer,
    /// Whether it is a single fee.
    pub is_single: bool,
    /// How it is calculated.
    pub method: FeeMethod,
    /// The amount or the percentage.
    #[serde(with = "decimal")]
    pub value: Decimal,
    /// The same, in another sense that the documents do not describe.
    #[serde(default, with = "decimal::option", skip_serializing_if = "Option::is_none")]
    pub original_value: Option<Decimal>,
    /// The smallest fee.
    #[serde(default, with = "decimal::option", skip_serializing_if = "Option::is_none")]
    pub min_value: Option<Decimal>,
    /// The same, in the other sense.
    #[serde(default, with = "decimal::option", skip_serializing_if = "Option::is_none")]
    pub original_min_value: Option<Decimal>,
    /// The largest fee.
    #[serde(default, with = "decimal::option", skip_serializing_if = "Option::is_none")]
    pub max_value: Option<Decimal>,
    /// The same, in the other sense.
    #[serde(default, with = "decimal::option", skip_serializing_if = "Option::is_none")]
    pub original_max_value: Option<Decimal>,
}
