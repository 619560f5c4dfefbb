//! Readers for values that may be written in more than one way.

use serde::{Deserialize, Deserializer};

/// A list, with `null` as an empty one.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
