//! An owner of a business.

use super::{Person, PhoneNumber, identity};
use capecrypto_models::{
    Arg, Decimal, Malformed, Text,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::Checks;
use std::fmt;

/// An owner of a business (ultimate beneficial owner; documents: "UBOs Array"). `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Ubo {
    person: Person,
    id_number: Arg<Text<255>>,
    ownership: Ownership,
    phone_number: Option<Arg<PhoneNumber>>,
    is_director: Option<bool>,
    is_authorized_signatory: Option<bool>,
}

impl Ubo {
    /// This person, with the number of the identity document or the passport (1 to 255 characters) and the share of the
    /// business in percent, from 5 to 100.
    pub fn new(person: Person, id_number: impl Into<Arg<Text<255>>>, ownership: impl Into<Decimal>) -> Self {
        Self {
            person,
            id_number: id_number.into(),
            ownership: Ownership(ownership.into()),
            phone_number: None,
            is_director: None,
            is_authorized_signatory: None,
        }
    }

    /// Telephone number in international form, such as `+27821234567`.
    #[must_use = "a setter returns the changed value"]
    pub fn phone_number(self, phone_number: impl Into<Arg<PhoneNumber>>) -> Self {
        Self { phone_number: Some(phone_number.into()), ..self }
    }

    /// Whether the owner is a director of the company.
    #[must_use = "a setter returns the changed value"]
    pub fn director(self, is_director: bool) -> Self {
        Self { is_director: Some(is_director), ..self }
    }

    /// Whether the owner may sign for the company.
    #[must_use = "a setter returns the changed value"]
    pub fn authorized_signatory(self, is_authorized_signatory: bool) -> Self {
        Self { is_authorized_signatory: Some(is_authorized_signatory), ..self }
    }

    pub(crate) fn ownership(&self) -> Decimal {
        self.ownership.0
    }

    pub(crate) fn check(&self, index: usize, checks: &mut Checks<'_>) {
        self.person.check(|field| format!("ubos[{index}].{field}"), checks);
        // It may also be the number of a passport.
        let number =
            identity::given(Some(&self.id_number)).filter(|number| identity::is_thirteen_digits(number));
        if let Some(number) = number.filter(|_| self.person.is_south_african()) {
            identity::south_african(
                number,
                self.person.born(),
                || format!("ubos[{index}].id_number"),
                checks,
            );
        }
    }
}

impl fmt::Debug for Ubo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ubo(…)")
    }
}

impl Params for Ubo {
    fn write_fields(&self, fields: &mut dyn Fields) {
        self.person.write_fields(fields);
        fields.field(Name::new("phone_number"), &self.phone_number);
        fields.field(Name::new("id_number"), &self.id_number);
        fields.field(Name::new("ownership_percentage"), &self.ownership);
        fields.field(Name::new("is_director"), &self.is_director);
        fields.field(Name::new("is_authorized_signatory"), &self.is_authorized_signatory);
    }
}

impl Param for Ubo {
    fn write(&self, place: &mut dyn Place) {
        place.object(self);
    }
}

/// A share of a business, from 5 to 100 percent, sent as a number.
#[derive(Clone, Copy)]
struct Ownership(Decimal);

impl Param for Ownership {
    fn write(&self, place: &mut dyn Place) {
        if !(Decimal::from(5)..=Decimal::ONE_HUNDRED).contains(&self.0) {
            return place.refuse(Malformed::new(
                "it is not from 5 to 100",
                "give the share in percent; leave out owners below 5 %",
            ));
        }
        place.number(&self.0);
    }
}
