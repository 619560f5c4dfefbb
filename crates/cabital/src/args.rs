//! Arguments that several calls share. Each checks itself, and `send` refuses an invalid one.

pub use capecrypto_models::OneTimeCode;

use capecrypto_models::{
    Arg, Date, Malformed, Timestamp,
    param::{Bound, Param, Place, Unit},
};
use capecrypto_rest::{Checks, Mismatch};
use std::{fmt, str::FromStr};

/// A country by ISO 3166-1 alpha-3, such as `ZAF`.
#[derive(Clone, PartialEq, Eq)]
pub struct CountryCode(Box<str>);

impl FromStr for CountryCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Ok(Self(text.into()));
        }
        let remedy = "give three capital letters by ISO 3166-1, such as ZAF or GBR; codes of two letters are not taken";
        Err(Malformed::new("it is not the code of a country", remedy))
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountryCode(…)")
    }
}

impl Param for CountryCode {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(&self.0);
    }
}

/// A birthday. It is parsed from `1985-05-15` or `19850515`, sent as the second, and never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Birthday(Date);

impl Birthday {
    /// The day.
    pub fn date(self) -> Date {
        self.0
    }

    /// Refuses a day that is in the future, by Cabital's clock.
    pub(crate) fn check(self, argument: &'static str, checks: &mut Checks<'_>) {
        let today = checks.now().and_then(|now| Date::of(now).ok());
        if today.is_some_and(|today| self.0 > today) {
            checks.refuse(argument, "it is in the future", "give the day of birth");
        }
    }
}

impl FromStr for Birthday {
    type Err = Malformed;

    /// The reason does not quote the text.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let short = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let parts = (text.get(..4), text.get(4..6), text.get(6..));
        let date = match parts {
            (Some(year), Some(month), Some(day)) if short => format!("{year}-{month}-{day}").parse(),
            _ => text.parse(),
        };
        date.map(Self).map_err(|_| {
            Malformed::new(
                "it is not a day (the value is not shown)",
                "give year, month and day, as in 1985-05-15",
            )
        })
    }
}

impl fmt::Debug for Birthday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Birthday(…)")
    }
}

impl Param for Birthday {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(&self.0.to_string().replace('-', ""));
    }
}

impl From<Date> for Birthday {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl From<Birthday> for Arg<Birthday> {
    fn from(birthday: Birthday) -> Self {
        Self::good(birthday)
    }
}

/// The start or the end of a range of time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Second {
    pub(crate) time: Timestamp,
    pub(crate) bound: Bound,
}

impl Param for Second {
    fn write(&self, place: &mut dyn Place) {
        place.time(self.time, self.bound, Unit::Seconds);
    }
}

/// An address that a browser is sent to: `https://` with a host, or `http://` to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUrl(Box<str>);

impl FromStr for RedirectUrl {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let url = url::Url::parse(text).ok().filter(url::Url::has_host);
        let is_local = |url: &url::Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        // The parser repairs what browsers repair, and the text is sent as it is.
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        let is_repaired = |url: &url::Url| {
            let rest = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
            text.contains(is_odd) || rest.is_none_or(|rest| rest.starts_with('/'))
        };
        let good = url.is_some_and(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            plain
                && !is_repaired(&url)
                && (url.scheme() == "https" || (url.scheme() == "http" && is_local(&url)))
        });
        if good && text.len() <= 2_048 {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new(
            "it is not an address that a browser can be sent to",
            "give https:// with a host, without user and password, such as https://partner.example/linked",
        ))
    }
}

impl Param for RedirectUrl {
    fn write(&self, place: &mut dyn Place) {
        place.text(&self.0);
    }
}

/// Checks that every row matches a filter, because a server that ignores the filter sends other rows too.
pub(crate) fn only<A: PartialEq>(
    field: &'static str,
    asked: Option<&A>,
    mut came: impl Iterator<Item = A>,
) -> Result<(), Mismatch> {
    came.try_for_each(|value| Mismatch::check(field, asked, Some(&value)))
}

/// The value of an argument that was given and is valid. An invalid one is never sent, so it needs no comparison.
pub(crate) fn given<T>(argument: Option<&Arg<T>>) -> Option<&T> {
    argument.and_then(|argument| argument.value().ok())
}
