//! Readers for values that the exchange writes in more than one way (numbers as strings, ids as numbers, …).

use crate::{
    Malformed, Sensitive,
    decimal::{self, Raw},
    own_text::{Wrong, raw, unquoted},
};
use rust_decimal::prelude::ToPrimitive;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

/// A string, or a number as the text it was written with; `None` for `null` and the empty string.
fn as_text(raw: &str) -> Result<Option<Cow<'_, str>>, Wrong> {
    match raw.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => unquoted(raw).map(|text| Some(text).filter(|text| !text.is_empty())),
        Some(b'-' | b'0'..=b'9') => Ok(Some(Cow::Borrowed(raw))),
        _ => Err("expected text or a number".into()),
    }
}

/// Text, or a number as the text it was written with, with `null` and the empty string as `None`.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    raw(deserializer, |text| Ok(as_text(text)?.map(Cow::into_owned)))
}

/// Like `optional_text`, but the value is never shown.
pub(crate) fn optional_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Sensitive<String>>, D::Error> {
    Ok(optional_text(deserializer)?.map(Sensitive::new))
}

/// An id that is text.
pub(crate) fn text_id<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Malformed>,
{
    raw(deserializer, |text| match as_text(text)? {
        Some(text) => Ok(text.parse()?),
        None => Err("expected text, found nothing".into()),
    })
}

/// Like `text_id`, with `null` and the empty string as `None`.
pub(crate) fn optional_text_id<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Malformed>,
{
    raw(deserializer, |text| match as_text(text)? {
        Some(text) => Ok(Some(text.parse()?)),
        None => Ok(None),
    })
}

/// A whole number that is not negative, as number or text.
pub(crate) fn as_whole(text: &str) -> Result<Option<u64>, Wrong> {
    // The usual case: a JSON number of digits only.
    if text.bytes().all(|b| b.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Ok(Some(number));
    }
    match decimal::read_raw(text)? {
        Raw::Null | Raw::Empty => Ok(None),
        Raw::Value(value) if value.is_integer() => match value.to_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(format!("'{value}' does not fit a whole number of 64 bits").into()),
        },
        Raw::Value(value) => Err(format!("'{value}' is not a whole number").into()),
    }
}

/// A whole number that is not negative: `8`, `"8"`, `8.0`.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    optional_whole(deserializer)?.ok_or_else(|| D::Error::custom("expected a whole number, found none"))
}

/// Like `whole`, with `null` and the empty string as `None`.
pub(crate) fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    raw(deserializer, as_whole)
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

/// Like `optional_small`; this text stands for a number that the exchange does not know.
pub(crate) fn small_or<'de, D: Deserializer<'de>>(
    deserializer: D,
    unknown: &str,
) -> Result<Option<u32>, D::Error> {
    let whole = raw(deserializer, |text| match unquoted(text) {
        Ok(text) if text == unknown => Ok(None),
        _ => as_whole(text),
    })?;
    whole.map(u32::try_from).transpose().map_err(D::Error::custom)
}

/// An object, or a list with one object in it: the documents type some single answers as lists.
pub(crate) fn single<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Single<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Single<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object, or a list with one object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
            let first = seq.next_element()?;
            match (first, seq.next_element::<IgnoredAny>()?) {
                (Some(only), None) => Ok(only),
                (None, _) => Err(A::Error::invalid_length(0, &self)),
                (Some(_), Some(_)) => Err(A::Error::invalid_length(2, &self)),
            }
        }
    }
    deserializer.deserialize_any(Single(PhantomData))
}

/// A flag, such as `true`, `"true"` or `1`; `None` for `null` and the empty string.
pub(crate) fn optional_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    raw(deserializer, |text| match text {
        "true" | "\"true\"" | "\"1\"" | "1" => Ok(Some(true)),
        "false" | "\"false\"" | "\"0\"" | "0" => Ok(Some(false)),
        "null" | "\"\"" => Ok(None),
        _ => Err("expected true or false".into()),
    })
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

/// The next element of a row that the wire writes as a list, such as a level or a candle.
pub(crate) fn place<'de, T, A>(seq: &mut A, at: usize, row: &dyn serde::de::Expected) -> Result<T, A::Error>
where
    T: Deserialize<'de>,
    A: SeqAccess<'de>,
{
    seq.next_element()?.ok_or_else(|| A::Error::invalid_length(at, row))
}

/// Ignores the elements at the end of such a row that this version does not know, as unknown fields are ignored.
pub(crate) fn skip_rest<'de, A: SeqAccess<'de>>(seq: &mut A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}
