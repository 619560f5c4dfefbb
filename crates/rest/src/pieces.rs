//! Parameters that many calls share.

use capecrypto_models::{
    Malformed, Timestamp,
    param::{Bound, Fields, Name, Param, Params, Place, Unit},
};

/// Which page of a list to read, and how many rows of it, from 1 to `MOST`. The exchange refuses a larger number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paging<const MOST: u32> {
    limit: Option<Limit<MOST>>,
    page: Option<PageNumber>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageNumber(u32);

/// Most rows of an answer, from 1 to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MOST: u32>(u32);

impl<const MOST: u32> Paging<MOST> {
    /// Sets the number of rows.
    #[must_use]
    pub fn limit(self, rows: u32) -> Self {
        Self { limit: Some(rows.into()), ..self }
    }

    /// Sets the page, from 1.
    #[must_use]
    pub fn page(self, page: u32) -> Self {
        Self { page: Some(PageNumber(page)), ..self }
    }
}

impl<const MOST: u32> From<u32> for Limit<MOST> {
    fn from(rows: u32) -> Self {
        Self(rows)
    }
}

impl<const MOST: u32> Params for Paging<MOST> {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("limit"), &self.limit);
        fields.field(Name::new("page"), &self.page);
    }
}

impl<const MOST: u32> Param for Limit<MOST> {
    fn write(&self, place: &mut dyn Place) {
        match self.0 {
            rows if (1..=MOST).contains(&rows) => place.number(&rows),
            rows => place.refuse(Malformed::new(
                format!("{rows} is not within 1 to {MOST}"),
                format!("give a number from 1 to {MOST}, or walk the pages with `items` to read more"),
            )),
        }
    }
}

impl Param for PageNumber {
    fn write(&self, place: &mut dyn Place) {
        match self.0 {
            0 => place.refuse(Malformed::new("pages are counted from 1", "give 1 for the first page")),
            page => place.number(&page),
        }
    }
}

/// A range of time: `time_from` and `time_to`. With `SECONDS`, the call uses seconds, even if the server uses another unit
/// in other calls.
///
/// A range that ends before it begins is refused, because the server would answer with an empty list and no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange<const SECONDS: bool = false> {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl<const SECONDS: bool> TimeRange<SECONDS> {
    /// Sets the start.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Sets the end.
    #[must_use]
    pub fn to(self, to: Timestamp) -> Self {
        Self { to: Some(to), ..self }
    }

    /// The start.
    pub fn start(&self) -> Option<Timestamp> {
        self.from
    }

    /// The end.
    pub fn end(&self) -> Option<Timestamp> {
        self.to
    }

    /// Whether a row with this time lies in the range, without the end. It is checked because a server that uses another
    /// unit silently ignores the range.
    ///
    /// The wire cuts a row's time to the second, so a row in the same second as the start counts as inside.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time.as_unix_seconds() >= from.as_unix_seconds())
            && self.to.is_none_or(|to| time < to)
    }

    /// Whether a time lies in the range, including the end.
    pub fn holds_with_end(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

impl<const SECONDS: bool> Params for TimeRange<SECONDS> {
    fn write_fields(&self, fields: &mut dyn Fields) {
        let unit = if SECONDS { Unit::Seconds } else { Unit::OfTheServer };
        let start = Moment { time: self.from, bound: Bound::From, unit, not_before: None };
        fields.field(Name::new("time_from"), &start);
        let end = Moment { time: self.to, bound: Bound::To, unit, not_before: self.from };
        fields.field(Name::new("time_to"), &end);
    }
}

struct Moment {
    time: Option<Timestamp>,
    bound: Bound,
    unit: Unit,
    not_before: Option<Timestamp>,
}

impl Param for Moment {
    fn write(&self, place: &mut dyn Place) {
        match self.time {
            None => place.absent(),
            Some(time) if self.not_before.is_some_and(|start| time < start) => {
                place.refuse(Malformed::new("it is before time_from", "give the earlier time as time_from"));
            }
            Some(time) => place.time(time, self.bound, self.unit),
        }
    }
}
