//! Points in time, in all notations that the wire uses.

use crate::{
    arg::{Malformed, excerpt},
    decimal,
    own_text::{self, Wrong},
};
use jiff::{SignedDuration, civil, fmt::temporal::Pieces};
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
    /// Time since 1970. The time library's own instant is not used because it ends a day too early: many systems write
    /// `9999-12-31T23:59:59Z` for "never".
    SignedDuration,
);

const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// Start of the year -9999.
const FIRST: SignedDuration = SignedDuration::from_secs(-377_705_116_800);
/// End of the year 9999.
const LAST: SignedDuration = SignedDuration::new(253_402_300_799, 999_999_999);

impl Timestamp {
    /// From Unix seconds.
    ///
    /// # Errors
    /// [`Malformed`] outside of the years -9999 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, Malformed> {
        Self::within(SignedDuration::from_secs(seconds)).ok_or_else(|| out_of_range(seconds))
    }

    /// From Unix milliseconds.
    ///
    /// # Errors
    /// [`Malformed`] outside of the years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Result<Self, Malformed> {
        Self::within(SignedDuration::from_millis(millis)).ok_or_else(|| out_of_range(millis))
    }

    /// Whole Unix seconds, rounded towards 1970.
    pub fn as_unix_seconds(self) -> i64 {
        self.0.as_secs()
    }

    /// Whole Unix milliseconds, rounded towards 1970.
    pub fn as_unix_millis(self) -> i64 {
        // The milliseconds of the year 9999 easily fit into an `i64`.
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }

    /// The time later by this duration, or `None` after the year 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(SignedDuration::try_from(duration).ok()?).and_then(Self::within)
    }

    /// The time earlier by this duration, or `None` before the year -9999.
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        self.0.checked_sub(SignedDuration::try_from(duration).ok()?).and_then(Self::within)
    }

    /// The time so long after 1970; `None` if its year has more than four digits.
    fn within(since_1970: SignedDuration) -> Option<Self> {
        (FIRST..=LAST).contains(&since_1970).then_some(Self(since_1970))
    }

    /// The time so long after 1970, or the nearer limit if it is out of range.
    fn clamped(since_1970: SignedDuration) -> Self {
        Self(since_1970.clamp(FIRST, LAST))
    }

    /// Reads seconds or milliseconds; the size of the number tells which.
    fn from_number(number: Decimal) -> Option<Self> {
        let nanos_in_unit: i64 =
            if number.abs() > Decimal::from(100_000_000_000_i64) { 1_000_000 } else { 1_000_000_000 };
        let nanos = number.checked_mul(Decimal::from(nanos_in_unit))?.trunc().to_i128()?;
        let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
        let rest = i32::try_from(nanos % 1_000_000_000).ok()?;
        Self::within(SignedDuration::new(seconds, rest))
    }

    fn from_iso(text: &str) -> Option<Self> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Some(Self(time.as_duration()));
        }
        // The library refuses the last day of the year 9999 and the first of -9999.
        let parts = Pieces::parse(text).ok()?;
        let offset = parts.to_numeric_offset()?;
        let local = civil::DateTime::from_parts(parts.date(), parts.time()?);
        let since_1970 = local.duration_since(EPOCH);
        Self::within(since_1970.checked_sub(SignedDuration::from_secs(i64::from(offset.seconds())))?)
    }

    #[cfg(feature = "chrono-0-4")]
    fn nanos(self) -> i128 {
        self.0.as_nanos()
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
        Self::from_iso(text)
            .or_else(number)
            .ok_or_else(|| Malformed::new(format!("'{}' is not a point in time", excerpt(text)), REMEDY))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every time in range has a date, so the fallback is never used.
        match EPOCH.checked_add(self.0) {
            Ok(utc) => write!(f, "{utc}Z"),
            Err(_) => write!(f, "{}", self.0.as_secs()),
        }
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
        let far = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Self::clamped(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => far(since),
            Err(before) => far(before.duration()).checked_neg().unwrap_or(FIRST),
        })
    }
}

impl From<Timestamp> for SystemTime {
    /// A time that the system's clock cannot hold becomes 1970.
    fn from(time: Timestamp) -> Self {
        let size = time.0.unsigned_abs();
        let there = if time.0.is_negative() {
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
        Self(time.as_duration())
    }
}

#[cfg(feature = "jiff-1")]
impl From<Timestamp> for jiff::Timestamp {
    /// jiff's instants begin at -9999-01-02T01:59:59Z and end at 9999-12-30T22:00:00.999999999Z: a time outside
    /// becomes the nearer limit.
    fn from(time: Timestamp) -> Self {
        let end = if time.0.is_negative() { Self::MIN } else { Self::MAX };
        Self::from_duration(time.0).unwrap_or(end)
    }
}

#[cfg(feature = "chrono-0-4")]
impl From<chrono::DateTime<chrono::Utc>> for Timestamp {
    /// A time outside of the years -9999 to 9999 becomes the nearer limit.
    fn from(time: chrono::DateTime<chrono::Utc>) -> Self {
        let nanos = i64::from(time.timestamp_subsec_nanos());
        let seconds = SignedDuration::from_secs(time.timestamp());
        Self::clamped(seconds.checked_add(SignedDuration::from_nanos(nanos)).unwrap_or(LAST))
    }
}

#[cfg(feature = "chrono-0-4")]
impl From<Timestamp> for chrono::DateTime<chrono::Utc> {
    fn from(time: Timestamp) -> Self {
        // chrono's range of years includes ours.
        let nanos = time.nanos();
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(0);
        let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
        Self::from_timestamp(seconds, rest).unwrap_or(Self::UNIX_EPOCH)
    }
}
