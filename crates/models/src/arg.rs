//! Arguments that are checked before they leave the process.

use serde::{Serialize, Serializer, ser::Error as _};
use std::{borrow::Cow, fmt, str::FromStr};
use zeroize::Zeroize;

/// Why a text or a number cannot be used, and what to give instead.
///
/// `Display` prints both in one line, `why; remedy`. At most 32 characters of the refused text are quoted, and none of
/// a [`Sensitive`](crate::Sensitive).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    why: Cow<'static, str>,
    remedy: Cow<'static, str>,
}

impl Malformed {
    /// Says why a value is refused and how to fix it.
    pub fn new(why: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { why: why.into(), remedy: remedy.into() }
    }

    /// What is wrong, and what to do about it.
    pub fn into_parts(self) -> (Cow<'static, str>, Cow<'static, str>) {
        (self.why, self.remedy)
    }

    /// What is wrong.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.remedy)
    }
}

impl std::error::Error for Malformed {}

/// A request's argument: a checked value, or the reason why the given text was refused.
///
/// Constructors of requests take `impl Into<Arg<MarketId>>`, so both `"btczar"` and a [`MarketId`] fit, and the
/// constructor cannot fail. A malformed argument cannot be written, so `send` refuses the request before anything is
/// sent, and the error names the argument.
///
/// [`MarketId`]: crate::MarketId
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg<T>(Result<T, Malformed>);

impl<T> Arg<T> {
    /// An argument that is known to be good.
    pub fn good(value: T) -> Self {
        Self(Ok(value))
    }

    /// An argument that is refused when the request is sent.
    pub fn bad(reason: Malformed) -> Self {
        Self(Err(reason))
    }

    /// The value, if the argument is good.
    ///
    /// # Errors
    /// The reason why `send` will refuse it.
    pub fn value(&self) -> Result<&T, &Malformed> {
        self.0.as_ref()
    }
}

impl<T: FromStr<Err = Malformed>> From<&str> for Arg<T> {
    fn from(text: &str) -> Self {
        Self(text.parse())
    }
}

impl<T: FromStr<Err = Malformed>> From<String> for Arg<T> {
    /// Wipes the text, because it may belong to a [`Sensitive`](crate::Sensitive) argument.
    fn from(mut text: String) -> Self {
        let parsed = text.parse();
        text.zeroize();
        Self(parsed)
    }
}

impl<T: FromStr<Err = Malformed>> From<&String> for Arg<T> {
    fn from(text: &String) -> Self {
        Self(text.parse())
    }
}

impl<T: Serialize> Serialize for Arg<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(value) => value.serialize(serializer),
            Err(reason) => Err(S::Error::custom(reason)),
        }
    }
}

/// The start of a refused text, safe to print: cut after 32 characters, with control characters escaped.
pub(crate) fn excerpt(text: &str) -> String {
    let mut cut: String = text.chars().take(32).flat_map(char::escape_debug).collect();
    if text.chars().nth(32).is_some() {
        cut.push('…');
    }
    cut
}
