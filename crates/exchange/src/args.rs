//! Arguments that several calls share. Each checks itself, and `send` refuses an invalid one.

pub use capecrypto_models::{OneTimeCode, Text};

use capecrypto_models::{
    Arg, Decimal, Malformed,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Error, InvalidArgument, Mismatch};
use std::time::Duration;

/// Length of a window for the trades of a market.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Length of a window for the histories of one account: 30 days.
pub(crate) const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How much earlier than the sending a search begins, because the exchange's clock may be behind.
pub(crate) const EARLIER: Duration = Duration::from_secs(60);

/// The error of a search for a request that cannot have been sent.
pub(crate) fn never_sent() -> Error {
    let why = "an argument of it is not valid, so it was never sent";
    InvalidArgument::new("request", why, "send the request: its error names the argument").into()
}

/// A price or volume: above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positive(Decimal);

impl Positive {
    pub(crate) fn get(self) -> Decimal {
        self.0
    }
}

impl From<Decimal> for Positive {
    fn from(number: Decimal) -> Self {
        Self(number)
    }
}

impl Param for Positive {
    fn write(&self, place: &mut dyn Place) {
        if self.0 > Decimal::ZERO {
            return self.0.write(place);
        }
        place.refuse(Malformed::new(format!("{} is not above zero", self.0), "give a positive amount"));
    }
}

/// Sort direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Oldest or smallest first.
    Ascending,
    /// Newest or largest first.
    Descending,
}

impl Param for Direction {
    fn write(&self, place: &mut dyn Place) {
        place.text(match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        });
    }
}

/// Checks that every row matches a filter, because a server that ignores the filter sends other rows too. A row without
/// the field is accepted.
pub(crate) fn only<'a, A: PartialEq<B> + 'a, B: 'a>(
    field: &'static str,
    asked: Option<&A>,
    mut came: impl Iterator<Item = Option<&'a B>>,
) -> Result<(), Mismatch> {
    came.try_for_each(|value| Mismatch::check(field, asked, value))
}

/// The value of an argument that was given and is valid. An invalid one is never sent, so it needs no comparison.
pub(crate) fn given<T>(argument: Option<&Arg<T>>) -> Option<&T> {
    argument.and_then(|argument| argument.value().ok())
}

/// Refuses a call that the older version of the exchange does not have, where the environment is that version.
pub(crate) fn current_only(checks: &mut Checks<'_>, call: &'static str) {
    if checks.environment().is_legacy() {
        let why = "the older version of the exchange does not have this call";
        checks.refuse(call, why, "use an environment of the current version");
    }
}

/// Refuses a call that only the older version of the exchange has, where the environment is the current version.
pub(crate) fn older_only(checks: &mut Checks<'_>, call: &'static str, remedy: &'static str) {
    if !checks.environment().is_legacy() {
        checks.refuse(call, "only the older version of the exchange has this call", remedy);
    }
}
