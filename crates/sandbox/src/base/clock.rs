//! The exchange's own time: the machine's wall clock plus an offset that the control door moves.
//!
//! Every time the exchange writes (order times, the `Date` header, the nonce window) comes from here, so that
//! moving the clock moves all of them together. Heartbeats of sockets are not exchange time and do not use it.

use jiff::{ToSpan, fmt::rfc2822::DateTimePrinter};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Milliseconds since the Unix epoch, moved by an offset.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_ms: AtomicI64,
}

/// The latest time that an ISO-8601 text and an HTTP date can show (end of the year 9999).
const LATEST_MS: i64 = 253_402_300_799_000;

impl Clock {
    /// Now, in milliseconds since the Unix epoch; never before it and never past the year 9999.
    pub(crate) fn now_ms(&self) -> i64 {
        wall_ms().saturating_add(self.offset_ms.load(Ordering::Relaxed)).clamp(0, LATEST_MS)
    }

    /// Moves the clock by `by_ms` milliseconds, backwards if negative.
    pub(crate) fn advance(&self, by_ms: i64) {
        // `fetch_update` fails only if the closure gives `None`, and this one never does.
        let _previous = self
            .offset_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |offset| Some(offset.saturating_add(by_ms)));
    }
}

impl Clock {
    /// Moves the clock forward to `at_ms`; does nothing if the clock is already later.
    pub(crate) fn reach(&self, at_ms: i64) {
        self.advance(at_ms.saturating_sub(self.now_ms()).max(0));
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the sandbox reads the machine's time")]
fn wall_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(LATEST_MS)
}

/// A time as ISO-8601 with whole seconds: the documents' `+01:00` or the legacy family's `Z`.
pub(crate) fn iso(ms: i64, offset_hours: i8) -> String {
    let Ok(at) = jiff::Timestamp::from_second(ms.div_euclid(1000)) else {
        return "1970-01-01T00:00:00Z".to_owned();
    };
    if offset_hours == 0 {
        return at.to_string();
    }
    at.display_with_offset(jiff::tz::Offset::constant(offset_hours)).to_string()
}

/// A time as ISO-8601 with milliseconds, by UTC: `2024-01-01T00:00:00.000Z`.
pub(crate) fn iso_ms(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// The same time so many calendar months later, by UTC.
pub(crate) fn months_after(ms: i64, months: u8) -> i64 {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = jiff::tz::Offset::UTC;
    let later = utc.to_datetime(at).checked_add(i64::from(months).months());
    let later = later.and_then(|later| utc.to_timestamp(later));
    later.map_or(i64::MAX, jiff::Timestamp::as_millisecond)
}

/// The day of a time, by UTC.
pub(crate) fn day(ms: i64) -> jiff::civil::Date {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::Offset::UTC.to_datetime(at).date()
}

/// A day written as `2028-12-31`, and in no other way.
pub(crate) fn read_day(text: &str) -> Option<jiff::civil::Date> {
    text.parse().ok().filter(|day: &jiff::civil::Date| day.to_string() == text)
}

/// The day so many years later. From a 29th of February it is the 1st of March, if the later year has no such day.
pub(crate) fn years_after(day: jiff::civil::Date, years: i16) -> Option<jiff::civil::Date> {
    let year = day.year().checked_add(years)?;
    let same = jiff::civil::Date::new(year, day.month(), day.day());
    same.or_else(|_| jiff::civil::Date::new(year, 3, 1)).ok()
}

/// When the current day, week, month and year began, in milliseconds, by UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Starts {
    pub(crate) day: i64,
    /// Monday.
    pub(crate) week: i64,
    pub(crate) month: i64,
    pub(crate) year: i64,
}

pub(crate) fn starts(ms: i64) -> Starts {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let now = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = jiff::tz::Offset::UTC.to_datetime(now).date();
    let before = |days: i64| (ms.div_euclid(DAY_MS) - days) * DAY_MS;
    Starts {
        day: before(0),
        week: before(date.weekday().to_monday_zero_offset().into()),
        month: before(i64::from(date.day()) - 1),
        year: before(i64::from(date.day_of_year()) - 1),
    }
}

/// A time as an HTTP date (RFC 9110 section 5.6.7).
pub(crate) fn http_date(ms: i64) -> String {
    let at = jiff::Timestamp::from_second(ms.div_euclid(1000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    // It fails only for years after 9999, which the clock does not reach.
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times_as_the_documents_do() {
        assert_eq!(iso(1_702_021_619_999, 1), "2023-12-08T08:46:59+01:00");
        assert_eq!(iso(1_702_021_619_000, 0), "2023-12-08T07:46:59Z");
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn reads_and_writes_days_and_months() {
        let at = 1_704_067_200_007;
        assert_eq!(iso_ms(at), "2024-01-01T00:00:00.007Z");
        assert_eq!(iso_ms(months_after(at + 30 * 24 * 3_600_000, 1)), "2024-02-29T00:00:00.007Z");
        assert_eq!(months_after(i64::MAX, 3), months_after(0, 3));
        assert_eq!(day(at - 8).to_string(), "2023-12-31");
        let later = |text: &str| years_after(read_day(text).unwrap(), 18).map(|day| day.to_string());
        assert_eq!(later("2008-02-29").as_deref(), Some("2026-03-01"));
        assert_eq!(later("2008-02-28").as_deref(), Some("2026-02-28"));
        assert_eq!(later("9990-01-01"), None);
        assert_eq!(read_day("2024-02-29").map(|day| day.to_string()).as_deref(), Some("2024-02-29"));
        for wrong in ["2023-02-29", "20240229", "2024-2-29", " 2024-02-29", "2024-02-29T00:00", "N/A", ""] {
            assert_eq!(read_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn knows_when_the_day_the_week_the_month_and_the_year_began() {
        // Wednesday, 15 November 2023.
        let Starts { day, week, month, year } = starts(1_700_049_600_001);
        let began = [day, week, month, year].map(|ms| iso(ms, 0));
        assert_eq!(
            began,
            ["2023-11-15T00:00:00Z", "2023-11-13T00:00:00Z", "2023-11-01T00:00:00Z", "2023-01-01T00:00:00Z"]
        );
    }

    #[test]
    fn moves_both_ways_and_stays_in_range() {
        let clock = Clock::default();
        let before = clock.now_ms();
        clock.advance(3_600_000);
        assert!(clock.now_ms() >= before + 3_600_000);
        clock.advance(i64::MIN);
        assert_eq!(clock.now_ms(), 0);
        clock.advance(i64::MAX);
        clock.advance(i64::MAX);
        assert_eq!(clock.now_ms(), LATEST_MS);
    }
}
