//! Values that are sent and never shown: pins, one-time codes, numbers of identity papers.

use crate::{Arg, Malformed};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use zeroize::Zeroize;

/// A value that is sent and never shown.
///
/// `Debug` and `Display` print `…` instead. An error about the value does not quote it. Its memory is overwritten when
/// it is dropped. The caller has to wipe the text that the value was made from. Only a `String` that is passed to a
/// request as an argument is wiped here.
///
/// ```
/// use capecrypto_models::Sensitive;
/// let pin: Sensitive<String> = "0042".parse()?;
/// assert_eq!((format!("{pin} {pin:?}"), pin.expose().as_str()), ("… Sensitive(…)".to_owned(), "0042"));
/// # Ok::<(), capecrypto_models::Malformed>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Use it only where it is needed.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(…)")
    }
}

impl<T: Zeroize> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: Zeroize + FromStr> FromStr for Sensitive<T> {
    type Err = Malformed;

    /// The error of the inner type may quote the text, so it is not passed on.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self).map_err(|_| {
            Malformed::new(
                "it is malformed (the value is not shown)",
                "compare the value with what its documentation says",
            )
        })
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Sensitive<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

impl<T: Zeroize> From<Sensitive<T>> for Arg<Sensitive<T>> {
    fn from(value: Sensitive<T>) -> Self {
        Self::good(value)
    }
}

impl<T: Zeroize + Serialize> Serialize for Sensitive<T> {
    /// The value itself: this is how it is sent.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer)
            .map(Self)
            .map_err(|_| D::Error::custom("it cannot be read (the value is not shown)"))
    }
}
