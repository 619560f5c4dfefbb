//! Arguments that several calls share. Each knows whether it can be sent; one that cannot is refused by `send`.

use capecrypto_models::{Arg, Decimal, Malformed, Timestamp};
use capecrypto_rest::{INSTANT_FROM, INSTANT_TO, Mismatch};
use serde::{Serialize, Serializer, ser::Error as _};

/// Most rows of a page, from 1 to `MOST`. The exchange refuses more, it does not cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MOST: u32>(u32);

impl<const MOST: u32> From<u32> for Limit<MOST> {
    fn from(rows: u32) -> Self {
        Self(rows)
    }
}

impl<const MOST: u32> Serialize for Limit<MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if (1..=MOST).contains(&self.0) {
            return serializer.serialize_u32(self.0);
        }
        Err(S::Error::custom(Malformed::new(
            format!("{} is not within 1 to {MOST}", self.0),
            format!("give a number from 1 to {MOST}, or walk the pages with `items` to read more"),
        )))
    }
}

/// Number of a page, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageNumber(u32);

impl From<u32> for PageNumber {
    fn from(page: u32) -> Self {
        Self(page)
    }
}

impl Serialize for PageNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 > 0 {
            return serializer.serialize_u32(self.0);
        }
        Err(S::Error::custom(Malformed::new("pages are counted from 1", "give 1 for the first page")))
    }
}

/// A price or volume: above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positive(Decimal);

impl Positive {
    /// The number.
    pub(crate) fn get(self) -> Decimal {
        self.0
    }
}

impl From<Decimal> for Positive {
    fn from(number: Decimal) -> Self {
        Self(number)
    }
}

impl Serialize for Positive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 > Decimal::ZERO {
            return serializer.collect_str(&self.0);
        }
        let reason = Malformed::new(format!("{} is not above zero", self.0), "give a positive amount");
        Err(S::Error::custom(reason))
    }
}

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Oldest or smallest first.
    #[serde(rename = "asc")]
    Ascending,
    /// Newest or largest first.
    #[serde(rename = "desc")]
    Descending,
}

/// Start of a range of time, in whatever unit the environment counts.
pub(crate) fn from<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    instant(INSTANT_FROM, *time, serializer)
}

/// End of a range of time.
pub(crate) fn to<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    instant(INSTANT_TO, *time, serializer)
}

fn instant<S: Serializer>(
    name: &'static str,
    time: Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => {
            let millis = time.as_unix_millis();
            // What is finer than a millisecond makes the range larger, never smaller.
            let cut = Timestamp::from_unix_millis(millis).is_ok_and(|cut| cut < time);
            serializer.serialize_newtype_struct(name, &(millis + i64::from(cut && name == INSTANT_TO)))
        }
        None => serializer.serialize_none(),
    }
}

/// A range must not end before it begins: the server would answer with an empty list and no error.
pub(crate) fn check_range(
    time_from: Option<Timestamp>,
    time_to: Option<Timestamp>,
) -> Result<(), capecrypto_rest::InvalidArgument> {
    match (time_from, time_to) {
        (Some(from), Some(to)) if to < from => Err(capecrypto_rest::InvalidArgument::new(
            "time_to",
            "it lies before time_from",
            "give the earlier time as time_from",
        )),
        _ => Ok(()),
    }
}

/// Whether a row lies in the range asked for. A server that counts in another unit ignores the range in silence.
///
/// The wire cuts a row's time to the second: one of the same second as the start may lie after it.
pub(crate) fn within(time: Timestamp, from: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    from.is_none_or(|from| time.as_unix_seconds() >= from.as_unix_seconds())
        && before.is_none_or(|before| time < before)
}

/// A filter holds for every row: one that the server ignored would show foreign rows. A row that does not say proves
/// nothing.
pub(crate) fn only<'a, A: PartialEq<B> + 'a, B: 'a>(
    field: &'static str,
    asked: Option<&A>,
    mut came: impl Iterator<Item = Option<&'a B>>,
) -> Result<(), Mismatch> {
    came.try_for_each(|value| Mismatch::check(field, asked, value))
}

/// The value of an argument that was given and is good; a bad one never leaves, so it is asked for nothing.
pub(crate) fn given<T>(argument: Option<&Arg<T>>) -> Option<&T> {
    argument.and_then(|argument| argument.value().ok())
}
