//! A JSON value's own text, which every exact reader starts from.

use crate::arg::Malformed;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Why a value cannot be read.
pub(crate) struct Wrong(Cow<'static, str>);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&'static str> for Wrong {
    fn from(why: &'static str) -> Self {
        Self(why.into())
    }
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self(why.into())
    }
}

impl From<Malformed> for Wrong {
    fn from(refusal: Malformed) -> Self {
        Self(refusal.to_string().into())
    }
}

/// The name that makes `serde_json` pass on a value's own text. Should a new version of it use another name, the text
/// still arrives, through `visit_newtype_struct`: that is slower, because it allocates for each value.
const OWN_TEXT: &str = "$serde_json::private::RawValue";

/// Reads any JSON value from its own text. If the document is in memory, the text is not copied.
pub(crate) fn raw<'de, D, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, Wrong>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_newtype_struct(OWN_TEXT, OwnText(read))
}

struct OwnText<F>(F);

impl<'de, T, F: FnOnce(&str) -> Result<T, Wrong>> Visitor<'de> for OwnText<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key::<IgnoredAny>()? {
            Some(_) => map.next_value_seed(self),
            None => Err(A::Error::custom("the value has no text")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        (self.0)(Box::<RawValue>::deserialize(deserializer)?.get()).map_err(D::Error::custom)
    }
}

impl<'de, T, F: FnOnce(&str) -> Result<T, Wrong>> DeserializeSeed<'de> for OwnText<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

/// The content of a JSON string; `raw` is its JSON text, with the quotes.
pub(crate) fn unquoted(raw: &str) -> Result<Cow<'_, str>, Wrong> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => match serde_json::from_str(raw) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(error) => Err(error.to_string().into()),
        },
    }
}
