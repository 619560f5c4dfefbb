//! What the exchange tells a merchant's server by webhooks.

use crate::{
    CurrencyId, Decimal, DepositId, InternalTransferId, OrderId, PaymentReferenceId, Timestamp, Uid,
    WithdrawalId, decimal, json_path, own_text, time, tolerant,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error as _, ser::Error as _,
};
use serde_json::value::RawValue;
use std::fmt;

const MATCHED: &str = "payment_reference.deposit_matched";
const COMPLETED: &str = "payment_reference.completed";
const FAILED: &str = "payment_reference.failed";
const DUPLICATE: &str = "payment_reference.duplicate_deposit";

/// An event of a webhook (documents: "Webhook Payload Examples").
///
/// It is read from the whole body. Check the body's signature first: only the bytes that were signed prove who sent them.
///
/// An event can come more than once, late, and in another order than things happened. So compare it with what you know of its
/// payment reference or deposit.
///
/// ```
/// use capecrypto_models::WebhookEvent;
/// let body = br#"{"event":"payment_reference.completed","payment_reference_id":123,"reference":"PAY-ABC123",
///     "uid":"ID123456789","deposit_id":456,"created_at":"2025-01-17T10:05:00.000Z"}"#;
/// match WebhookEvent::from_json(body)? {
///     WebhookEvent::Completed(paid) => assert_eq!(paid.reference, "PAY-ABC123"),
///     WebhookEvent::Unknown(event) => println!("this version does not know {}", event.name()),
///     event => println!("{event:?}"),
/// }
/// # Ok::<(), capecrypto_models::UnreadableEvent>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// `payment_reference.deposit_matched`
    DepositMatched(DepositMatched),
    /// `payment_reference.completed`
    Completed(PaymentCompleted),
    /// `payment_reference.failed`
    Failed(PaymentFailed),
    /// `payment_reference.duplicate_deposit`
    DuplicateDeposit(DuplicateDeposit),
    /// One of the three events of a deposit.
    Deposit(DepositEvent),
    /// An event that this version does not know.
    Unknown(UnknownEvent),
}

/// A deposit was linked to the payment reference (documents: "Event 1: Deposit Matched").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DepositMatched {
    /// Number of the payment reference.
    pub payment_reference_id: PaymentReferenceId,
    /// Its code, such as `PAY-ABC123`.
    pub reference: String,
    /// The account that the deposit is for.
    pub uid: Uid,
    /// The deposit.
    pub deposit_id: DepositId,
    /// The amount of the deposit, in [`currency`](Self::currency).
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// The currency of the deposit.
    pub currency: CurrencyId,
    /// The blockchain that it came on, such as `ethereum-erc20`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub deposit_blockchain: Option<String>,
    /// Its transaction.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub txid: Option<String>,
    /// The lightning invoice that was paid; only for lightning.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub invoice: Option<String>,
    /// The time of the event.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
}

/// All actions of the payment reference are done (documents: "Event 2: Completed").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PaymentCompleted {
    /// Number of the payment reference.
    pub payment_reference_id: PaymentReferenceId,
    /// Its code.
    pub reference: String,
    /// The account that the deposit is for.
    pub uid: Uid,
    /// The deposit.
    pub deposit_id: DepositId,
    /// The transfer to the parent account; only if the action has one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub internal_transfer_id: Option<InternalTransferId>,
    /// The order that converted it; only if the action converts.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub order_id: Option<OrderId>,
    /// The withdrawal; only if the action withdraws.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub withdraw_id: Option<WithdrawalId>,
    /// The blockchain that the deposit came on.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub deposit_blockchain: Option<String>,
    /// The lightning invoice that was paid; only for lightning.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub invoice: Option<String>,
    /// The blockchain that the withdrawal went to.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub withdraw_blockchain: Option<String>,
    /// The time of the event.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
}

/// An action of the payment reference failed for good (documents: "Event 3: Failed").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PaymentFailed {
    /// Number of the payment reference.
    pub payment_reference_id: PaymentReferenceId,
    /// Its code.
    pub reference: String,
    /// The account that the deposit is for.
    pub uid: Uid,
    /// The deposit.
    pub deposit_id: DepositId,
    /// Why it failed, for people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub error: Option<String>,
    /// The blockchain that the deposit came on.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub deposit_blockchain: Option<String>,
    /// The lightning invoice that was paid; only for lightning.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub invoice: Option<String>,
    /// The time of the event.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
}

/// Another deposit came for a payment reference that already has one (documents: "Event 4: Duplicate Deposit").
///
/// Several fields have other names on the wire than in the other events, and the number of the payment reference is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DuplicateDeposit {
    /// Code of the payment reference.
    pub reference: String,
    /// The account that the deposit is for.
    #[serde(rename = "member_uid")]
    pub uid: Uid,
    /// The currency of the further deposit.
    #[serde(rename = "currency_id")]
    pub currency: CurrencyId,
    /// The amount of the further deposit, in [`currency`](Self::currency).
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// The deposit that the payment reference has.
    pub original_deposit_id: DepositId,
    /// The further deposit.
    pub duplicate_deposit_id: DepositId,
    /// How many further deposits there are, this one included.
    #[serde(deserialize_with = "tolerant::whole")]
    pub duplicate_count: u64,
    /// The time of the event.
    #[serde(
        default,
        rename = "timestamp",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
}

/// The events of a deposit (documents of 2026-04: "Webhook Configuration").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DepositEventKind {
    /// `deposit.travel_rule_required`: the sender's data are missing.
    TravelRuleRequired,
    /// `deposit.accepted`
    Accepted,
    /// `deposit.rejected`
    Rejected,
}

impl DepositEventKind {
    const ALL: [Self; 3] = [Self::TravelRuleRequired, Self::Accepted, Self::Rejected];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TravelRuleRequired => "deposit.travel_rule_required",
            Self::Accepted => "deposit.accepted",
            Self::Rejected => "deposit.rejected",
        }
    }
}

/// An event of a deposit. The documents name it and do not describe its fields, so it is kept as it came.
///
/// `Debug` hides the fields: they may be a person's data.
#[derive(Clone, PartialEq, Eq)]
pub struct DepositEvent {
    kind: DepositEventKind,
    json: Box<str>,
}

impl DepositEvent {
    /// Which of the three.
    pub fn kind(&self) -> DepositEventKind {
        self.kind
    }

    /// The whole event, as it came.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl fmt::Debug for DepositEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DepositEvent").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// An event that this version does not know, kept as it came.
///
/// `Debug` hides the fields: they may be a person's data.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    name: Box<str>,
    json: Box<str>,
}

impl UnknownEvent {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole event, as it came.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownEvent").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a body cannot be read as an event. It quotes nothing of the body but the names of known fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is not an event: {0}")]
pub struct UnreadableEvent(String);

impl WebhookEvent {
    /// The names of all events that this version knows.
    pub const KNOWN: [&'static str; 7] = [
        MATCHED,
        COMPLETED,
        FAILED,
        DUPLICATE,
        DepositEventKind::TravelRuleRequired.name(),
        DepositEventKind::Accepted.name(),
        DepositEventKind::Rejected.name(),
    ];

    /// Reads the body of a webhook. An event of another name is [`Unknown`](Self::Unknown), whatever its fields are.
    ///
    /// # Errors
    /// The body is not JSON in UTF-8, or not an object with a text `event`; or a field of a known event is missing or cannot
    /// be read.
    #[inline]
    pub fn from_json(body: &[u8]) -> Result<Self, UnreadableEvent> {
        let text = std::str::from_utf8(body).map_err(|_| UnreadableEvent("it is not UTF-8".to_owned()))?;
        Self::parse(text.trim_ascii())
    }

    /// The name on the wire, such as `payment_reference.completed`.
    pub fn name(&self) -> &str {
        match self {
            Self::DepositMatched(_) => MATCHED,
            Self::Completed(_) => COMPLETED,
            Self::Failed(_) => FAILED,
            Self::DuplicateDeposit(_) => DUPLICATE,
            Self::Deposit(event) => event.kind.name(),
            Self::Unknown(event) => event.name(),
        }
    }

    /// The code of its payment reference. `None` for other events.
    pub fn reference(&self) -> Option<&str> {
        Some(match self {
            Self::DepositMatched(event) => &event.reference,
            Self::Completed(event) => &event.reference,
            Self::Failed(event) => &event.reference,
            Self::DuplicateDeposit(event) => &event.reference,
            Self::Deposit(_) | Self::Unknown(_) => return None,
        })
    }

    /// The time that the event names. `None` if it has none, or if this version does not know where it is.
    pub fn created_at(&self) -> Option<Timestamp> {
        match self {
            Self::DepositMatched(event) => event.created_at,
            Self::Completed(event) => event.created_at,
            Self::Failed(event) => event.created_at,
            Self::DuplicateDeposit(event) => event.created_at,
            Self::Deposit(_) | Self::Unknown(_) => None,
        }
    }

    #[inline]
    fn parse(text: &str) -> Result<Self, UnreadableEvent> {
        let Named { event } = read(text)?;
        let Some(name) = event else { return Err(UnreadableEvent("it has no `event`".to_owned())) };
        Ok(match name.as_str() {
            MATCHED => Self::DepositMatched(read(text)?),
            COMPLETED => Self::Completed(read(text)?),
            FAILED => Self::Failed(read(text)?),
            DUPLICATE => Self::DuplicateDeposit(read(text)?),
            name => match DepositEventKind::ALL.into_iter().find(|kind| kind.name() == name) {
                Some(kind) => Self::Deposit(DepositEvent { kind, json: text.into() }),
                None => Self::Unknown(UnknownEvent { name: name.into(), json: text.into() }),
            },
        })
    }
}

#[derive(Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "tolerant::optional_text")]
    event: Option<String>,
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, UnreadableEvent> {
    serde_json::from_str(text).map_err(|error| UnreadableEvent(reason::<T>(text, &error)))
}

/// What is wrong, without a value of the text.
fn reason<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> String {
    if !error.is_data() {
        return format!("it is not JSON (line {}, column {})", error.line(), error.column());
    }
    let path = json_path::of(text, error, |text| serde_json::from_str::<T>(text).err());
    if path != "." {
        return format!("`{path}` cannot be read");
    }
    // The only errors about the whole object that quote no value.
    let why = error.to_string();
    let known = why.split(" at line ").next().filter(|why| why.starts_with("missing field"));
    known.unwrap_or("it is not an object with the fields of an event").to_owned()
}

impl<'de> Deserialize<'de> for WebhookEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = own_text::raw(deserializer, |text| Ok(text.to_owned()))?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// The fields behind the name of their event.
#[derive(Serialize)]
struct Whole<'a, T> {
    event: &'static str,
    #[serde(flatten)]
    fields: &'a T,
}

impl Serialize for WebhookEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::DepositMatched(fields) => Whole { event: MATCHED, fields }.serialize(serializer),
            Self::Completed(fields) => Whole { event: COMPLETED, fields }.serialize(serializer),
            Self::Failed(fields) => Whole { event: FAILED, fields }.serialize(serializer),
            Self::DuplicateDeposit(fields) => Whole { event: DUPLICATE, fields }.serialize(serializer),
            Self::Deposit(DepositEvent { json, .. }) | Self::Unknown(UnknownEvent { json, .. }) => {
                let json: &RawValue = serde_json::from_str(json).map_err(S::Error::custom)?;
                json.serialize(serializer)
            }
        }
    }
}
