//! Ids as types. An id that goes into a path was checked when it was created.
//!
//! Text ids hold 1 to 64 characters out of `A-Z a-z 0-9 _ -`. Everything else (dots, slashes, percent signs, spaces) is
//! refused, because with an id of `..` the cancellation of one order would cancel all orders. Names that are never part
//! of a path ([`CustomOrderId`], [`TradeId`]) may be any text, and so may a [`Txid`]: the one call that has it in the path
//! checks it again. Where the wire has numbers, ids are numbers; numeric strings are read as well.

use crate::{
    arg::{Arg, Malformed, excerpt},
    param::{Param, Place},
    tolerant,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

const LONGEST: usize = 64;
/// Most characters of a text that is never part of a path.
const LONGEST_NAME: usize = 255;

/// Checks an id that may be part of a path.
fn plain(what: &str, text: &str) -> Result<(), Malformed> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(good) {
        return Ok(());
    }
    let why = if text.is_empty() {
        "it is empty".to_owned()
    } else if text.len() > LONGEST {
        format!("'{}' is {} bytes long", excerpt(text), text.len())
    } else {
        let strange = text.chars().find(|c| !c.is_ascii() || !u8::try_from(*c).is_ok_and(good));
        format!("'{}' holds {:?}", excerpt(text), strange.unwrap_or_default())
    };
    let remedy = format!("give a {what} of 1 to {LONGEST} characters out of A-Z, a-z, 0-9, '_' and '-'");
    Err(Malformed::new(why, remedy))
}

/// Checks a name that is never part of a path: it may be any text that can be printed on one line.
fn name(what: &str, text: &str) -> Result<(), Malformed> {
    // The usual case.
    if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Ok(());
    }
    let too_long = text.len() > LONGEST_NAME && text.chars().count() > LONGEST_NAME;
    if !text.is_empty() && !too_long && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let why = if text.is_empty() {
        "it is empty".to_owned()
    } else if too_long {
        format!("'{}' is {} characters long", excerpt(text), text.chars().count())
    } else {
        format!("'{}' holds a control character", excerpt(text))
    };
    Err(Malformed::new(
        why,
        format!("give a {what} of 1 to {LONGEST_NAME} characters, without control characters"),
    ))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// A clone is cheap: it shares the text.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            #[inline]
            fn from_str(text: &str) -> Result<Self, Malformed> {
                $check($what, text).map(|()| Self(text.into()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                tolerant::text_id(deserializer)
            }
        }

        impl fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl Param for $name {
            #[inline]
            fn write(&self, place: &mut dyn Place) {
                place.text(&self.0);
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// Lets a map with ids as keys be searched by text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().into()
            }
        }

        impl From<$name> for Arg<$name> {
            fn from(id: $name) -> Self {
                Arg::good(id)
            }
        }

        impl From<&$name> for Arg<$name> {
            fn from(id: &$name) -> Self {
                Arg::good(id.clone())
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The id with this number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            #[inline]
            fn from_str(text: &str) -> Result<Self, Malformed> {
                // The parser of `u64` would also accept "+7".
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(Malformed::new(
                        format!("'{}' is not a whole number", excerpt(text)),
                        "give digits only",
                    ));
                }
                text.parse().map(Self).map_err(|_| {
                    Malformed::new(format!("'{}' is too large", excerpt(text)), "give a number below 2^64")
                })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                tolerant::whole(deserializer).map(Self)
            }
        }

        impl fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl From<$name> for Arg<$name> {
            fn from(id: $name) -> Self {
                Arg::good(id)
            }
        }

        impl Param for $name {
            #[inline]
            fn write(&self, place: &mut dyn Place) {
                place.number(&self.0);
            }
        }

        impl From<u64> for Arg<$name> {
            fn from(number: u64) -> Self {
                Arg::good($name(number))
            }
        }
    };
}

text_id! {
    /// A market, such as `btczar`: base and quote currency in lower case.
    MarketId, plain, "market name"
}
text_id! {
    /// A currency's code, such as `zar`, in lower case.
    CurrencyId, plain, "currency code"
}
text_id! {
    /// A member, sub-account, customer or merchant, such as `CCT1234567`.
    Uid, plain, "uid"
}
text_id! {
    /// An order's UUID, which the exchange gives beside the number.
    OrderUuid, plain, "UUID"
}
text_id! {
    /// Your own name for an order: any text of 1 to 255 characters without control characters.
    ///
    /// The documents state no limits; these are ours. It is never part of a path.
    CustomOrderId, name, "custom order id"
}
text_id! {
    /// The key that names an order in a call: its number or its UUID. A custom order id cannot be used as a key.
    OrderKey, plain, "number or UUID of an order"
}
text_id! {
    /// The id of a withdrawal's quote: a text of 1 to 255 characters without control characters. The documents do not say what
    /// it looks like.
    QuoteId, name, "quote id"
}
number_id! {
    /// An order's number.
    OrderId
}
text_id! {
    /// The id of a transaction on a blockchain, or a reference of the exchange: any text of 1 to 255 characters without
    /// control characters. The documents state no limits; these are ours.
    ///
    /// The call of the older version that has it in the path takes fewer: 1 to 128 out of A-Z, a-z, 0-9, `_` and `-`.
    Txid, name, "transaction id"
}
text_id! {
    /// A payment method by which a voucher is redeemed: its number, or whatever else the exchange calls it.
    PaymentMethodId, plain, "number of a payment method"
}
number_id! {
    /// A deposit's number.
    DepositId
}
number_id! {
    /// A payment reference's number.
    PaymentReferenceId
}
number_id! {
    /// The number of a transfer between accounts of the exchange.
    InternalTransferId
}
number_id! {
    /// The number of a VASP, a company that keeps or moves crypto for others (documents: "VASP").
    VaspId
}
number_id! {
    /// The number of a way to withdraw.
    WithdrawMethodId
}
number_id! {
    /// A withdrawal's number.
    WithdrawalId
}

/// An id that is a number on every wire seen so far, and that may be a text by the documents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(Box<str>),
}

impl NumberOrText {
    fn parse(text: &str, check: fn(&str) -> Result<(), Malformed>) -> Result<Self, Malformed> {
        // "007" is not the same id as "7", so it stays a text.
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        match text.parse() {
            Ok(number) if digits => Ok(Self::Number(number)),
            _ => check(text).map(|()| Self::Text(text.into())),
        }
    }
}

macro_rules! number_or_text_id {
    ($(#[$doc:meta])* $name:ident, $check:ident, $what:literal, $optional:ident) => {
        $(#[$doc])*
        ///
        /// `"7"` and `7` are the same id. When ids are sorted, numbers come first, by size, then texts.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(NumberOrText);

        impl $name {
            /// The id with this number.
            pub const fn new(number: u64) -> Self {
                Self(NumberOrText::Number(number))
            }

            /// The number, if the id is a number.
            pub const fn number(&self) -> Option<u64> {
                match self.0 {
                    NumberOrText::Number(number) => Some(number),
                    NumberOrText::Text(_) => None,
                }
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self::new(number)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            #[inline]
            fn from_str(text: &str) -> Result<Self, Malformed> {
                NumberOrText::parse(text, |text| $check($what, text)).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $optional(deserializer)?
                    .ok_or_else(|| D::Error::custom(concat!("expected a ", $what, ", found nothing")))
            }
        }

        #[doc = concat!("A ", $what, " that may be absent.")]
        pub(crate) fn $optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<$name>, D::Error> {
            crate::own_text::raw(deserializer, |raw| match raw.as_bytes().first() {
                Some(b'"') => match crate::own_text::unquoted(raw)? {
                    text if text.is_empty() => Ok(None),
                    text => Ok(Some(text.parse()?)),
                },
                // Read like any other whole number of the wire, so `7.0` is accepted.
                _ => Ok(tolerant::as_whole(raw)?.map($name::new)),
            })
        }

        impl fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.0 {
                    NumberOrText::Number(number) => write!(f, "{number}"),
                    NumberOrText::Text(text) => f.write_str(text),
                }
            }
        }

        impl fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

number_or_text_id! {
    /// A trade's id: a number on every wire seen so far, text in the documents. A text has 1 to 255 characters and no control
    /// characters.
    TradeId, name, "trade id", optional_trade_id
}
number_or_text_id! {
    /// A beneficiary's id: a number on every wire seen so far. The documents name it `uuid` in the answer, so a text of 1 to 64
    /// characters out of A-Z, a-z, 0-9, `_` and `-` is accepted too.
    BeneficiaryId, plain, "beneficiary id", optional_beneficiary_id
}

/// Sent as it is: a number bare in JSON.
impl Param for BeneficiaryId {
    fn write(&self, place: &mut dyn Place) {
        match &self.0 {
            NumberOrText::Number(number) => place.number(number),
            NumberOrText::Text(text) => place.text(text),
        }
    }
}

impl From<BeneficiaryId> for Arg<BeneficiaryId> {
    fn from(id: BeneficiaryId) -> Self {
        Arg::good(id)
    }
}

impl From<&BeneficiaryId> for Arg<BeneficiaryId> {
    fn from(id: &BeneficiaryId) -> Self {
        Arg::good(id.clone())
    }
}

impl From<u64> for Arg<BeneficiaryId> {
    fn from(number: u64) -> Self {
        Arg::good(number.into())
    }
}

impl From<u64> for OrderKey {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl From<OrderId> for OrderKey {
    fn from(id: OrderId) -> Self {
        id.0.into()
    }
}

impl From<OrderUuid> for OrderKey {
    fn from(uuid: OrderUuid) -> Self {
        Self(uuid.0)
    }
}

impl From<u64> for Arg<PaymentMethodId> {
    fn from(number: u64) -> Self {
        Arg::good(PaymentMethodId(number.to_string().into()))
    }
}

impl From<u64> for Arg<OrderKey> {
    fn from(number: u64) -> Self {
        Arg::good(number.into())
    }
}

impl From<OrderId> for Arg<OrderKey> {
    fn from(id: OrderId) -> Self {
        Arg::good(id.into())
    }
}

impl From<OrderUuid> for Arg<OrderKey> {
    fn from(uuid: OrderUuid) -> Self {
        Arg::good(uuid.into())
    }
}
