//! Transfers and conversions.

use super::{AccountId, ConversionId, InstructionId, Symbol, TransferId};
use capecrypto_models::{Decimal, Sensitive, Timestamp, decimal, open_enum};
use capecrypto_rest::{Bytes, DecodeError, FromResponse, Head, Rows, UnreadableRow};
use serde::{Deserialize, Serialize};
use std::time::Duration;

open_enum! {
    /// Where a transfer is (documents: "划转交易的状态").
    pub enum TransferStatus {
        /// It is done. Final.
        Success = "SUCCESS" | "success",
        /// It failed. Final.
        Failed = "FAILED" | "failed",
        /// It is on its way. A transfer does not stay so for long; otherwise a person must look into it.
        Processing = "PROCESSING" | "processing",
        /// It was cancelled. Final.
        Cancel = "CANCEL" | "cancel",
    }
}

impl TransferStatus {
    /// Whether it never changes again. A status that this version does not know counts as neither.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancel)
    }
}

open_enum! {
    /// Direction of a transfer, seen from Cabital. It is sent in capital letters and read in any.
    pub enum Direction {
        /// To Cabital: the balance there grows.
        Credit = "CREDIT" | "credit" | "Credit",
        /// From Cabital to the partner: the balance there shrinks.
        Debit = "DEBIT" | "debit" | "Debit",
    }
}

open_enum! {
    /// Who asked for a transfer.
    pub enum TransferredBy {
        /// The partner.
        Partner = "PARTNER" | "partner",
        /// The customer, at Cabital.
        Customer = "CUSTOMER" | "customer",
    }
}

open_enum! {
    /// The result of a conversion. The documents show one value.
    pub enum ConversionStatus {
        /// It is done.
        Success = "SUCCESS" | "success",
    }
}

/// A conversion that was made (documents: "账户转换货币").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConversionMade {
    /// Its id. A transfer calls it `conversion_id`.
    #[serde(rename = "transaction_id")]
    pub id: ConversionId,
    /// Its result.
    pub status: ConversionStatus,
}

/// The answer to a new transfer (documents: "账户双向划转").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransferMade {
    /// Its id.
    pub transfer_id: TransferId,
    /// Where it is. It may already have failed.
    pub status: TransferStatus,
    /// The amount that was asked for.
    #[serde(with = "decimal")]
    pub instructed_amount: Decimal,
    /// What the customer pays for it.
    #[serde(with = "decimal")]
    pub customer_fee: Decimal,
    /// The amount that arrives.
    #[serde(with = "decimal")]
    pub actual_amount: Decimal,
    /// Your own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Its number for the reconciliation.
    pub instruction_id: InstructionId,
}

/// Declares `Transfer`, and the same with further fields.
macro_rules! transfer {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $ty,)*
            /// Its id.
            pub transfer_id: TransferId,
            /// The amount that was asked for.
            #[serde(with = "decimal")]
            pub instructed_amount: Decimal,
            /// What the customer pays for it.
            #[serde(with = "decimal")]
            pub customer_fee: Decimal,
            /// The amount that arrives.
            #[serde(with = "decimal")]
            pub actual_amount: Decimal,
            /// The currency.
            pub symbol: Symbol,
            /// The direction.
            pub direction: Direction,
            /// The conversion that it belongs to.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub conversion_id: Option<ConversionId>,
            /// Your own id.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub external_id: Option<String>,
            /// An e-mail, a phone number, or an address on a chain, which Cabital gives.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub external_ref_id: Option<Sensitive<String>>,
            /// When it was made.
            pub created_at: Timestamp,
            /// Where it is.
            pub status: TransferStatus,
        }

        impl $name {
            /// Whether it is on its way for longer than this, so that a person should ask Cabital.
            pub fn is_stuck(&self, now: Timestamp, longer_than: Duration) -> bool {
                let since = self.created_at.checked_add(longer_than);
                self.status == TransferStatus::Processing && since.is_some_and(|end| end < now)
            }
        }
    };
}

transfer! {
    /// A transfer between Cabital and the partner (documents: "返回transfers对象描述").
    pub struct Transfer {
        /// Who asked for it.
        pub transfer_by: TransferredBy,
    }
}

transfer! {
    /// A transfer, read by your own id (documents: "Reconciliation").
    pub struct Reconciliation {
        /// Its number for the reconciliation.
        pub instruction_id: InstructionId,
        /// The account.
        pub account_id: AccountId,
        /// Who asked for it. A server that leaves it out must not make a transfer unreadable that is looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub transfer_by: Option<TransferredBy>,
    }
}

/// A part of the list of transfers. A row that cannot be read does not hide the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TransferList {
    pagination_response: Pagination,
    transfers: Rows<Transfer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pagination {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl TransferList {
    /// The transfers.
    pub fn transfers(&self) -> &[Transfer] {
        &self.transfers.items
    }

    /// The rows that could not be read.
    pub fn unreadable(&self) -> &[UnreadableRow] {
        &self.transfers.unreadable
    }

    /// The cursor of the next part; `None` at the end. `-1`, an empty text and no cursor mean the end.
    pub fn next_cursor(&self) -> Option<&str> {
        self.pagination_response.cursor.as_deref().filter(|cursor| !matches!(*cursor, "-1" | ""))
    }

    pub(crate) fn into_parts(self) -> (Vec<Transfer>, Option<String>) {
        let next = self.next_cursor().map(str::to_owned);
        (self.transfers.items, next)
    }
}

impl FromResponse for TransferList {
    fn from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Read {
            pagination_response: Pagination,
            transfers: Rows<Transfer>,
        }
        let Read { pagination_response, transfers } = Read::from_response(head, body)?;
        transfers.check()?;
        Ok(Self { pagination_response, transfers })
    }

    fn unreadable(&self) -> &[UnreadableRow] {
        &self.transfers.unreadable
    }
}
