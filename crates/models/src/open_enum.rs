//! Enums that keep values this version does not know.

use crate::{Malformed, arg::excerpt, param::Place};
use std::fmt;

/// A value that this version does not know, kept as it came. A known spelling never becomes an `Unknown`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Unknown {
    text: Box<str>,
    number: bool,
}

impl Unknown {
    #[doc(hidden)]
    pub fn __new(text: &str, number: bool) -> Self {
        Self { text: text.into(), number }
    }

    /// The value as it came; a number as its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[doc(hidden)]
    pub fn __is_number(&self) -> bool {
        self.number
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Reads text or a whole number. `from_wire` gets its text, and `true` if it was a number.
#[doc(hidden)]
pub fn __read<'de, D: serde::Deserializer<'de>, T>(
    deserializer: D,
    from_wire: fn(&str, bool) -> T,
) -> Result<T, D::Error> {
    struct Visitor<T>(fn(&str, bool) -> T);
    impl<T> serde::de::Visitor<'_> for Visitor<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text or a whole number")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            Ok((self.0)(text, false))
        }
        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
            Ok((self.0)(&number.to_string(), true))
        }
        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
            Ok((self.0)(&number.to_string(), true))
        }
    }
    deserializer.deserialize_any(Visitor(from_wire))
}

/// Writes an unknown value as it came: as text or as a number.
#[doc(hidden)]
pub fn __write<S: serde::Serializer>(unknown: &Unknown, serializer: S) -> Result<S::Ok, S::Error> {
    if unknown.number {
        if let Ok(number) = unknown.text.parse::<i64>() {
            return serializer.serialize_i64(number);
        }
        if let Ok(number) = unknown.text.parse::<u64>() {
            return serializer.serialize_u64(number);
        }
    }
    serializer.serialize_str(&unknown.text)
}

/// Writes an unknown value into a request, with a warning that lists the known values.
#[doc(hidden)]
pub fn __send(unknown: &Unknown, known: &[&str], place: &mut dyn Place) {
    place.warn(Malformed::new(
        format!("'{}' is not known to this version of the SDK", excerpt(&unknown.text)),
        format!("check the spelling; known are {}", known.join(", ")),
    ));
    if unknown.number { place.number(&unknown.text) } else { place.text(&unknown.text) }
}

/// Declares an enum of wire spellings that also holds unknown ones.
///
/// ```
/// capecrypto_models::open_enum! {
///     /// Where a parcel is.
///     pub enum Stage {
///         /// On its way.
///         Sent = "sent",
///         /// Delivered; some servers send a digit.
///         Here = "here" | "2",
///     }
/// }
/// let stage: Stage = serde_json::from_str("2")?;
/// assert_eq!(stage, Stage::Here);
/// let stage: Stage = serde_json::from_str("\"lost\"")?;
/// assert!(!stage.is_known());
/// assert_eq!(serde_json::to_string(&stage)?, "\"lost\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! open_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$vmeta:meta])* $variant:ident = $wire:literal $(| $alias:literal)*),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value that this version does not know. It is kept, and sent back unchanged.
            Unknown($crate::open_enum::Unknown),
        }

        impl $name {
            /// The spellings known to this version.
            pub const KNOWN: &'static [&'static str] = &[$($wire),+];

            /// The wire's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)+
                    Self::Unknown(unknown) => unknown.as_str(),
                }
            }

            /// Whether this version knows the value.
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Unknown(_))
            }

            #[inline]
            fn __from_wire(text: &str, number: bool) -> Self {
                match text {
                    $($wire $(| $alias)* => Self::$variant,)+
                    _ => Self::Unknown($crate::open_enum::Unknown::__new(text, number)),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::__from_wire(text, false)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl std::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// A value that is not known is sent, with a warning.
        impl $crate::param::Param for $name {
            #[inline]
            fn write(&self, place: &mut dyn $crate::param::Place) {
                match self {
                    Self::Unknown(unknown) => $crate::open_enum::__send(unknown, Self::KNOWN, place),
                    known => place.text(known.as_str()),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Unknown(unknown) => $crate::open_enum::__write(unknown, serializer),
                    known => serializer.serialize_str(known.as_str()),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::open_enum::__read(deserializer, Self::__from_wire)
            }
        }
    };
}
