//! The names by which the exchange knows its accounts, currencies and markets.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, ops::Deref};
use uuid::Uuid;

/// An account's number. It is never given to another account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AccountId(pub(crate) u64);

/// The largest length of a code, in bytes.
const MOST: usize = 23;

/// The code of a currency or a market, such as `btc` or `btczar`: 1 to 23 of a-z, 0-9, `-` and `_`.
///
/// It is `Copy` and needs no allocation, so that an order or a posting can hold its market by value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Code {
    /// Padded with zeros, so that codes sort in the same order as their texts.
    bytes: [u8; MOST],
    len: u8,
}

impl Code {
    /// Makes a code from a text; `None` if the text is empty, too long or has a character that is not allowed.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if text.is_empty() || !text.bytes().all(fits) {
            return None;
        }
        let mut bytes = [0; MOST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: u8::try_from(text.len()).ok()? })
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        // Never fails: `new` accepts only ASCII.
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl Deref for Code {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Code {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is not a code of a currency or market: give 1 to {MOST} characters of a-z, 0-9, - and _"
            ))
        })
    }
}

/// The uuid of item `number` of a kind (`sort`). It looks random, and is the same for the same seed.
pub(crate) fn uuid(seed: u64, sort: u64, number: u64) -> Uuid {
    let high = mixed(seed ^ mixed(sort));
    uuid::Builder::from_random_bytes(
        ((u128::from(mixed(high ^ number)) << 64) | u128::from(mixed(high.wrapping_add(mixed(number)))))
            .to_be_bytes(),
    )
    .into_uuid()
}

/// Spreads a number over all 64 bits (the finalizer of SplitMix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_text() {
        for text in ["a", "btczar", "usdc-2_x", &"m".repeat(MOST)] {
            let code = Code::new(text).unwrap();
            assert_eq!(code.as_str(), text);
            assert_eq!(format!("{code} {code:?}"), format!("{text} {text:?}"));
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), code);
        }
        for text in ["", "BTC", "btc zar", "ü", "a\0", &"m".repeat(MOST + 1)] {
            assert_eq!(Code::new(text), None, "{text:?}");
        }
        let error = serde_json::from_str::<Code>("\"BTC\"").unwrap_err().to_string();
        assert!(error.contains("\"BTC\"") && error.contains("a-z"), "{error}");
    }

    #[test]
    fn codes_are_sorted_as_texts() {
        let mut texts = ["zar", "btc", "btczar", "b", "usdc", "bt-c"];
        let mut codes: Vec<Code> = texts.iter().filter_map(|text| Code::new(text)).collect();
        texts.sort_unstable();
        codes.sort_unstable();
        assert_eq!(codes.iter().map(Code::as_str).collect::<Vec<_>>(), texts);
    }
}
