//! Readers for values that the exchange writes in more than one way (numbers as strings, ids as numbers, …).

use crate::{
    arg::Malformed,
    decimal::{self, Raw},
};
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use std::str::FromStr;

/// A string, or a number as the text it was written with.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_text(deserializer)?.ok_or_else(|| D::Error::custom("expected text, found null"))
}

/// The same, with `null` and the empty string as `None`.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') if text == "\"\"" => Ok(None),
        Some(b'"') => serde_json::from_str(text).map(Some).map_err(D::Error::custom),
        Some(b'-' | b'0'..=b'9') => Ok(Some(text.to_owned())),
        _ => Err(D::Error::custom("expected text or a number")),
    }
}

/// An optional id that is text.
pub(crate) fn optional_text_id<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Malformed>,
{
    optional_text(deserializer)?.map(|text| text.parse()).transpose().map_err(D::Error::custom)
}

/// A whole number that is not negative: `8`, `"8"`, `8.0`.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    optional_whole(deserializer)?.ok_or_else(|| D::Error::custom("expected a whole number, found none"))
}

/// The same, with `null` and the empty string as `None`.
pub(crate) fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match decimal::read_raw::<D::Error>(&Box::<RawValue>::deserialize(deserializer)?)? {
        Raw::Null | Raw::Empty => Ok(None),
        Raw::Value(value) if value.is_integer() => match value.to_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(D::Error::custom(format!("'{value}' does not fit a whole number of 64 bits"))),
        },
        Raw::Value(value) => Err(D::Error::custom(format!("'{value}' is not a whole number"))),
    }
}

/// An optional id that is a number.
pub(crate) fn optional_id<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<u64>,
{
    Ok(optional_whole(deserializer)?.map(T::from))
}

/// A whole number of 32 bits, such as a precision.
pub(crate) fn small<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u32::try_from(whole(deserializer)?).map_err(D::Error::custom)
}

/// A small whole number that may be absent.
pub(crate) fn optional_small<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    optional_whole(deserializer)?.map(u32::try_from).transpose().map_err(D::Error::custom)
}

/// `true`, `"true"`, and nothing for `null`.
pub(crate) fn optional_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Box::<RawValue>::deserialize(deserializer)?.get() {
        "true" | "\"true\"" | "\"1\"" | "1" => Ok(Some(true)),
        "false" | "\"false\"" | "\"0\"" | "0" => Ok(Some(false)),
        "null" | "\"\"" => Ok(None),
        _ => Err(D::Error::custom("expected true or false")),
    }
}

/// A flag that must be there.
pub(crate) fn bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    optional_bool(deserializer)?.ok_or_else(|| D::Error::custom("expected true or false, found nothing"))
}

/// A list, with `null` as an empty one.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
