//! What a callback says.

use crate::{
    models::{
        AccountId, ConnectionState, ConversionId, Direction, RawJson, Symbol, TransferId, TransferStatus,
        tolerant::either,
    },
    transfers::ReportResult,
};
use capecrypto_models::{Arg, Decimal, Sensitive, Text, Timestamp, decimal};
use capecrypto_webhook::{Event, EventKey};
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// What a callback says. Its body does not name the event, so its members tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Callback {
    /// The connection of an account has another state, in the mode of accounts or of links.
    Connection(ConnectionEvent),
    /// A customer has asked for a transfer, or one of them has another status.
    Transfer(TransferEvent),
    /// Another object, as it came.
    Unknown(RawJson),
}

/// The state of a connection (documents: "Account connect status event", "Link callback").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ReadConnection")]
#[non_exhaustive]
pub struct ConnectionEvent {
    /// The account.
    pub account_uuid: AccountId,
    /// The partner's own name for the customer.
    pub user_ext_ref: Sensitive<String>,
    /// The state. The documents spell the key `staus`; `status` is read too. If both are there, the first counts.
    #[serde(rename = "staus")]
    pub status: ConnectionState,
    /// When it was reached.
    pub event_time: Timestamp,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<ConnectionData>,
}

/// With both spellings of the state.
#[derive(Deserialize)]
struct ReadConnection {
    account_uuid: AccountId,
    user_ext_ref: Sensitive<String>,
    #[serde(default)]
    staus: Option<ConnectionState>,
    #[serde(default)]
    status: Option<ConnectionState>,
    event_time: Timestamp,
    #[serde(default)]
    data: Option<ConnectionData>,
}

impl TryFrom<ReadConnection> for ConnectionEvent {
    type Error = &'static str;

    fn try_from(read: ReadConnection) -> Result<Self, Self::Error> {
        let ReadConnection { account_uuid, user_ext_ref, staus, status, event_time, data } = read;
        let status = staus.or(status).ok_or("missing field `staus`")?;
        Ok(Self { account_uuid, user_ext_ref, status, event_time, data })
    }
}

/// More about a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionData {
    /// When a link ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// A transfer that a customer asked for at Cabital (documents: "Transfer event"). The partner moves the money, and then reports the
/// result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ReadTransfer")]
#[non_exhaustive]
pub struct TransferEvent {
    /// Its id.
    pub transfer_id: TransferId,
    /// The account. The documents do not name it here; without it, it is known from the customer's connection. `account_uuid` is read
    /// too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The amount. `instructed_amount` is read too. A body in which the two differ is refused.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// The currency.
    pub symbol: Symbol,
    /// The direction, seen from Cabital.
    pub direction: Direction,
    /// The conversion that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion_id: Option<ConversionId>,
    /// The partner's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// An e-mail, a phone number, or an address on a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref_id: Option<Sensitive<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it is.
    pub status: TransferStatus,
}

/// With both spellings of amount and account.
#[derive(Deserialize)]
struct ReadTransfer {
    transfer_id: TransferId,
    #[serde(default)]
    account_id: Option<AccountId>,
    #[serde(default)]
    account_uuid: Option<AccountId>,
    #[serde(default, with = "decimal::option")]
    amount: Option<Decimal>,
    #[serde(default, with = "decimal::option")]
    instructed_amount: Option<Decimal>,
    symbol: Symbol,
    direction: Direction,
    #[serde(default)]
    conversion_id: Option<ConversionId>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    external_ref_id: Option<Sensitive<String>>,
    created_at: Timestamp,
    status: TransferStatus,
}

impl TryFrom<ReadTransfer> for TransferEvent {
    type Error = &'static str;

    fn try_from(read: ReadTransfer) -> Result<Self, Self::Error> {
        let amount = either(read.amount, read.instructed_amount, "amount and instructed_amount differ")?;
        Ok(Self {
            transfer_id: read.transfer_id,
            account_id: either(read.account_id, read.account_uuid, "account_id and account_uuid differ")?,
            amount: amount.ok_or("missing field `amount`")?,
            symbol: read.symbol,
            direction: read.direction,
            conversion_id: read.conversion_id,
            external_id: read.external_id,
            external_ref_id: read.external_ref_id,
            created_at: read.created_at,
            status: read.status,
        })
    }
}

impl TransferEvent {
    /// The report that the money was moved.
    pub fn succeeded(&self, account: impl Into<Arg<AccountId>>) -> ReportResult {
        ReportResult::success(account, &self.transfer_id)
    }

    /// The report that it could not be moved, for this reason of 1 to 150 characters.
    pub fn failed(&self, account: impl Into<Arg<AccountId>>, why: impl Into<Arg<Text<150>>>) -> ReportResult {
        ReportResult::failed(account, &self.transfer_id, why)
    }

    /// The report that it was cancelled, for this reason of 1 to 150 characters.
    pub fn cancelled(
        &self,
        account: impl Into<Arg<AccountId>>,
        why: impl Into<Arg<Text<150>>>,
    ) -> ReportResult {
        ReportResult::cancelled(account, &self.transfer_id, why)
    }
}

/// Why a body is not a callback. Nothing of it is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// It is not a JSON object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A member is missing or has another form.
    #[error("the {event} cannot be read: its members are {wanted}, and one is missing or has another form")]
    Member {
        /// What it was taken for.
        event: &'static str,
        /// The members that it must have.
        wanted: &'static str,
    },
}

/// The members that tell what a body is.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    transfer_id: Option<IgnoredAny>,
    #[serde(default)]
    account_uuid: Option<IgnoredAny>,
    #[serde(default)]
    event_time: Option<IgnoredAny>,
}

impl Callback {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_json(body: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?.trim_ascii();
        let kind = Some(text).filter(|text| text.starts_with('{'));
        let kind: Kind =
            kind.and_then(|text| serde_json::from_str(text).ok()).ok_or(Unreadable::NotAnObject)?;
        let member = |event, wanted| Unreadable::Member { event, wanted };
        if kind.transfer_id.is_some() {
            let event = serde_json::from_str(text);
            let wanted = "transfer_id, amount, symbol, direction, created_at and status";
            return event.map(Self::Transfer).map_err(|_| member("transfer", wanted));
        }
        if kind.account_uuid.is_some() && kind.event_time.is_some() {
            let event = serde_json::from_str(text);
            let wanted = "account_uuid, user_ext_ref, staus (or status) and event_time";
            return event.map(Self::Connection).map_err(|_| member("state of a connection", wanted));
        }
        serde_json::from_str(text).map(Self::Unknown).map_err(|_| Unreadable::NotAnObject)
    }

    /// The key by which the event is known again: what it says, and not when or how often it was sent.
    pub fn key(&self) -> EventKey {
        match self {
            Self::Connection(event) => EventKey::other(
                "cabital.connection",
                &[event.account_uuid.as_str(), event.status.as_str(), &event.event_time.to_string()],
            ),
            Self::Transfer(event) => {
                EventKey::other("cabital.transfer", &[event.transfer_id.as_str(), event.status.as_str()])
            }
            // More than three parts become a digest, so that nothing of the body is shown.
            Self::Unknown(json) => EventKey::other("cabital.unknown", &["", "", json.as_str(), ""]),
        }
    }
}

/// Each event stands alone, so it has no reference.
impl Event for Callback {
    fn from_kept(json: &str) -> Result<Self, String> {
        Self::from_json(json.as_bytes()).map_err(|unreadable| unreadable.to_string())
    }
}
