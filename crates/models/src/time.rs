//! Points in time, however the wire writes them.

use crate::{
    arg::{Malformed, excerpt},
    decimal,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;
use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

/// A point in time, to the nanosecond.
///
/// Read from ISO 8601 with an offset (`2023-12-08T08:46:59+01:00`, `…Z`), from Unix seconds or milliseconds as a
/// number or a string of digits: above 10^11 it is milliseconds (that is the year 1973 in milliseconds, and 5138
/// in seconds). Written as ISO 8601 in UTC. Two times are equal where the instant is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// From Unix seconds.
    ///
    /// # Errors
    /// [`Malformed`] outside of the years -9999 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, Malformed> {
        jiff::Timestamp::from_second(seconds).map(Self).map_err(|_| out_of_range(seconds))
    }

    /// From Unix milliseconds.
    ///
    /// # Errors
    /// [`Malformed`] outside of the years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Result<Self, Malformed> {
        jiff::Timestamp::from_millisecond(millis).map(Self).map_err(|_| out_of_range(millis))
    }

    /// Whole Unix seconds, cut towards 1970.
    pub fn as_unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Whole Unix milliseconds, cut towards 1970.
    pub fn as_unix_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The time that much later, or `None` past the year 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).ok().map(Self)
    }

    /// The time that much earlier, or `None` before the year -9999.
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        self.0.checked_sub(duration).ok().map(Self)
    }

    /// Seconds or milliseconds, told apart by size.
    fn from_number(number: Decimal) -> Option<Self> {
        let nanos_in_unit: i64 =
            if number.abs() > Decimal::from(100_000_000_000_i64) { 1_000_000 } else { 1_000_000_000 };
        let nanos = number.checked_mul(Decimal::from(nanos_in_unit))?.trunc().to_i128()?;
        jiff::Timestamp::from_nanosecond(nanos).ok().map(Self)
    }
}

fn out_of_range(number: i64) -> Malformed {
    Malformed::new(format!("{number} is outside of the years -9999 to 9999"), "give a Unix time")
}

impl FromStr for Timestamp {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let iso = || text.parse::<jiff::Timestamp>().ok().map(Self);
        let number = || decimal::parse(text).ok().and_then(Self::from_number);
        iso().or_else(number).ok_or_else(|| {
            Malformed::new(
                format!("'{}' is no point in time", excerpt(text)),
                "give ISO 8601 with an offset, such as 2023-12-08T08:46:59+01:00, or a Unix time",
            )
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        optional::deserialize(deserializer)?.ok_or_else(|| D::Error::custom("expected a time, found nothing"))
    }
}

/// For a time that may be absent: `null` and the empty string are `None`.
pub(crate) mod optional {
    use super::{Decimal, Deserialize, Deserializer, RawValue, Timestamp, decimal};
    use serde::de::Error as _;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(None),
            Some(b'"') => match serde_json::from_str::<String>(text).map_err(D::Error::custom)? {
                text if text.is_empty() => Ok(None),
                text => text.parse().map(Some).map_err(D::Error::custom),
            },
            Some(b'-' | b'0'..=b'9') => {
                let number: Decimal = decimal::parse(text).map_err(D::Error::custom)?;
                match Timestamp::from_number(number) {
                    Some(time) => Ok(Some(time)),
                    None => Err(D::Error::custom(format!("'{text}' is no Unix time"))),
                }
            }
            _ => Err(D::Error::custom("expected a time as text or number")),
        }
    }
}

impl From<SystemTime> for Timestamp {
    /// A system clock outside of the years -9999 to 9999 is cut to the nearer end.
    fn from(time: SystemTime) -> Self {
        Self(jiff::Timestamp::try_from(time).unwrap_or(if time < SystemTime::UNIX_EPOCH {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        time.0.into()
    }
}

#[cfg(feature = "jiff-0-2")]
impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self(time)
    }
}

#[cfg(feature = "jiff-0-2")]
impl From<Timestamp> for jiff::Timestamp {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

#[cfg(feature = "chrono-0-4")]
impl From<chrono::DateTime<chrono::Utc>> for Timestamp {
    /// A time outside of the years -9999 to 9999 is cut to the nearer end.
    fn from(time: chrono::DateTime<chrono::Utc>) -> Self {
        let nanos = i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos());
        Self(jiff::Timestamp::from_nanosecond(nanos).unwrap_or(if nanos < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }
}

#[cfg(feature = "chrono-0-4")]
impl From<Timestamp> for chrono::DateTime<chrono::Utc> {
    fn from(time: Timestamp) -> Self {
        // Our years lie within chrono's.
        let nanos = time.0.as_nanosecond();
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(0);
        let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
        Self::from_timestamp(seconds, rest).unwrap_or(Self::UNIX_EPOCH)
    }
}
