//! Deposits, and the addresses for them.

use crate::{CurrencyId, Decimal, DepositId, Timestamp, decimal, own_text, time, tolerant};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

crate::open_enum! {
    /// State of a deposit (documents: "States"). The documents name the first six and explain none. They name
    /// `on_hold_travel_rule_customer` and `hold` with the travel rule, and the server family has the rest.
    pub enum DepositState {
        /// Seen by the exchange. A coin still needs confirmations.
        Submitted = "submitted",
        /// Ended without money.
        Canceled = "canceled",
        /// Ended without money.
        Rejected = "rejected",
        /// In the balance.
        Accepted = "accepted",
        /// In the balance, and moved to the exchange's own wallet.
        Collected = "collected",
        /// The move to the exchange's own wallet was left out for now.
        Skipped = "skipped",
        /// Waits for you to say who sent it and from where: see `SubmitTravelRule`.
        OnHoldTravelRuleCustomer = "on_hold_travel_rule_customer",
        /// On hold. It is the state after a travel rule was submitted.
        Hold = "hold",
        /// The exchange moves it to its own wallet.
        Processing = "processing",
        /// The exchange pays for that move.
        FeeProcessing = "fee_processing",
        /// That move failed.
        Errored = "errored",
        /// Checked against money laundering.
        AmlProcessing = "aml_processing",
        /// That check found something.
        AmlSuspicious = "aml_suspicious",
        /// On its way back to the sender.
        Refunding = "refunding",
    }
}

impl DepositState {
    /// Whether the money is in the balance for certain. It may also be there in other states: the documents do not say what
    /// `skipped` and the states of the server family mean for the balance.
    pub fn is_credited(&self) -> bool {
        matches!(self, Self::Accepted | Self::Collected)
    }

    /// Whether the deposit cannot change any more, for certain. An `accepted` coin can still become `collected`.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Canceled | Self::Rejected | Self::Collected)
    }
}

/// A deposit (documents: "Deposit").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Deposit {
    /// Its number.
    pub id: DepositId,
    /// Key of the blockchain, such as `bitcoin` or `ethereum-erc20`; coins only. The older version does not send it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain: Option<String>,
    /// The currency.
    pub currency: CurrencyId,
    /// What the account gets, in units of the currency. The [`fee`](Self::fee) is already taken off: the documents do not say
    /// so, the server family does it.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// The exchange's fee, in the same currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee: Option<Decimal>,
    /// Id of the transaction on the blockchain, or a reference of the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub txid: Option<String>,
    /// How many confirmations it has; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Confirmations::optional")]
    pub confirmations: Option<Confirmations>,
    /// Its state.
    pub state: DepositState,
    /// When the exchange saw it first.
    pub created_at: Timestamp,
    /// When it was completed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub completed_at: Option<Timestamp>,
    /// An id that the exchange's systems share.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub tid: Option<String>,
}

/// How many confirmations a transaction has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmations {
    /// This many.
    Count(u64),
    /// The exchange cannot tell. It writes `N/A`; the text is kept as it came.
    Unknown(String),
}

impl Confirmations {
    /// The number, if the exchange can tell it.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Unknown(_) => None,
        }
    }

    pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        own_text::raw(deserializer, |raw| {
            if let Ok(count) = tolerant::as_whole(raw) {
                return Ok(count.map(Self::Count));
            }
            let text = if raw.starts_with('"') { own_text::unquoted(raw)? } else { raw.into() };
            Ok(Some(Self::Unknown(text.into_owned())))
        })
    }
}

/// A number as number, a text as text.
impl Serialize for Confirmations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Unknown(text) => serializer.serialize_str(text),
        }
    }
}

crate::open_enum! {
    /// State of an address for deposits. The server family sends it; the documents do not mention it.
    pub enum AddressState {
        /// The exchange is creating it.
        Pending = "pending",
        /// It can be used.
        Active = "active",
    }
}

/// An address to deposit to (documents: "Deposit address").
///
/// The answer comes in several forms: the older servers name one `currency`, newer ones a list `currencies` with the
/// blockchain and a state. The documents describe the answer as a deposit, which has no address. So all fields are optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DepositAddress {
    /// The currency, from the older servers.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub currency: Option<CurrencyId>,
    /// The currencies that may be sent to it, from the newer servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "tolerant::list")]
    pub currencies: Vec<CurrencyId>,
    /// Key of the blockchain, such as `bitcoin`. Money that is sent over another one may be lost.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_key: Option<String>,
    /// The address as it came; `None` while the exchange creates it, which takes a few seconds. See
    /// [`without_tag`](Self::without_tag) for coins whose addresses have a tag.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub address: Option<String>,
    /// State of the address, from the newer servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AddressState>,
}

/// What the server family writes between an address and its tag, as in `rExample?dt=12345`.
const TAG: &str = "?dt=";

impl DepositAddress {
    /// Whether there is an address, and the exchange does not call it pending.
    pub fn is_ready(&self) -> bool {
        self.address.as_deref().is_some_and(|address| !address.trim().is_empty())
            && self.state != Some(AddressState::Pending)
    }

    /// Whether it is for this currency. `None` if the answer does not say.
    pub fn is_for(&self, currency: &CurrencyId) -> Option<bool> {
        if self.currency.is_none() && self.currencies.is_empty() {
            return None;
        }
        Some(self.currency.as_ref() == Some(currency) || self.currencies.contains(currency))
    }

    /// The address without its tag.
    pub fn without_tag(&self) -> Option<&str> {
        let address = self.address.as_deref()?;
        Some(address.split_once(TAG).map_or(address, |(address, _)| address))
    }

    /// The destination tag, for coins such as XRP where many accounts share one address. Money that is sent without its tag
    /// may be lost. The server family writes it behind the address: `rExample?dt=12345`.
    pub fn tag(&self) -> Option<&str> {
        self.address.as_deref()?.split_once(TAG).map(|(_, tag)| tag)
    }
}
