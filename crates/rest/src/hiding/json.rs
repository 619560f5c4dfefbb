//! JSON that keeps each number's digits and the order of an object's members.

use crate::response::{Named, without_bom};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// Deepest nesting that is read. Each level is a recursive call, so an answer must not decide how deep it goes.
const DEEPEST: usize = 64;

/// A JSON value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Flag(bool),
    /// The number's own text, so that no float on the way can round it.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a body; `None` if it is not JSON, or nested too deeply.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let raw: &RawValue = serde_json::from_slice(without_bom(body)).ok()?;
        Self::read(raw.get(), DEEPEST)
    }

    fn read(raw: &str, levels: usize) -> Option<Self> {
        let inner = levels.checked_sub(1)?;
        Some(match raw.as_bytes().first()? {
            b'{' => {
                let Named(members) = serde_json::from_str::<Named<&RawValue>>(raw).ok()?;
                let members = members
                    .into_iter()
                    .map(|(name, value)| Some((name.unwrap_or_default(), Self::read(value.get(), inner)?)));
                Self::Object(members.collect::<Option<_>>()?)
            }
            b'[' => {
                let items = serde_json::from_str::<Vec<&RawValue>>(raw).ok()?;
                Self::List(
                    items.into_iter().map(|item| Self::read(item.get(), inner)).collect::<Option<_>>()?,
                )
            }
            b'"' => Self::Text(serde_json::from_str(raw).ok()?),
            b't' => Self::Flag(true),
            b'f' => Self::Flag(false),
            b'n' => Self::Null,
            _ => Self::Number(raw.to_owned()),
        })
    }

    /// The value as compact text.
    pub(crate) fn to_text(&self) -> String {
        // This could only fail for a malformed number, and each number was read from JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => {
                RawValue::from_string(number.clone()).map_err(ser::Error::custom)?.serialize(serializer)
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let deep = || de::Error::custom(format_args!("it is nested more than {DEEPEST} levels deep"));
        Self::read(raw.get(), DEEPEST).ok_or_else(deep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for text in [
            "null",
            "true",
            r#""a \"quoted\" é""#,
            "-0.00000000000000000000000000012345678901234567890",
            "1.500E+10",
            r#"{"b":1.10,"a":[1,{},[],{"b":null}],"b":2}"#,
        ] {
            assert_eq!(Json::parse(text.as_bytes()).unwrap().to_text(), text);
        }
    }

    #[test]
    fn depth_has_a_limit_and_garbage_is_none() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(nested(DEEPEST - 1).as_bytes()).is_some());
        assert!(Json::parse(nested(DEEPEST).as_bytes()).is_none());
        assert!(Json::parse(nested(20_000).as_bytes()).is_none());
        for garbage in ["", "{", "Retry later", "{} {}", "nul"] {
            assert!(Json::parse(garbage.as_bytes()).is_none(), "{garbage}");
        }
    }
}
