//! What a person says, as a customer or as an owner of a business.

use super::{Country, Email, identity};
use crate::lists::{Occupation, SourceOfFunds};
use capecrypto_models::{
    Arg, Date, Malformed, Text,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::Checks;
use std::{fmt, str::FromStr};

/// A person. All of it is required, so it is written with the names of its fields. `Debug` shows nothing of it.
///
/// ```
/// use capecrypto_merchant::forms::{Address, Pep, Person};
/// let john = Person {
///     first_name: "John".into(),
///     last_name: "Doe".into(),
///     dob: "1990-01-15".into(),
///     email: "customer@example.com".into(),
///     address: Address {
///         street: "123 Main Street, Apt 4B".into(),
///         postcode: "7700".into(),
///         city: "Cape Town".into(),
///         country: "ZA".into(),
///     },
///     nationality: "ZA".into(),
///     occupation: "Software Engineer".into(),
///     source_of_funds: "Salary or Wages".into(),
///     pep: Pep::none(),
/// };
/// assert_eq!(format!("{john:?}"), "Person(…)");
/// ```
#[derive(Clone)]
pub struct Person {
    /// First name, of 1 to 255 characters. The documents state no limits for texts, so this one is ours, as all that follow.
    pub first_name: Arg<Text<255>>,
    /// Last name, of 1 to 255 characters.
    pub last_name: Arg<Text<255>>,
    /// Day of birth. The person must be 18 years old.
    pub dob: Arg<BirthDate>,
    /// E-mail. The exchange takes it once for the customers of a merchant.
    pub email: Arg<Email>,
    /// Where the person lives.
    pub address: Address,
    /// Nationality, as the code of the country.
    pub nationality: Arg<Country>,
    /// What the person works as. [`Occupation::search`] finds the values that the exchange takes.
    pub occupation: Occupation,
    /// Where the person's money comes from. [`SourceOfFunds::all`] has the values that the exchange takes.
    pub source_of_funds: SourceOfFunds,
    /// Whether the person is politically exposed or prominent.
    pub pep: Pep,
}

impl Person {
    /// Checks what belongs together. `at` gives the path of a field.
    pub(crate) fn check(&self, at: impl Fn(&str) -> String, checks: &mut Checks<'_>) {
        let (Ok(BirthDate(born)), Some(today)) = (self.dob.value(), identity::today(checks)) else { return };
        let is_over = |years| born.years_later(years).is_some_and(|day| day <= today);
        if *born > today {
            checks.refuse(at("dob"), "it is in the future", "give the day of birth");
        } else if !is_over(18) {
            checks.refuse(
                at("dob"),
                "the person is younger than 18",
                "the exchange takes persons from 18 years on",
            );
        } else if is_over(120) {
            checks.warn(at("dob"), "it is more than 120 years ago", "compare it with the identity document");
        }
    }

    /// The day of birth, if it is one.
    pub(crate) fn born(&self) -> Option<Date> {
        self.dob.value().ok().map(|dob| dob.0)
    }

    pub(crate) fn is_south_african(&self) -> bool {
        self.nationality.value().is_ok_and(|country| country.as_str() == "ZA")
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(…)")
    }
}

impl Params for Person {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("email"), &self.email);
        fields.field(Name::new("first_name"), &self.first_name);
        fields.field(Name::new("last_name"), &self.last_name);
        fields.field(Name::new("dob"), &self.dob);
        self.address.write_fields(fields);
        fields.field(Name::new("nationality"), &Personal(&self.nationality));
        fields.field(Name::new("occupation"), &Personal(&self.occupation));
        fields.field(Name::new("source_of_funds"), &Personal(&self.source_of_funds));
        self.pep.write_fields(fields);
    }
}

/// Where somebody lives. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Address {
    /// Street and number, of 1 to 255 characters.
    pub street: Arg<Text<255>>,
    /// Postcode, of 1 to 255 characters.
    pub postcode: Arg<Text<255>>,
    /// City, of 1 to 255 characters.
    pub city: Arg<Text<255>>,
    /// Code of the country.
    pub country: Arg<Country>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

impl Params for Address {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("address"), &self.street);
        fields.field(Name::new("postcode"), &self.postcode);
        fields.field(Name::new("city"), &self.city);
        fields.field(Name::new("country"), &Personal(&self.country));
    }
}

/// Whether a person is politically exposed (PEP) or prominent (PIP). It is a declaration, so it is always sent, and a yes always
/// has its details: 1 to 2,000 characters. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Pep {
    occupation: Option<Arg<Text<2_000>>>,
    related: Option<Arg<Text<2_000>>>,
    prominent: Option<Arg<Text<2_000>>>,
}

impl Pep {
    /// None of it.
    pub fn none() -> Self {
        Self { occupation: None, related: None, prominent: None }
    }

    /// Politically exposed by occupation, with the details of it.
    pub fn by_occupation(details: impl Into<Arg<Text<2_000>>>) -> Self {
        Self::none().and_by_occupation(details)
    }

    /// Related to somebody who is politically exposed, with the details of it.
    pub fn by_relation(details: impl Into<Arg<Text<2_000>>>) -> Self {
        Self::none().and_by_relation(details)
    }

    /// A prominent influential person, with the details of it.
    pub fn prominent(details: impl Into<Arg<Text<2_000>>>) -> Self {
        Self::none().and_prominent(details)
    }

    /// Adds that the person is politically exposed by occupation.
    #[must_use = "a setter returns the changed value"]
    pub fn and_by_occupation(self, details: impl Into<Arg<Text<2_000>>>) -> Self {
        Self { occupation: Some(details.into()), ..self }
    }

    /// Adds that the person is related to somebody who is politically exposed.
    #[must_use = "a setter returns the changed value"]
    pub fn and_by_relation(self, details: impl Into<Arg<Text<2_000>>>) -> Self {
        Self { related: Some(details.into()), ..self }
    }

    /// Adds that the person is prominent and influential.
    #[must_use = "a setter returns the changed value"]
    pub fn and_prominent(self, details: impl Into<Arg<Text<2_000>>>) -> Self {
        Self { prominent: Some(details.into()), ..self }
    }
}

impl fmt::Debug for Pep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pep(…)")
    }
}

impl Params for Pep {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("is_pep_occupation"), &self.occupation.is_some());
        fields.field(Name::new("pep_occupation_data"), &self.occupation);
        fields.field(Name::new("is_pep_related"), &self.related.is_some());
        fields.field(Name::new("pep_related_data"), &self.related);
        fields.field(Name::new("is_pip"), &self.prominent.is_some());
        fields.field(Name::new("pip_data"), &self.prominent);
    }
}

/// The day somebody was born, written `1990-01-15`. `Debug` and errors never show it.
///
/// Somebody who was born on 29 February is 18 from 1 March on; the day is that of UTC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BirthDate(Date);

impl FromStr for BirthDate {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let day = text.parse().map(Self);
        day.map_err(|_| Malformed::new("it is not a day", "give year, month and day, as in 1990-01-15"))
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(…)")
    }
}

impl Param for BirthDate {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        self.0.write(place);
    }
}

impl From<Date> for BirthDate {
    fn from(day: Date) -> Self {
        Self(day)
    }
}

impl From<BirthDate> for Arg<BirthDate> {
    fn from(day: BirthDate) -> Self {
        Self::good(day)
    }
}

/// A value that is personal where it stands.
pub(crate) struct Personal<'a, T>(pub(crate) &'a T);

impl<T: Param> Param for Personal<'_, T> {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        self.0.write(place);
    }
}
