//! Ids as types. A text that becomes an argument is checked by `parse`; what Cabital answers is taken as it is, as long as it can
//! stand in a path.

use capecrypto_models::{
    Arg, Malformed,
    param::{Param, Place},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

/// Most characters of an id that Cabital answers.
const LONGEST_ANSWERED: usize = 64;

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether a text is a UUID with its four hyphens, in any case of letters.
fn is_uuid(text: &str) -> bool {
    let mut lengths = [8, 4, 4, 4, 12].into_iter();
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').all(|part| lengths.next() == Some(part.len()) && hex(part)) && lengths.next().is_none()
}

/// The start of a refused text, safe to print.
fn start(text: &str) -> String {
    let mut cut: String = text.chars().take(32).flat_map(char::escape_debug).collect();
    if text.chars().nth(32).is_some() {
        cut.push('…');
    }
    cut
}

macro_rules! common {
    ($name:ident) => {
        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl Param for $name {
            fn write(&self, place: &mut dyn Place) {
                place.text(&self.0);
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

macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

macro_rules! uuid {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// `parse` takes a UUID with hyphens. What Cabital answers may be any 1 to 64 characters out of A-Z, a-z, 0-9, `_` and `-`.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        common! { $name }
        shown! { $name }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                if is_uuid(text) {
                    return Ok(Self(text.into()));
                }
                let why = if text.is_empty() {
                    "it is empty".to_owned()
                } else {
                    format!("'{}' is not a UUID", start(text))
                };
                Err(Malformed::new(why, concat!("give the ", $what, ", such as 6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c")))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                if (1..=LONGEST_ANSWERED).contains(&text.len()) && text.bytes().all(is_plain) {
                    return Ok(Self(text.as_ref().into()));
                }
                Err(D::Error::custom("this is no id: it could not stand in a path"))
            }
        }
    };
}

uuid! {
    /// An account at Cabital (documents: `account_id`, `account_uuid`).
    AccountId, "account's id"
}
uuid! {
    /// A transfer (documents: `transfer_id`).
    TransferId, "transfer's id"
}
uuid! {
    /// A conversion. The answer of a conversion calls it `transaction_id`, a transfer `conversion_id`.
    ConversionId, "conversion's transaction_id"
}
uuid! {
    /// The number under which a transfer is reconciled (documents: `instruction_id`).
    InstructionId, "instruction's id"
}

/// Your own id of a transfer: 1 to 50 characters out of A-Z, a-z, 0-9, `_` and `-`. Cabital takes each once.
///
/// The documents name the length and no characters; these are ours, because a transfer is read back by its external id in a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(Arc<str>);

common! { ExternalId }
shown! { ExternalId }

impl ExternalId {
    /// Most characters.
    pub const LONGEST: usize = 50;

    /// A new one: 32 hexadecimal digits, at random. Keep it where it survives a crash, before the transfer is sent.
    pub fn random() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)).into())
    }
}

impl FromStr for ExternalId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(is_plain) {
            return Ok(Self(text.into()));
        }
        let why = match text.chars().count() {
            0 => "it is empty".to_owned(),
            long if long > Self::LONGEST => format!("it has {long} characters"),
            _ => format!("'{}' has other characters", start(text)),
        };
        Err(Malformed::new(why, "give 1 to 50 characters out of A-Z, a-z, 0-9, '_' and '-'"))
    }
}

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The id of a quote, such as `20210416225049:BTC-USDT:Customer`: 1 to 150 characters without control characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct QuoteId(Arc<str>);

common! { QuoteId }
shown! { QuoteId }

impl FromStr for QuoteId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let length = text.chars().count();
        if (1..=150).contains(&length) && !text.chars().any(char::is_control) {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new(
            "it is empty, too long, or has a control character",
            "give the id as the quote has it",
        ))
    }
}

impl<'de> Deserialize<'de> for QuoteId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Your own name for a customer (documents: `user_ext_ref`): 1 to 128 characters out of A-Z, a-z, 0-9, `_` and `-`, because it
/// stands in a path. The documents state no limits; these are ours.
///
/// It may be personal, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserRef(Arc<str>);

impl UserRef {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserRef(…)")
    }
}

impl FromStr for UserRef {
    type Err = Malformed;

    /// The reason does not quote the text.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if (1..=128).contains(&text.len()) && text.bytes().all(is_plain) {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new(
            "it cannot stand in a path (the value is not shown)",
            "give 1 to 128 characters out of A-Z, a-z, 0-9, '_' and '-', such as the number that you have for the customer",
        ))
    }
}

impl Param for UserRef {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(&self.0);
    }
}

impl From<UserRef> for Arg<UserRef> {
    fn from(user: UserRef) -> Self {
        Self::good(user)
    }
}

impl From<&UserRef> for Arg<UserRef> {
    fn from(user: &UserRef) -> Self {
        Self::good(user.clone())
    }
}
