//! Readers for values that may be written in more than one way.

use serde::{Deserialize, Deserializer};

/// The value of a member that the documents spell in two ways. An answer may have both; then both must say the same, because nobody
/// could tell which one is meant.
#[cfg(feature = "callbacks")]
pub(crate) fn either<T: PartialEq>(
    one: Option<T>,
    other: Option<T>,
    differ: &'static str,
) -> Result<Option<T>, &'static str> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(differ),
        (one, other) => Ok(one.or(other)),
    }
}

/// A list, with `null` as an empty one.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
