//! Times in ISO 8601. The calendar is chrono's; its readers accept white space within a time, and no years below 0.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use std::fmt;

/// Reads a time with an offset, as the time since 1970: `2023-12-08T08:46:59.5+01:00`, `20231208T074659Z`.
pub(crate) fn time(text: &str) -> Option<TimeDelta> {
    let mut text = Text(text.as_bytes());
    let date = text.date()?;
    text.one_of(b"Tt ")?;
    let time = text.time()?;
    let offset = text.offset()?;
    let local = NaiveDateTime::new(date, time);
    let since_1970 = local.signed_duration_since(DateTime::UNIX_EPOCH.naive_utc());
    text.0.is_empty().then(|| since_1970 - offset)
}

/// Reads a day, such as `2028-12-31`.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    let mut text = Text(text.as_bytes());
    let date = text.date()?;
    text.0.is_empty().then_some(date)
}

/// Writes a time in UTC, with as many digits of the second as it needs.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, since_1970: TimeDelta) -> fmt::Result {
    let Some(utc) = DateTime::UNIX_EPOCH.checked_add_signed(since_1970) else {
        // Never: chrono's calendar is longer than the range of our times.
        return write!(f, "{}", since_1970.num_seconds());
    };
    match utc.year() {
        year @ 0.. => write!(f, "{year:04}")?,
        year => write!(f, "-{:06}", year.unsigned_abs())?,
    }
    let (month, day, hour, minute, second) = (utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second());
    write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
    match utc.nanosecond() {
        0 => {}
        nanos => write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?,
    }
    f.write_str("Z")
}

/// What is left of a text.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// The next byte, if it is one of these.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| bytes.contains(first))?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of so many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(number)
    }

    /// A date, with or without both `-`.
    fn date(&mut self) -> Option<NaiveDate> {
        let year = match self.one_of(b"+-") {
            None => i32::try_from(self.digits(4)?).ok()?,
            Some(sign) => match (sign, i32::try_from(self.digits(6)?).ok()?) {
                (b'-', 0) => return None,
                (b'-', year) => -year,
                (_, year) => year,
            },
        };
        let dash = self.one_of(b"-");
        let month = self.digits(2)?;
        if dash.is_some() {
            self.one_of(b"-")?;
        }
        NaiveDate::from_ymd_opt(year, month, self.digits(2)?)
    }

    /// A time of day, with or without `:`. Seconds and minutes may be left out.
    fn time(&mut self) -> Option<NaiveTime> {
        let hour = self.digits(2)?;
        let (minute, second) = self.sixtieths()?;
        let nanos = if second.is_some() { self.fraction()? } else { 0 };
        // A leap second counts as the second before it.
        NaiveTime::from_hms_nano_opt(hour, minute.unwrap_or(0), second.unwrap_or(0).min(59), nanos)
            .filter(|_| second.is_none_or(|second| second <= 60))
    }

    /// Minutes and seconds after an hour, as far as they are there.
    fn sixtieths(&mut self) -> Option<(Option<u32>, Option<u32>)> {
        let has_colon = self.one_of(b":").is_some();
        if !has_colon && !self.0.first().is_some_and(u8::is_ascii_digit) {
            return Some((None, None));
        }
        let minute = self.digits(2)?;
        let more = if has_colon {
            self.one_of(b":").is_some()
        } else {
            self.0.first().is_some_and(u8::is_ascii_digit)
        };
        Some((Some(minute), if more { Some(self.digits(2)?) } else { None }))
    }

    /// The digits after the point or comma, in nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        if self.one_of(b".,").is_none() {
            return Some(0);
        }
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let missing = u32::try_from(9_usize.checked_sub(count)?).ok().filter(|_| count > 0)?;
        Some(self.digits(count)? * 10_u32.pow(missing))
    }

    /// How much the local time is ahead of UTC: `Z`, `+01`, `+01:00` or `+0100`.
    fn offset(&mut self) -> Option<TimeDelta> {
        let sign = match self.one_of(b"Zz+-")? {
            b'Z' | b'z' => return Some(TimeDelta::zero()),
            b'-' => -1,
            _ => 1,
        };
        let hours = self.digits(2)?;
        let (minutes, seconds) = self.sixtieths()?;
        let (minutes, seconds) = (minutes.unwrap_or(0), seconds.unwrap_or(0));
        let within = hours <= 25 && minutes <= 59 && seconds <= 59;
        let total = i64::from(hours * 3_600 + minutes * 60 + seconds);
        within.then(|| TimeDelta::seconds(sign * total))
    }
}
