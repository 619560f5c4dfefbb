//! How an account is connected to its partner.

use super::{AccountId, RawJson, tolerant::list};
use capecrypto_models::{Sensitive, Timestamp, open_enum};
use serde::{Deserialize, Serialize};

open_enum! {
    /// State of the connection between a customer's account and the partner (documents: "Connection states").
    pub enum ConnectionState {
        /// The customer has begun.
        Initialized = "INITIALIZED",
        /// Cabital verifies the customer.
        Pending = "PENDING",
        /// Cabital has rejected the customer, who may try again.
        TemporaryRejected = "TEMPORARY_REJECTED",
        /// Cabital has rejected the customer for good.
        FinalRejected = "FINAL_REJECTED",
        /// The account is there. The partner may now [match](crate::accounts::MatchName) the name.
        Created = "CREATED",
        /// A person compares the names. Only some of the documents have this state.
        Matching = "MATCHING",
        /// The name is the same on both sides: money can be moved.
        Matched = "MATCHED",
        /// The account is linked (link mode only): money can be moved.
        Linked = "LINKED",
        /// The name is another one. The partner may match again.
        Mismatched = "MISMATCHED",
        /// The customer has ended the connection.
        Unlinked = "UNLINKED",
    }
}

open_enum! {
    /// The result of a comparison of names.
    pub enum MatchOutcome {
        /// Both sides have the same.
        Pass = "PASS",
        /// They differ.
        Mismatch = "MISMATCH",
        /// A person looks into it. The result comes by callback.
        Pending = "PENDING",
    }
}

open_enum! {
    /// A document of identity.
    pub enum IdDocument {
        /// An identity card.
        Id = "ID",
        /// A passport.
        Passport = "PASSPORT",
        /// A driver's licence.
        DriverLicense = "DRIVER_LICENSE",
    }
}

/// What Cabital says about a connected account (documents: "User connection status").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ReadDetail")]
#[non_exhaustive]
pub struct AccountDetail {
    /// State of the connection. The documents' table calls it `account_status`, their sample `match_status`. If both are there, the
    /// second counts.
    #[serde(rename = "match_status")]
    pub status: ConnectionState,
    /// Whether the customer has a second factor, so that a transfer needs its code.
    pub otp_ready: bool,
    /// The customer's e-mail.
    pub email_address: Sensitive<String>,
    /// The partner's own id of the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_id: Option<Sensitive<String>>,
    /// A token of the customer's verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyc_token: Option<Sensitive<String>>,
    /// The account's limits. No document describes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RawJson>,
}

/// With both spellings of the state.
#[derive(Deserialize)]
struct ReadDetail {
    #[serde(default)]
    match_status: Option<ConnectionState>,
    #[serde(default)]
    account_status: Option<ConnectionState>,
    otp_ready: bool,
    email_address: Sensitive<String>,
    #[serde(default)]
    ext_id: Option<Sensitive<String>>,
    #[serde(default)]
    kyc_token: Option<Sensitive<String>>,
    #[serde(default)]
    limits: Option<RawJson>,
}

impl TryFrom<ReadDetail> for AccountDetail {
    type Error = &'static str;

    fn try_from(read: ReadDetail) -> Result<Self, Self::Error> {
        let ReadDetail { match_status, account_status, otp_ready, email_address, ext_id, kyc_token, limits } =
            read;
        let status = match_status.or(account_status).ok_or("missing field `match_status`")?;
        Ok(Self { status, otp_ready, email_address, ext_id, kyc_token, limits })
    }
}

/// The result of a comparison of names (documents: "Name match").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NameMatch {
    /// The result.
    pub result: MatchOutcome,
    /// The names of the fields that differ, such as `dob`.
    #[serde(default, deserialize_with = "list")]
    pub mismatch_fields: Vec<String>,
}

/// Whether a customer is linked (documents: "Link status").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkStatus {
    /// The account.
    pub account_uuid: AccountId,
    /// State of the link.
    pub link_status: ConnectionState,
    /// Whether the customer has a second factor, so that a transfer needs its code.
    pub otp_ready: bool,
    /// State of the customer's verification. No document lists its values.
    pub kyc_status: String,
    /// The customer's e-mail.
    pub email_address: Sensitive<String>,
    /// When the link ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}
