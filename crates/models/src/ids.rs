//! Ids as types: what stands in a path was checked when it was made.
//!
//! Text ids hold 1 to 64 of `A-Z a-z 0-9 _ -`; everything else (dots, slashes, percent signs, spaces) is refused,
//! because an id of `..` would turn the cancellation of one order into that of all of them. Where the wire has
//! numbers, ids are numbers; numeric strings are read as well.

use crate::{
    arg::{Arg, Malformed, excerpt},
    tolerant,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Borrow, fmt, str::FromStr};

const LONGEST: usize = 64;

fn check(what: &str, text: &str) -> Result<(), Malformed> {
    let remedy = format!("give a {what} of 1 to {LONGEST} characters out of A-Z, a-z, 0-9, '_' and '-'");
    if text.is_empty() {
        return Err(Malformed::new("it is empty", remedy));
    }
    if text.len() > LONGEST {
        return Err(Malformed::new(format!("'{}' is {} bytes long", excerpt(text), text.len()), remedy));
    }
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
        Some(c) => Err(Malformed::new(format!("'{}' holds {c:?}", excerpt(text)), remedy)),
        None => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                check($what, text).map(|()| Self(text.into()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                tolerant::text(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

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

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// So that a map keyed by ids can be asked with text.
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
                id.0.into()
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
            /// The id of that number.
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
            fn from_str(text: &str) -> Result<Self, Malformed> {
                // `u64` alone would take "+7".
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
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl From<$name> for Arg<$name> {
            fn from(id: $name) -> Self {
                Arg::good(id)
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
    MarketId, "market name"
}
text_id! {
    /// A currency's code, such as `zar`, in lower case.
    CurrencyId, "currency code"
}
text_id! {
    /// A member, sub-account, customer or merchant, such as `CCT1234567`.
    Uid, "uid"
}
text_id! {
    /// An order's UUID, which the exchange gives beside the number.
    OrderUuid, "UUID"
}
text_id! {
    /// Your own name for an order.
    ///
    /// The documents state no limits; these are ours, and a UUID fits.
    CustomOrderId, "custom order id"
}
text_id! {
    /// What names an order in a call: its number or its UUID. The custom order id is no such key.
    OrderKey, "number or UUID of an order"
}
number_id! {
    /// An order's number.
    OrderId
}
number_id! {
    /// A trade's number.
    TradeId
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
