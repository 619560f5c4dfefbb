//! The tolerant reader: reads every form that the exchange and its server family are known to send, and decides whether a
//! frame is wrong.
//!
//! Besides the form that `scan` reads, it accepts spaces, any key order, escapes, unknown fields, numbers beside strings,
//! exponents, `null`, a missing side. All numbers are read from their text, never through a float.

use crate::{
    error::Unreadable,
    frame::{Entry, Frame, Kind, Number, Topics},
    terms::BookSide,
};
use capecrypto_models::{Decimal, decimal};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Why a frame changes no level.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It says nothing about our market.
    Foreign,
    /// It is, or may be, about our market, and cannot be read. The kind is `None` if the topic cannot be read.
    Unreadable(Option<Kind>, Unreadable),
}

pub(crate) fn read(bytes: &[u8], topics: Topics<'_>, frame: &mut Frame) -> Result<(), Refusal> {
    // Some servers put a byte order mark before a text in UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(broken(&String::from_utf8_lossy(bytes), topics, &error)),
    };
    let message = Message { topics };
    let mut json = serde_json::Deserializer::from_str(text);
    let (kind, body) = match json.deserialize_map(message).and_then(|found| json.end().map(|()| found)) {
        Ok(Some(found)) => found,
        Ok(None) => return Err(Refusal::Foreign),
        Err(error) => return Err(broken(text, topics, &error)),
    };
    read_body(kind, body, frame).map_err(|why| Refusal::Unreadable(Some(kind), why))
}

/// Decides what is wrong with a frame that is not a JSON object with at most one message for us.
fn broken(text: &str, topics: Topics<'_>, why: &dyn fmt::Display) -> Refusal {
    let kind = match first_key(text) {
        Some(topic) => match topics.kind(&topic) {
            Some(kind) => Some(kind),
            // A frame carries one message, and this one does not name our market: the error is not ours.
            None if !text.contains(&topics.stem()) => return Refusal::Foreign,
            None => None,
        },
        // Without a brace there is no message in it (the server's `pong` looks like this).
        None if !text.contains('{') => return Refusal::Foreign,
        None => None,
    };
    Refusal::Unreadable(kind, Unreadable::new("frame", why))
}

/// The first key of an object, even if the rest of the text is broken.
fn first_key(text: &str) -> Option<String> {
    let rest = text.trim_start().strip_prefix('{')?;
    serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()
}

/// Finds our message among the keys of a frame.
struct Message<'t> {
    topics: Topics<'t>,
}

/// `Cow<str>` borrows only through a field with this attribute.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Message<'_> {
    type Value = Option<(Kind, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a topic as its key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Text(topic)) = map.next_key()? {
            match self.topics.kind(&topic) {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(_) if found.is_some() => {
                    return Err(A::Error::custom("two messages for one market in one frame"));
                }
                Some(kind) => found = Some((kind, map.next_value()?)),
            }
        }
        Ok(found)
    }
}

/// A field's JSON text. Unlike an `Option`, it tells `null` from an absent field.
#[derive(Default)]
struct Field<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    asks: Field<'a>,
    #[serde(borrow, default)]
    bids: Field<'a>,
    #[serde(borrow, default)]
    sequence: Field<'a>,
}

fn read_body(kind: Kind, body: &RawValue, frame: &mut Frame) -> Result<(), Unreadable> {
    frame.clear(kind);
    // A derived `Deserialize` would accept an array in place of the struct.
    if !body.get().starts_with('{') {
        return Err(Unreadable::new("message", &"it is not an object"));
    }
    let body: Body<'_> =
        serde_json::from_str(body.get()).map_err(|error| Unreadable::new("message", &error))?;
    read_side(kind, BookSide::Ask, &body.asks, &mut frame.entries)?;
    read_side(kind, BookSide::Bid, &body.bids, &mut frame.entries)?;
    let sequence = body.sequence.0.ok_or_else(|| Unreadable::new("sequence", &"it is missing"))?;
    frame.sequence = read_sequence(sequence).map_err(|why| Unreadable::new("sequence", &why))?;
    Ok(())
}

fn read_side(
    kind: Kind,
    side: BookSide,
    field: &Field<'_>,
    entries: &mut Vec<Entry>,
) -> Result<(), Unreadable> {
    let name = match side {
        BookSide::Bid => "bids",
        BookSide::Ask => "asks",
    };
    let raw = match field.0.map(RawValue::get) {
        Some("null") => return Ok(()),
        Some(raw) => raw,
        None if kind == Kind::Increment => return Ok(()),
        // An increment may leave a side out, because it tells only changes. In a snapshot a missing side is not an empty one.
        None => return Err(Unreadable::new(name, &"a snapshot without this side")),
    };
    let list: Vec<&RawValue> = serde_json::from_str(raw).map_err(|error| Unreadable::new(name, &error))?;
    match list.as_slice() {
        [] => Ok(()),
        [first, ..] if first.get().starts_with('[') => {
            for (at, pair) in list.iter().enumerate() {
                let place = || format!("{name}[{at}]");
                let pair: Vec<&RawValue> =
                    serde_json::from_str(pair.get()).map_err(|error| Unreadable::new(place(), &error))?;
                // Values after price and amount are unknown to us, and are skipped like unknown fields.
                let pair = pair.get(..2).unwrap_or(&pair);
                entries.push(read_pair(side, pair).map_err(|why| Unreadable::new(place(), &why))?);
            }
            Ok(())
        }
        // One value after price and amount is unknown to us, and is skipped. Two could be another level, which must not
        // be lost.
        [price, amount, _] => {
            entries.push(read_pair(side, &[price, amount]).map_err(|why| Unreadable::new(name, &why))?);
            Ok(())
        }
        flat => {
            entries.push(read_pair(side, flat).map_err(|why| Unreadable::new(name, &why))?);
            Ok(())
        }
    }
}

fn read_pair(side: BookSide, pair: &[&RawValue]) -> Result<Entry, String> {
    let [price, amount] = pair else {
        return Err(format!("a level is a price and an amount, not {} values", pair.len()));
    };
    let price = read_number(price)?.ok_or("a level without a price")?;
    let amount = read_number(amount)?.unwrap_or(Decimal::ZERO);
    if price.is_zero() || price.is_sign_negative() {
        return Err(format!("the price {price} is not above zero"));
    }
    if amount.is_sign_negative() {
        return Err(format!("the amount {amount} is below zero"));
    }
    Ok(Entry { side, price: Number::of(price), amount: Number::of(amount) })
}

/// `None` for `null` and the empty string.
fn read_number(raw: &RawValue) -> Result<Option<Decimal>, String> {
    let text = match raw.get().as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b'"') => serde_json::from_str::<Text<'_>>(raw.get()).map_err(|error| error.to_string())?.0,
        Some(b'-' | b'0'..=b'9') => Cow::Borrowed(raw.get()),
        _ => return Err("neither a number nor a string".into()),
    };
    if text.is_empty() {
        return Ok(None);
    }
    decimal::parse(&text).map(Some).map_err(|error| error.to_string())
}

fn read_sequence(raw: &RawValue) -> Result<u64, String> {
    let number = read_number(raw)?.ok_or("it is empty")?.normalize();
    match u64::try_from(number.mantissa()) {
        Ok(sequence) if number.scale() == 0 => Ok(sequence),
        _ => Err(format!("{number} is not a whole number from 0 to 2^64 - 1")),
    }
}
