//! Arguments that several calls share. Each checks itself, and `send` refuses an invalid one.

use capecrypto_models::{
    Arg, Decimal, Malformed,
    param::{Param, Place},
};
use capecrypto_rest::Mismatch;

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
