//! An amount of money.

use capecrypto_models::{
    Decimal, Malformed, decimal,
    param::{Param, Place},
};

/// An amount above zero, of at most 28 digits. It is sent as text, with every digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(Decimal);

impl Amount {
    pub(crate) fn get(self) -> Decimal {
        self.0
    }
}

impl From<Decimal> for Amount {
    fn from(amount: Decimal) -> Self {
        Self(amount)
    }
}

impl Param for Amount {
    fn write(&self, place: &mut dyn Place) {
        if self.0 <= Decimal::ZERO {
            return place
                .refuse(Malformed::new(format!("{} is not above zero", self.0), "give a positive amount"));
        }
        // A `Decimal` can hold some numbers of 29 digits. The answer with such a number could not be read.
        if decimal::parse(&self.0.to_string()).is_err() {
            return place.refuse(Malformed::new("it has more than 28 digits", "give at most 28"));
        }
        self.0.write(place);
    }
}
