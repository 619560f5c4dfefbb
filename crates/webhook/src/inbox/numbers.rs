//! How a store writes times and limits.

use capecrypto_models::Timestamp;

/// The precision of what is kept.
pub(in crate::inbox) fn millis(time: Timestamp) -> i64 {
    time.as_unix_millis()
}

/// A time that was kept, or `None` if somebody has written nonsense into the database.
pub(in crate::inbox) fn time(millis: i64) -> Option<Timestamp> {
    Timestamp::from_unix_millis(millis).ok()
}

/// A limit of rows, for SQL.
pub(in crate::inbox) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
