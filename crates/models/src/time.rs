//! Points in time, in all notations that the wire uses.

use crate::{
    arg::{Malformed, excerpt},
    decimal, iso,
    own_text::{self, Wrong},
};
use chrono::TimeDelta;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

/// A point in time with nanoseconds, from the start of the year -9999 to the end of 9999, in UTC.
///
/// It is read from ISO 8601 with an offset (`2023-12-08T08:46:59+01:00`, `…Z`), or from Unix seconds or milliseconds
/// as a number or a string of digits. A number above 10^11 counts as milliseconds (10^11 is the year 1973 in
/// milliseconds, and 5138 in seconds). Text of exactly eight digits, such as `20231208`, is refused, because it may be
/// a date or a Unix time. It is written as ISO 8601 in UTC. Two times are equal if they are the same instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// Time since 1970.
    TimeDelta,
);

/// Start of the year -9999.
const FIRST: TimeDelta = TimeDelta::seconds(-377_705_116_800);
/// End of the year 9999.
const LAST: TimeDelta = match TimeDelta::new(253_402_300_799, 999_999_999) {
    Some(last) => last,
    None => TimeDelta::MAX,
};

impl Timestamp {
    /// From Unix seconds.
    ///
    /// # Errors
    /// [`Malformed`] outside of the years -9999 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, Malformed> {
        TimeDelta::try_seconds(seconds).and_then(Self::within).ok_or_else(|| out_of_range(seconds))
    }

    /// From Unix milliseconds.
    ///
    /// # Errors
    /// [`Malformed`] outside of the years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Result<Self, Malformed> {
        TimeDelta::try_milliseconds(millis).and_then(Self::within).ok_or_else(|| out_of_range(millis))
    }

    /// Whole Unix seconds, rounded towards 1970.
    pub fn as_unix_seconds(self) -> i64 {
        self.0.num_seconds()
    }

    /// Whole Unix milliseconds, rounded towards 1970.
    pub fn as_unix_millis(self) -> i64 {
        self.0.num_milliseconds()
    }

    /// The time later by this duration, or `None` after the year 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(&TimeDelta::from_std(duration).ok()?).and_then(Self::within)
    }

    /// The time earlier by this duration, or `None` before the year -9999.
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        self.0.checked_sub(&TimeDelta::from_std(duration).ok()?).and_then(Self::within)
    }

    /// The time so long after 1970; `None` if its year has more than four digits.
    fn within(since_1970: TimeDelta) -> Option<Self> {
        (FIRST..=LAST).contains(&since_1970).then_some(Self(since_1970))
    }

    /// The time so long after 1970, or the nearer limit if it is out of range.
    fn clamped(since_1970: TimeDelta) -> Self {
        Self(since_1970.clamp(FIRST, LAST))
    }

    /// Reads seconds or milliseconds; the size of the number tells which.
    fn from_number(number: Decimal) -> Option<Self> {
        let nanos_in_unit: i64 =
            if number.abs() > Decimal::from(100_000_000_000_i64) { 1_000_000 } else { 1_000_000_000 };
        let nanos = number.checked_mul(Decimal::from(nanos_in_unit))?.trunc().to_i128()?;
        let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
        let rest = i64::try_from(nanos % 1_000_000_000).ok()?;
        TimeDelta::try_seconds(seconds)?.checked_add(&TimeDelta::nanoseconds(rest)).and_then(Self::within)
    }
}

fn out_of_range(number: i64) -> Malformed {
    Malformed::new(format!("{number} is outside of the years -9999 to 9999"), "give a Unix time")
}

impl FromStr for Timestamp {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const REMEDY: &str =
            "give ISO 8601 with an offset, such as 2023-12-08T08:46:59+01:00, or a Unix time";
        if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Malformed::new(format!("'{text}' may be a date or a Unix time"), REMEDY));
        }
        let number = || decimal::parse(text).ok().and_then(Self::from_number);
        iso::time(text)
            .and_then(Self::within)
            .or_else(number)
            .ok_or_else(|| Malformed::new(format!("'{}' is not a point in time", excerpt(text)), REMEDY))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        iso::write(f, self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        optional::deserialize(deserializer)?.ok_or_else(|| D::Error::custom("expected a time, found nothing"))
    }
}

/// For a time that may be absent: `null` and the empty string are `None`.
pub(crate) mod optional {
    use super::{Deserializer, Timestamp, Wrong, decimal, own_text};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        own_text::raw(deserializer, read)
    }

    fn read(text: &str) -> Result<Option<Timestamp>, Wrong> {
        match text.as_bytes().first() {
            Some(b'n') => Ok(None),
            Some(b'"') => match own_text::unquoted(text)? {
                text if text.is_empty() => Ok(None),
                text => Ok(Some(text.parse()?)),
            },
            Some(b'-' | b'0'..=b'9') => match Timestamp::from_number(decimal::parse(text)?) {
                Some(time) => Ok(Some(time)),
                None => Err(format!("'{text}' is not a Unix time").into()),
            },
            _ => Err("expected a time as text or number".into()),
        }
    }
}

impl From<SystemTime> for Timestamp {
    /// A time outside of the years -9999 to 9999 becomes the nearer limit.
    fn from(time: SystemTime) -> Self {
        let far = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Self::clamped(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => far(since),
            Err(before) => -far(before.duration()),
        })
    }
}

impl From<Timestamp> for SystemTime {
    /// A time that the system's clock cannot hold becomes 1970.
    fn from(time: Timestamp) -> Self {
        let size = time.0.abs().to_std().unwrap_or_default();
        let there = if time.0 < TimeDelta::zero() {
            Self::UNIX_EPOCH.checked_sub(size)
        } else {
            Self::UNIX_EPOCH.checked_add(size)
        };
        there.unwrap_or(Self::UNIX_EPOCH)
    }
}

#[cfg(feature = "jiff-1")]
impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        let nanos = TimeDelta::nanoseconds(i64::from(time.subsec_nanosecond()));
        Self::clamped(TimeDelta::seconds(time.as_second()) + nanos)
    }
}

#[cfg(feature = "jiff-1")]
impl From<Timestamp> for jiff::Timestamp {
    /// jiff's instants begin at -9999-01-02T01:59:59Z and end at 9999-12-30T22:00:00.999999999Z: a time outside
    /// becomes the nearer limit.
    fn from(time: Timestamp) -> Self {
        let end = if time.0 < TimeDelta::zero() { Self::MIN } else { Self::MAX };
        Self::new(time.0.num_seconds(), time.0.subsec_nanos()).unwrap_or(end)
    }
}

#[cfg(feature = "chrono-0-4")]
impl From<chrono::DateTime<chrono::Utc>> for Timestamp {
    /// A time outside of the years -9999 to 9999 becomes the nearer limit.
    fn from(time: chrono::DateTime<chrono::Utc>) -> Self {
        Self::clamped(time.signed_duration_since(chrono::DateTime::UNIX_EPOCH))
    }
}

#[cfg(feature = "chrono-0-4")]
impl From<Timestamp> for chrono::DateTime<chrono::Utc> {
    fn from(time: Timestamp) -> Self {
        // chrono's range of years includes ours.
        Self::UNIX_EPOCH.checked_add_signed(time.0).unwrap_or(Self::UNIX_EPOCH)
    }
}
