//! Invoices and payments of the lightning network.

use crate::{
    Arg, Bolt11, Decimal, Malformed, Sats, Sensitive, Timestamp, WithdrawalState, decimal,
    param::{Param, Place},
    time, tolerant,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

crate::open_enum! {
    /// State of a lightning invoice. The documents do not list the states; these are the ones of the sandbox.
    pub enum LightningInvoiceState {
        /// It waits for its payment.
        Pending = "pending",
        /// It was paid, and the account has the money.
        Paid = "paid",
        /// Nobody paid it within its hour.
        Expired = "expired",
    }
}

/// An invoice of the account, to be paid over the lightning network (documents: "Lightning invoice").
///
/// `Debug` hides the invoice's text and its descriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct LightningInvoice {
    /// The invoice's text, to be given to the payer. [`invoice`](Self::invoice) reads it.
    pub bolt: Sensitive<String>,
    /// How much is to be paid.
    pub amount: Sats,
    /// The same amount in thousandths of a satoshi.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub amount_msat: Option<u64>,
    /// The part that is converted to fiat when the invoice is paid: 1 is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub conversion_percent: Option<Decimal>,
    /// What the payer sees.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub description: Option<Sensitive<String>>,
    /// Your own note.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub member_description: Option<Sensitive<String>>,
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<LightningInvoiceState>,
    /// When it was created.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
    /// Until when it can be paid: one hour after its creation.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub expires_at: Option<Timestamp>,
    /// When it was paid.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub paid_at: Option<Timestamp>,
}

impl LightningInvoice {
    /// The invoice's text as a checked value.
    ///
    /// # Errors
    /// [`Malformed`] if it is no text of a lightning invoice. The text is not quoted.
    pub fn invoice(&self) -> Result<Bolt11, Malformed> {
        self.bolt.expose().parse()
    }
}

impl Serialize for LightningInvoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// An object, or a list with one object: the documents show a list.
impl<'de> Deserialize<'de> for LightningInvoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bare(LightningInvoice);
        impl<'de> Deserialize<'de> for Bare {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                LightningInvoice::deserialize(deserializer).map(Self)
            }
        }
        tolerant::single(deserializer).map(|Bare(bare)| bare)
    }
}

/// A payment over the lightning network that the exchange accepted (documents: "Lightning payment").
///
/// It is **not** a proof that the payment succeeded. The list of withdrawals tells how it ended.
///
/// `Debug` hides the invoice's text, the address and the descriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct LightningPayment {
    /// The invoice that is paid.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub bolt: Option<Sensitive<String>>,
    /// The address that is paid, if there is no invoice.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub address: Option<Sensitive<String>>,
    /// How much is paid, without the fee.
    pub amount: Sats,
    /// What the recipient sees.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub description: Option<Sensitive<String>>,
    /// Your own note.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub member_description: Option<Sensitive<String>>,
    /// Its state when it was accepted. The documents do not list the states; a payment is a withdrawal, so its states are taken as
    /// those of withdrawals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<WithdrawalState>,
    /// When it was accepted.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
}

impl Serialize for LightningPayment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// An object, or a list with one object: the documents show a list.
impl<'de> Deserialize<'de> for LightningPayment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bare(LightningPayment);
        impl<'de> Deserialize<'de> for Bare {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                LightningPayment::deserialize(deserializer).map(Self)
            }
        }
        tolerant::single(deserializer).map(|Bare(bare)| bare)
    }
}

/// The longest address, in bytes: 64 before the `@` and 255 after it, as of an e-mail address.
const LONGEST_NAME: usize = 64;
const LONGEST_HOST: usize = 255;

/// A lightning address, such as `name@example.com`: it looks like an e-mail address, and the host makes the invoice.
///
/// `Debug` and errors never show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LightningAddress(Box<str>);

impl LightningAddress {
    /// The address, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LightningAddress {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
        let in_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let fits = text.split_once('@').is_some_and(|(name, host)| {
            (1..=LONGEST_NAME).contains(&name.len())
                && name.bytes().all(in_name)
                && host.len() <= LONGEST_HOST
                && host.contains('.')
                && host.split('.').all(|label| !label.is_empty() && label.bytes().all(in_host))
        });
        if fits {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new(
            "it is not a lightning address (the value is not shown)",
            "give a name, an @ and a host, such as name@example.com: 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-' and '+' before the @",
        ))
    }
}

impl fmt::Debug for LightningAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LightningAddress(…)")
    }
}

impl Param for LightningAddress {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(&self.0);
    }
}

impl From<LightningAddress> for Arg<LightningAddress> {
    fn from(address: LightningAddress) -> Self {
        Self::good(address)
    }
}
